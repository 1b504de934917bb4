package oversight_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

// hide registers a plan of a child whose whereabouts must not be revealed.
func (f *fixture) hide() {
	f.TB.Helper()
	r := servicetest.RightCPP()
	r.Restricted = true
	f.MustRegister(lead, r)
}

// raise brings the index up to the log, and raises reviews, on two servers at once.
func (f *fixture) raise() {
	f.TB.Helper()
	f.index()
	other := f.Another()
	round := func(s *oversight.Reports) func() error {
		return func() error { return s.RaiseReviews(f.TB.Context()) }
	}
	if err := errors.Join(servicetest.AtOnce(round(f.Reports), round(other.Reports))...); err != nil {
		f.TB.Fatalf("RaiseReviews: %v", err)
	}
}

// queue lists reviews.
func (f *fixture) queue(c *identity.Caller, q oversight.ListReviewsRequest) []oversight.ReviewItem {
	f.TB.Helper()
	out, err := f.Reports.ListReviews(f.TB.Context(), c, &q)
	if err != nil {
		f.TB.Fatalf("ListReviews: %s", servicetest.Explain(err))
	}
	return out.Reviews
}

// raised are the entries of what the service put into the queue.
func (f *fixture) raised(action string) (found []audit.Entry) {
	f.TB.Helper()
	for _, e := range f.Entries() {
		if e.Action == action {
			found = append(found, e)
		}
	}
	return found
}

// Each look-up of a restricted child becomes one review, whichever servers run and
// however often; those that the caller was told nothing of become none, and those by
// break-glass have theirs.
func TestRaiseReviews_OfRestrictedChildrenOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hide()
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	look := f.LastEntry()
	wrong := servicetest.Unscheduled(child)
	wrong.DateOfBirth = "2001-01-01"
	f.MustLookUp(nurse, wrong)
	f.MustLookUp(nurse, &lookup.Question{NHSNumber: another})
	f.breakGlass(gp)
	f.raise()
	f.raise()
	got := f.queue(officer, oversight.ListReviewsRequest{})
	want := []oversight.ReviewItem{{
		Kind: oversight.OfRestricted, At: look.Time, Organisation: trust, State: oversight.ReviewOpen, Due: look.Time.AddDate(0, 0, 7),
	}}
	if len(got) == 1 {
		want[0].ID = got[0].ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("queue (-want +got):\n%s", diff)
	}
	entries := f.raised("raise_reviews")
	if len(entries) != 1 || entries[0].Actor != "service" || entries[0].Counts["reviews"] != 1 {
		t.Errorf("entries: %+v", entries)
	}
	r, err := f.review(officer, got[0].ID)
	if err != nil || r.Kind != oversight.OfRestricted || r.Actor != "nurse" || r.Claim != "" || r.Subject != tagText(f, child) {
		t.Errorf("opened: %+v, %s", r, servicetest.Explain(err))
	}
	if all := f.queue(auditor, oversight.ListReviewsRequest{}); len(all) != 2 {
		t.Errorf("the auditor sees %+v", all)
	}
	if glass := f.queue(auditor, oversight.ListReviewsRequest{Kind: oversight.OfBreakGlass}); len(glass) != 1 || glass[0].Organisation != servicetest.Practice {
		t.Errorf("by break-glass: %+v", glass)
	}
}

// What was read is not lost if nothing can be sealed, or written, meanwhile.
func TestRaiseReviews_GoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hide()
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.index()
	f.Keeper.TakeAway(true)
	if err := f.Reports.RaiseReviews(t.Context()); err == nil {
		t.Error("without keys: got no error")
	}
	f.Keeper.TakeAway(false)
	f.raise()
	if got := f.queue(officer, oversight.ListReviewsRequest{}); len(got) != 1 {
		t.Errorf("afterwards: %+v", got)
	}
}

// The sample follows from the log alone: whoever has its lines draws the same.
func TestDrawSamples_AreTheLogsChoice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hide()
	f.MustLookUp(nurse, servicetest.Unscheduled(child)) // restricted, so not in the sample
	for range 12 {
		f.MustLookUp(nurse, &lookup.Question{NHSNumber: another})
	}
	f.breakGlass(gp)
	f.Clock.Set(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC))
	f.index()
	if n, err := f.Reports.DrawSamples(t.Context()); n != 0 || err != nil {
		t.Errorf("before anything stands behind the week: %d, %v", n, err)
	}
	f.MustLookUp(nurse, &lookup.Question{NHSNumber: another})
	f.index()
	other := f.Another()
	for range 2 {
		draw := func(s *oversight.Reports) func() error {
			return func() error { _, err := s.DrawSamples(t.Context()); return err }
		}
		if err := errors.Join(servicetest.AtOnce(draw(f.Reports), draw(other.Reports))...); err != nil {
			t.Fatal(err)
		}
	}
	got := f.queue(auditor, oversight.ListReviewsRequest{Kind: oversight.OfSample})
	if len(got) != 1 || got[0].Organisation != trust {
		t.Fatalf("sample: %+v", got)
	}
	r, err := f.review(officer, got[0].ID)
	if want := f.drawn(t, 12); err != nil || r.Index != want {
		t.Errorf("drawn was entry %d, want %d; %s", r.Index, want, servicetest.Explain(err))
	}
}

// drawn draws the first of a sample from the lines of the log, as docs/auditing.md
// says, and compares how many there are with what the log says.
func (f *fixture) drawn(t *testing.T, of int64) int64 {
	t.Helper()
	said := f.raised("draw_sample")
	if len(said) != 1 || said[0].Organisation != trust || said[0].Counts["of"] != of || said[0].Counts["reviews"] != 1 {
		t.Fatalf("entries: %+v", said)
	}
	entries := f.Entries()
	seed := audit.LeafHash(entries[said[0].Counts["seed"]].AppendLine(nil))
	rank := func(index int64) []byte {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clone(seed[:]), uint64(index)))
		return sum[:]
	}
	first := int64(-1)
	for i, e := range entries {
		if e.Action != "look_up" || e.Restricted || e.BreakGlass || e.Organisation != trust || int64(i) >= said[0].Counts["seed"] {
			continue
		}
		if of--; first < 0 || bytes.Compare(rank(int64(i)), rank(first)) < 0 {
			first = int64(i)
		}
	}
	if of != 0 {
		t.Errorf("the lines have %d look-ups less than was said", of)
	}
	return first
}

// Misuse is found by two people, neither of whom looked.
func TestReview_MisuseNeedsASecondLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hide()
	curious := servicetest.Caller("curious", trust, policy.AcuteTrust, policy.ClinicianUnscheduled, policy.PrivacyOfficer)
	f.MustLookUp(curious, servicetest.Unscheduled(child))
	f.raise()
	id := f.queue(officer, oversight.ListReviewsRequest{})[0].ID
	find := func(c *identity.Caller, outcome oversight.ReviewOutcome) (*oversight.CloseReviewResult, error) {
		q := closing(id)
		q.Outcome = outcome
		return f.Reports.CloseReview(t.Context(), c, q)
	}
	if _, err := find(curious, oversight.Justified); !errors.Is(err, guard.ErrSamePerson) {
		t.Errorf("who looked: got %v", err)
	}
	if out, err := find(officer, oversight.Misuse); err != nil || out.State != oversight.ReviewSecond {
		t.Fatalf("the first: got %+v, %s", out, servicetest.Explain(err))
	}
	if e := f.LastEntry(); e.Reason != "misuse" || e.Counts["second_look"] != 1 || e.Review.ID != id {
		t.Errorf("entry: %+v", e)
	}
	for _, c := range []*identity.Caller{officer, curious} {
		for _, outcome := range []oversight.ReviewOutcome{oversight.Misuse, oversight.Justified} {
			if _, err := find(c, outcome); !errors.Is(err, guard.ErrSamePerson) {
				t.Errorf("%s again, %s: got %v", c.ID, outcome, err)
			}
		}
	}
	r, err := f.review(secondOfficer, id)
	if err != nil || r.State != oversight.ReviewSecond || r.Closed != nil || r.First == nil || r.First.Words != found || r.First.By != officer.ID {
		t.Fatalf("meanwhile: %+v, %v", r, err)
	}
	if out, err := find(secondOfficer, oversight.Misuse); err != nil || out.State != oversight.ReviewClosed {
		t.Fatalf("the second: got %+v, %s", out, servicetest.Explain(err))
	}
	r, err = f.review(officer, id)
	if err != nil || r.Outcome != oversight.Misuse || r.Closed.By != secondOfficer.ID || r.First.By != officer.ID {
		t.Errorf("closed: %+v, %v", r, err)
	}
	if f.Damaged.Load() != 0 {
		t.Errorf("%d rows are damaged", f.Damaged.Load())
	}
}

// What is late says so, what is closed stays listed, and a long queue has pages.
func TestListReviews_ShowWhatIsLateAndWhatIsClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hide()
	for range 3 {
		f.MustLookUp(nurse, servicetest.Unscheduled(child))
		f.Clock.Advance(time.Minute)
	}
	f.raise()
	waiting := f.queue(officer, oversight.ListReviewsRequest{})
	if len(waiting) != 3 || !waiting[0].At.Before(waiting[2].At) || waiting[0].Overdue {
		t.Fatalf("waiting: %+v", waiting)
	}
	if _, err := f.Reports.CloseReview(t.Context(), officer, closing(waiting[1].ID)); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	f.Clock.Advance(8 * 24 * time.Hour)
	page, err := f.Reports.ListReviews(t.Context(), officer, &oversight.ListReviewsRequest{Paging: guard.Paging{Size: 1}})
	if err != nil || len(page.Reviews) != 1 || page.Reviews[0].ID != waiting[0].ID || !page.Reviews[0].Overdue {
		t.Fatalf("first page: %+v, %v", page, err)
	}
	next := f.queue(officer, oversight.ListReviewsRequest{Paging: guard.Paging{Size: 1, Page: page.Next}})
	if len(next) != 1 || next[0].ID != waiting[2].ID {
		t.Errorf("second page: %+v", next)
	}
	closed := f.queue(officer, oversight.ListReviewsRequest{Closed: true})
	if len(closed) != 1 || closed[0].ID != waiting[1].ID || closed[0].Outcome != oversight.Justified || closed[0].Overdue || closed[0].ClosedAt.IsZero() {
		t.Errorf("closed: %+v", closed)
	}
	if e := f.LastEntry(); e.Action != "read_reports" || e.Purpose != "routine" || e.Counts["report_reviews"] != 1 || e.Counts["shown"] != 1 || e.Subject != nil {
		t.Errorf("entry: %+v", e)
	}
}

// The queue is for those who watch, of their own organisation.
func TestListReviews_AreOfTheOwnOrganisation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	if got := f.queue(officer, oversight.ListReviewsRequest{}); len(got) != 0 {
		t.Errorf("another organisation's officer: %+v", got)
	}
	for _, c := range []*identity.Caller{nurse, gp, lead, servicetest.Administrator} {
		if _, err := f.Reports.ListReviews(t.Context(), c, &oversight.ListReviewsRequest{}); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v", c.ID, err)
		}
	}
	if _, err := f.Reports.ListReviews(t.Context(), officer, &oversight.ListReviewsRequest{Organisation: servicetest.Practice}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("asking for another organisation's: got %v", err)
	}
	for field, q := range map[string]*oversight.ListReviewsRequest{
		"kind": {Kind: "all"}, "page": {Paging: guard.Paging{Page: "7"}}, "page_size": {Paging: guard.Paging{Size: -1}},
	} {
		_, err := f.Reports.ListReviews(t.Context(), officer, q)
		if invalid, is := errors.AsType[*domain.InvalidError](err); !is || invalid.Violations[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if got := f.queue(officer, oversight.ListReviewsRequest{Paging: guard.Paging{Page: uuid.NewString()}}); len(got) != 0 {
		t.Errorf("behind a review that there is not: %+v", got)
	}
}
