package rpc_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/auditlog"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/plan"
	"cpis/service/rpc"
)

// nurseToken is the one token that the fixture's verifier knows.
const nurseToken = "nurse-token"

// aRequest is an X-Request-ID.
const aRequest = "60e0b220-8136-4ca5-ae46-1d97ef59d068"

// uses stands for the use cases: what it answers is set by the test, and what
// it was asked is kept. The real ones are tested with a database elsewhere.
type uses struct {
	mu       sync.Mutex
	callers  []identity.Caller
	question *lookup.Question
	list     *lookup.ClinicList
	plan     *domain.Registration
	ending   *plan.EndPlanRequest
	number   string
	log      string
	index    int64
	refused  []refusal

	reading     chan<- error // takes how the reading of a file ended
	err         error
	refuseErr   error
	panic       any
	answer      lookup.Answer
	items       []lookup.ItemAnswer
	registered  plan.RegisterPlanResult
	ended       plan.ChangeResult
	person      plan.OwnPerson
	proof       auditlog.Proof
	consistency auditlog.Consistency
	planLife
	uploadLife
}

// others stands for the use cases that a test does not reach.
type others struct {
	rpc.Changes
	rpc.Notices
	rpc.Channels
	rpc.Encounters
	rpc.Contacts
	rpc.Reports
	rpc.Oversight
	rpc.Releases
	rpc.Exports
	rpc.Installation
}

// refusal is a request that was refused before it became a use case.
type refusal struct {
	Action, Request, Client string
	Violations              []domain.Violation
}

// asked notes who asked, and returns what the test wants to go wrong.
func (u *uses) asked(c *identity.Caller, note func()) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.callers = append(u.callers, *c)
	note()
	if u.panic != nil {
		panic(u.panic)
	}
	return u.err
}

func (u *uses) LookUp(_ context.Context, c *identity.Caller, q *lookup.Question) (*lookup.Answer, error) {
	return &u.answer, u.asked(c, func() { u.question = q })
}

func (u *uses) LookUpMany(_ context.Context, c *identity.Caller, l *lookup.ClinicList) (*lookup.ListAnswer, error) {
	return &lookup.ListAnswer{Items: u.items}, u.asked(c, func() { u.list = l })
}

func (u *uses) RegisterPlan(_ context.Context, c *identity.Caller, r *domain.Registration) (*plan.RegisterPlanResult, error) {
	return &u.registered, u.asked(c, func() { u.plan = r })
}

func (u *uses) EndPlan(_ context.Context, c *identity.Caller, e *plan.EndPlanRequest) (*plan.ChangeResult, error) {
	return &u.ended, u.asked(c, func() { u.ending = e })
}

func (u *uses) GetPerson(_ context.Context, c *identity.Caller, q *plan.GetPersonRequest) (*plan.OwnPerson, error) {
	return &u.person, u.asked(c, func() { u.number = q.NHSNumber })
}

func (u *uses) Checkpoint(_ context.Context, c *identity.Caller, q *auditlog.CheckpointRequest) (*auditlog.SignedCheckpoint, error) {
	return &auditlog.SignedCheckpoint{Note: []byte("a signed note")}, u.asked(c, func() { u.log = q.Log })
}

func (u *uses) InclusionProof(_ context.Context, c *identity.Caller, q *auditlog.ProofRequest) (*auditlog.Proof, error) {
	return &u.proof, u.asked(c, func() { u.log, u.index = q.Log, q.Index })
}

func (u *uses) ConsistencyProof(_ context.Context, c *identity.Caller, q *auditlog.ConsistencyRequest) (*auditlog.Consistency, error) {
	return &u.consistency, u.asked(c, func() { u.log, u.index = q.Log, q.Size })
}

func (u *uses) Tile(_ context.Context, c *identity.Caller, q *auditlog.TileRequest) (*auditlog.HashTile, error) {
	return &auditlog.HashTile{Hashes: []byte("hashes")}, u.asked(c, func() { u.log = fmt.Sprint(q.Number, " ", q.Path) })
}

func (u *uses) EntryBundle(_ context.Context, c *identity.Caller, q *auditlog.BundleRequest) (*auditlog.Bundle, error) {
	return &auditlog.Bundle{Lines: []byte("lines")}, u.asked(c, func() { u.log = fmt.Sprint(q.Number, " ", q.Path) })
}

func (u *uses) refuse(_ context.Context, c *identity.Caller, action, request string, why *domain.InvalidError) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refused = append(u.refused, refusal{action, request, c.ClientID, why.Violations})
	if u.refuseErr != nil {
		return errors.Join(u.refuseErr, why)
	}
	return why
}

// times says how often any use case was reached.
func (u *uses) times() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.callers)
}

// door is a verifier that knows one token.
type door struct {
	mu   sync.Mutex
	err  error
	seen []*x509.Certificate
}

func (d *door) Verify(_ context.Context, bearer string, peer *x509.Certificate) (identity.Caller, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, peer)
	switch {
	case d.err != nil:
		return identity.Caller{}, d.err
	case bearer == "":
		return identity.Caller{}, &identity.RefusalError{Reason: identity.Missing}
	case bearer != nurseToken:
		return identity.Caller{}, &identity.RefusalError{Reason: identity.Signature}
	}
	return identity.Caller{ID: "nurse-1", ClientID: "ed-system", Organisation: "RXX01"}, nil
}

// bench is a face with its surroundings.
type bench struct {
	uses    *uses
	door    *door
	log     *lockedBuffer
	metrics *rpc.Metrics
	handler http.Handler
	servers []*httptest.Server
}

// logged returns what was logged, once all requests are over: an answer may be
// there before its line is.
func (b *bench) logged() string {
	for _, s := range b.servers {
		s.Close()
	}
	return b.log.String()
}

// option changes the configuration of a bench.
type option func(*rpc.Config)

func withTraces(to trace.TracerProvider) option { return func(c *rpc.Config) { c.Traces = to } }
func withMaxUpload(n int64) option              { return func(c *rpc.Config) { c.MaxUpload = n } }
func withLevel(l zerolog.Level) option          { return func(c *rpc.Config) { c.Log = c.Log.Level(l) } }
func withReadiness(r *rpc.Readiness) option     { return func(c *rpc.Config) { c.Readiness = r } }

func newBench(tb testing.TB, options ...option) *bench {
	tb.Helper()
	b := &bench{uses: &uses{}, door: &door{}, log: &lockedBuffer{}}
	b.uses.answer = noFlag()
	var err error
	if b.metrics, err = rpc.NewMetrics(tb.Context()); err != nil {
		tb.Fatalf("NewMetrics: %v", err)
	}
	u := b.uses
	c := rpc.Config{
		UseCases: rpc.UseCases{
			LookUps: u, Plans: u, Work: u, Uploads: u, Proofs: u, Refuse: u.refuse,
			Changes: others{}, Notices: others{}, Channels: others{}, Encounters: others{}, Contacts: others{}, Reports: others{}, Oversight: others{},
			Releases: others{}, Exports: others{}, Installation: others{},
		},
		Verifier:  b.door,
		Metrics:   b.metrics,
		Readiness: rpc.NewReadiness(time.Now, zerolog.Nop()),
		Now:       time.Now,
		Log:       zerolog.New(b.log),
	}
	for _, o := range options {
		o(&c)
	}
	if b.handler, err = rpc.NewHandler(c); err != nil {
		tb.Fatalf("NewHandler: %v", err)
	}
	return b
}

// noFlag is the answer that nearly everybody gets.
func noFlag() lookup.Answer {
	return lookup.Answer{
		Verdict: lookup.NoFlagKnown,
		Mode:    "unscheduled",
		Advice: "No flag is known for this NHS number. The absence of a flag is not the absence of risk: children at risk " +
			"may be unknown, unmatched or known elsewhere. Follow your safeguarding procedures whenever you are concerned.",
		Receipt: guard.Receipt{Log: "cpis.example/log/1", Index: 123456, TreeSize: 123499, Leaf: [32]byte{1, 2, 3}},
	}
}

// wire is one way to talk to the face.
type wire struct {
	name    string
	http2   bool
	options []connecthttp.Option
}

var wires = []wire{
	{"connect proto, HTTP/1.1", false, nil},
	{"connect JSON, HTTP/1.1", false, []connecthttp.Option{connecthttp.WithProtoJSON()}},
	{"connect JSON, HTTP/2", true, []connecthttp.Option{connecthttp.WithProtoJSON()}},
	{"gRPC, HTTP/2", true, []connecthttp.Option{connecthttp.WithGRPC()}},
	{"gRPC JSON, HTTP/2", true, []connecthttp.Option{connecthttp.WithGRPC(), connecthttp.WithProtoJSON()}},
	{"gRPC-Web, HTTP/1.1", false, []connecthttp.Option{connecthttp.WithGRPCWeb()}},
}

// clients are the generated clients over one wire. What comes back is kept.
type clients struct {
	lookups cpisv1connect.LookupServiceClient
	plans   cpisv1connect.PlanServiceClient
	uploads cpisv1connect.UploadServiceClient
	notice  cpisv1connect.NoticeServiceClient
	contact cpisv1connect.ContactServiceClient
	work    cpisv1connect.WorkServiceClient
	person  cpisv1connect.PersonServiceClient
	admin   cpisv1connect.AdminServiceClient
	log     cpisv1connect.LogServiceClient
	*recorder
}

// recorder keeps the last response as it came over the wire.
type recorder struct {
	base    http.RoundTripper
	mu      sync.Mutex
	header  http.Header
	trailer http.Header
	body    []byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header, r.trailer, r.body = res.Header.Clone(), res.Trailer.Clone(), body
	return res, err
}

// everything is all that came back, as one text.
func (r *recorder) everything() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text bytes.Buffer
	_ = r.header.Write(&text)
	_ = r.trailer.Write(&text)
	text.Write(r.body)
	return text.String()
}

// serveTLS serves the face with TLS and HTTP/2.
func (b *bench) serveTLS(tb testing.TB) *httptest.Server {
	tb.Helper()
	s := httptest.NewUnstartedServer(b.handler)
	s.EnableHTTP2 = true
	s.StartTLS()
	tb.Cleanup(s.Close)
	b.servers = append(b.servers, s)
	return s
}

// dial makes clients that send a token, and the headers given as pairs.
func (w wire) dial(tb testing.TB, s *httptest.Server, headers ...string) *clients {
	tb.Helper()
	base, _ := s.Client().Transport.(*http.Transport)
	transport := base.Clone()
	transport.ForceAttemptHTTP2 = w.http2
	if !w.http2 {
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	tb.Cleanup(transport.CloseIdleConnections)
	r := &recorder{base: transport}
	set := append([]string{"Authorization", "Bearer " + nurseToken, "X-Request-ID", aRequest}, headers...)
	c := connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: r}, s.URL, w.options...), sending(set))
	return &clients{
		lookups:  cpisv1connect.NewLookupServiceClient(c),
		plans:    cpisv1connect.NewPlanServiceClient(c),
		uploads:  cpisv1connect.NewUploadServiceClient(c),
		notice:   cpisv1connect.NewNoticeServiceClient(c),
		contact:  cpisv1connect.NewContactServiceClient(c),
		work:     cpisv1connect.NewWorkServiceClient(c),
		person:   cpisv1connect.NewPersonServiceClient(c),
		admin:    cpisv1connect.NewAdminServiceClient(c),
		log:      cpisv1connect.NewLogServiceClient(c),
		recorder: r,
	}
}

// sending sets headers; an empty value takes one away.
func sending(pairs []string) connect.ClientInterceptor {
	return func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			info, _ := connect.CallInfoForClientContext(ctx)
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i+1] == "" {
					info.RequestHeader().Delete(pairs[i])
				} else {
					info.RequestHeader().Set(pairs[i], pairs[i+1])
				}
			}
			return next(ctx, spec)
		}
	}
}

// open makes a face and clients that talk to it over the wire.
func (w wire) open(tb testing.TB, options ...option) (*bench, *clients) {
	tb.Helper()
	b := newBench(tb, options...)
	return b, w.dial(tb, b.serveTLS(tb))
}

// lockedBuffer is a buffer that a server writes to while a test reads.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
