package release_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/release"
	"cpis/service/servicetest"
)

const (
	child = "9990000018"
	trust = servicetest.Trust
)

var (
	officer         = servicetest.PrivacyOfficer
	secondOfficer   = servicetest.Caller("second-officer", trust, policy.AcuteTrust, policy.PrivacyOfficer)
	practiceOfficer = servicetest.Caller("practice-officer", servicetest.Practice, policy.GeneralPractice, policy.PrivacyOfficer)
	auditor         = servicetest.Auditor
)

// fixture is a service.
type fixture struct {
	*servicetest.Fixture
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{servicetest.New(t)}
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

// Each step of a release is an entry, and both see who said what.
func TestRelease_IsRecordedAndListed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.propose(officer), f.propose(officer)
	if _, err := f.decide(secondOfficer, first, domain.Decline); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if _, err := f.decide(secondOfficer, second, domain.Withdraw); err == nil {
		t.Error("withdrawing another's: got no error")
	}
	if _, err := f.decide(officer, second, domain.Withdraw); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	var state *guard.StateError
	if _, err := f.decide(secondOfficer, first, domain.Accept); !errors.As(err, &state) {
		t.Errorf("deciding twice: got %v", err)
	}
	var got []string
	for _, e := range f.Entries() {
		got = append(got, e.Action+" "+e.Rule+" "+e.Outcome+" "+e.Reason)
	}
	want := []string{
		"release_restricted A13 done proposed", "release_restricted A13 done proposed", "release_restricted A13 done declined",
		"release_restricted A13 invalid ", "release_restricted A13 done withdrawn", "release_restricted A13 refused state",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	page, err := f.Releases.ListReleases(t.Context(), secondOfficer, &release.ListReleasesRequest{})
	if err != nil || len(page.Releases) != 2 {
		t.Fatalf("ListReleases: got %+v, %v", page, err)
	}
	r := page.Releases[1]
	if r.ID != first || r.State != domain.Declined || r.NHSNumber.Reveal() != child || r.Proposed.Actor != "privacy-officer" ||
		r.Proposed.Reason != "The court sees no danger: case 12/26" || r.Decided.Actor != "second-officer" || r.Decided.Reason != "Read the order of the court" {
		t.Errorf("got %+v", r)
	}
	if page, err = f.Releases.ListReleases(t.Context(), secondOfficer, &release.ListReleasesRequest{OpenOnly: true}); err != nil || len(page.Releases) != 0 {
		t.Errorf("open: got %+v, %v", page, err)
	}
	if page, err = f.Releases.ListReleases(t.Context(), practiceOfficer, &release.ListReleasesRequest{}); err != nil || len(page.Releases) != 0 {
		t.Errorf("another organisation: got %+v, %v", page, err)
	}
	if page, err = f.Releases.ListReleases(t.Context(), auditor, &release.ListReleasesRequest{}); err != nil || len(page.Releases) != 0 {
		t.Errorf("auditor, who sees open ones only: got %+v, %v", page, err)
	}
	system := servicetest.System("system", trust, policy.AcuteTrust, policy.PrivacyOfficer)
	if _, err := f.decide(system, first, domain.Accept); err == nil {
		t.Error("a system decides")
	}
}

// A practice has one privacy officer: an auditor at oversight is the second person,
// for whoever gives care, and never proposes anything.
func TestRelease_OversightIsTheSecondPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	leadsOfficer := servicetest.Caller("la-officer", servicetest.Islington, policy.LocalAuthority, policy.PrivacyOfficer)
	id, authoritys := f.propose(practiceOfficer), f.propose(leadsOfficer)
	page, err := f.Releases.ListReleases(t.Context(), auditor, &release.ListReleasesRequest{})
	if err != nil || len(page.Releases) != 1 || page.Releases[0].ID != id || page.Releases[0].NHSNumber.Reveal() != child {
		t.Fatalf("ListReleases: got %+v, %v", page, err)
	}
	if _, err := f.decide(auditor, authoritys, domain.Accept); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("an authority's: got %v", err)
	}
	out, err := f.decide(auditor, id, domain.Accept)
	if err != nil || out.State != domain.Accepted {
		t.Fatalf("DecideRelease: got %+v, %s", out, servicetest.Explain(err))
	}
	if e := f.LastEntry(); e.Action != "second_release" || e.Rule != "A15" || e.Reason != "accepted" || string(e.Subject) != string(f.Tag(child)) {
		t.Errorf("entry: %+v", e)
	}
	own, err := f.Releases.ListReleases(t.Context(), practiceOfficer, &release.ListReleasesRequest{})
	if err != nil || own.Releases[0].Decided.Actor != "auditor" || own.Releases[0].Decided.Organisation != auditor.Organisation {
		t.Errorf("the practice reads %+v, %v", own, err)
	}
	_, err = f.Releases.ProposeRelease(t.Context(), auditor, &release.ProposeReleaseRequest{NHSNumber: child, Words: "The court sees no danger: case 12/26"})
	if !errors.Is(err, guard.ErrDenied) {
		t.Errorf("an auditor proposes: got %v", err)
	}
	elsewhere := servicetest.Caller("trust-auditor", trust, policy.AcuteTrust, policy.Auditor)
	if _, err := f.decide(elsewhere, id, domain.Withdraw); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("somebody whom a trust calls an auditor: got %v", err)
	}
	if out, err = f.decide(auditor, id, domain.Withdraw); err != nil || out.State != domain.Withdrawn {
		t.Errorf("taking it back: got %+v, %v", out, err)
	}
}
