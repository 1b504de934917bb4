package rpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/rpc"
)

// inbox stands for the use cases of notices and encounters: what it answers is
// set by the test, and what it was asked is kept.
type inbox struct {
	asked  any
	page   notice.InboxPage
	detail notice.Detail
	watch  func(ctx context.Context, send func(*notice.NewNotices) error) error
}

func (i *inbox) ListNotices(_ context.Context, _ *identity.Caller, q *notice.InboxQuery) (*notice.InboxPage, error) {
	i.asked = *q
	return &i.page, nil
}

func (i *inbox) GetNotice(_ context.Context, _ *identity.Caller, q *notice.GetNoticeRequest) (*notice.Detail, error) {
	i.asked = *q
	return &i.detail, nil
}

func (i *inbox) WatchNotices(ctx context.Context, _ *identity.Caller, w *notice.WatchRequest, send func(*notice.NewNotices) error) error {
	i.asked = *w
	return i.watch(ctx, send)
}

func (i *inbox) AcknowledgeNotice(_ context.Context, _ *identity.Caller, k *notice.AcknowledgeRequest) (*notice.ActResult, error) {
	i.asked = *k
	return &notice.ActResult{Version: 8, Receipt: noFlag().Receipt}, nil
}

func (i *inbox) AssignNotice(_ context.Context, _ *identity.Caller, k *notice.AssignRequest) (*notice.ActResult, error) {
	i.asked = *k
	return &notice.ActResult{Version: 9, Receipt: noFlag().Receipt}, nil
}

func (i *inbox) ListColleagues(_ context.Context, _ *identity.Caller, q *notice.ListColleaguesRequest) (*notice.ColleagueList, error) {
	i.asked = *q
	return &notice.ColleagueList{Receipt: noFlag().Receipt, Colleagues: []notice.Colleague{someColleague()}}, nil
}

func (i *inbox) GetFigures(_ context.Context, _ *identity.Caller, q *notice.FiguresRequest) (*notice.Figures, error) {
	i.asked = *q
	return &notice.Figures{
		Receipt: noFlag().Receipt, From: domain.DateOf(someMonday), Until: domain.DateOf(someMonday).AddDays(6), Settings: []domain.Setting{domain.Ambulance},
		Weeks: []notice.FiguresWeek{{
			Week: domain.DateOf(someMonday), All: notice.Figure{Hidden: true}, Settings: []notice.Figure{{Count: 15}},
			Took: notice.Took{Known: true, Median: 30.5, Ninth: -1},
		}},
		Answered: notice.Answered{Took: notice.Took{Known: true, Median: -1, Ninth: -1}, FourHours: 20, WorkingDay: 45, ThreeDays: 70, Open: 10},
	}, nil
}

var someMonday = time.Date(2026, time.November, 16, 0, 0, 0, 0, time.UTC)

// someColleague is a colleague with everything filled in.
func someColleague() notice.Colleague {
	return notice.Colleague{ID: "c", User: "u", Name: "Casey Colleague"}
}

func (i *inbox) ReportMissedAppointment(_ context.Context, _ *identity.Caller, m *notice.MissedAppointment) (*notice.ReportResult, error) {
	i.asked = *m
	return &notice.ReportResult{Receipt: noFlag().Receipt}, nil
}

func (i *inbox) ReportWrongPatient(_ context.Context, _ *identity.Caller, w *notice.WrongPatient) (*notice.ReportResult, error) {
	i.asked = *w
	return &notice.ReportResult{Receipt: noFlag().Receipt}, nil
}

// withInbox has an inbox answer.
func withInbox(i *inbox) option {
	return func(c *rpc.Config) { c.UseCases.Notices, c.UseCases.Encounters = i, i }
}

// callInbox makes clients for what an inbox answers, which let messages through
// one by one.
func callInbox(client *http.Client, url string, options ...connecthttp.Option) (cpisv1connect.NoticeServiceClient, cpisv1connect.EncounterServiceClient) {
	set := sending([]string{"Authorization", "Bearer " + nurseToken, "X-Request-ID", aRequest})
	c := connect.NewClient(connecthttp.NewTransport(client, url, options...), set)
	return cpisv1connect.NewNoticeServiceClient(c), cpisv1connect.NewEncounterServiceClient(c)
}

// openInbox is wire.open for an inbox.
func (w wire) openInbox(tb testing.TB, i *inbox) (cpisv1connect.NoticeServiceClient, cpisv1connect.EncounterServiceClient) {
	tb.Helper()
	s := newBench(tb, withInbox(i)).serveTLS(tb)
	return callInbox(w.client(tb, s), s.URL, w.options...)
}

// client is an HTTP client for the wire.
func (w wire) client(tb testing.TB, s *httptest.Server) *http.Client {
	tb.Helper()
	base, _ := s.Client().Transport.(*http.Transport)
	transport := base.Clone()
	transport.ForceAttemptHTTP2 = w.http2
	if !w.http2 {
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// aNotice is a notice that says all there is to say.
func aNotice(t *testing.T) (notice.Notice, *cpisv1.Notice) {
	t.Helper()
	at := time.Date(2026, 11, 23, 17, 5, 6, 123456000, time.UTC)
	number, problem := domain.ParseNHSNumber("9990000018")
	if problem != "" {
		t.Fatal(problem)
	}
	responsible, leading := domain.Responsible{Name: "Ada", Role: "Registrar", Phone: "1"}, domain.Responsible{Name: "Bea", Role: "Lead", Phone: "2"}
	in := notice.Notice{
		ID: "n", Version: 2, Kind: notice.Correction, Priority: true, At: at,
		Person:       &domain.Person{NHSNumber: number, Family: "Example", Given: "Robin", DateOfBirth: day(t, "2019-04-30")},
		Organisation: "RXX01", OrganisationName: "Hospital", Setting: domain.Maternity,
		Actor: notice.Actor{Name: "Cy", Role: "Nurse", Responsible: responsible, Lead: leading},
		Text:  "Another child", Encounter: at.Add(-time.Hour), Corrects: "o", CorrectedBy: "p", Reference: "r",
		PlanIDs: []string{"a", "b"}, Acknowledged: true, AssignedTo: "me", Undelivered: true, Degraded: true,
		Assignee: &notice.Colleague{ID: "c", User: "me", Name: "Casey Colleague", LastSeen: day(t, "2026-11-23")},
	}
	out := &cpisv1.Notice{
		Id: "n", Version: 2, Kind: cpisv1.NoticeKind_NOTICE_KIND_CORRECTION, Priority: true, At: timestamppb.New(at),
		Person:       &cpisv1.Person{NhsNumber: "9990000018", FamilyName: "Example", GivenName: "Robin", DateOfBirth: "2019-04-30"},
		Organisation: "RXX01", OrganisationName: "Hospital", Setting: cpisv1.Setting_SETTING_MATERNITY,
		Actor: &cpisv1.NoticeActor{
			Name: "Cy", Role: "Nurse", Responsible: &cpisv1.Responsible{Name: "Ada", Role: "Registrar", Phone: "1"},
			SafeguardingLead: &cpisv1.Responsible{Name: "Bea", Role: "Lead", Phone: "2"},
		},
		Text: "Another child", Encounter: timestamppb.New(at.Add(-time.Hour)), Corrects: "o", CorrectedBy: "p", Reference: "r",
		PlanIds: []string{"a", "b"}, Acknowledged: true, AssignedTo: "me", Undelivered: true, DetailsUnavailable: true,
		Assignee: &cpisv1.Colleague{Id: "c", UserId: "me", Name: "Casey Colleague", LastSeen: "2026-11-23"},
	}
	return in, out
}

// receiptOut is the receipt of noFlag.
func receiptOut() *cpisv1.Receipt {
	leaf := noFlag().Receipt.Leaf
	return &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 123456, TreeSize: 123499, LeafHash: leaf[:]}
}

func TestNoticesArriveAndLeaveWhole(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			in, out := aNotice(t)
			bare, bareOut := notice.Notice{ID: "q", Version: 1}, &cpisv1.Notice{Id: "q", Version: 1}
			i := &inbox{
				page: notice.InboxPage{Notices: []notice.Notice{in, bare}, Next: "on", Receipt: noFlag().Receipt},
				detail: notice.Detail{
					Notice: in, Receipt: noFlag().Receipt,
					Acts: []notice.Done{{
						Change:  domain.Change{Act: "acknowledge", Actor: "a", Name: "A", Organisation: "E", Reason: "why", At: in.At},
						Outcome: notice.Escalated, AssignedTo: "x", AssignedName: "X",
					}},
					Deliveries: []notice.Delivery{{Channel: "c", State: notice.DeliveryPending, Attempts: 3, Last: in.At, Next: in.At, Failure: "timeout"}},
				},
			}
			c, _ := w.openInbox(t, i)
			ctx := t.Context()
			list, err := c.ListNotices(ctx, &cpisv1.ListNoticesRequest{
				OpenOnly: true, PriorityOnly: true, UndeliveredOnly: true, Kind: cpisv1.NoticeKind_NOTICE_KIND_OVERLAP,
				AssignedTo: "me", PageSize: 7, Page: "p",
			})
			same(t, err, &cpisv1.ListNoticesResponse{Notices: []*cpisv1.Notice{out, bareOut}, NextPage: "on", Receipt: receiptOut()}, list)
			handedOver(t, i, notice.InboxQuery{
				Open: true, Priority: true, Undelivered: true, Kind: notice.Overlap, AssignedTo: "me",
				Paging: guard.Paging{Size: 7, Page: "p"}, Request: aRequest,
			})
			got, err := c.GetNotice(ctx, &cpisv1.GetNoticeRequest{NoticeId: "n"})
			same(t, err, &cpisv1.GetNoticeResponse{
				Notice: out, Receipt: receiptOut(),
				Acts: []*cpisv1.NoticeAct{{
					Change:  &cpisv1.Change{Act: "acknowledge", Actor: "a", Name: "A", Organisation: "E", Reason: "why", At: timestamppb.New(in.At)},
					Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_ESCALATED, AssignedTo: "x", AssignedName: "X",
				}},
				Deliveries: []*cpisv1.Delivery{{
					ChannelId: "c", State: cpisv1.DeliveryState_DELIVERY_STATE_PENDING, Attempts: 3,
					LastAttempt: timestamppb.New(in.At), NextAttempt: timestamppb.New(in.At), Failure: "timeout",
				}},
			}, got)
			handedOver(t, i, notice.GetNoticeRequest{NoticeID: "n", Request: aRequest})
			ack, err := c.AcknowledgeNotice(ctx, &cpisv1.AcknowledgeNoticeRequest{
				NoticeId: "n", Version: 3, Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_NO_ACTION, Note: "words",
			})
			same(t, err, &cpisv1.AcknowledgeNoticeResponse{Version: 8, Receipt: receiptOut()}, ack)
			handedOver(t, i, notice.AcknowledgeRequest{NoticeID: "n", Version: 3, Outcome: notice.NoAction, Note: "words", Request: aRequest})
			assigned, err := c.AssignNotice(ctx, &cpisv1.AssignNoticeRequest{NoticeId: "n", Version: 3, To: "you", Note: "words"})
			same(t, err, &cpisv1.AssignNoticeResponse{Version: 9, Receipt: receiptOut()}, assigned)
			handedOver(t, i, notice.AssignRequest{NoticeID: "n", Version: 3, To: "you", Note: "words", Request: aRequest})
			colleagues, err := c.ListColleagues(ctx, &cpisv1.ListColleaguesRequest{})
			same(t, err, &cpisv1.ListColleaguesResponse{
				Colleagues: []*cpisv1.Colleague{{Id: "c", UserId: "u", Name: "Casey Colleague"}}, Receipt: receiptOut(),
			}, colleagues)
			handedOver(t, i, notice.ListColleaguesRequest{Request: aRequest})
			figures, err := c.GetFigures(ctx, &cpisv1.GetFiguresRequest{Weeks: 52})
			same(t, err, &cpisv1.GetFiguresResponse{
				From: "2026-11-16", Until: "2026-11-22", Settings: []cpisv1.Setting{cpisv1.Setting_SETTING_AMBULANCE}, Receipt: receiptOut(),
				Weeks: []*cpisv1.FiguresWeek{{
					Week: "2026-11-16", All: &cpisv1.Figure{}, Settings: []*cpisv1.Figure{{Count: new(int64(15))}},
					Took: &cpisv1.Took{MedianHours: new(30.5)},
				}},
				Answered: &cpisv1.Answered{FourHours: 20, WorkingDay: 45, ThreeDays: 70, Open: 10, Took: &cpisv1.Took{}},
			}, figures)
			handedOver(t, i, notice.FiguresRequest{Weeks: 52, Request: aRequest})
		})
	}
}

func same(t *testing.T, err error, want, got any) {
	t.Helper()
	if err != nil {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func handedOver(t *testing.T, i *inbox, want any) {
	t.Helper()
	if diff := cmp.Diff(want, i.asked); diff != "" {
		t.Errorf("handed over (-want +got):\n%s", diff)
	}
}

func TestReportsOfEncountersArriveWhole(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			i := &inbox{}
			_, c := w.openInbox(t, i)
			at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
			by, byOut := domain.Responsible{Name: "Ada", Role: "GP", Phone: "1"}, &cpisv1.Responsible{Name: "Ada", Role: "GP", Phone: "1"}
			missed, err := c.ReportMissedAppointment(t.Context(), &cpisv1.ReportMissedAppointmentRequest{
				NhsNumber: "9990000018", DateOfBirth: "2019-04-30", AppointmentId: "A", Appointment: timestamppb.New(at),
				Setting: cpisv1.Setting_SETTING_DENTAL, MissedInARow: 2, ResponsiblePerson: byOut,
			})
			same(t, err, &cpisv1.ReportMissedAppointmentResponse{Receipt: receiptOut()}, missed)
			handedOver(t, i, notice.MissedAppointment{
				NHSNumber: "9990000018", DateOfBirth: "2019-04-30", AppointmentID: "A", Appointment: at,
				Setting: domain.Dental, InARow: 2, Responsible: by, Request: aRequest,
			})
			wrong, err := c.ReportWrongPatient(t.Context(), &cpisv1.ReportWrongPatientRequest{
				NhsNumber: "9990000018", EncounterId: "E", Reason: "Another", ResponsiblePerson: byOut,
			})
			same(t, err, &cpisv1.ReportWrongPatientResponse{Receipt: receiptOut()}, wrong)
			handedOver(t, i, notice.WrongPatient{
				NHSNumber: "9990000018", EncounterID: "E", Reason: "Another", Responsible: by, Request: aRequest,
			})
		})
	}
}

// Every word of the contract has one of the service, and the other way round.
func TestWordsOfNotices(t *testing.T) {
	t.Parallel()
	i := &inbox{}
	c, _ := wires[0].openInbox(t, i)
	kinds := map[notice.Kind]bool{}
	for value := range cpisv1.NoticeKind_name {
		kind := cpisv1.NoticeKind(value)
		if _, err := c.ListNotices(t.Context(), &cpisv1.ListNoticesRequest{Kind: kind}); err != nil {
			t.Fatal(err)
		}
		q, _ := i.asked.(notice.InboxQuery)
		kinds[q.Kind] = true
		i.page.Notices = []notice.Notice{{Kind: q.Kind}}
		list, err := c.ListNotices(t.Context(), &cpisv1.ListNoticesRequest{})
		if err != nil || list.GetNotices()[0].GetKind() != kind || !fits(kind.String(), "NOTICE_KIND_", string(q.Kind)) {
			t.Errorf("%v came back as %v, in words %q", kind, list.GetNotices()[0].GetKind(), q.Kind)
		}
	}
	outcomes := map[notice.AckOutcome]bool{}
	for value := int32(1); int(value) < len(cpisv1.AcknowledgeOutcome_name); value++ {
		outcome := cpisv1.AcknowledgeOutcome(value)
		if _, err := c.AcknowledgeNotice(t.Context(), &cpisv1.AcknowledgeNoticeRequest{NoticeId: "n", Version: 1, Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
		k, _ := i.asked.(notice.AcknowledgeRequest)
		outcomes[k.Outcome] = true
		i.detail.Acts = []notice.Done{{Outcome: k.Outcome}}
		got, err := c.GetNotice(t.Context(), &cpisv1.GetNoticeRequest{NoticeId: "n"})
		if err != nil || got.GetActs()[0].GetOutcome() != outcome || !fits(outcome.String(), "ACKNOWLEDGE_OUTCOME_", string(k.Outcome)) {
			t.Errorf("%v came back in words as %q", outcome, k.Outcome)
		}
	}
	if len(kinds) != len(cpisv1.NoticeKind_name) || len(outcomes) != len(cpisv1.AcknowledgeOutcome_name)-1 {
		t.Errorf("some words stand for several: %v, %v", kinds, outcomes)
	}
}

// fits says whether a word of the service is that of the contract.
func fits(name, prefix, word string) bool {
	plain := strings.ToLower(strings.TrimPrefix(name, prefix))
	return plain == word || plain == "unspecified" && word == ""
}

// keepTelling sends a message now and then until its context ends, and says
// that it did.
func keepTelling(every time.Duration, ended chan<- error) func(context.Context, func(*notice.NewNotices) error) error {
	return func(ctx context.Context, send func(*notice.NewNotices) error) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			if err := send(&notice.NewNotices{Cursor: "c"}); err != nil {
				ended <- err
				return err
			}
			select {
			case <-ctx.Done():
				ended <- ctx.Err()
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
}

func TestStreamsLeaveWholeAndEnd(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			in, out := aNotice(t)
			i := &inbox{watch: func(_ context.Context, send func(*notice.NewNotices) error) error {
				return errors.Join(
					send(&notice.NewNotices{Notices: []notice.Notice{in}, Cursor: "one", Receipt: noFlag().Receipt}),
					send(&notice.NewNotices{Cursor: "two"}),
				)
			}}
			c, _ := w.openInbox(t, i)
			stream, err := c.WatchNotices(t.Context(), &cpisv1.WatchNoticesRequest{Cursor: "zero"})
			if err != nil {
				t.Fatalf("WatchNotices: %v", err)
			}
			for _, want := range []*cpisv1.WatchNoticesResponse{
				{Notices: []*cpisv1.Notice{out}, Cursor: "one", Receipt: receiptOut()}, {Cursor: "two"},
			} {
				got, err := stream.Receive()
				same(t, err, want, got)
			}
			if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: got %v", err)
			}
			handedOver(t, i, notice.WatchRequest{Cursor: "zero", Request: aRequest})
			i.watch = func(context.Context, func(*notice.NewNotices) error) error { return guard.ErrDenied }
			if stream, err = c.WatchNotices(t.Context(), &cpisv1.WatchNoticesRequest{}); err == nil {
				_, err = stream.Receive()
			}
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}

// Who hangs up ends the stream at once.
func TestStreamsEndWhenTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			c, _ := w.openInbox(t, &inbox{watch: keepTelling(time.Hour, ended)})
			ctx, hangUp := context.WithCancel(t.Context())
			stream, err := c.WatchNotices(ctx, &cpisv1.WatchNoticesRequest{})
			if err == nil {
				_, err = stream.Receive()
			}
			if err != nil {
				t.Fatalf("got %v", err)
			}
			hangUp()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("the stream goes on")
			}
		})
	}
}

// serveShort serves on loopback with bounds that are over soon.
func serveShort(t *testing.T, h http.Handler) (url string, stop context.CancelFunc, served <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	server := rpc.NewServer(h, nil, zerolog.Nop())
	server.ReadTimeout, server.WriteTimeout = 100*time.Millisecond, 150*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- rpc.Serve(ctx, time.Minute, rpc.Listener{Server: server, Listen: l}) }()
	t.Cleanup(stop)
	return "http://" + l.Addr().String(), stop, done
}

// A stream goes on beyond the bounds of other requests, and ends well as soon as
// the server stops.
func TestStreamsOutliveOtherRequestsButNotTheServer(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*http.Client{"HTTP/1.1": {Transport: &http.Transport{}}, "HTTP/2": h2c(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			b := newBench(t, withInbox(&inbox{watch: keepTelling(50*time.Millisecond, ended)}))
			url, stop, served := serveShort(t, b.handler)
			c, _ := callInbox(client, url)
			stream, err := c.WatchNotices(t.Context(), &cpisv1.WatchNoticesRequest{})
			if err != nil {
				t.Fatalf("WatchNotices: %v", err)
			}
			for range 12 { // 600 ms
				if _, err := stream.Receive(); err != nil {
					t.Fatalf("got %v", err)
				}
			}
			stop()
			for err == nil {
				_, err = stream.Receive()
			}
			if !errors.Is(err, io.EOF) {
				t.Errorf("at the end: got %v", err)
			}
			client.CloseIdleConnections()
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the use case ended with %v", err)
			}
			if log := b.log.String(); log != "" && !strings.Contains(log, `"code":"ok"`) {
				t.Errorf("logged %s", log)
			}
		})
	}
}

// A caller who gives the stream a time gets what came until then.
func TestStreamsEndWithTheCallersTime(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	b := newBench(t, withInbox(&inbox{watch: keepTelling(time.Hour, ended)}))
	s := b.serveTLS(t)
	c, _ := callInbox(wires[0].client(t, s), s.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	stream, err := c.WatchNotices(ctx, &cpisv1.WatchNoticesRequest{})
	for err == nil {
		_, err = stream.Receive()
	}
	if err := <-ended; err == nil {
		t.Error("the use case ended by itself")
	}
	s.Close()
	if log := b.log.String(); strings.Contains(log, `"level":"error"`) {
		t.Errorf("somebody is to be woken: %s", log)
	}
}

// A caller who does not read is cut off, and nobody is woken because of that.
func TestStreamsToWhoDoesNotReadEnd(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*http.Client{"HTTP/1.1": {Transport: &http.Transport{}}, "HTTP/2": h2c(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			b := newBench(t, withInbox(&inbox{watch: func(_ context.Context, send func(*notice.NewNotices) error) (err error) {
				for long := strings.Repeat("c", 1<<16); err == nil; {
					err = send(&notice.NewNotices{Cursor: long})
				}
				ended <- err
				return err
			}}), func(c *rpc.Config) { // so that messages have a fifth of a second
				c.Now = func() time.Time { return time.Now().Add(200*time.Millisecond - time.Minute) }
			})
			url, stop, served := serveShort(t, b.handler)
			c, _ := callInbox(client, url)
			stream, err := c.WatchNotices(t.Context(), &cpisv1.WatchNoticesRequest{})
			if err == nil {
				_, err = stream.Receive()
			}
			if err != nil {
				t.Fatalf("got %v", err)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the use case ended with %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the stream goes on")
			}
			for err == nil {
				_, err = stream.Receive()
			}
			client.CloseIdleConnections()
			stop()
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
			if log := b.log.String(); !strings.Contains(log, `"code":"canceled"`) || strings.Contains(log, "internal") {
				t.Errorf("logged %s", log)
			}
		})
	}
}
