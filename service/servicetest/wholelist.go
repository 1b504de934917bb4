package servicetest

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"time"

	"cpis/service/upload"
)

// stageTime and stageMemory bound what a stage of an upload may take.
const (
	stageTime   = 10 * time.Second
	stageMemory = 64 << 20
)

// WholeList takes a whole list of so many rows from its arrival to its end.
func (f *uploadSteps) WholeList(rows int) {
	t := f.TB
	var file bytes.Buffer
	file.WriteString(SheetHeader)
	bad := 0
	for i := range rows {
		row := SheetRow("nhs_number="+NumberAt(i), fmt.Sprintf("reference=CASE-%d", i))
		switch i % 100 {
		case 7:
			row = SheetRow("nhs_number=9990000019", fmt.Sprintf("reference=CASE-%d", i))
		case 40:
			row = SheetRow("nhs_number="+NumberAt(i), "start=2030-01-01")
		case 77:
			row = SheetRow("nhs_number="+NumberAt(i), "kind=lac")
		default:
			bad--
		}
		bad++
		file.WriteString(row)
	}
	var sent, applied *upload.Upload
	f.stage("check", func() { sent = f.MustSend(Lead, Whole, file.String()) })
	if c := sent.Counts; sent.State != upload.Waiting || c.Rejected != bad || c.New != rows-bad {
		t.Fatalf("got %+v, want %d rejected", sent, bad)
	}
	f.stage("apply", func() {
		var err error
		if applied, err = f.Approve(t.Context(), Lead, sent, 0); err != nil || applied.State != upload.Applied || applied.Code != "CPF03" {
			t.Fatalf("got %+v, %s", applied, Explain(err))
		}
	})
	f.stage("check again", func() { sent = f.MustSend(Lead, Whole, file.String()) })
	if c := sent.Counts; sent.State != upload.Checked || c.Unchanged != rows-bad || c.Rejected != bad {
		t.Errorf("again: %+v", sent)
	}
	shorter := bytes.Join(slices.DeleteFunc(bytes.SplitAfter(file.Bytes(), []byte("\n"))[:rows*7/10], func(row []byte) bool {
		return bytes.HasPrefix(row, []byte("9990000019")) // nobody knows whose they are: nothing would end
	}), nil)
	f.stage("check a shorter one", func() { sent = f.MustSend(Lead, Whole, string(shorter)) })
	if sent.State != upload.Waiting || !sent.Brake || sent.Counts.Ending < rows/4 {
		t.Errorf("shorter: %+v", sent)
	}
	f.stage("apply a shorter one", func() {
		if got, err := f.Approve(t.Context(), Lead, sent, sent.Counts.Ending); err != nil || got.State != upload.Applied {
			t.Errorf("got %+v, %s", got, Explain(err))
		}
	})
}

// stage runs a stage of an upload within its bounds.
func (f *uploadSteps) stage(name string, do func()) {
	f.TB.Helper()
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
	f.TB.Logf("%s: %v, heap grew by %.1f MiB at most", name, took.Round(time.Millisecond), float64(grown)/(1<<20))
	if took > stageTime || grown > stageMemory {
		f.TB.Errorf("%s: took %v and %d bytes", name, took, grown)
	}
}
