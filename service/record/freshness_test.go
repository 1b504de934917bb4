package record_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
	"cpis/service"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/keys/local"
	"cpis/service/lookup"
	"cpis/service/plan"
	"cpis/service/record"
	"cpis/service/store"
)

const kept = "9990000018"

// Two servers that are not started again, one of which keeps its keys by
// itself: both find everybody at each step.
func TestIndexKeyRotatesWhileServersRun(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	ring := f.OpenRing()
	other := f.AnotherWith(ring)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); other.KeepKeys(ctx) }()
	t.Cleanup(func() { stop(); <-ended })

	find := func() {
		t.Helper()
		for _, s := range []*service.Service{f.Service, other} {
			a, err := s.LookUps.LookUp(t.Context(), nurse, unscheduled(kept))
			if err != nil || a.Verdict != lookup.FlagHeld {
				t.Fatalf("with keys %v: got %v and %v", ring.IndexVersions(), a, err)
			}
		}
	}
	noticed := func(versions ...int) {
		t.Helper()
		for late := time.After(10 * time.Second); !slices.Equal(ring.IndexVersions(), versions); find() {
			select {
			case <-late:
				t.Fatalf("keys are %v, want %v", ring.IndexVersions(), versions)
			default:
			}
		}
		if err := f.CheckKeys(t.Context()); err != nil {
			t.Fatalf("CheckKeys: %v", err)
		}
		find()
	}
	find()
	f.MustRotateIndexKey()
	noticed(2, 1)
	between := with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = another })
	f.MustRegister(lead, between)
	f.MustReplaceIndexKey()
	find() // it does not matter whether they know
	noticed(2)
	if a := f.MustLookUp(nurse, unscheduled(another)); a.Verdict != lookup.FlagHeld {
		t.Errorf("who was registered meanwhile: got %v", a.Verdict)
	}
	if got := f.LastEntry().Subject; !cmp.Equal(got, f.Tag(another)) || f.Ring.IndexVersion() != 2 {
		t.Error("the new key is not in use")
	}
}

// A server that does not notice refuses, and never says that nothing is known.
func TestServerThatDoesNotCheckItsKeysRefuses(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	stale := f.AnotherWith(f.OpenRing())
	f.MustRotateIndexKey()
	f.Clock.Advance(30 * time.Second)
	if a, err := stale.LookUps.LookUp(t.Context(), nurse, unscheduled(kept)); err != nil || a.Verdict != lookup.FlagHeld {
		t.Errorf("after 30 s: got %v and %v", a, err)
	}
	f.Clock.Advance(time.Millisecond)
	f.MustReplaceIndexKey()
	before := len(f.Entries())
	for name, err := range map[string]error{
		"LookUp":       second(stale.LookUps.LookUp(t.Context(), nurse, unscheduled(kept))),
		"LookUp/other": second(stale.LookUps.LookUp(t.Context(), nurse, unscheduled(another))),
		"RegisterPlan": second(stale.Plans.RegisterPlan(t.Context(), lead, rightLAC())),
		"GetPerson":    second(stale.Plans.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: kept})),
		"Refuse":       stale.Guard.Refuse(t.Context(), nurse, policy.LookUp, "", new(domain.InvalidError)),
	} {
		if !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, guard.ErrUnavailable)
		}
	}
	if n := len(f.Entries()); n != before {
		t.Errorf("%d entries were written", n-before)
	}
	if err := stale.Records.CheckKeys(t.Context()); err != nil {
		t.Fatalf("CheckKeys: %v", err)
	}
	if a, err := stale.LookUps.LookUp(t.Context(), nurse, unscheduled(kept)); err != nil || a.Verdict != lookup.FlagHeld {
		t.Errorf("with the new key: got %v and %v", a, err)
	}
}

func second[T any](_ T, err error) error { return err }

// The keeper is needed for a key that came, and for nothing else.
func TestCheckKeys_KeeperAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.Keeper.TakeAway(true)
	f.Clock.Advance(time.Hour)
	if a := f.MustLookUp(nurse, unscheduled(kept)); a.Verdict != lookup.FlagHeld {
		t.Errorf("got %v", a.Verdict)
	}
	f.Keeper.TakeAway(false)
	f.MustRotateIndexKey()
	f.Keeper.TakeAway(true)
	if err := f.CheckKeys(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("CheckKeys: got %v, want %v", err, keys.ErrUnavailable)
	}
	f.Clock.Advance(31 * time.Second)
	if _, err := f.LookUp(t.Context(), nurse, unscheduled(kept)); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("LookUp: got %v, want %v", err, guard.ErrUnavailable)
	}
	f.Keeper.TakeAway(false)
	if err := f.CheckKeys(t.Context()); err != nil {
		t.Errorf("CheckKeys: %v", err)
	}
	f.MustReplaceIndexKey()
	f.Keeper.TakeAway(true)
	if err := f.CheckKeys(t.Context()); err != nil {
		t.Errorf("CheckKeys of a retired key: %v", err)
	}
	if a := f.MustLookUp(nurse, unscheduled(kept)); a.Verdict != lookup.FlagHeld {
		t.Errorf("got %v", a.Verdict)
	}
}

func TestRotationTakesItsTime(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRotateIndexKey()
	ring := f.OpenRing()
	admin := operatorOf(f, 0)
	retag := func() error {
		_, err := admin.Retag(t.Context(), ring, func(int) {})
		return err
	}
	retire := func() error {
		_, err := admin.RetireIndex(t.Context(), false)
		return err
	}
	want := func(step string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s at %v: got %v, want %v", step, f.Clock.Now().Sub(noon), err, want)
		}
	}
	f.Clock.Set(noon.Add(59 * time.Second))
	want("Retag", retag(), record.ErrTooSoon)
	f.Clock.Set(noon.Add(time.Minute))
	want("Retag", retag(), nil)
	f.Clock.Set(noon.Add(2*time.Minute - time.Millisecond))
	want("RetireIndex", retire(), record.ErrTooSoon)
	f.Clock.Set(noon.Add(2 * time.Minute))
	want("RetireIndex", retire(), nil)
	want("Retag", retag(), nil)
	want("RetireIndex", retire(), record.ErrRotating)
}

// An attendance stays one while a new index key comes.
func TestOneAttendanceMakesOneNoticeWhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	q := unscheduled(kept)
	q.Responsible = domain.Responsible{Name: "Dr Example", Role: "consultant", Phone: "020 7946 0003"}
	f.MustLookUp(nurse, q)
	before := f.LastEntry()
	f.MustRotateIndexKey()
	if err := f.CheckKeys(t.Context()); err != nil {
		t.Fatalf("CheckKeys: %v", err)
	}
	f.MustLookUp(nurse, q)
	after := f.LastEntry()
	notices, err := f.DB.Notices.Newest(t.Context(), islington, 100)
	if err != nil || len(notices) != 1 {
		t.Errorf("got %d notices and %v, want one", len(notices), err)
	}
	if cmp.Equal(before.Subject, after.Subject) {
		t.Error("the new key is not in use")
	}
	if !cmp.Equal(before.Encounter, after.Encounter) || !cmp.Equal(before.Responsible, after.Responsible) {
		t.Error("encounter or responsible person are called otherwise")
	}
}

// Soon after a rotation of the key-encryption key nothing needs the old one,
// although the server goes on.
func TestReasonsOutliveTheOldKeyEncryptionKey(t *testing.T) {
	t.Parallel()
	k, err := local.Create(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := newServiceOver(t, k, func(*service.Config) {})
	f.MustRegister(lead, rightCPP())
	claim := func() (wrapped string) {
		t.Helper()
		f.MustLookUp(gp, &lookup.Question{
			NHSNumber: kept, Mode: policy.Unscheduled, BreakGlass: "collapsed in the waiting room",
		})
		rows, err := f.DB.Reviews.Open(t.Context(), practice, 100)
		if err != nil || len(rows) == 0 {
			t.Fatalf("OpenReviews: %v and %v", rows, err)
		}
		for _, r := range rows {
			opened := f.OpenRing().Unwrap(t.Context(), []keys.Wrapped{{Owner: "review", Text: r.WrappedKey}})
			if opened[0].Err != nil {
				t.Fatalf("unwrapping: %v", opened[0].Err)
			}
			reason, err := opened[0].Value.Open(r.Sealed,
				keys.Context{Purpose: "reason", Table: "review", Row: r.ID.String(), Version: 1})
			if err != nil || string(reason) != "collapsed in the waiting room" {
				t.Errorf("reason: %q and %v", reason, err)
			}
		}
		newest := slices.MaxFunc(rows, func(a, b store.ReviewRow) int { return a.Entry - b.Entry })
		return newest.WrappedKey
	}
	rewrap := func(want int) {
		t.Helper()
		if n, err := operatorOf(f, 0).Rewrap(t.Context(), func(int) {}); err != nil || n != want {
			t.Errorf("Rewrap: got %d and %v, want %d", n, err, want)
		}
	}
	first := claim()
	rewrap(0)
	if err := k.RotateWrapping(); err != nil {
		t.Fatal(err)
	}
	rewrap(4) // index key, person, review, lead
	renew := func(away bool) {
		t.Helper()
		if err := f.RenewReviews(t.Context()); (err != nil) != away {
			t.Errorf("RenewReviews: %v", err)
		}
	}
	renew(false)
	if claim() != first {
		t.Error("the key for reasons is renewed although it is new")
	}
	f.Clock.Advance(time.Hour)
	f.Keeper.TakeAway(true)
	renew(true)
	f.Keeper.TakeAway(false)
	if claim() != first {
		t.Error("the key for reasons was not kept while there was no other")
	}
	renew(false)
	rewrap(2) // the two claims
	if claim() == first {
		t.Error("the key for reasons was not renewed")
	}
	rewrap(0)
}

// Readers work with the keys of one moment while these change.
func TestKeysChangeUnderLoad(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	var over atomic.Bool
	var asking sync.RWMutex
	asked := make(chan error, 4)
	for range cap(asked) {
		go func() {
			for !over.Load() {
				asking.RLock()
				a, err := f.LookUp(t.Context(), nurse, unscheduled(kept))
				asking.RUnlock()
				if err == nil && a.Verdict != lookup.FlagHeld {
					err = errors.New(string(a.Verdict))
				}
				if err == nil {
					_, err = f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: kept})
				}
				if err != nil {
					asked <- err
					return
				}
			}
			asked <- nil
		}()
	}
	for range 3 {
		f.MustRotateIndexKey()
		f.Clock.Advance(time.Second)
		asking.Lock()   // what was asked before is answered: nothing takes two minutes
		asking.Unlock() //nolint:staticcheck // only waits
		f.MustReplaceIndexKey()
		f.Clock.Advance(time.Second)
	}
	over.Store(true)
	for range cap(asked) {
		if err := <-asked; err != nil {
			t.Errorf("while keys changed: %v", err)
		}
	}
	if f.Damaged.Load() != 0 {
		t.Error("damage was reported")
	}
}
