package bench

import (
	"fmt"
	"runtime"
	"text/tabwriter"
)

// targets are what the ratios should reach.
const (
	wantPgbench = 1.0  // look-ups at 64 callers, in those of pgbench
	wantEcho    = 0.4  // look-ups at 256 callers, in those of an echo
	wantTail    = 1.0  // p99 at 64 callers, in that of pgbench
	wantAlone   = 2.0  // p50 of a caller alone, in that of pgbench
	wantStorm   = 3.0  // p99 while all authorities upload, in that of before
	wantMemory  = 150. // MiB
)

// print prints what was measured, and the ratios.
func (b *bench) print(rss float64) error {
	t := tabwriter.NewWriter(b.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\nwhat\tcallers\tper second\tp50 ms\tp99 ms\t\n")
	for _, r := range b.results {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.2f\t%.2f\t\n", r.name, r.callers, r.perSec,
			float64(r.p50.Microseconds())/1000, float64(r.p99.Microseconds())/1000)
	}
	st := &b.storm
	fmt.Fprintf(t, "look-up, JSON, while %d files of %d rows are checked and applied in %.0f s\t%d\t%.0f\t%.2f\t%.2f\t\n",
		st.uploads, stormRows, st.took.Seconds(), stormCallers, st.busy.perSec,
		float64(st.busy.p50.Microseconds())/1000, float64(st.busy.p99.Microseconds())/1000)
	fmt.Fprintf(t, "\nratio\tmeasured\twanted\t\t\t\n")
	for _, r := range b.ratios(rss) {
		verdict := "reached"
		if !r.reached {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\t\n", r.what, r.measured, r.wanted, verdict)
	}
	fmt.Fprintf(t, "\n%d cores, %s, %d people with plans, log of %d entries, %d rounds of %d s, medians\t\t\t\t\t\n",
		runtime.NumCPU(), runtime.Version(), b.Persons, b.Entries, b.Rounds, b.Seconds)
	return t.Flush()
}

type line struct {
	what, measured, wanted string
	reached                bool
}

func (b *bench) ratios(rss float64) []line {
	look64, look256, look1 := b.result(nameLookup, 64), b.result(nameLookup, 256), b.result(nameLookup, 1)
	pg64, pg1, pg256 := b.result(nameBench, 64), b.result(nameBench, 1), b.result(nameBench, 256)
	echo256 := b.result(nameEcho, 256)
	return []line{
		{
			"look-ups / pgbench, 64 callers", ratio(look64.perSec, pg64.perSec), ">= 1.0",
			look64.perSec >= wantPgbench*pg64.perSec,
		},
		{
			"look-ups / echo, 256 callers", ratio(look256.perSec, echo256.perSec), ">= 0.4",
			look256.perSec >= wantEcho*echo256.perSec,
		},
		{
			"p99 / pgbench's, 64 callers", ratioOf(look64.p99, pg64.p99), "<= 1.0",
			float64(look64.p99) <= wantTail*float64(pg64.p99),
		},
		{
			"p99 / pgbench's, 256 callers", ratioOf(look256.p99, pg256.p99), "<= 1.0",
			float64(look256.p99) <= wantTail*float64(pg256.p99),
		},
		{
			"p50 / pgbench's, 1 caller", ratioOf(look1.p50, pg1.p50), "<= 2.0",
			float64(look1.p50) <= wantAlone*float64(pg1.p50),
		},
		{
			"p99 while all authorities upload / before", ratioOf(b.storm.busy.p99, b.storm.idle.p99), "<= 3.0",
			float64(b.storm.busy.p99) <= wantStorm*float64(b.storm.idle.p99),
		},
		{"resident memory of the server, MiB", fmt.Sprintf("%.0f", rss), "<= 150", rss <= wantMemory},
	}
}

func (b *bench) result(name string, callers int) result {
	for _, r := range b.results {
		if r.name == name && r.callers == callers {
			return r
		}
	}
	return result{}
}
