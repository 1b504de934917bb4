package auditlog_test

import (
	"testing"

	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/store/dbtest"
)

// An export ends at the latest checkpoint, and says how much it lacks; its own
// entry is not told of, for it always comes behind.
func TestExportTellsOfEntriesThatAreNotSigned(t *testing.T) {
	t.Parallel()
	f := newService(t)
	log, err := f.DB.Logs.Find(t.Context(), dbtest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	db := dbtest.OpenOwner(t, f.Database)
	admin := &auditlog.Admin{Command: guard.Command{DB: db, Log: log, Now: f.Clock.Now, Operator: "tester"}}
	export := func(size, unsigned int64) {
		t.Helper()
		_, got := mustExport(t, admin)
		if got.Checkpoint.Size != size || got.Unsigned != unsigned {
			t.Errorf("Export: got %d entries and %d not signed, want %d and %d", got.Checkpoint.Size, got.Unsigned, size, unsigned)
		}
	}
	sign := func() {
		t.Helper()
		if err := f.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := int64(len(f.Entries()))
	f.MustLookUp(nurse, &lookup.Question{NHSNumber: "9990000018"})
	sign()
	export(first+1, 0)
	f.MustLookUp(nurse, &lookup.Question{NHSNumber: "9990000018"})
	export(first+1, 2) // the first export's entry, and the look-up's
	sign()
	export(first+4, 0)
}
