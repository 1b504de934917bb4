package servicetest

import (
	"errors"
	"sync"

	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Grow makes look-ups until the log has so many entries.
func (f *Fixture) Grow(size int) {
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

// Covered is the size that the latest checkpoint covers, 0 where there is none.
func (f *Fixture) Covered() int64 {
	f.TB.Helper()
	log, err := f.DB.Log(f.TB.Context(), dbtest.Origin)
	if err != nil {
		f.TB.Fatal(err)
	}
	cp, err := f.DB.LatestCheckpoint(f.TB.Context(), log.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		f.TB.Fatal(err)
	}
	return cp.Tree.Size()
}
