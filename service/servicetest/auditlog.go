package servicetest

import (
	"errors"
	"sync"

	"cpis/audit"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Grow makes look-ups until the log has so many entries.
func (f *logSteps) Grow(size int) {
	f.TB.Helper()
	var all sync.WaitGroup
	for range size - len(f.Entries()) {
		all.Go(func() {
			if _, err := f.LookUp(f.TB.Context(), Nurse, Unscheduled(Another)); err != nil {
				f.TB.Errorf("LookUp: %s", Explain(err))
			}
		})
	}
	all.Wait()
}

// Covered is the size that the latest checkpoint covers, 0 if there is none.
func (f *logSteps) Covered() int64 {
	f.TB.Helper()
	log, err := f.DB.Logs.Find(f.TB.Context(), dbtest.Origin)
	if err != nil {
		f.TB.Fatal(err)
	}
	cp, err := f.DB.Checkpoints.Latest(f.TB.Context(), log.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		f.TB.Fatal(err)
	}
	return cp.Tree.Size()
}

// Entries returns all entries of the log, after checking that each is in
// canonical form and that they add up to the head.
func (f *logSteps) Entries() []audit.Entry {
	f.TB.Helper()
	ctx := f.TB.Context()
	log, err := f.DB.Logs.Find(ctx, dbtest.Origin)
	if err != nil {
		f.TB.Fatalf("finding log: %v", err)
	}
	head, err := f.DB.Head(ctx, log.ID)
	if err != nil {
		f.TB.Fatalf("reading head: %v", err)
	}
	var entries []audit.Entry
	var tree audit.Tree
	for row, err := range f.DB.Logs.Entries(ctx, log.ID, 0, head.Size()) {
		if err != nil {
			f.TB.Fatalf("reading entries: %v", err)
		}
		e, err := audit.ParseLine(row.Line)
		if err != nil {
			f.TB.Fatalf("entry %d: %v", row.Index, err)
		}
		entries = append(entries, e)
		tree.Append(audit.LeafHash(row.Line))
	}
	if tree.Root() != head.Root() {
		f.TB.Fatalf("the %d entries do not add up to the head", len(entries))
	}
	return entries
}

// LastEntry returns the newest entry.
func (f *logSteps) LastEntry() audit.Entry {
	f.TB.Helper()
	all := f.Entries()
	if len(all) == 0 {
		f.TB.Fatal("the log is empty")
	}
	return all[len(all)-1]
}
