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
	if _, err := f.Releases.ListReleases(t.Context(), auditor, &release.ListReleasesRequest{}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("auditor: got %v", err)
	}
	system := servicetest.System("system", trust, policy.AcuteTrust, policy.PrivacyOfficer)
	if _, err := f.decide(system, first, domain.Accept); err == nil {
		t.Error("a system decides")
	}
}
