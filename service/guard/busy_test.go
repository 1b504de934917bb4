package guard_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/guard"
	"cpis/service/keys"
)

// Whoever sends one registration after the other of somebody who is locked
// makes nobody else wait.
func TestLookUp_IsAnsweredWhileRegistrationsWaitForAPerson(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	before := f.Held()
	release := f.Hold(`SELECT FROM cpis.person FOR UPDATE`)
	defer release()
	errs, done := f.RegisterMany(20, func(int) string { return "9990000018" })
	f.LookUpUntil(done)
	refused := 0
	for _, err := range errs {
		switch {
		case isOverloaded(err):
			refused++
		case !errors.Is(err, guard.ErrUnavailable):
			t.Errorf("RegisterPlan: %s", explain(err))
		}
	}
	if refused == 0 {
		t.Error("none was refused by overload")
	}
	failed := 0
	for _, e := range f.Entries() {
		if e.Action == "register_plan" && e.Outcome == "failed" {
			failed++
		}
	}
	if failed != len(errs)-refused || f.Held() != before {
		t.Errorf("%d entries of %d that were not refused; held %+v", failed, len(errs)-refused, f.Held())
	}
	release()
	if _, err := f.RegisterPlan(t.Context(), otherLead, rightLAC()); err != nil {
		t.Errorf("afterwards: %s", explain(err))
	}
}

// The same for a keeper of keys that does not answer.
func TestLookUp_IsAnsweredWhileRegistrationsWaitForTheKeeper(t *testing.T) {
	t.Parallel()
	k := &hangingKeeper{}
	f := newServiceWith(t, func(*service.Config) {})
	k.Keeper = f.Keeper.Keeper
	f.Keeper.Keeper = k
	k.hang.Store(true)
	errs, done := f.RegisterMany(20, numberAt)
	f.LookUpUntil(done)
	for _, err := range errs {
		if !isOverloaded(err) && !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("RegisterPlan: %s", explain(err))
		}
	}
	k.hang.Store(false)
	if h := f.Held(); h.Plans != 0 {
		t.Errorf("%+v", h)
	}
}

// hangingKeeper answers when its caller has gone.
type hangingKeeper struct {
	keys.Keeper

	hang atomic.Bool
}

// Wrap implements keys.Keeper.
func (k *hangingKeeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	if k.hang.Load() {
		<-ctx.Done()
		return nil, keys.ErrUnavailable
	}
	return k.Keeper.Wrap(ctx, plain)
}

// Keys are asked for before a transaction begins: who waits for the keeper
// holds neither a connection nor a person.
func TestRegisterPlan_WaitsForTheKeeperOutsideOfTransactions(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	s := f.Another() // whose cache is empty
	inside := &watchingKeeper{Keeper: f.Keeper.Keeper, acquired: func() int { return f.DB.PoolStats().Acquired }}
	f.Keeper.Keeper = inside
	if _, err := s.Plans.RegisterPlan(t.Context(), lead, rightUCPP()); err != nil {
		t.Fatal(explain(err))
	}
	if _, err := s.Plans.EndPlan(t.Context(), lead, ending(plan)); err != nil {
		t.Fatal(explain(err))
	}
	if inside.calls.Load() != 2 || inside.most.Load() != 0 {
		t.Errorf("%d calls, with up to %d connections in use", inside.calls.Load(), inside.most.Load())
	}
}

// watchingKeeper looks how many connections are in use while it is asked.
type watchingKeeper struct {
	keys.Keeper

	acquired    func() int
	calls, most atomic.Int64
}

func (k *watchingKeeper) watch() {
	k.calls.Add(1)
	k.most.Store(max(k.most.Load(), int64(k.acquired())))
}

// Wrap implements keys.Keeper.
func (k *watchingKeeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	k.watch()
	return k.Keeper.Wrap(ctx, plain)
}

// Unwrap implements keys.Keeper.
func (k *watchingKeeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	k.watch()
	return k.Keeper.Unwrap(ctx, wrapped)
}

// Of an authority two files arrive at the same time. A third is not read before
// there is a place for it: waiting costs no memory, and nobody else waits.
func TestUpload_IsReadOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	f := newService(t)
	gate := gatedFile{open: make(chan struct{})}
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := f.Send(t.Context(), lead, delta, io.MultiReader(&gate, bytes.NewReader(manyRows(3, 0))))
			results <- err
		}()
	}
	<-gate.reached(2)
	entries := len(f.Entries())
	ctx, cancel := context.WithCancel(t.Context())
	third := make(chan error)
	go func() {
		_, err := f.Send(ctx, lead, delta, readerFunc(func([]byte) (int, error) {
			t.Error("the file was read")
			return 0, io.EOF
		}))
		third <- err
	}()
	if got, err := f.Send(t.Context(), otherLead, delta, strings.NewReader(sheetHeader+sheetRow())); err != nil {
		t.Errorf("another authority: %+v, %s", got, explain(err))
	}
	cancel()
	if err := <-third; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if n := len(f.Entries()) - entries; n != 3 { // two of the other authority's, one of who gave up
		t.Errorf("%d entries", n)
	}
	close(gate.open)
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("Upload: %s", explain(err))
		}
	}
}

// gatedFile is empty, and ends when it is opened.
type gatedFile struct {
	open    chan struct{}
	readers atomic.Int64
}

// Read implements io.Reader.
func (g *gatedFile) Read([]byte) (int, error) {
	g.readers.Add(1)
	<-g.open
	return 0, io.EOF
}

// reached is closed when so many read.
func (g *gatedFile) reached(n int64) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for g.readers.Load() < n {
			time.Sleep(time.Millisecond)
		}
	}()
	return done
}

// A sender who stops in the middle gives the place back when time is up, and
// nothing of the file is kept.
func TestUpload_OfWhoSendsNoMoreEnds(t *testing.T) {
	t.Parallel()
	f := newService(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	silent := readerFunc(func([]byte) (int, error) {
		cancel() // the caller's patience ends while nothing comes
		<-stop
		return 0, io.EOF
	})
	file := io.MultiReader(bytes.NewReader(manyRows(5000, 0)), silent)
	if _, err := f.Send(ctx, lead, delta, file); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if e := f.LastEntry(); e.Outcome != "failed" || e.Action != "upload_plans" {
		t.Errorf("entry %+v", e)
	}
	if n := f.Count("upload") + f.Count("upload_part"); n != 0 {
		t.Errorf("%d rows are left of it", n)
	}
	if got := f.MustApply(lead, delta, sheetHeader+sheetRow()); got.Counts.New != 1 {
		t.Errorf("afterwards: %+v", got)
	}
}
