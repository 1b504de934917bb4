package upload_test

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/upload"
)

// Many authorities upload at once, partly about the same people, while others
// look up: everybody is held once, and no look-up is refused.
func TestUpload_ManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	authorities := []string{islington, camden, "E09000001", "E09000002", "E09000003", "E09000004"}
	done := make(chan struct{})
	var uploads, lookups sync.WaitGroup
	for i, gss := range authorities {
		uploads.Go(func() {
			c := *lead
			c.Organisation = gss
			sent, err := f.Send(t.Context(), &c, delta, bytes.NewReader(manyRows(200, 100*i)))
			if err != nil || sent.State != upload.Waiting {
				t.Errorf("%s: %+v, %s", gss, sent, explain(err))
				return
			}
			// Its neighbours may have made the same persons meanwhile: that
			// changes nothing of what is new.
			if got, err := f.Approve(t.Context(), &c, sent, 0); err != nil || got.State != upload.Applied {
				t.Errorf("%s: %+v, %s", gss, got, explain(err))
			}
		})
	}
	for i := range 4 {
		lookups.Go(func() {
			for n := i; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				if _, err := f.LookUp(t.Context(), nurse, unscheduled(numberAt(n))); err != nil {
					t.Errorf("look-up: %s", explain(err))
					return
				}
			}
		})
	}
	uploads.Wait()
	close(done)
	lookups.Wait()
	if h := f.Held(); h.Persons != 700 || h.Plans != 1200 {
		t.Errorf("%+v", h)
	}
	f.Entries() // add up
}

// An upload and registrations of the same people wait for each other, however
// they interleave.
func TestUpload_AndRegistrationsAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var all sync.WaitGroup
	for _, c := range []*identity.Caller{lead, otherLead} {
		all.Go(func() {
			sent, err := f.Send(t.Context(), c, delta, bytes.NewReader(manyRows(300, 0)))
			for range 5 {
				if err != nil || sent.State != upload.Waiting {
					break
				}
				err = persist(func() (err error) {
					sent, err = f.Approve(t.Context(), c, sent, 0)
					return err
				})
			}
			if err != nil || sent.State != upload.Applied {
				t.Errorf("%+v, %s", sent, explain(err))
			}
		})
	}
	for i := range 30 {
		all.Go(func() {
			r := with(rightLAC(), func(r *domain.Registration) { r.NHSNumber, r.Restricted = numberAt(i), i%2 == 0 })
			if err := persist(func() error { return errOf(f.RegisterPlan(t.Context(), otherLead, r)) }); err != nil {
				t.Errorf("RegisterPlan: %s", explain(err))
			}
		})
	}
	all.Wait()
	if h := f.Held(); h.Persons != 300 || h.Plans != 630 {
		t.Errorf("%+v", h)
	}
}

// A whole list with rows that are wrong, the same again, and how much memory
// that takes.
func TestUpload_WholeListOfATown(t *testing.T) {
	f := newService(t)
	f.WholeList(1000)
}

// TestSoakUpload does the same with the list of a county.
func TestSoakUpload(t *testing.T) {
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("TEST_SOAK is not set")
	}
	f := newService(t)
	f.WholeList(10_000)
}
