package servicetest

import (
	"time"

	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store/dbtest"
)

// OperatorOf returns what an administrator does by command, by a clock that may
// be ahead.
func OperatorOf(f *Fixture, ahead time.Duration) *record.KeyAdmin {
	f.TB.Helper()
	log, err := f.DB.Logs.Find(f.TB.Context(), dbtest.Origin)
	if err != nil {
		f.TB.Fatal(err)
	}
	now := func() time.Time { return f.Clock.Now().Add(ahead) }
	return &record.KeyAdmin{Command: guard.Command{DB: f.owner(), Log: log, Now: now, Operator: "tester"}, Keeper: f.Keeper}
}

// MustRotateIndexKey begins to rotate the index key.
func (f *keySteps) MustRotateIndexKey() {
	f.TB.Helper()
	if _, err := OperatorOf(f.all, 0).RotateIndex(f.TB.Context()); err != nil {
		f.TB.Fatalf("RotateIndex: %v", err)
	}
}

// MustReplaceIndexKey ends the rotation, as if enough time had passed.
func (f *keySteps) MustReplaceIndexKey() {
	f.TB.Helper()
	later := OperatorOf(f.all, 2*time.Minute)
	if _, err := later.Retag(f.TB.Context(), f.OpenRing(), func(int) {}); err != nil {
		f.TB.Fatalf("Retag: %v", err)
	}
	if _, err := later.RetireIndex(f.TB.Context(), false); err != nil {
		f.TB.Fatalf("RetireIndex: %v", err)
	}
}
