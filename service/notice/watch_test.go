package notice_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
)

// quickWatch looks for notices all the time, and shows that it is alive.
func quickWatch(c *service.Config) {
	c.Watch = notice.WatchConfig{Poll: 2 * time.Millisecond, Beat: 20 * time.Millisecond, For: time.Minute, Page: 4, PerAuthority: 2}
}

// errEnough ends a stream from the reader's side.
var errEnough = errors.New("enough")

// watch returns what a stream brings until take has had enough.
func watch(ctx context.Context, s *service.Service, c *identity.Caller, cursor string, take func(*notice.NewNotices) bool) error {
	err := s.Notices.WatchNotices(ctx, c, &notice.WatchRequest{Cursor: cursor}, func(n *notice.NewNotices) error {
		if !take(n) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func TestWatchNotices_BringsWhatIsThereAndWhatComes(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, quickWatch)
	f.MustRegister(lead, rightCPP())
	for i := range 6 {
		f.MustLookUp(nurse, attended(fmt.Sprint("before-", i)))
	}
	before := len(f.Entries())
	var got []string
	var cursor string
	messages := 0
	err := watch(t.Context(), f.Service, lead, "", func(n *notice.NewNotices) bool {
		if len(n.Notices) > 4 || len(n.Notices) == 0 && n.Receipt != (guard.Receipt{}) {
			t.Errorf("a message with %d notices and the receipt %+v", len(n.Notices), n.Receipt)
		}
		for _, one := range n.Notices {
			if one.Person == nil || one.Actor.Name == "" || n.Receipt.Log == "" {
				t.Errorf("got %+v with %+v", one, n.Receipt)
			}
			got = append(got, one.ID)
		}
		if len(n.Notices) > 0 {
			messages++
		}
		if len(got) == 6 {
			f.MustLookUp(nurse, attended("after"))
		}
		cursor = n.Cursor
		return len(got) < 7
	})
	if err != nil {
		t.Fatalf("WatchNotices: %v", err)
	}
	var want []string
	for _, n := range f.MustInbox(lead, notice.InboxQuery{}).Notices {
		want = append([]string{n.ID}, want...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	shown := int64(0)
	for _, e := range f.Entries()[before:] {
		if e.Action == "read_notices" && e.Outcome == "done" {
			shown += e.Counts["notices"]
			messages--
		}
	}
	if messages != -1 || shown != 7+7 { // the list is one more
		t.Errorf("the log tells of %d notices, and of %d messages too many", shown, -messages-1)
	}
	alive := 0
	if err := watch(t.Context(), f.Service, laSystem, cursor, func(n *notice.NewNotices) bool {
		if len(n.Notices) > 0 || n.Cursor != cursor {
			t.Errorf("got %d notices, and a cursor that moved: %t", len(n.Notices), n.Cursor != cursor)
		}
		alive++
		return alive < 4
	}); err != nil {
		t.Errorf("got %v", err)
	}
}

// While two servers take look-ups, a reader that keeps losing its connection,
// also before it has dealt with a message, gets every notice once.
func TestWatchNotices_GoesOnWithoutGapsOrDoubles(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, quickWatch)
	f.MustRegister(lead, rightCPP())
	servers := []*service.Service{f.Service, f.AnotherWith(f.OpenRing(), quickWatch)}
	const callers, each = 8, 20
	var asking sync.WaitGroup
	for i := range callers {
		asking.Go(func() {
			for j := range each {
				if _, err := servers[i%2].LookUps.LookUp(t.Context(), nurse, attended(fmt.Sprint(i, "-", j))); err != nil {
					t.Errorf("LookUp: %v", err)
				}
			}
		})
	}
	seen := map[string]int{}
	cursor := ""
	for round := 0; len(seen) < callers*each; round++ {
		left := round%3 + 1
		err := watch(t.Context(), servers[round%2], lead, cursor, func(n *notice.NewNotices) bool {
			if left--; left == 0 && round%2 == 0 {
				return false // lost on the way
			}
			for _, one := range n.Notices {
				seen[one.ID]++
			}
			cursor = n.Cursor
			return left > 0
		})
		if err != nil {
			t.Fatalf("WatchNotices: %v", err)
		}
	}
	asking.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", id, times)
		}
	}
	want := 0
	for page := ""; ; {
		p := f.MustInbox(lead, notice.InboxQuery{Paging: guard.Paging{Size: 200, Page: page}})
		want += len(p.Notices)
		if page = p.Next; page == "" {
			break
		}
	}
	if len(seen) != want || want != callers*each {
		t.Errorf("got %d of %d notices of %d look-ups", len(seen), want, callers*each)
	}
}

func TestWatchNotices_Ends(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, func(c *service.Config) {
		quickWatch(c)
		c.Watch.For = 30 * time.Millisecond
	})
	forever := func(*notice.NewNotices) bool { return true }
	if err := watch(t.Context(), f.Service, lead, "", forever); err != nil {
		t.Errorf("after a while: got %v", err)
	}
	long := newServiceWith(t, quickWatch)
	expiring := *lead
	expiring.Expires = noon.Add(20 * time.Millisecond)
	if err := watch(t.Context(), long.Service, &expiring, "", forever); err != nil {
		t.Errorf("with the token: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := watch(ctx, long.Service, lead, "", func(*notice.NewNotices) bool {
		cancel()
		return true
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("who hangs up: got %v", err)
	}
}

func TestWatchNotices_Refuses(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, quickWatch)
	nothing := func(n *notice.NewNotices) bool {
		t.Errorf("got %+v", n)
		return false
	}
	if err := watch(t.Context(), f.Service, nurse, "", nothing); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v", err)
	}
	if e := f.LastEntry(); e.Outcome != "denied" || e.Action != "read_notices" {
		t.Errorf("entry %+v", e)
	}
	for _, cursor := range []string{"x", "AA", "AQ==", "AgAB", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAB__________8AAAAAAAAAAAAAAAAAAAAA"} {
		err := watch(t.Context(), f.Service, lead, cursor, nothing)
		if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "cursor" {
			t.Errorf("%q: got %+v", cursor, v)
		}
	}
}

// An authority has so many streams at once, whatever others have. A reader that
// takes its time holds up nobody, and what hangs up leaves its place.
func TestWatchNotices_HasPlaces(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, quickWatch)
	f.MustRegister(lead, rightCPP())
	release := make(chan struct{})
	var open sync.WaitGroup
	begun := make(chan struct{}, 2)
	for range 2 {
		open.Go(func() {
			if err := watch(t.Context(), f.Service, lead, "", func(*notice.NewNotices) bool {
				begun <- struct{}{}
				<-release
				return false
			}); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	<-begun
	<-begun
	one := func(c *identity.Caller) error {
		return watch(t.Context(), f.Service, c, "", func(*notice.NewNotices) bool { return false })
	}
	if err := one(laSystem); !isOverloaded(err) {
		t.Errorf("the third: got %v", err)
	}
	if err := one(otherLead); err != nil {
		t.Errorf("another authority's: got %v", err)
	}
	for i := range 20 {
		f.MustLookUp(nurse, attended(fmt.Sprint(i)))
		f.MustInbox(lead, notice.InboxQuery{})
	}
	close(release)
	open.Wait()
	if err := one(lead); err != nil {
		t.Errorf("afterwards: got %v", err)
	}
}

func TestWatchNotices_WithoutKeys(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, quickWatch)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.ForgetKeys()
	f.Keeper.TakeAway(true)
	if err := watch(t.Context(), f.Service, lead, "", func(n *notice.NewNotices) bool {
		if len(n.Notices) != 1 || !n.Notices[0].Degraded || n.Notices[0].Person != nil {
			t.Errorf("got %+v", n.Notices)
		}
		return false
	}); err != nil {
		t.Errorf("got %v", err)
	}
}

// A cursor of any text is read or refused, and what is read is written as it
// was.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("AQ")
	f.Add("AQABAAAAAAAAAAUBk7xQAAAAAIAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		again, ok := notice.ReadCursor(text)
		if ok && text != "" && again != text {
			t.Errorf("%q came back as %q", text, again)
		}
	})
}
