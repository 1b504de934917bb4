package rpc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/otelconnect"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"cpis/service/identity"
)

// Verifier finds out who calls, from a token and the certificate that the
// other side proved to hold; nil if there is none. Its errors are
// identity.ErrUnauthenticated and identity.ErrUnavailable.
type Verifier interface {
	Verify(ctx context.Context, bearer string, peer *x509.Certificate) (identity.Caller, error)
}

// Config is what the face is made of.
type Config struct {
	UseCases  UseCases         // required
	Verifier  Verifier         // required
	Metrics   *Metrics         // required
	Readiness *Readiness       // what gRPC health answers from; required
	Now       func() time.Time // the service's clock; required
	// Sources says where calls come from.
	Sources Sources
	// Strangers is told of each call without a valid token: from where, and why it
	// was refused; an empty reason means that it could be neither accepted nor
	// refused. Nobody if nil.
	Strangers func(from string, why identity.Reason)
	// Log takes one line for each request that fails or changes something, and
	// if its level is debug for all others as well.
	Log zerolog.Logger
	// Traces takes a span for each request; nil means that there are no traces,
	// and that they cost nothing.
	Traces trace.TracerProvider
	// MaxUpload is the largest file in bytes; 256 MiB if 0.
	MaxUpload int64
	// UploadTimeout is how long a file may take to arrive and to be worked on;
	// 10 minutes if 0.
	UploadTimeout time.Duration
	// Hold is how long after the head of its request an answer that tells about
	// a person leaves at the earliest; at once if 0.
	Hold time.Duration
}

func (c Config) withDefaults() Config {
	if c.MaxUpload == 0 {
		c.MaxUpload = 256 << 20
	}
	if c.UploadTimeout == 0 {
		c.UploadTimeout = 10 * time.Minute
	}
	if c.Strangers == nil {
		c.Strangers = func(string, identity.Reason) {}
	}
	return c
}

func (c *Config) check() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("rpc needs "+what))
		}
	}
	uses := reflect.ValueOf(c.UseCases)
	for i := range uses.NumField() {
		need(!uses.Field(i).IsNil(), "use cases: "+uses.Type().Field(i).Name)
	}
	need(c.Verifier != nil, "a verifier of tokens")
	need(c.Metrics != nil, "metrics")
	need(c.Readiness != nil, "readiness")
	need(c.Now != nil, "a clock")
	return errors.Join(errs...)
}

// NewHandler creates the face: the services of the contract and gRPC health over
// Connect, gRPC and gRPC-Web, and the paths under which auditors read a log.
func NewHandler(c Config) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	s, err := c.stack()
	if err != nil {
		return nil, err
	}
	chain, err := c.chain(s)
	if err != nil {
		return nil, err
	}
	server := connect.NewServer(chain...)
	register(server, c.UseCases, c.Metrics, c.MaxUpload)
	server.SetUnknownHandler(noProcedure)

	health := connect.NewServer()
	registerHealth(health, c.Readiness, server)

	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, options()...)
	connecthttp.Mount(mux, health, options()...)
	(&fileHandler{s, c.UseCases.Proofs}).mount(mux)
	return &gate{
		next: mux, now: c.Now, maxUpload: c.MaxUpload, uploadTimeout: c.UploadTimeout, holdFor: c.Hold,
		stopping: make(chan struct{}),
	}, nil
}

// NewBare creates a handler of the same make without interceptors, to measure
// against: whatever is registered is served by the same protocols, codecs and
// limits, and nobody asks who calls.
func NewBare(now func() time.Time, register func(*connect.Server)) http.Handler {
	server := connect.NewServer()
	register(server)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, options()...)
	return &gate{next: mux, now: now, anybody: true, stopping: make(chan struct{})}
}

// stack returns what the interceptors share.
func (c *Config) stack() (*stack, error) {
	validate, err := newValidate()
	if err != nil {
		return nil, err
	}
	return &stack{
		verifier: c.Verifier,
		refuse:   c.UseCases.Refuse,
		metrics:  c.Metrics,
		log:      c.Log,
		now:      c.Now,
		validate: validate,

		sources:   c.Sources,
		strangers: c.Strangers,
	}, nil
}

// chain returns the interceptors, outermost first.
func (c *Config) chain(s *stack) ([]connect.ServerInterceptor, error) {
	if c.Traces == nil {
		return s.interceptors(), nil
	}
	traced, err := newTrace(c.Traces)
	if err != nil {
		return nil, err
	}
	return append([]connect.ServerInterceptor{traced}, s.interceptors()...), nil
}

// newTrace creates the interceptor that records a span for each request. It
// stands outside answer, so it sees the fixed texts only; of the request it
// records nothing, and of a path that is not in the contract not even that.
func newTrace(to trace.TracerProvider) (connect.ServerInterceptor, error) {
	i, err := otelconnect.NewServerInterceptor(
		otelconnect.WithTracerProvider(to),
		otelconnect.WithPropagator(propagation.TraceContext{}),
		otelconnect.WithoutMetrics(),
		otelconnect.WithFilter(func(_ context.Context, spec connect.Spec) bool {
			return procedureAt(spec.Procedure) != unknown
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("making the interceptor for traces: %w", err)
	}
	return i, nil
}

// options are those of every handler: our codecs, no compression, and a limit
// for each procedure's messages.
func options() []connecthttp.Option {
	return []connecthttp.Option{
		connecthttp.WithCodecs(codecs()...),
		connecthttp.WithCompressors(),
		connecthttp.WithConditionalOptions(func(spec connect.Spec) []connecthttp.Option {
			return []connecthttp.Option{connecthttp.WithReadMaxBytes(procedureAt(spec.Procedure).limit)}
		}),
	}
}

// gate stands before everything: no answer may be stored or taken for another
// type, and no body may be larger than its procedure takes.
type gate struct {
	next          http.Handler
	now           func() time.Time
	maxUpload     int64
	uploadTimeout time.Duration
	holdFor       time.Duration
	anybody       bool // nobody is asked who calls

	stop     sync.Once
	stopping chan struct{} // closed when the server stops
}

// Stop ends all streams, and those that begin from now on. Other requests have
// an end of their own.
func (g *gate) Stop() { g.stop.Do(func() { close(g.stopping) }) }

// Values of headers, made once for all answers.
var (
	noStore = []string{"no-store"}
	noSniff = []string{"nosniff"}
)

// envelope is what a body may hold beyond its one message.
const envelope = 1 << 10

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	p := procedureAt(r.URL.Path)
	limit := int64(p.limit) + envelope
	if p.upload {
		limit += 2 * g.maxUpload // JSON makes chunks longer, and small ones more
	}
	wait := &patience{control: http.NewResponseController(w), now: g.now, known: g.anybody}
	if p.upload || p.slow {
		wait.long = g.uploadTimeout
	}
	ctx := context.WithValue(r.Context(), patienceKey{}, wait)
	if p.stream {
		l := &live{control: http.NewResponseController(w), now: g.now, stopping: g.stopping}
		ctx = context.WithValue(ctx, liveKey{}, l)
	}
	r = checkHead(r.WithContext(ctx))
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	w = g.hold(p, w)
	if isUnaryConnect(r.Header.Get("Content-Type")) {
		w = &whole{ResponseWriter: w, request: r}
	}
	g.next.ServeHTTP(w, r)
	wait.end() // the library may have answered before anybody was asked who calls
}

// isUnaryConnect reports whether an answer to this type of content is one message
// and nothing else. gRPC and streams have types of their own.
func isUnaryConnect(contentType string) bool {
	return contentType == "application/json" || contentType == "application/proto"
}

// whole writes answers that are written at once. Their length is therefore
// known, and said; otherwise HTTP/1.1 would send them in chunks, and the end of
// the last chunk is a system call of its own, of three.
type whole struct {
	http.ResponseWriter

	request *http.Request
	begun   bool
}

// WriteHeader is called only by those who set the length themselves or do not
// write.
func (w *whole) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the answer.
func (w *whole) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(p))}
		joinWrites(w.request, len(p))
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap returns the writer beneath, for what it can do besides.
func (w *whole) Unwrap() http.ResponseWriter { return w.ResponseWriter }
