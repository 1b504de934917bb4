package servicetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/service/domain"
	"cpis/service/guard"
)

// longest is how long a look-up may take whatever else is going on.
const longest = 2 * time.Second

// IsOverloaded reports whether an error refuses for overload.
func IsOverloaded(err error) bool {
	_, ok := errors.AsType[*guard.OverloadedError](err)
	return ok
}

// LookUpUntil looks somebody up, of whom nothing is held, until done is closed.
func (f *guardSteps) LookUpUntil(done <-chan struct{}) {
	f.TB.Helper()
	for n := 0; ; n++ {
		began := time.Now()
		_, err := f.LookUp(f.TB.Context(), Nurse, Unscheduled("9990000034"))
		if took := time.Since(began); err != nil || took > longest {
			f.TB.Errorf("look-up %d took %s: %s", n, took, Explain(err))
			<-done
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// RegisterMany registers many plans at once, and says what became of each.
func (f *guardSteps) RegisterMany(n int, number func(i int) string) (errs []error, done <-chan struct{}) {
	errs = make([]error, n)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			r := With(RightLAC(), func(r *domain.Registration) { r.NHSNumber = number(i) })
			_, errs[i] = f.RegisterPlan(f.TB.Context(), OtherLead, r)
		})
	}
	finished := make(chan struct{})
	go func() {
		all.Wait()
		close(finished)
	}()
	return errs, finished
}

// Hold runs a statement that locks something until it is released.
func (f *guardSteps) Hold(sql string) (release func()) {
	f.TB.Helper()
	conn, err := pgx.Connect(f.TB.Context(), f.Database.Admin)
	if err != nil {
		f.TB.Fatalf("connecting as superuser: %v", err)
	}
	if _, err := conn.Exec(f.TB.Context(), "BEGIN; "+sql); err != nil {
		f.TB.Fatalf("holding locks: %v", err)
	}
	return sync.OnceFunc(func() { _ = conn.Close(f.TB.Context()) }) // which rolls back
}

// ViolationsOf returns what an *InvalidError says is wrong.
func ViolationsOf(tb testing.TB, err error) []domain.Violation {
	tb.Helper()
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		tb.Fatalf("got error %v, want an *InvalidError", err)
	}
	return invalid.Violations
}
