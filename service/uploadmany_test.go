package service_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/identity"
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
			if err != nil || sent.State != service.UploadWaiting {
				t.Errorf("%s: %+v, %s", gss, sent, explain(err))
				return
			}
			// Its neighbours may have made the same persons meanwhile: that
			// changes nothing of what is new.
			if got, err := f.Approve(t.Context(), &c, sent, 0); err != nil || got.State != service.UploadApplied {
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
				if err != nil || sent.State != service.UploadWaiting {
					break
				}
				err = persist(func() (err error) {
					sent, err = f.Approve(t.Context(), c, sent, 0)
					return err
				})
			}
			if err != nil || sent.State != service.UploadApplied {
				t.Errorf("%+v, %s", sent, explain(err))
			}
		})
	}
	for i := range 30 {
		all.Go(func() {
			r := with(rightLAC(), func(r *service.Registration) { r.NHSNumber, r.Restricted = numberAt(i), i%2 == 0 })
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
	f.wholeList(1000)
}

// TestSoakUpload does the same with the list of a county.
func TestSoakUpload(t *testing.T) {
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("TEST_SOAK is not set")
	}
	f := newService(t)
	f.wholeList(10_000)
}

// stageTime and stageMemory bound what a stage of an upload may take.
const (
	stageTime   = 10 * time.Second
	stageMemory = 64 << 20
)

func (f *fixture) wholeList(rows int) {
	t := f.tb
	var file bytes.Buffer
	file.WriteString(sheetHeader)
	bad := 0
	for i := range rows {
		row := sheetRow("nhs_number="+numberAt(i), fmt.Sprintf("reference=CASE-%d", i))
		switch i % 100 {
		case 7:
			row = sheetRow("nhs_number=9990000019", fmt.Sprintf("reference=CASE-%d", i))
		case 40:
			row = sheetRow("nhs_number="+numberAt(i), "start=2030-01-01")
		case 77:
			row = sheetRow("nhs_number="+numberAt(i), "kind=lac")
		default:
			bad--
		}
		bad++
		file.WriteString(row)
	}
	var sent, applied *service.Upload
	f.stage("check", func() { sent = f.MustSend(lead, whole, file.String()) })
	if c := sent.Counts; sent.State != service.UploadWaiting || c.Rejected != bad || c.New != rows-bad {
		t.Fatalf("got %+v, want %d rejected", sent, bad)
	}
	f.stage("apply", func() {
		var err error
		if applied, err = f.Approve(t.Context(), lead, sent, 0); err != nil || applied.State != service.UploadApplied || applied.Code != "CPF03" {
			t.Fatalf("got %+v, %s", applied, explain(err))
		}
	})
	f.stage("check again", func() { sent = f.MustSend(lead, whole, file.String()) })
	if c := sent.Counts; sent.State != service.UploadChecked || c.Unchanged != rows-bad || c.Rejected != bad {
		t.Errorf("again: %+v", sent)
	}
	shorter := bytes.Join(slices.DeleteFunc(bytes.SplitAfter(file.Bytes(), []byte("\n"))[:rows*7/10], func(row []byte) bool {
		return bytes.HasPrefix(row, []byte("9990000019")) // nobody knows whose they are: nothing would end
	}), nil)
	f.stage("check a shorter one", func() { sent = f.MustSend(lead, whole, string(shorter)) })
	if sent.State != service.UploadWaiting || !sent.Brake || sent.Counts.Ending < rows/4 {
		t.Errorf("shorter: %+v", sent)
	}
	f.stage("apply a shorter one", func() {
		if got, err := f.Approve(t.Context(), lead, sent, sent.Counts.Ending); err != nil || got.State != service.UploadApplied {
			t.Errorf("got %+v, %s", got, explain(err))
		}
	})
}

// stage runs a stage of an upload within its bounds.
func (f *fixture) stage(name string, do func()) {
	f.tb.Helper()
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var now runtime.MemStats
		var peak uint64
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				most <- peak
				return
			case <-tick.C:
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapInuse)
			}
		}
	}()
	began := time.Now()
	do()
	took := time.Since(began)
	close(done)
	grown := max(0, int64(<-most)-int64(before.HeapInuse))
	f.tb.Logf("%s: %v, heap grew by %.1f MiB at most", name, took.Round(time.Millisecond), float64(grown)/(1<<20))
	if took > stageTime || grown > stageMemory {
		f.tb.Errorf("%s: took %v and %d bytes", name, took, grown)
	}
}
