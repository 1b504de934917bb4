package main

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cpis/service/store"
)

const (
	// countTimeout bounds a count: Prometheus waits for it.
	countTimeout = 2 * time.Second
	// countFor is how long a count is shown. Whoever reads metrics more often
	// costs the database nothing.
	countFor = 10 * time.Second
)

// counts shows what the database holds when metrics are read. What cannot be
// counted is not shown: no number is better than an old one.
type counts struct {
	log   string // the log that this server writes, by its origin
	count func() (store.Counts, error)
	now   func() time.Time

	mu    sync.Mutex // held during a count, so that there is one at a time
	at    time.Time  // of the last count
	shown []prometheus.Metric
}

// gauge is one number of a count.
type gauge struct {
	desc *prometheus.Desc
	of   func(c store.Counts, log string) int64
}

func newGauge(name, help string, of func(c store.Counts, log string) int64) gauge {
	return gauge{prometheus.NewDesc("cpis_"+name, help, nil, nil), of}
}

// gauges are all numbers of a count. Each server shows the head of its own log.
var gauges = []gauge{
	newGauge("log_room", "Entries that the log can take before its partitions run out.",
		func(c store.Counts, _ string) int64 { return c.Room }),
	newGauge("log_size", "Entries of the log.",
		func(c store.Counts, log string) int64 { return c.Heads[log] }),
	newGauge("reviews_open", "Look-ups that wait for review.",
		func(c store.Counts, _ string) int64 { return c.OpenReviews }),
	newGauge("deliveries_pending", "Notices that wait on channels to be delivered.",
		func(c store.Counts, _ string) int64 { return c.Pending }),
	newGauge("deliveries_undelivered", "Deliveries of notices that channels gave up.",
		func(c store.Counts, _ string) int64 { return c.Undelivered }),
	newGauge("deliveries_oldest", "When the notice that waits longest came to its channel, in seconds since 1970; 0 if none waits.",
		func(c store.Counts, _ string) int64 {
			if c.Oldest == nil {
				return 0
			}
			return c.Oldest.Unix()
		}),
	newGauge("reports_behind", "Entries of the logs that reports do not find yet.",
		func(c store.Counts, _ string) int64 { return c.Unindexed }),
	newGauge("persons", "Persons held, as the database estimates.",
		func(c store.Counts, _ string) int64 { return c.Persons }),
	newGauge("plans", "Plans held, as the database estimates.",
		func(c store.Counts, _ string) int64 { return c.Plans }),
}

// Describe implements prometheus.Collector.
func (*counts) Describe(to chan<- *prometheus.Desc) {
	for _, g := range gauges {
		to <- g.desc
	}
}

// Collect implements prometheus.Collector.
func (c *counts) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.metrics() {
		to <- m
	}
}

// metrics returns the last count, or counts anew if that is too old.
func (c *counts) metrics() []prometheus.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && c.now().Sub(c.at) < countFor {
		return c.shown
	}
	c.shown = nil
	counted, err := c.count()
	c.at = c.now() // a count that failed is not tried again sooner
	if err != nil {
		return nil
	}
	for _, g := range gauges {
		c.shown = append(c.shown, prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(g.of(counted, c.log))))
	}
	return c.shown
}
