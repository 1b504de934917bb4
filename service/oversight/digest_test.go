package oversight_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// lastWeek makes entries in a week, and returns on the Monday behind it.
func (f *fixture) lastWeek() {
	f.TB.Helper()
	f.MustRegister(lead, servicetest.RightCPP())
	for range 6 {
		f.MustLookUp(nurse, servicetest.Unscheduled(child))
		f.Clock.Advance(time.Hour)
	}
	f.MustLookUp(nurse, &lookup.Question{NHSNumber: another})
	_, _ = f.LookUp(f.TB.Context(), lead, servicetest.Unscheduled(child))
	f.breakGlass(gp)
	f.Clock.Set(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC))
	f.MustLookUp(nurse, servicetest.Unscheduled(child)) // this week's
	f.index()
}

func (f *fixture) digest(c *identity.Caller, organisation, week string) (*oversight.Digest, error) {
	return f.Reports.GetDigest(f.TB.Context(), c, &oversight.GetDigestRequest{Organisation: organisation, Week: week, Reason: oversight.Routine})
}

// Each organisation gets what it did in the week, once, whichever servers run; an
// authority gets a notice of it.
func TestDigest_IsMadeOnceForEachOrganisation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.lastWeek()
	other := f.Another()
	round := func() {
		t.Helper()
		errs := servicetest.AtOnce(
			func() error { _, err := f.Reports.MakeDigests(t.Context()); return err },
			func() error { _, err := other.Reports.MakeDigests(t.Context()); return err },
		)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	round()
	f.Clock.Advance(time.Hour)
	round()
	made := map[string]int{}
	for _, e := range f.Entries() {
		if e.Action == "make_digest" {
			made[e.Organisation]++
		}
	}
	if len(made) != 3 || made[trust] != 1 || made[islington] != 1 || made[servicetest.Practice] != 1 {
		t.Errorf("made %v", made)
	}
	told := 0
	for _, n := range f.NoticesTo(islington) {
		if n.Kind == "weekly_digest" && n.Reference == "2026-11-23" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("Islington was told %d times", told)
	}
}

// What a digest says, to whom, and that the log's key signed it.
func TestDigest_SaysWhatHappenedAndIsSigned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.lastWeek()
	if made, err := f.Reports.MakeDigests(t.Context()); made != 3 || err != nil {
		t.Fatalf("MakeDigests: %d, %v", made, err)
	}
	var all strings.Builder
	for _, c := range []*identity.Caller{officer, practiceOfficer, leadsOfficer} {
		d, err := f.digest(c, "", "2026-11-23")
		if err != nil {
			t.Fatal(servicetest.Explain(err))
		}
		all.WriteString(f.opened(t, d.Note) + "\n---\n")
	}
	text := strings.ReplaceAll(all.String(), tagText(f, child), "CHILD")
	golden(t, "digest.golden", strings.ReplaceAll(text, f.unexplained(auditor)[0].ReviewID, "REVIEW"))
	if d, err := f.digest(auditor, trust, ""); err != nil || d.Organisation != trust || d.Week.String() != "2026-11-23" {
		t.Errorf("auditor: got %+v, %v", d, err)
	}
	if _, err := f.digest(officer, "", "2026-11-16"); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("of another week: got %v", err)
	}
	for _, c := range []*identity.Caller{officer, nurse, lead} {
		if _, err := f.digest(c, servicetest.Practice, ""); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s reads another organisation's: got %v", c.ID, err)
		}
	}
}

// opened opens a signed note with the log's key.
func (f *fixture) opened(t *testing.T, signed string) string {
	t.Helper()
	pub, err := f.Keeper.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.NewVerifierKey(dbtest.Origin, pub[0])
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(string(key))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		t.Fatalf("%v:\n%s", err, signed)
	}
	if _, err := audit.ParseCheckpointBody([]byte(n.Text)); err == nil {
		t.Error("it passes for a checkpoint")
	}
	return n.Text
}

// A digest waits until the index has all of the week.
func TestDigest_WaitsForTheIndex(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.Clock.Set(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC))
	if made, err := f.Reports.MakeDigests(t.Context()); made != 0 || err != nil {
		t.Errorf("before: %d, %v", made, err)
	}
	f.index()
	if made, err := f.Reports.MakeDigests(t.Context()); made != 1 || err != nil {
		t.Errorf("after: %d, %v", made, err)
	}
}

// Weeks in which no digest could be made are made up for, the oldest first, but not
// those of long ago.
func TestDigest_IsMadeUpFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	f.MustLookUp(nurse, servicetest.Unscheduled(child)) // of a week that is too long ago
	for n := 2; n <= 4; n++ {
		f.Clock.Set(monday.AddDate(0, 0, 7*n).Add(12 * time.Hour))
		f.MustLookUp(nurse, servicetest.Unscheduled(child))
	}
	f.Clock.Set(monday.AddDate(0, 0, 7*13).Add(12 * time.Hour))
	f.index()
	f.Exec(`UPDATE cpis.entry_index_state SET damaged_at = now()`)
	if made, err := f.Reports.MakeDigests(t.Context()); made != 0 || !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("with a damaged index: %d, %v", made, err)
	}
	f.Exec(`UPDATE cpis.entry_index_state SET damaged_at = NULL`)
	if made, err := f.Reports.MakeDigests(t.Context()); made != 3 || err != nil {
		t.Fatalf("MakeDigests: %d, %v", made, err)
	}
	for week, want := range map[string]error{"2026-11-23": guard.ErrNotFound, "2026-12-07": nil, "2026-12-14": nil, "2026-12-21": nil, "2026-12-28": guard.ErrNotFound} {
		d, err := f.digest(officer, "", week)
		if !errors.Is(err, want) || want == nil && !strings.Contains(f.opened(t, d.Note), "Look-ups                                    1") {
			t.Errorf("%s: got %v, %+v", week, err, d)
		}
	}
	if d, err := f.digest(officer, "", ""); err != nil || d.Week.String() != "2026-12-21" {
		t.Errorf("the newest: got %+v, %v", d, err)
	}
	if made, err := f.Another().Reports.MakeDigests(t.Context()); made != 0 || err != nil {
		t.Errorf("another server: %d, %v", made, err)
	}
}
