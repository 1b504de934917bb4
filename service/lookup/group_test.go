package lookup_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cpis/policy"
	"cpis/service"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
)

// Many at once are answered together, each with an entry of its own.
func TestLookUp_ManyAtOnce(t *testing.T) {
	t.Parallel()
	var groups sync.Map
	f := newServiceWith(t, func(c *service.Config) {
		c.Observe.Group = func(size int, _ time.Duration) { groups.Store(size, true) }
	})
	const callers, each = 64, 8
	seen := make([]map[int64]bool, callers)
	var all sync.WaitGroup
	for i := range callers {
		seen[i] = map[int64]bool{}
		all.Go(func() {
			for range each {
				a, err := f.LookUp(t.Context(), nurse, &lookup.Question{NHSNumber: "9990000077"})
				if err != nil || a.Verdict != lookup.NoFlagKnown {
					t.Errorf("got %v and %v", a, err)
					return
				}
				seen[i][a.Receipt.Index] = true
			}
		})
	}
	all.Wait()
	indexes := map[int64]bool{}
	for _, s := range seen {
		for i := range s {
			indexes[i] = true
		}
	}
	if len(indexes) != callers*each {
		t.Errorf("got %d different receipts, want %d", len(indexes), callers*each)
	}
	grouped := false
	groups.Range(func(size, _ any) bool {
		n, _ := size.(int)
		grouped = grouped || n > 1
		return true
	})
	if !grouped {
		t.Error("no two look-ups were ever committed together")
	}
}

// A caller that hangs up gets nothing, and leaves its entry all the same.
func TestLookUp_HangingUpDoesNotEraseTheAttempt(t *testing.T) {
	t.Parallel()
	f := newService(t)
	before := len(f.Entries())
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	_, err := f.LookUp(ctx, nurse, &lookup.Question{NHSNumber: "9990000077"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	f.Service.Close() // waits for what is under way
	entries := f.Entries()
	if len(entries) != before+1 || entries[before].Outcome != "abandoned" || len(entries[before].Disclosed) > 0 {
		t.Errorf("left %v", entries[before:])
	}
}

// What cannot be answered in time is refused at once, and what is refused
// leaves nothing behind.
func TestLookUp_RefusesEarly(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, func(c *service.Config) { c.Group.MaxWaiting = 4 })
	var overloaded *guard.OverloadedError
	items := make([]lookup.ClinicItem, 5)
	for i := range items {
		items[i].NHSNumber = "9990000077"
	}
	_, err := f.LookUpMany(t.Context(), gp, &lookup.ClinicList{Items: items})
	if !errors.As(err, &overloaded) || overloaded.RetryAfter < time.Second {
		t.Errorf("got %v, want overloaded with a time to come back", err)
	}
	if n := len(f.Entries()); n != 0 {
		t.Errorf("left %d entries, want none: nobody was looked up", n)
	}
	if _, err := f.LookUpMany(t.Context(), gp, &lookup.ClinicList{Items: items[:4]}); err != nil {
		t.Errorf("as many as fit: %v", err)
	}
}

// A closed service refuses, and does not hang.
func TestLookUp_AfterClose(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Service.Close()
	if _, err := f.LookUp(t.Context(), nurse, &lookup.Question{NHSNumber: "9990000077"}); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v, want unavailable", err)
	}
}

// Without a database nobody is told "no flag".
func TestLookUp_DatabaseAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.DB.Close()
	a, err := f.LookUp(t.Context(), nurse, &lookup.Question{NHSNumber: "9990000077"})
	if a != nil || !errors.Is(err, guard.ErrUnrecorded) && !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v and %v, want unavailable", a, err)
	}
}

// Two servers on one log answer one encounter at the same moment: one notice,
// one access, one dense log.
func TestLookUp_TwoServersOneEncounter(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, &domain.Registration{
		NHSNumber: "9990000018", Family: "Quillfeather", Given: "Ottoline", DateOfBirth: "2019-04-30",
		Kind: domain.CPP, Start: "2026-02-03",
	})
	servers := []*service.Service{f.Service, f.Another()}
	var all sync.WaitGroup
	for _, s := range servers {
		for range 16 {
			all.Go(func() {
				q := &lookup.Question{
					NHSNumber: "9990000018", Mode: policy.Unscheduled, Encounter: domain.Encounter{ID: "one"},
				}
				if a, err := s.LookUps.LookUp(t.Context(), nurse, q); err != nil || a.Verdict != lookup.FlagHeld {
					t.Errorf("got %v and %v", a, err)
				}
			})
		}
	}
	all.Wait()
	notices, err := f.DB.Notices.Newest(t.Context(), islington, 100)
	if err != nil || len(notices) != 1 {
		t.Errorf("got %d notices and %v, want one", len(notices), err)
	}
	if n := len(f.Entries()); n != 1+2*16 {
		t.Errorf("got %d entries, want %d", n, 1+2*16)
	}
}

// After a database hung, somebody has to find out that it is well again: who
// waits alone is never refused, and what was slow is soon forgotten.
func TestLookUp_RecoversFromAHang(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.SetPace(time.Hour)
	for range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := f.LookUp(ctx, nurse, &lookup.Question{NHSNumber: "9990000077"})
		cancel()
		if err != nil {
			t.Fatalf("got %v, want an answer", err)
		}
	}
}

// Nobody is suppressed for ever: an encounter's identifier counts for thirty
// days, and each break-glass is told.
func TestLookUp_NoticesAreNotSuppressedForEver(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, &domain.Registration{
		NHSNumber: "9990000018", Family: "Quillfeather", Given: "Ottoline", DateOfBirth: "2019-04-30",
		Kind: domain.CPP, Start: "2026-02-03",
	})
	count := func() int {
		rows, err := f.DB.Notices.Newest(t.Context(), islington, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	q := &lookup.Question{NHSNumber: "9990000018", Encounter: domain.Encounter{ID: "ED"}}
	for range 3 {
		f.MustLookUp(nurse, q)
		f.Clock.Advance(29 * 24 * time.Hour)
	}
	if n := count(); n != 2 {
		t.Errorf("got %d notices of look-ups 0, 29 and 58 days on, want 2", n)
	}
	q = &lookup.Question{
		NHSNumber: "9990000018", Mode: policy.Unscheduled, BreakGlass: "collapsed in the waiting room",
	}
	before := count()
	for range 3 {
		f.MustLookUp(gp, q)
	}
	if n := count() - before; n != 3 {
		t.Errorf("got %d notices of three claims, want 3", n)
	}
}
