package acceptance_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

func (s *site) inbox(p protocol, person string) cpisv1connect.NoticeServiceClient {
	s.tb.Helper()
	return cpisv1connect.NewNoticeServiceClient(s.connection(p, s.token(person)))
}

func (s *site) encounters(p protocol, person string) cpisv1connect.EncounterServiceClient {
	s.tb.Helper()
	return cpisv1connect.NewEncounterServiceClient(s.connection(p, s.token(person)))
}

// An attendance is told to the authority while it watches; the lead acknowledges
// it, and it turns out to be of another child. Each step over each protocol, and
// in the log.
func TestNotices_FromTheAttendanceToTheCorrection(t *testing.T) {
	t.Parallel()
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.register(everybody()...)
			inbox := s.inbox(p, "lead")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stream, err := inbox.WatchNotices(ctx, &cpisv1.WatchNoticesRequest{})
			must(t, err)
			first, err := stream.Receive()
			must(t, err)
			if len(first.GetNotices()) != 0 {
				t.Errorf("before anything: got %v", first)
			}
			before := s.size()
			ask := &cpisv1.LookUpRequest{
				NhsNumber: onePlan, AccessMode: unscheduled,
				Encounter: &cpisv1.Encounter{Id: "ED-1", Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT, Start: timestamppb.New(monday)},
			}
			look := func() *cpisv1.LookUpResponse {
				a, err := s.lookups(p, "nurse").LookUp(ctx, ask)
				must(t, err)
				return a
			}
			look()
			seen := nextNotice(t, stream)
			if seen.GetKind() != cpisv1.NoticeKind_NOTICE_KIND_UNSCHEDULED_ACCESS || seen.GetPerson().GetGivenName() != "Ottoline" ||
				seen.GetActor().GetName() == "" || !seen.GetEncounter().AsTime().Equal(monday) {
				t.Errorf("got %v", seen)
			}
			k := &cpisv1.AcknowledgeNoticeRequest{
				NoticeId: seen.GetId(), Version: 1, Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_FAMILY_CONTACTED, Note: "Rang her mother",
			}
			_, err = inbox.AcknowledgeNotice(ctx, k)
			must(t, err)
			_, err = inbox.AcknowledgeNotice(ctx, k)
			if connect.CodeOf(err) != connect.CodeAborted {
				t.Errorf("acknowledged by somebody else meanwhile: got %v", err)
			}
			_, err = s.encounters(p, "nurse").ReportWrongPatient(ctx, &cpisv1.ReportWrongPatientRequest{
				NhsNumber: onePlan, EncounterId: "ED-1", Reason: "It was her sister",
			})
			must(t, err)
			correction := nextNotice(t, stream)
			if correction.GetCorrects() != seen.GetId() || correction.GetText() != "It was her sister" {
				t.Errorf("got %v", correction)
			}
			cancel()
			got, err := inbox.GetNotice(t.Context(), &cpisv1.GetNoticeRequest{NoticeId: seen.GetId()})
			must(t, err)
			want := []*cpisv1.NoticeAct{{
				Change: &cpisv1.Change{
					Act: "acknowledge", Actor: got.GetActs()[0].GetChange().GetActor(), Name: got.GetActs()[0].GetChange().GetName(),
					Organisation: islington, Reason: "Rang her mother", At: timestamppb.New(monday),
				},
				Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_FAMILY_CONTACTED,
			}}
			if diff := cmp.Diff(want, got.GetActs(), protocmp.Transform()); diff != "" || got.GetNotice().GetCorrectedBy() != correction.GetId() {
				t.Errorf("got %v, acts (-want +got):\n%s", got.GetNotice(), diff)
			}
			ctx = t.Context()
			if h := look().GetHistory(); len(h) != 1 || !h[0].GetWrongPatient() {
				t.Errorf("history %v", h)
			}
			var said []string
			for _, e := range s.entries(before) {
				said = append(said, say(e))
			}
			steps := []string{
				"clinician_unscheduled look_up unscheduled flag_held subject disclosed=1",
				"safeguarding_lead read_notices done disclosed=1",
				"safeguarding_lead answer_notice done",
				"safeguarding_lead answer_notice refused changed_meanwhile",
				"clinician_unscheduled report_wrong_patient done subject",
				"safeguarding_lead read_notices done disclosed=1",
				"safeguarding_lead read_notices done subject disclosed=1",
				"clinician_unscheduled look_up unscheduled flag_held subject disclosed=1",
			}
			if diff := cmp.Diff(steps, said); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

// nextNotice waits for the next message with a notice.
func nextNotice(t *testing.T, stream cpisv1connect.NoticeServiceWatchNoticesClientStream) *cpisv1.Notice {
	t.Helper()
	for {
		m, err := stream.Receive()
		must(t, err)
		if n := m.GetNotices(); len(n) > 0 {
			if len(n) != 1 || m.GetReceipt() == nil || m.GetCursor() == "" {
				t.Errorf("got %v", m)
			}
			return n[0]
		}
	}
}

// A report that a patient was not brought answers alike for everybody, and is
// told to the authority.
func TestReports_AnswerAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	for _, p := range protocols {
		c := s.encounters(p, "gp")
		for _, number := range []string{onePlan, unknown, hidden} {
			answer, err := c.ReportMissedAppointment(t.Context(), &cpisv1.ReportMissedAppointmentRequest{
				NhsNumber: number, AppointmentId: "A-" + p.name, Appointment: timestamppb.New(monday.Add(-time.Hour)),
				Setting: cpisv1.Setting_SETTING_GENERAL_PRACTICE,
			})
			must(t, err)
			if answer.GetReceipt().GetIndex() != s.size()-1 {
				t.Errorf("%s: got %v", p.name, answer)
			}
		}
		var refusal *connect.Error
		_, err := c.ReportMissedAppointment(t.Context(), &cpisv1.ReportMissedAppointmentRequest{NhsNumber: onePlan})
		if !errors.As(err, &refusal) || refusal.Code() != connect.CodeInvalidArgument {
			t.Errorf("%s: got %v, want what is wrong", p.name, err)
		}
	}
	list, err := s.inbox(protocols[0], "lead").ListNotices(t.Context(), &cpisv1.ListNoticesRequest{
		Kind: cpisv1.NoticeKind_NOTICE_KIND_MISSED_APPOINTMENT,
	})
	must(t, err)
	if got := len(list.GetNotices()); got != len(protocols) {
		t.Errorf("got %d notices, want one for each appointment", got)
	}
}
