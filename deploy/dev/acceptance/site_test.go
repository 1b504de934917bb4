package acceptance_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"cpis/audit"
	"cpis/deploy/dev/idp"
	"cpis/policy"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/faces"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/keys/local"
	"cpis/service/lookup"
	"cpis/service/record"
	"cpis/service/reference"
	"cpis/service/rpc"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Places of the people whom the identity provider knows.
const (
	islington = "E09000019"
	camden    = "E09000007"
	audience  = "cpis-test"
	hubPhone  = "01632 960999"
	ambulance = "RRU" // where nobody works, but some help out
)

// monday is when the service's clock stands: a working day, in office hours.
var monday = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

// site is a whole service on loopback, with everything it says collected.
type site struct {
	tb       testing.TB
	database *dbtest.Database
	db       *store.DB
	keeper   *switched
	ring     *keys.Ring
	idp      *idp.Provider
	service  *service.Service
	base     string
	admin    string
	logs     *syncBuffer
	spans    *tracetest.InMemoryExporter
	clock    *clock
	called   sync.Map // protocol and procedure of each call
}

// clock stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// switched is a keeper that can be away.
type switched struct {
	keys.Keeper
	mu   sync.Mutex
	away bool
}

func (s *switched) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *switched) Unwrap(ctx context.Context, w []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away {
		return nil, keys.ErrUnavailable
	}
	return s.Keeper.Unwrap(ctx, w)
}

// syncBuffer is a buffer that several may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// nowhere stands for the way to other systems.
type nowhere struct{}

func (nowhere) Check(to string) (problem, example string) {
	if !strings.HasPrefix(to, "https://") {
		return "must be https", "https://cases.example.org/notices"
	}
	return "", ""
}

func (nowhere) Send(context.Context, *deliver.Message) error { return nil }

// newSite starts a service of its own for a test.
func newSite(tb testing.TB) *site {
	tb.Helper()
	keeper, err := local.Create(filepath.Join(tb.TempDir(), "keys.json"))
	must(tb, err)
	return newSiteOver(tb, keeper)
}

func newSiteOver(tb testing.TB, keeper keys.Keeper) *site {
	tb.Helper()
	s := &site{
		tb: tb, database: dbtest.New(tb), keeper: &switched{Keeper: keeper}, logs: &syncBuffer{},
		spans: tracetest.NewInMemoryExporter(), clock: &clock{now: monday},
	}
	s.db = dbtest.Open(tb, s.database)
	s.openKeys()
	s.db = s.db.Guarded(s.ring, func(string) {})
	s.fill()
	s.serve()
	return s
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(told(err))
	}
}

// places are the organisations at which people of the tests work. There are
// thousands of others.
func places(all []reference.Organisation) (rows []store.OrganisationRow) {
	people := idp.People()
	for _, o := range all {
		if o.Code == ambulance || slices.ContainsFunc(people, func(p idp.Person) bool { return p.Place == o.Code }) {
			rows = append(rows, store.OrganisationRow{Code: o.Code, Name: o.Name, Class: string(o.Class), Postcode: o.Postcode})
		}
	}
	return rows
}

// fill loads the reference data, and what the identity provider's people need.
func (s *site) fill() {
	s.tb.Helper()
	ctx := s.tb.Context()
	organisations, err := reference.Organisations()
	must(s.tb, err)
	authorities, err := reference.Authorities()
	must(s.tb, err)
	var las []store.AuthorityRow
	for _, a := range authorities {
		las = append(las, store.AuthorityRow{GSS: a.GSS, DfE: a.DfE, Name: a.Name, Kind: a.Kind, Region: a.Region})
	}
	owner := dbtest.OpenOwner(s.tb, s.database).
		Guarded(s.ring, func(string) {})
	must(s.tb, owner.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Directory.LoadReference(ctx, places(organisations), las)
		return err
	}))
	admin := &directory.Admin{Command: s.command(owner)}
	for _, o := range idp.Organisations() {
		must(s.tb, admin.AddOrganisation(ctx, o.Code, o.Name, o.Class))
	}
	must(s.tb, admin.AddOrganisation(ctx, "TST111", "Test 111", policy.NHS111))
	must(s.tb, admin.SetContact(ctx, islington, directory.Numbers{Office: "020 7946 0001", Hours: "Mon-Fri 09:00-17:00", Duty: "020 7946 0002"}))
	must(s.tb, admin.SetContact(ctx, camden, directory.Numbers{Office: "020 7946 0003", Hours: "Mon-Fri 09:00-17:00", Duty: "020 7946 0004"}))
}

// command returns what an administrator does on the machine.
func (s *site) command(db *store.DB) guard.Command {
	s.tb.Helper()
	log, err := db.Logs.Find(s.tb.Context(), dbtest.Origin)
	must(s.tb, err)
	return guard.Command{DB: db, Log: log, Now: s.clock.Now, Operator: "tester"}
}

func (s *site) openKeys() {
	s.tb.Helper()
	ctx := s.tb.Context()
	must(s.tb, (&record.KeyAdmin{Command: s.command(s.db), Keeper: s.keeper}).EnsureIndexKey(ctx))
	rows, err := s.db.IndexKeys(ctx)
	must(s.tb, err)
	s.ring, err = keys.OpenRing(ctx, s.keeper, []keys.Wrapped{{Owner: "index/1", Text: rows[0].Wrapped}},
		keys.RingConfig{Now: s.clock.Now})
	must(s.tb, err)
}

func observer(e *rpc.Events) service.Observer {
	return service.Observer{Damaged: e.Damaged, Unrecorded: e.Unrecorded, Unsigned: e.Unsigned}
}

// serve starts the identity provider, the service and its two listeners.
func (s *site) serve() {
	s.tb.Helper()
	ctx := s.tb.Context()
	provider, err := idp.Start(ctx, idp.Config{
		Address: "127.0.0.1:0", Directory: s.tb.TempDir(), Audience: audience, Now: s.clock.Now, Lifetime: 50 * time.Minute,
	})
	must(s.tb, err)
	s.tb.Cleanup(func() { _ = provider.Close(context.Background()) })
	s.idp = provider
	directory, err := directory.OpenDirectory(ctx, s.db)
	must(s.tb, err)
	verifier, err := identity.New(ctx, identity.Config{
		Audiences: []string{audience}, Issuers: []identity.Issuer{provider.Issuer()},
	}, directory, s.clock.Now)
	must(s.tb, err)
	log := zerolog.New(s.logs).Level(zerolog.DebugLevel)
	metrics, err := rpc.NewMetrics(ctx)
	must(s.tb, err)
	s.service, err = service.New(ctx, service.Config{
		DB: s.db, Policy: servicetest.Rules(s.tb), Ring: s.ring, Log: dbtest.Origin, Now: s.clock.Now,
		Hub:     domain.Hub{Name: "National safeguarding hub", Phone: hubPhone},
		Group:   lookup.GroupConfig{KeyWait: 200 * time.Millisecond},
		Senders: map[deliver.ChannelKind]deliver.Sender{deliver.WebhookChannel: nowhere{}},
		Observe: observer(metrics.Events(ctx, log)),
	})
	must(s.tb, err)
	s.tb.Cleanup(s.service.Close)
	ready := rpc.NewReadiness(s.clock.Now, log, rpc.Check{Name: "database", OK: s.db.Ready})
	handler, err := rpc.NewHandler(rpc.Config{
		UseCases: faces.RPC(s.service), Verifier: verifier, Metrics: metrics, Readiness: ready,
		Now: time.Now, Log: log, Traces: trace.NewTracerProvider(trace.WithSyncer(s.spans)),
	})
	must(s.tb, err)
	s.base = s.listen(handler, log)
	s.admin = s.listen(rpc.NewAdmin(ready, metrics), log)
}

func (s *site) listen(h http.Handler, log zerolog.Logger) string {
	s.tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(s.tb.Context(), "tcp", "127.0.0.1:0")
	must(s.tb, err)
	server := rpc.NewServer(h, nil, log)
	go func() { _ = server.Serve(l) }()
	s.tb.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

// protocol is a way to speak to the service.
type protocol struct {
	name    string
	options []connecthttp.Option
}

var protocols = []protocol{
	{"connect", nil},
	{"connect json", []connecthttp.Option{connecthttp.WithProtoJSON()}},
	{"grpc", []connecthttp.Option{connecthttp.WithGRPC()}},
	{"grpc web", []connecthttp.Option{connecthttp.WithGRPCWeb()}},
}

// connection returns a client of somebody, or of a token.
func (s *site) connection(p protocol, token string) *connect.Client {
	s.tb.Helper()
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: only, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
	s.tb.Cleanup(client.CloseIdleConnections)
	authorise := func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			info, ok := connect.CallInfoForClientContext(ctx)
			if !ok {
				ctx, info = connect.NewClientContext(ctx)
			}
			info.RequestHeader().Set("Authorization", "Bearer "+token)
			s.called.Store(p.name+" "+spec.Procedure, true)
			if info.RequestHeader().Get("X-Request-ID") == "" {
				info.RequestHeader().Set("X-Request-ID", uuid.NewString())
			}
			return next(ctx, spec)
		}
	}
	return connect.NewClient(connecthttp.NewTransport(client, s.base, p.options...), authorise)
}

func (s *site) token(person string, options ...idp.Option) string {
	s.tb.Helper()
	t, err := s.idp.Token(person, options...)
	must(s.tb, err)
	return t
}

func (s *site) lookups(p protocol, person string, options ...idp.Option) cpisv1connect.LookupServiceClient {
	s.tb.Helper()
	return cpisv1connect.NewLookupServiceClient(s.connection(p, s.token(person, options...)))
}

// child is somebody with a plan, as registered.
type child struct {
	number, family, given, born string
	authority                   string
	kind                        cpisv1.PlanKind
	start, end, expected        string
	restricted                  bool
}

// register registers plans, each as the system of its authority.
func (s *site) register(children ...child) {
	s.tb.Helper()
	for _, c := range children {
		plans := cpisv1connect.NewPlanServiceClient(s.connection(protocols[0], s.token("la-system", at(c.authority))))
		r := &cpisv1.RegisterPlanRequest{
			Person: &cpisv1.Person{NhsNumber: c.number, FamilyName: c.family, GivenName: c.given, DateOfBirth: c.born},
			Kind:   c.kind, Start: c.start, End: c.end, Expected: c.expected, Restricted: c.restricted,
			Reference: "REF-" + c.family,
		}
		if c.kind == cpisv1.PlanKind_PLAN_KIND_LAC {
			r.LegalBasis = cpisv1.LegalBasis_LEGAL_BASIS_S31
		}
		if _, err := plans.RegisterPlan(s.tb.Context(), r); err != nil {
			s.tb.Fatalf("registering: %v", err)
		}
	}
}

// entries returns the entries from an index on, after checking that everything
// in the log adds up to its head.
func (s *site) entries(from int64) []audit.Entry {
	s.tb.Helper()
	ctx := s.tb.Context()
	log, err := s.db.Logs.Find(ctx, dbtest.Origin)
	must(s.tb, err)
	head, err := s.db.Head(ctx, log.ID)
	must(s.tb, err)
	var tree audit.Tree
	var entries []audit.Entry
	for row, err := range s.db.Logs.Entries(ctx, log.ID, 0, head.Size()) {
		must(s.tb, err)
		tree.Append(audit.LeafHash(row.Line))
		if row.Index < from {
			continue
		}
		e, err := audit.ParseLine(row.Line)
		must(s.tb, err)
		entries = append(entries, e)
	}
	if tree != head {
		s.tb.Fatal("entries do not add up to the head")
	}
	return entries
}

// size is how many entries there are.
func (s *site) size() int64 {
	s.tb.Helper()
	return int64(len(s.entries(0)))
}

// say returns an entry in a few words, for comparison.
func say(e audit.Entry) string {
	words := []string{e.Role, e.Action}
	add := func(cond bool, word string) {
		if cond {
			words = append(words, word)
		}
	}
	add(e.Mode != "", e.Mode)
	words = append(words, e.Outcome)
	add(e.Reason != "", e.Reason)
	add(e.BreakGlass, "break_glass")
	add(e.Restricted, "restricted")
	add(e.Degraded, "degraded")
	add(e.Subject != nil, "subject")
	add(len(e.Disclosed) > 0, fmt.Sprintf("disclosed=%d", len(e.Disclosed)))
	return strings.Join(words, " ")
}
