package bench_test

import (
	"strings"
	"testing"
	"time"

	"cpis/deploy/dev/bench"
)

func TestAreaUnder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		without, with []time.Duration
		want          float64
	}{
		"always longer":  {[]time.Duration{1, 2}, []time.Duration{3, 4}, 1},
		"always shorter": {[]time.Duration{3, 4}, []time.Duration{1, 2}, 0},
		"alike":          {[]time.Duration{5, 5}, []time.Duration{5, 5}, 0.5},
		"in between":     {[]time.Duration{1, 3}, []time.Duration{2, 2}, 0.5},
		"mostly longer":  {[]time.Duration{1, 2, 3, 4}, []time.Duration{4}, 0.875},
	} {
		if got := bench.AreaUnder(c.without, c.with); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// A ratio whose rounds differ too much is neither reached nor missed.
func TestRatiosThatDifferTooMuchAreNotTrusted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ratios  []float64
		atLeast bool
		want    string
	}{
		{[]float64{1.8, 1.6, 1.9}, true, "reached"},
		{[]float64{1.4, 1.6, 1.5}, true, "MISSED"},
		{[]float64{1.4, 1.6, 1.5}, false, "reached"},
		{[]float64{1.0, 3.84, 1.8}, true, "NOT TRUSTWORTHY"},
		{[]float64{0, 1.8, 1.8}, true, "NOT TRUSTWORTHY"},
	} {
		if got := bench.Verdict(c.ratios, 1.7, c.atLeast); !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: got %q, want %q", c.ratios, got, c.want)
		}
	}
}
