package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/deliver"
	"cpis/service/identity"
)

// Metrics counts what an operator watches. Labels come from closed lists and
// never name an organisation, a caller or a person: how often flags are found
// for whom would itself tell something.
type Metrics struct {
	registry *prometheus.Registry
	token    string // that whoever reads them must show; empty: nobody must
	instruments

	// What is added to a counter is made once for each set of labels: making
	// it costs more than counting.
	byRequest   map[requestLabels][]metric.AddOption
	byProcedure map[*procedure][]metric.RecordOption
	byLookup    map[lookupLabels][]metric.AddOption
	byReason    map[identity.Reason][]metric.AddOption
}

type requestLabels struct {
	procedure *procedure
	code      connect.Code // 0 if there is no error
}

type lookupLabels struct {
	answer cpisv1.Answer
	mode   cpisv1.AccessMode
}

// NewMetrics creates the metrics of a server, those of the Go runtime and the
// process among them.
func NewMetrics(ctx context.Context) (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	var err error
	if m.instruments, err = newInstruments(m.registry); err != nil {
		return nil, err
	}
	m.label(ctx)
	return m, nil
}

// Protect has Handler ask for a bearer token from now on: how often flags are
// found is not for everybody on the network of operators.
func (m *Metrics) Protect(token string) { m.token = token }

// Handler answers with all metrics, in the form that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	all := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !m.mayRead(r) {
			w.Header().Set("Www-Authenticate", "Bearer")
			say(w, http.StatusUnauthorized, "metrics are for those with their token")
			return
		}
		all.ServeHTTP(w, r)
	})
}

func (m *Metrics) mayRead(r *http.Request) bool {
	shown := sha256.Sum256([]byte(identity.Bearer(r.Header.Get(headerToken))))
	right := sha256.Sum256([]byte(m.token))
	return m.token == "" || subtle.ConstantTimeCompare(shown[:], right[:]) == 1
}

// Registerer takes the metrics of other parts of the program. Their labels
// must keep the promise that Metrics makes.
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// label creates the sets of labels, and shows as zero what has not happened yet
// but should be seen when it does.
func (m *Metrics) label(ctx context.Context) {
	m.byRequest = make(map[requestLabels][]metric.AddOption)
	m.byProcedure = make(map[*procedure][]metric.RecordOption)
	m.byLookup = make(map[lookupLabels][]metric.AddOption)
	m.byReason = make(map[identity.Reason][]metric.AddOption)
	m.labelProcedure(unknown)
	for _, p := range procedures {
		m.labelProcedure(p)
	}
	for _, p := range logFiles {
		m.labelProcedure(p)
	}
	for a := range cpisv1.Answer_name {
		for mode := range cpisv1.AccessMode_name {
			m.labelLookup(ctx, cpisv1.Answer(a), cpisv1.AccessMode(mode))
		}
	}
	for _, r := range identity.Reasons() {
		m.labelReason(ctx, r)
	}
	m.labelReason(ctx, "") // could be neither accepted nor refused
	m.refused.Add(ctx, 0)
	m.unrecorded.Add(ctx, 0)
	m.unsigned.Add(ctx, 0)
	m.scrubbed.Add(ctx, 0)
	for _, kind := range []deliver.ChannelKind{deliver.WebhookChannel, deliver.MeshChannel} {
		m.deliveries.Add(ctx, 0, delivered(kind, true))
		m.deliveries.Add(ctx, 0, delivered(kind, false))
	}
}

func (m *Metrics) labelProcedure(p *procedure) {
	name := attribute.String("procedure", p.name)
	m.byProcedure[p] = []metric.RecordOption{set(name)}
	m.byRequest[requestLabels{p, 0}] = []metric.AddOption{set(name, attribute.String("code", "ok"))}
	for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
		m.byRequest[requestLabels{p, code}] = []metric.AddOption{set(name, attribute.String("code", code.String()))}
	}
}

func (m *Metrics) labelLookup(ctx context.Context, a cpisv1.Answer, mode cpisv1.AccessMode) {
	verdict := fromEnum(verdicts, a)
	if verdict == "" || mode == cpisv1.AccessMode_ACCESS_MODE_UNSPECIFIED {
		return // never answered
	}
	labels := []metric.AddOption{set(
		attribute.String("verdict", string(verdict)),
		attribute.String("mode", modeName(mode)),
	)}
	m.byLookup[lookupLabels{a, mode}] = labels
	m.lookups.Add(ctx, 0, labels...)
}

func modeName(mode cpisv1.AccessMode) string {
	var name string
	setMode(&name, mode)
	return name
}

func (m *Metrics) labelReason(ctx context.Context, r identity.Reason) {
	name := string(r)
	if r == "" {
		name = "unavailable"
	}
	m.byReason[r] = []metric.AddOption{set(attribute.String("reason", name))}
	m.unauthenticatedCount.Add(ctx, 0, m.byReason[r]...)
}

func set(labels ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(labels...))
}

// request counts a request that is over.
func (m *Metrics) request(ctx context.Context, p *procedure, err error, took time.Duration) {
	labels := requestLabels{procedure: p}
	if err != nil {
		labels.code = connect.CodeOf(err)
	}
	m.requests.Add(ctx, 1, m.byRequest[labels]...)
	m.seconds.Record(ctx, took.Seconds(), m.byProcedure[p]...)
}

// lookup counts an answer to a look-up.
func (m *Metrics) lookup(ctx context.Context, a *cpisv1.LookUpResponse) {
	m.lookups.Add(ctx, 1, m.byLookup[lookupLabels{a.GetAnswer(), a.GetAccessMode()}]...)
}

// unauthenticated counts a request whose caller is not known.
func (m *Metrics) unauthenticated(ctx context.Context, err error) {
	m.unauthenticatedCount.Add(ctx, 1, m.byReason[identity.ReasonOf(err)]...)
}

// delivered labels an attempt to send a notice on.
func delivered(kind deliver.ChannelKind, ok bool) metric.MeasurementOption {
	outcome := "failed"
	if ok {
		outcome = "ok"
	}
	return set(attribute.String("channel", string(kind)), attribute.String("outcome", outcome))
}

// KeyCall counts a call to where keys are kept, by operation.
func (m *Metrics) KeyCall(ctx context.Context, operation string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	m.keyCalls.Add(ctx, 1, set(attribute.String("operation", operation), attribute.String("outcome", outcome)))
}

// Events counts what the service tells of. Events that somebody must be woken
// for are also logged; that no checkpoint can be made, when it begins.
type Events struct {
	*Metrics

	ctx      context.Context //nolint:containedctx // events belong to no request, and go on until the service has stopped
	log      zerolog.Logger
	noSigner atomic.Bool
	failing  sync.Map // rounds that failed the last time, by name
}

// Events returns what counts events, and logs them.
func (m *Metrics) Events(ctx context.Context, log zerolog.Logger) *Events {
	return &Events{Metrics: m, ctx: context.WithoutCancel(ctx), log: log}
}

// Group counts a group of look-ups that was committed.
func (e *Events) Group(size int, took time.Duration) {
	e.groupSize.Record(e.ctx, int64(size))
	e.groupSeconds.Record(e.ctx, took.Seconds())
}

// Refused counts what was refused by overload.
func (e *Events) Refused() { e.refused.Add(e.ctx, 1) }

// Damaged counts and logs that something stored does not verify.
func (e *Events) Damaged(table string) {
	e.damaged.Add(e.ctx, 1, set(attribute.String("table", table)))
	e.log.Error().Str("table", table).Msg("stored data does not verify")
}

// Tampered logs what is wrong with the log.
func (e *Events) Tampered(err error) {
	e.log.Error().Err(err).Msg("the log is not as it was signed: keep everything as it is")
}

// Scrubbed counts old entries that were read again, and notes when a round over
// the whole log has ended.
func (e *Events) Scrubbed(entries int64, whole bool) {
	e.scrubbed.Add(e.ctx, entries)
	if whole {
		e.scrubTime.Record(e.ctx, time.Now().Unix()) //nolint:forbidigo // for whoever compares it with the time now
	}
}

// Unrecorded counts and logs that the log could not be written.
func (e *Events) Unrecorded(err error) {
	e.unrecorded.Add(e.ctx, 1)
	e.log.Error().Err(err).Msg("log could not be written")
}

// Signed notes how far the checkpoint goes.
func (e *Events) Signed(size int64, at time.Time) {
	e.checkpoint.Record(e.ctx, size)
	e.checkpointTime.Record(e.ctx, at.Unix())
	if e.noSigner.Swap(false) {
		e.log.Info().Int64("size", size).Msg("checkpoints are made again")
	}
}

// Unsigned counts that no checkpoint could be made, and logs when that begins.
func (e *Events) Unsigned(err error) {
	e.unsigned.Add(e.ctx, 1)
	if !e.noSigner.Swap(true) {
		e.log.Error().Err(err).Msg("no checkpoint can be made")
	}
}

// Round counts what the service could not do by itself, and logs when that begins
// and ends.
func (e *Events) Round(name string, err error) {
	if err == nil {
		if _, failed := e.failing.LoadAndDelete(name); failed {
			e.log.Info().Str("round", name).Msg("what the service does by itself works again")
		}
		return
	}
	e.rounds.Add(e.ctx, 1, set(attribute.String("round", name)))
	if _, failed := e.failing.LoadOrStore(name, true); !failed {
		e.log.Error().Err(err).Str("round", name).Msg("what the service does by itself fails: it is tried again")
	}
}

// Sent counts an attempt to send a notice on.
func (e *Events) Sent(kind deliver.ChannelKind, ok bool) {
	e.deliveries.Add(e.ctx, 1, delivered(kind, ok))
}
