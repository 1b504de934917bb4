package bench

import (
	"fmt"
	"runtime"
	"slices"
	"text/tabwriter"
)

// targets are what the ratios should reach.
const (
	wantPgbench = 1.7  // look-ups at 64 callers, in those of pgbench's best
	wantEcho    = 0.42 // look-ups at 256 callers, in those of an echo
	wantAlone   = 2.0  // p50 of a caller alone, in that of pgbench, both resting
	wantGrown   = 0.95 // look-ups at 64 callers on a grown log, in those on an empty one
	wantStorm   = 3.0  // p99 while all authorities upload, in that of before
	wantMemory  = 150. // MiB
)

// print prints what was measured, and the ratios.
func (b *bench) print(rss float64) error {
	t := tabwriter.NewWriter(b.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nanswers are not held back: CPIS_LOOKUP_HOLD, which a caller alone waits for, is 0s")
	fmt.Fprintf(t, "\nwhat\tcallers\tper second\tspread\tp50 ms\tp99 ms\t\n")
	for _, r := range b.results {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%s\t%.2f\t%.2f\t\n", r.name, r.callers, r.perSec, r.spread(),
			float64(r.p50.Microseconds())/1000, float64(r.p99.Microseconds())/1000)
	}
	fmt.Fprintf(t, "\nthe index of reports lets crowds pass; afterwards, and not in any line above, it was made of %d entries, %.0f a second\n",
		b.indexed.entries, float64(b.indexed.entries)/b.indexed.took.Seconds())
	fmt.Fprintf(t, "\nratio\tmeasured\twanted\t\t\t\n")
	for _, r := range b.ratios(rss) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\t\n", r.what, r.measured, r.wanted, r.verdict)
	}
	fmt.Fprintf(t, "\n%d cores, %s, %d people with plans, log of %d entries, %d rounds of %d s, medians\t\t\t\t\t\n",
		runtime.NumCPU(), runtime.Version(), b.Persons, b.Past, b.Rounds, b.Seconds)
	return t.Flush()
}

// printStorm prints what look-ups noticed of all authorities uploading.
func (b *bench) printStorm() error {
	t := tabwriter.NewWriter(b.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	st := &b.storm
	fmt.Fprintf(t, "\nwhat\tcallers\tper second\tp50 ms\tp99 ms\t\n")
	fmt.Fprintf(t, "look-up, JSON, while %d files of %d rows are checked and applied in %.0f s\t%d\t%.0f\t%.2f\t%.2f\t\n",
		st.uploads, stormRows, st.took.Seconds(), stormCallers, st.busy.perSec, millis(st.busy.p50), millis(st.busy.p99))
	worse := judge("p99 while all authorities upload / before", []float64{float64(st.busy.p99) / float64(st.idle.p99)}, wantStorm, false)
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\t\n", worse.what, worse.measured, worse.wanted, worse.verdict)
	return t.Flush()
}

// spread is between which speeds the rounds lay.
func (r *result) spread() string {
	least, most := r.rounds[0].perSec, r.rounds[0].perSec
	for _, s := range r.rounds {
		least, most = min(least, s.perSec), max(most, s.perSec)
	}
	return fmt.Sprintf("%.0f to %.0f", least, most)
}

type line struct {
	what, measured, wanted, verdict string
}

// maxSpread is by what factor a figure may differ from round to round. Beyond it
// a line says nothing.
const maxSpread = 1.5

// judge compares the ratios of rounds with what is wanted: the median counts,
// and the spread is shown.
func judge(what string, ratios []float64, wanted float64, atLeast bool) line {
	slices.Sort(ratios)
	least, mid, most := ratios[0], ratios[len(ratios)/2], ratios[len(ratios)-1]
	l := line{what: what, measured: fmt.Sprintf("%.2f (%.2f to %.2f)", mid, least, most), wanted: fmt.Sprintf("<= %.2f", wanted)}
	reached := mid <= wanted
	if atLeast {
		l.wanted, reached = fmt.Sprintf(">= %.2f", wanted), mid >= wanted
	}
	switch {
	case most > maxSpread*least:
		l.verdict = "NOT TRUSTWORTHY: the rounds differ too much"
	case reached:
		l.verdict = "reached"
	default:
		l.verdict = "MISSED"
	}
	return l
}

// over returns the ratio of two figures round by round: what was measured in turns.
func over(a, b result, of func(sample) float64) []float64 {
	ratios := make([]float64, len(a.rounds))
	for i := range ratios {
		ratios[i] = of(a.rounds[i]) / of(b.rounds[i])
	}
	return ratios
}

func speed(s sample) float64 { return s.perSec }
func half(s sample) float64  { return float64(s.p50) }

func (b *bench) ratios(rss float64) []line {
	look64, best := b.result(nameLookup, 64), b.best()
	of := fmt.Sprintf("pgbench's best, at %d clients", best.callers)
	lines := []line{
		judge("look-ups at 64 callers / "+of, over(look64, best, speed), wantPgbench, true),
		judge("look-ups / echo, 256 callers", over(b.result(nameLookup, 256), b.result(nameEcho, 256), speed), wantEcho, true),
		judge("p50 of one caller / pgbench's, both resting", over(b.result(nameAlone, 1), b.result(nameRested, 1), half), wantAlone, false),
	}
	if b.Grown > 0 {
		lines = append(lines, judge(fmt.Sprintf("64 callers, log of %d entries / of %d", b.Grown, b.Past),
			over(b.result(nameGrown, 64), look64, speed), wantGrown, true))
	}
	return append(lines, judge("resident memory of the server, MiB", []float64{rss}, wantMemory, false))
}

// best is pgbench with the number of clients with which it is fastest.
func (b *bench) best() result {
	var best result
	for _, n := range pgbenchClients {
		if r := b.result(nameBench, n); r.perSec > best.perSec {
			best = r
		}
	}
	return best
}

func (b *bench) result(name string, callers int) result {
	for _, r := range b.results {
		if r.name == name && r.callers == callers {
			return r
		}
	}
	return result{}
}
