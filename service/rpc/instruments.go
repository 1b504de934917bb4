package rpc

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	prometheusexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// instruments are the counters and histograms of a server. Prometheus shows
// them with the prefix cpis_.
type instruments struct {
	requests             metric.Int64Counter
	seconds              metric.Float64Histogram
	lookups              metric.Int64Counter
	unauthenticatedCount metric.Int64Counter
	refused              metric.Int64Counter
	damaged              metric.Int64Counter
	unrecorded           metric.Int64Counter
	groupSize            metric.Int64Histogram
	groupSeconds         metric.Float64Histogram
	unsigned             metric.Int64Counter
	rounds               metric.Int64Counter
	checkpoint           metric.Int64Gauge
	checkpointTime       metric.Int64Gauge
	keyCalls             metric.Int64Counter
	deliveries           metric.Int64Counter
	scrubbed             metric.Int64Counter
	scrubTime            metric.Int64Gauge
}

// Upper bounds of the histograms.
var (
	secondsBounds = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}
	sizeBounds    = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
)

func newInstruments(to prometheus.Registerer) (instruments, error) {
	exporter, err := prometheusexporter.New(
		prometheusexporter.WithRegisterer(to),
		prometheusexporter.WithNamespace("cpis"),
		prometheusexporter.WithoutScopeInfo(),
		prometheusexporter.WithoutTargetInfo(),
	)
	if err != nil {
		return instruments{}, fmt.Errorf("making the exporter of metrics: %w", err)
	}
	b := builder{meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)).Meter("cpis/service/rpc")}
	i := instruments{
		requests:             b.counter("requests", "Requests by procedure and code."),
		seconds:              b.seconds("request.duration", "How long requests took, by procedure."),
		lookups:              b.counter("lookups", "Answers to look-ups by verdict and access mode."),
		unauthenticatedCount: b.counter("unauthenticated", "Requests whose caller is not known, by reason."),
		refused:              b.counter("refused", "Look-ups, uploads and other acts refused because too many were waiting."),
		damaged:              b.counter("damaged", "Stored data that does not verify, by table."),
		unrecorded:           b.counter("unrecorded", "Times that the audit log could not be written."),
		groupSize:            b.sizes("group.size", "Look-ups committed together."),
		groupSeconds:         b.seconds("group.duration", "How long the commit of a group took."),
		unsigned:             b.counter("unsigned", "Times that no checkpoint could be made."),
		rounds:               b.counter("round.failures", "Times that something failed which the service does by itself, by name."),
		checkpoint:           b.gauge("checkpoint.size", "Entries beneath the last signed checkpoint.", ""),
		checkpointTime:       b.gauge("checkpoint.time", "When the last checkpoint was seen to cover all entries.", "s"),
		deliveries:           b.counter("deliveries", "Attempts to send notices on, by kind of channel and outcome."),
		scrubbed:             b.counter("log.read_again", "Old entries of the log that were read again and compared."),
		scrubTime:            b.gauge("log.round_time", "When the whole log had last been read again.", "s"),
		keyCalls:             b.counter("keys.calls", "Calls to where keys are kept, by operation and outcome."),
	}
	return i, errors.Join(b.errs...)
}

// builder creates instruments and collects what goes wrong.
type builder struct {
	meter metric.Meter
	errs  []error
}

func (b *builder) keep(err error) {
	if err != nil {
		b.errs = append(b.errs, fmt.Errorf("making an instrument: %w", err))
	}
}

func (b *builder) counter(name, help string) metric.Int64Counter {
	c, err := b.meter.Int64Counter(name, metric.WithDescription(help))
	b.keep(err)
	return c
}

func (b *builder) gauge(name, help, unit string) metric.Int64Gauge {
	g, err := b.meter.Int64Gauge(name, metric.WithDescription(help), metric.WithUnit(unit))
	b.keep(err)
	return g
}

func (b *builder) seconds(name, help string) metric.Float64Histogram {
	h, err := b.meter.Float64Histogram(name, metric.WithDescription(help), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(secondsBounds...))
	b.keep(err)
	return h
}

func (b *builder) sizes(name, help string) metric.Int64Histogram {
	h, err := b.meter.Int64Histogram(name, metric.WithDescription(help),
		metric.WithExplicitBucketBoundaries(sizeBounds...))
	b.keep(err)
	return h
}
