package rpc_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectgzip"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
)

// flaggedAnswer is an answer that says as much as there is to say.
func flaggedAnswer(t *testing.T) lookup.Answer {
	t.Helper()
	at := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	a := noFlag()
	a.Verdict, a.IdentityChecked, a.Superseded = lookup.FlagHeld, true, true
	for _, name := range []string{"Bournemouth, Christchurch and Poole", "Kingston upon Hull, City of", "Westmorland and Furness"} {
		a.Plans = append(a.Plans, lookup.Plan{
			ID: aRequest, Version: 3, Kind: domain.UCPP, Ended: true, Start: day(t, "2024-04-30"), End: day(t, "2026-04-30"),
			Expected: day(t, "2026-04-30"), VisibleUntil: day(t, "2026-05-28"), Contact: contact(name, at),
			Receiving: contact(name, at),
		})
	}
	for i := range 25 {
		a.History = append(a.History, lookup.Access{
			At: at, Organisation: "RXX01", OrganisationName: "Example University Hospitals NHS Foundation Trust",
			Setting: domain.EmergencyDepartment, Who: "Alexandra Featherstonehaugh, Emergency Nurse Practitioner",
			WrongPatient: i%8 == 0,
		})
	}
	return a
}

// shape is what somebody sees who watches the connection: lengths and headers.
type shape struct {
	Body    int
	Header  map[string]string
	Trailer map[string]string
}

func (r *recorder) shape() shape {
	r.mu.Lock()
	defer r.mu.Unlock()
	return shape{len(r.body), flat(r.header), flat(r.trailer)}
}

// flat leaves out what differs from second to second.
func flat(h http.Header) map[string]string {
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(h)) {
		if k != "Date" {
			out[k] = strings.Join(h[k], ", ")
		}
	}
	return out
}

func TestFlaggedAndUnflaggedLookTheSameFromOutside(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			look := func(a lookup.Answer) shape {
				b.uses.answer = a
				if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
					t.Fatalf("LookUp: %v", err)
				}
				return c.shape()
			}
			without := look(noFlag())
			longest := flaggedAnswer(t)
			for i := range longest.History { // as long as the service shows it
				longest.History[i].Who = strings.Repeat("€", 25) + "…"
			}
			cannot := noFlag()
			cannot.Verdict, cannot.Reason = lookup.CannotSay, lookup.IdentityMismatch
			for name, a := range map[string]lookup.Answer{"flagged": flaggedAnswer(t), "longest": longest, "cannot say": cannot} {
				if diff := cmp.Diff(without, look(a)); diff != "" {
					t.Errorf("%s (-without +with):\n%s", name, diff)
				}
			}
			if without.Body < 8<<10 || without.Header["Cache-Control"] != "no-store" || without.Header["X-Content-Type-Options"] != "nosniff" {
				t.Errorf("got %+v", without)
			}
		})
	}
}

func TestClinicListsLookTheSameFromOutside(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			look := func(items ...lookup.ItemAnswer) shape {
				b.uses.items = items
				if _, err := c.lookups.LookUpMany(t.Context(), &cpisv1.LookUpManyRequest{Items: []*cpisv1.LookUpManyItem{{}}}); err != nil {
					t.Fatalf("LookUpMany: %v", err)
				}
				return c.shape()
			}
			without, with := noFlag(), flaggedAnswer(t)
			bad := &domain.InvalidError{Violations: []domain.Violation{{Field: "nhs_number", Problem: "bad"}}}
			want := look(lookup.ItemAnswer{Answer: &without}, lookup.ItemAnswer{Answer: &without})
			for _, got := range []shape{
				look(lookup.ItemAnswer{Answer: &with}, lookup.ItemAnswer{Answer: &without}),
				look(lookup.ItemAnswer{Answer: &with}, lookup.ItemAnswer{Answer: &with}),
				look(lookup.ItemAnswer{Invalid: bad}, lookup.ItemAnswer{Answer: &with}),
			} {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-without +with):\n%s", diff)
				}
			}
		})
	}
}

// Compression would show how much of an answer is padding.
func TestAnswersAreNeverCompressed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, w := range wires {
		w.options = append(slices.Clone(w.options), connecthttp.WithCompressors(connectgzip.New()))
		c := w.dial(t, s)
		if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
			t.Fatalf("%s: LookUp: %v", w.name, err)
		}
		if got := c.shape().Body; got < 8<<10 {
			t.Errorf("%s: got %d bytes", w.name, got)
		}
		for _, h := range []string{"Content-Encoding", "Grpc-Encoding", "Connect-Content-Encoding"} {
			if got := c.header.Get(h); got != "" {
				t.Errorf("%s: got %s %q", w.name, h, got)
			}
		}
	}
}

// An answer whose length is said goes out in one piece. If the library ever
// wrote one in two, the second would be lost: this would show it.
func TestUnaryAnswersSayTheirLength(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.uses.items = make([]lookup.ItemAnswer, 20)
	for i := range b.uses.items {
		a := flaggedAnswer(t)
		b.uses.items[i].Answer = &a
	}
	s := b.serveTLS(t)
	for _, w := range wires[:3] {
		c := w.dial(t, s)
		for path, ask := range everyone(t, c) {
			if path == cpisv1connect.UploadServiceUploadProcedure {
				continue // a stream
			}
			if err := ask(); err != nil {
				t.Errorf("%s, %s: %v", w.name, path, err)
			}
			if got, want := c.header.Get("Content-Length"), strconv.Itoa(c.shape().Body); got != want {
				t.Errorf("%s, %s: got Content-Length %q, want %s", w.name, path, got, want)
			}
		}
		b.uses.err = guard.ErrDenied
		if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: got %v", w.name, err)
		}
		b.uses.err = nil
	}
}

// Requests that carry a person must not end up in the logs of proxies.
func TestGETIsNotOffered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	c := connect.NewClient(
		connecthttp.NewTransport(s.Client(), s.URL, connecthttp.WithHTTPGet()),
		sending([]string{"Authorization", "Bearer " + nurseToken}),
	)
	spec := connect.Spec{Procedure: cpisv1connect.LookupServiceLookUpProcedure, IdempotencyLevel: connect.IdempotencyNoSideEffects}
	err := c.CallUnary(t.Context(), spec, &cpisv1.LookUpRequest{NhsNumber: "1"}, &cpisv1.LookUpResponse{})
	if err == nil || b.uses.times() != 0 {
		t.Errorf("got %v, and %d use cases were reached", err, b.uses.times())
	}
}
