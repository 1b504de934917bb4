package lookup_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"cpis/policy"
	"cpis/service"
	"cpis/service/lookup"
)

// slowGroups makes a service whose groups hold few look-ups, so that many make
// a queue. begun is closed when the first group is committed.
func slowGroups(t *testing.T, maxWaiting int) (f *fixture, begun <-chan struct{}) {
	t.Helper()
	first := make(chan struct{})
	close1 := sync.OnceFunc(func() { close(first) })
	f = newServiceWith(t, func(c *service.Config) {
		c.Group.MaxGroup, c.Group.MaxWaiting = 8, maxWaiting
		observed := c.Observe.Group
		c.Observe.Group = func(n int, took time.Duration) {
			if observed != nil {
				observed(n, took)
			}
			close1()
		}
	})
	return f, first
}

// clinic is a list of as many people as a list may have.
func clinic() *lookup.ClinicList {
	items := make([]lookup.ClinicItem, 200)
	for i := range items {
		items[i] = lookup.ClinicItem{NHSNumber: "9990000077", EncounterID: fmt.Sprint("CLINIC-", i)}
	}
	return &lookup.ClinicList{Items: items}
}

// Somebody at a bedside does not wait for clinic lists, of the same
// organisation or of another.
func TestLookUp_PassesClinicLists(t *testing.T) {
	t.Parallel()
	f, begun := slowGroups(t, 0)
	var lists sync.WaitGroup
	for range 5 {
		lists.Go(func() {
			if _, err := f.LookUpMany(t.Context(), gp, clinic()); err != nil {
				t.Errorf("LookUpMany: %s", explain(err))
			}
		})
	}
	<-begun
	for _, q := range []*lookup.Question{{NHSNumber: "9990000018"}, {NHSNumber: "9990000034"}} {
		if a := f.MustLookUp(gp, q); a.Receipt.Index >= 200 {
			t.Errorf("answered after %d of 1000 listed people", a.Receipt.Index)
		}
	}
	lists.Wait()
	if n := len(f.Entries()); n != 1002 {
		t.Errorf("got %d entries, want 1002", n)
	}
}

// Lists are not starved by single look-ups, nor one organisation by another's.
func TestLookUp_OrganisationsTakeTurns(t *testing.T) {
	t.Parallel()
	f, begun := slowGroups(t, 0)
	other := caller("other-nurse", callCentre, policy.AcuteTrust, policy.ClinicianUnscheduled)
	var crowd sync.WaitGroup
	for range 400 {
		crowd.Go(func() {
			if _, err := f.LookUp(t.Context(), nurse, &lookup.Question{NHSNumber: "9990000077"}); err != nil {
				t.Errorf("LookUp: %s", explain(err))
			}
		})
	}
	<-begun
	if a := f.MustLookUp(other, &lookup.Question{NHSNumber: "9990000018"}); a.Receipt.Index >= 390 {
		t.Errorf("another organisation was answered after %d of 400", a.Receipt.Index)
	}
	crowd.Wait()
}

// However many lists an organisation sends, others and single look-ups find
// room.
func TestLookUpMany_LeavesRoom(t *testing.T) {
	t.Parallel()
	f, begun := slowGroups(t, 800)
	var lists sync.WaitGroup
	lists.Go(func() {
		if _, err := f.LookUpMany(t.Context(), gp, clinic()); err != nil {
			t.Errorf("the first list: %s", explain(err))
		}
	})
	<-begun
	if _, err := f.LookUpMany(t.Context(), gp, clinic()); !isOverloaded(err) {
		t.Errorf("a second list of the same organisation: got %v, want that it is refused", err)
	}
	other := caller("other-gp", trust, policy.GeneralPractice, policy.ClinicianScheduled)
	list := clinic()
	list.Items = list.Items[:100]
	if _, err := f.LookUpMany(t.Context(), other, list); err != nil {
		t.Errorf("a list of another organisation: %s", explain(err))
	}
	f.MustLookUp(gp, &lookup.Question{NHSNumber: "9990000018"})
	lists.Wait()
}
