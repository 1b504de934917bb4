package oversight_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/person"
	"cpis/service/release"
	"cpis/service/servicetest"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

var (
	secondOfficer = servicetest.Caller("second-officer", trust, policy.AcuteTrust, policy.PrivacyOfficer)
	leadsOfficer  = servicetest.Caller("la-officer", islington, policy.LocalAuthority, policy.PrivacyOfficer)
)

// golden compares a text with a file that people have reviewed.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// access asks who looked at the child.
func (f *fixture) access(c *identity.Caller, named bool) (*oversight.SubjectAccessResult, error) {
	f.TB.Helper()
	f.index()
	return f.Reports.GetSubjectAccess(f.TB.Context(), c, &oversight.SubjectAccessRequest{
		NHSNumber: child, Words: "The mother, whose passport was seen", NameStaff: named,
	})
}

// mustAccess is access that must succeed.
func (f *fixture) mustAccess(c *identity.Caller, named bool) *oversight.SubjectAccessResult {
	f.TB.Helper()
	out, err := f.access(c, named)
	if err != nil {
		f.TB.Fatalf("GetSubjectAccess: %s", servicetest.Explain(err))
	}
	return out
}

// letterScene is what there is to tell of a child.
func (f *fixture) letterScene(restricted bool) {
	f.TB.Helper()
	r := servicetest.RightCPP()
	r.Restricted = restricted
	plan := f.MustRegister(lead, r)
	f.Clock.Advance(time.Hour)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.Clock.Advance(14 * time.Hour)
	f.breakGlass(gp)
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child, Purpose: domain.DirectCare})
	_, _ = f.LookUp(f.TB.Context(), lead, servicetest.Unscheduled(child))
	f.MustGet(lead, child)
	f.MustEnd(lead, plan, "2026-11-20")
	f.list(auditor, oversight.Child, oversight.Query{NHSNumber: child}) // tells of looks, and is none
}

// A parent reads who looked: all of it from oversight, without names; from a
// privacy officer what the own organisation did, and names if that decides so.
func TestSubjectAccess_IsALetterForAParent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.letterScene(false)
	all := f.mustAccess(auditor, false)
	golden(t, "letter.golden", all.Letter)
	for _, staff := range []string{"nurse", "gp\n", "lead\n", "Tester"} {
		if strings.Contains(all.Letter, staff) {
			t.Errorf("the letter names %q", staff)
		}
	}
	own := f.mustAccess(officer, true)
	golden(t, "letter-named.golden", own.Letter)
	if len(own.Looks) != 1 || own.Looks[0].Staff != "Test nurse, Tester (nurse)" {
		t.Errorf("the officer's: got %+v", own.Looks)
	}
	if e := f.LastEntry(); e.Action != "read_reports" || e.Purpose != "subject_access" || e.Counts["report_subject_access"] != 1 ||
		e.Counts["staff_named"] != 1 || e.Counts["shown"] != 1 || string(e.Subject) != string(f.Tag(child)) {
		t.Errorf("entry: %+v", e)
	}
	if got := f.mustAccess(officer, false).Looks; got[0].Staff != "" {
		t.Errorf("without the decision: got %+v", got)
	}
}

// Whose name the service does not keep is named by what the log has.
func TestSubjectAccess_NamesByIDWhomItDoesNotKnow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child}) // scheduled, and without a flag
	if got := f.mustAccess(practiceOfficer, true).Looks; len(got) != 1 || got[0].Staff != "gp" {
		t.Errorf("got %+v", got)
	}
}

// People are named by the privacy officer of their organisation alone, and nobody
// else tells anything.
func TestSubjectAccess_IsForThoseWithTheRight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.letterScene(false)
	_, err := f.access(auditor, true)
	if invalid, is := errors.AsType[*domain.InvalidError](err); !is || invalid.Violations[0].Field != "name_staff" {
		t.Errorf("an auditor names people: got %v", err)
	}
	for _, c := range []*identity.Caller{nurse, gp, lead, servicetest.LaSystem, servicetest.Administrator} {
		if _, err := f.access(c, false); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v", c.ID, err)
		}
	}
}

func (f *fixture) propose(c *identity.Caller) string {
	f.TB.Helper()
	out, err := f.Releases.ProposeRelease(f.TB.Context(), c, &release.ProposeReleaseRequest{
		NHSNumber: child, Words: "The court sees no danger: case 12/26", Request: uuid.NewString(),
	})
	if err != nil {
		f.TB.Fatalf("ProposeRelease: %s", servicetest.Explain(err))
	}
	return out.ReleaseID
}

func (f *fixture) decide(c *identity.Caller, id string, d domain.Decision) (*release.DecideReleaseResult, error) {
	return f.Releases.DecideRelease(f.TB.Context(), c, &release.DecideReleaseRequest{
		ReleaseID: id, Decision: d, Words: "Read the order of the court", Request: uuid.NewString(),
	})
}

// Of a restricted child nothing is told before two officers of the organisation
// agree; and then by that organisation, for a while.
func TestSubjectAccess_OfRestrictedChildrenNeedsTwoPeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.letterScene(true)
	nothing := func(when string, callers ...*identity.Caller) {
		t.Helper()
		for _, c := range callers {
			out := f.mustAccess(c, false)
			text, _ := json.Marshal(out)
			if !out.NeedsRelease || out.Letter != "" || len(out.Looks) != 0 || strings.Contains(string(text), trust) || strings.Contains(string(text), islington) {
				t.Errorf("%s, %s is told %s", when, c.ID, text)
			}
		}
	}
	nothing("before", officer, practiceOfficer, leadsOfficer, auditor)
	stranger := servicetest.Caller("111-officer", servicetest.CallCentre, policy.NHS111, policy.PrivacyOfficer)
	if out := f.mustAccess(stranger, false); out.NeedsRelease || len(out.Looks) != 0 || out.Letter == "" {
		t.Errorf("an organisation that never looked learns that the child is restricted: %+v", out)
	}
	id := f.propose(officer)
	nothing("proposed", officer)
	if e := f.LastEntry(); !e.Restricted {
		t.Errorf("the entry does not say that the child is restricted: %+v", e)
	}
	if _, err := f.decide(officer, id, domain.Accept); !errors.Is(err, guard.ErrSamePerson) {
		t.Errorf("accepting one's own: got %v", err)
	}
	if _, err := f.decide(practiceOfficer, id, domain.Accept); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("another organisation's officer: got %v", err)
	}
	out, err := f.decide(secondOfficer, id, domain.Accept)
	if err != nil || out.State != domain.Accepted || !out.Until.Equal(f.Clock.Now().Add(30*24*time.Hour)) {
		t.Fatalf("DecideRelease: got %+v, %s", out, servicetest.Explain(err))
	}
	told := f.mustAccess(officer, false)
	if len(told.Looks) != 1 || told.NeedsRelease || told.ReleaseID != id || f.LastEntry().Counts["released"] != 1 {
		t.Errorf("released: got %+v and an entry %+v", told, f.LastEntry())
	}
	nothing("released by the trust", practiceOfficer, leadsOfficer, auditor)
	f.Clock.Advance(30*24*time.Hour + time.Second)
	nothing("when it is over", officer)
}

// released has the trust release what is told of the child, and returns the release.
func (f *fixture) released() string {
	f.TB.Helper()
	id := f.propose(officer)
	if _, err := f.decide(secondOfficer, id, domain.Accept); err != nil {
		f.TB.Fatal(servicetest.Explain(err))
	}
	return id
}

// What was accepted is taken back by any officer of the organisation, and counts no
// more from then on.
func TestRelease_IsTakenBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.letterScene(true)
	id := f.released()
	if out := f.mustAccess(officer, false); out.ReleaseID != id {
		t.Fatalf("released: got %+v", out)
	}
	if _, err := f.decide(practiceOfficer, id, domain.Withdraw); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("another organisation's officer: got %v", err)
	}
	third := servicetest.Caller("third-officer", trust, policy.AcuteTrust, policy.PrivacyOfficer)
	out, err := f.decide(third, id, domain.Withdraw)
	if err != nil || out.State != domain.Withdrawn || !out.Until.IsZero() {
		t.Fatalf("DecideRelease: got %+v, %s", out, servicetest.Explain(err))
	}
	if e := f.LastEntry(); e.Action != "release_restricted" || e.Reason != "withdrawn" || e.Actor != "third-officer" || string(e.Subject) != string(f.Tag(child)) {
		t.Errorf("entry: %+v", e)
	}
	if out := f.mustAccess(officer, false); !out.NeedsRelease || len(out.Looks) != 0 {
		t.Errorf("taken back: got %+v", out)
	}
	var state *guard.StateError
	if _, err := f.decide(secondOfficer, id, domain.Withdraw); !errors.As(err, &state) {
		t.Errorf("taking back twice: got %v", err)
	}
	page, err := f.Releases.ListReleases(t.Context(), officer, &release.ListReleasesRequest{})
	if err != nil || len(page.Releases) != 1 {
		t.Fatalf("ListReleases: got %+v, %v", page, err)
	}
	r := page.Releases[0]
	if r.State != domain.Withdrawn || r.Decided.Act != "accepted" || r.Decided.Actor != "second-officer" ||
		r.Ended == nil || r.Ended.Actor != "third-officer" || r.Ended.Reason != "Read the order of the court" {
		t.Errorf("got %+v, decided %+v, ended %+v", r, r.Decided, r.Ended)
	}
}

// A release counts for the restrictions that stood when it was accepted, and not for
// one that came later: who is restricted anew is in another danger.
func TestRelease_EndsWithANewRestriction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.letterScene(true)
	id := f.released()
	f.MustRegister(servicetest.OtherLead, servicetest.RightCPP()) // says nothing of a restriction
	if out := f.mustAccess(officer, false); out.ReleaseID != id {
		t.Errorf("after another plan: got %+v", out)
	}
	f.MustChange(servicetest.Proposal(person.LiftRestriction, child))
	if out := f.mustAccess(officer, false); out.ReleaseID != id {
		t.Errorf("lifted: got %+v", out)
	}
	f.MustChange(servicetest.Proposal(person.Restrict, child))
	if out := f.mustAccess(officer, false); !out.NeedsRelease || len(out.Looks) != 0 {
		t.Errorf("restricted anew: got %+v", out)
	}
	again := f.released()
	if out := f.mustAccess(officer, false); out.ReleaseID != again {
		t.Errorf("released anew: got %+v", out)
	}
}

// Nor does it count for the restriction of somebody with whom the child was joined.
func TestRelease_EndsWhenSomebodyRestrictedIsJoined(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.letterScene(true)
	f.released()
	f.MustRegister(lead, servicetest.Under(another, servicetest.AsLAC, func(r *domain.Registration) { r.Restricted = true }))
	f.MustChange(servicetest.Merging(another, child, false))
	if out := f.mustAccess(officer, false); !out.NeedsRelease || len(out.Looks) != 0 {
		t.Errorf("got %+v", out)
	}
}

// Whoever was merged with another child by mistake has a letter of their own: it
// lists nothing that was done about the other.
func TestSubjectAccess_LeavesOutWhoWasMergedByMistake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.Under(another))
	for _, number := range []string{child, another} {
		f.MustLookUp(nurse, servicetest.Unscheduled(number))
	}
	merge := f.MustChange(servicetest.Merging(another, child, false))
	if looks := f.mustAccess(officer, false).Looks; len(looks) != 2 {
		t.Errorf("merged: got %d looks, want both", len(looks))
	}
	f.MustChange(servicetest.Undoing(merge))
	if looks := f.mustAccess(officer, false).Looks; len(looks) != 1 {
		t.Errorf("after it was undone: got %d looks, want one", len(looks))
	}
}
