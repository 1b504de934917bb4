package oversight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/oversight"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Reports show entries of both versions, and find them by the same questions.
func TestReports_ReadEntriesOfBothVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	second := f.LastEntry()
	first := audit.Entry{ // as the version before wrote it
		Version: 1, Time: second.Time, Salt: [16]byte{1}, Actor: "nurse before", Client: second.Client, Issuer: second.Issuer,
		Organisation: second.Organisation, Role: second.Role, Action: second.Action, Mode: second.Mode, Purpose: second.Purpose,
		Subject: second.Subject, Encounter: second.Encounter, Request: second.Request, Outcome: second.Outcome, Rule: second.Rule,
	}
	log, err := f.DB.Logs.Find(t.Context(), dbtest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.DB.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.Logs.Append(t.Context(), log.ID, [][]byte{first.AppendLine(nil)}, [][]byte{first.Subject})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	page := f.list(auditor, oversight.Child, oversight.Query{NHSNumber: child, Purpose: "emergency_care"})
	want := []string{"nurse look_up no_flag_known", "nurse before look_up no_flag_known"}
	if diff := cmp.Diff(want, acts(page)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	old, young := page.Entries[0], page.Entries[1]
	if old.Version != 1 || young.Version != 2 || young.Setting != "emergency_department" || young.Assurance != 3 || len(young.Policy) != 16 {
		t.Errorf("got %+v\nand %+v", old.Entry, young.Entry)
	}
	if err := f.Index.Check(t.Context()); err != nil || f.Damaged.Load() != 0 {
		t.Errorf("CheckIndex: %v, %d times damaged", err, f.Damaged.Load())
	}
}
