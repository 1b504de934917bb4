package oversight_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

const (
	claim = "The child is injured, and nobody expected it"
	found = "Child was this practice's patient; seen by the duty doctor"
)

var practiceOfficer = servicetest.Caller("practice-officer", servicetest.Practice, policy.GeneralPractice, policy.PrivacyOfficer)

// breakGlass has a practitioner look up by break-glass.
func (f *fixture) breakGlass(c *identity.Caller) {
	f.TB.Helper()
	q := servicetest.Unscheduled(child)
	q.BreakGlass = claim
	f.MustLookUp(c, q)
}

// unexplained are the break-glass looks of which nobody has closed the review.
func (f *fixture) unexplained(c *identity.Caller) []oversight.Entry {
	f.TB.Helper()
	return f.list(c, oversight.BreakGlass, oversight.Query{Unreviewed: true}).Entries
}

func (f *fixture) review(c *identity.Caller, id string) (*oversight.Review, error) {
	return f.Reports.GetReview(f.TB.Context(), c, &oversight.GetReviewRequest{ReviewID: id, Reason: oversight.Routine})
}

func closing(id string) *oversight.CloseReviewRequest {
	return &oversight.CloseReviewRequest{ReviewID: id, Outcome: oversight.Justified, Words: found, Request: uuid.NewString()}
}

// A privacy officer sees which look is unexplained, reads why it was claimed, and
// says what was found. Each of that is an entry about the child.
func TestReview_IsReadAndClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	look := f.LastEntry()
	open := f.unexplained(practiceOfficer)
	if len(open) != 1 || open[0].ReviewID == "" || open[0].Actor != "gp" {
		t.Fatalf("unexplained: got %+v", open)
	}
	id := open[0].ReviewID
	r, err := f.review(practiceOfficer, id)
	if err != nil || r.Claim != claim || r.Closed != nil || r.Actor != "gp" || r.Index != open[0].Index || r.Log != open[0].Log || r.Subject != open[0].Subject {
		t.Fatalf("GetReview: got %+v, %v", r, err)
	}
	if e := f.LastEntry(); e.Action != "read_reports" || e.Purpose != "routine" || e.Counts["report_review"] != 1 || !bytes.Equal(e.Subject, look.Subject) {
		t.Errorf("entry of reading: %+v", e)
	}
	q := closing(id)
	for range 2 { // the same request, sent again
		if out, err := f.Reports.CloseReview(t.Context(), practiceOfficer, q); err != nil || out.At != open[0].Index {
			t.Fatalf("CloseReview: got %+v, %s", out, servicetest.Explain(err))
		}
	}
	entries := f.Entries()
	if e := entries[len(entries)-2]; e.Action != "review_access" || e.Rule != "A1" || e.Reason != "justified" || e.Outcome != "done" ||
		e.Counts["entry"] != open[0].Index || !bytes.Equal(e.Subject, look.Subject) {
		t.Errorf("entry of closing: %+v", e)
	}
	want := &oversight.Closing{At: f.Clock.Now(), By: "practice-officer", Outcome: oversight.Justified, Words: found}
	if r, err = f.review(practiceOfficer, id); err != nil || !cmp.Equal(want, r.Closed) {
		t.Errorf("closed: got %+v, %v; want %+v", r.Closed, err, want)
	}
	if got := f.unexplained(practiceOfficer); len(got) != 0 {
		t.Errorf("unexplained afterwards: got %+v", got)
	}
	var state *guard.StateError
	if _, err := f.Reports.CloseReview(t.Context(), practiceOfficer, closing(id)); !errors.As(err, &state) {
		t.Errorf("closing it twice: got %v", err)
	}
	for _, text := range []string{claim, found} {
		if bytes.Contains(f.DumpAll(), []byte(text)) {
			t.Errorf("%q stands in the database in the clear", text)
		}
	}
}

// Nobody closes the review of their own look, however they write their name, and
// no system does.
func TestReview_NobodyClosesTheirOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(servicetest.Caller("gp", servicetest.Practice, policy.GeneralPractice, policy.ClinicianScheduled, policy.PrivacyOfficer))
	id := f.unexplained(practiceOfficer)[0].ReviewID
	for _, name := range []string{"gp", "GP ", "g\u200bp"} {
		own := servicetest.Caller(name, servicetest.Practice, policy.GeneralPractice, policy.PrivacyOfficer)
		own.Issuer = "https://another.example"
		if _, err := f.Reports.CloseReview(t.Context(), own, closing(id)); !errors.Is(err, guard.ErrSamePerson) || f.LastEntry().Reason != "same_person" {
			t.Errorf("%q: got %v and an entry %s", name, err, f.LastEntry().Reason)
		}
	}
	system := servicetest.System("system", servicetest.Practice, policy.GeneralPractice, policy.PrivacyOfficer)
	if _, err := f.Reports.CloseReview(t.Context(), system, closing(id)); !errors.Is(err, guard.ErrState) {
		t.Errorf("a system: got %v", err)
	}
}

// Reviews are the organisation's own. Oversight reads all, and closes none.
func TestReview_IsOfTheOwnOrganisation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	id := f.unexplained(auditor)[0].ReviewID
	if r, err := f.review(auditor, id); err != nil || r.Claim != claim || r.Withheld {
		t.Errorf("auditor: got %+v, %v", r, err)
	}
	if _, err := f.Reports.CloseReview(t.Context(), auditor, closing(id)); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("auditor closes: got %v", err)
	}
	for _, unknown := range []string{id, uuid.NewString(), "7", ""} {
		_, err := f.review(officer, unknown)
		_, failed := f.Reports.CloseReview(t.Context(), officer, closing(unknown))
		if !errors.Is(err, guard.ErrNotFound) || !errors.Is(failed, guard.ErrNotFound) {
			t.Errorf("another organisation's officer, %q: got %v and %v", unknown, err, failed)
		}
	}
	for _, c := range []*identity.Caller{nurse, gp, lead, servicetest.Administrator} {
		_, err := f.review(c, id)
		_, failed := f.Reports.CloseReview(t.Context(), c, closing(id))
		if !errors.Is(err, guard.ErrDenied) || !errors.Is(failed, guard.ErrDenied) {
			t.Errorf("%s: got %v and %v", c.ID, err, failed)
		}
	}
}

// Each server seals with a key of its own, and all reviews open.
func TestReview_OpensWhicheverServerSealedIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	q := servicetest.Unscheduled(another)
	q.BreakGlass = claim
	if _, err := f.Another().LookUps.LookUp(t.Context(), gp, q); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	open := f.unexplained(practiceOfficer)
	for _, e := range open {
		if r, err := f.review(practiceOfficer, e.ReviewID); err != nil || r.Claim != claim {
			t.Errorf("entry %d: got %+v, %v", e.Index, r, err)
		}
	}
	if len(open) != 2 || f.Damaged.Load() != 0 {
		t.Errorf("got %d reviews, %d times damaged", len(open), f.Damaged.Load())
	}
}

// What somebody said about a restricted child may say where it is: oversight
// sees that there was a reason, and not what it was.
func TestReview_WordsAboutRestrictedChildrenStayAtHome(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := servicetest.RightCPP()
	r.Restricted = true
	f.MustRegister(lead, r)
	f.breakGlass(gp)
	id := f.unexplained(practiceOfficer)[0].ReviewID
	if _, err := f.Reports.CloseReview(t.Context(), practiceOfficer, closing(id)); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	got, err := f.review(auditor, id)
	if err != nil || !got.Withheld || got.Claim != "" || got.Closed == nil || got.Closed.Words != "" || got.Closed.Outcome != oversight.Justified {
		t.Errorf("auditor: got %+v, %v", got, err)
	}
	if !f.LastEntry().Restricted {
		t.Error("the entry does not say that the child is restricted")
	}
	if got, err = f.review(practiceOfficer, id); err != nil || got.Withheld || got.Claim != claim || got.Closed.Words != found {
		t.Errorf("privacy officer: got %+v, %v", got, err)
	}
}

func TestReview_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	right := closing(f.unexplained(practiceOfficer)[0].ReviewID)
	for name, change := range map[string]func(*oversight.CloseReviewRequest){
		"outcome": func(q *oversight.CloseReviewRequest) { q.Outcome = "fine" },
		"words":   func(q *oversight.CloseReviewRequest) { q.Words = "ok" },
	} {
		q := *right
		change(&q)
		_, err := f.Reports.CloseReview(t.Context(), practiceOfficer, &q)
		if invalid, is := errors.AsType[*domain.InvalidError](err); !is || len(invalid.Violations) != 1 || invalid.Violations[0].Field != name {
			t.Errorf("%s: got %s", name, servicetest.Explain(err))
		}
	}
}
