package rpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"
	"github.com/rs/zerolog"
	"google.golang.org/grpc/health/grpc_health_v1"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/identity"
	"cpis/service/rpc"
)

// clock is a clock that stands until it is moved.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time        { return time.Unix(0, c.at.Load()) }
func (c *clock) move(by time.Duration) { c.at.Add(int64(by)) }

// away is a check that fails when told to, and counts how often it was asked.
type away struct {
	err   atomic.Pointer[error]
	asked atomic.Int32
}

func (a *away) fail(err error) { a.err.Store(&err) }

func (a *away) check(context.Context) error {
	a.asked.Add(1)
	if err := a.err.Load(); err != nil {
		return *err
	}
	return nil
}

func newReadiness(log io.Writer) (*rpc.Readiness, *clock, *away) {
	c, a := &clock{}, &away{}
	c.move(time.Hour)
	r := rpc.NewReadiness(c.now, zerolog.New(log), rpc.Check{Name: "database", OK: a.check})
	return r, c, a
}

func TestReadinessAsksAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	r, clock, db := newReadiness(log)
	for range 10 {
		if got := r.Away(t.Context()); len(got) != 0 {
			t.Fatalf("away: %v", got)
		}
	}
	if got := db.asked.Load(); got != 1 {
		t.Errorf("asked %d times, want once", got)
	}
	db.fail(errors.New("refused"))
	if got := r.Away(t.Context()); len(got) != 0 {
		t.Errorf("asked again within a second: %v", got)
	}
	for range 3 {
		clock.move(time.Second)
		if got := r.Away(t.Context()); !slices.Equal(got, []string{"database"}) {
			t.Errorf("away: got %v", got)
		}
	}
	db.fail(nil)
	clock.move(time.Second)
	if got := r.Away(t.Context()); len(got) != 0 {
		t.Errorf("away: got %v", got)
	}
	if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), "came back") {
		t.Errorf("want one line for going and one for coming back, got:\n%s", log)
	}
}

func TestReadinessDoesNotHangOnTheAskersPatience(t *testing.T) {
	t.Parallel()
	r := rpc.NewReadiness(time.Now, zerolog.Nop(), rpc.Check{Name: "database", OK: func(ctx context.Context) error { return ctx.Err() }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := r.Away(ctx); len(got) != 0 {
		t.Errorf("away: got %v, because somebody hung up", got)
	}
}

func TestAdminAnswers(t *testing.T) {
	t.Parallel()
	r, clock, db := newReadiness(io.Discard)
	b := newBench(t)
	h := rpc.NewAdmin(r, b.metrics)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	if w := get("/livez"); w.Code != http.StatusOK || w.Body.String() != "alive\n" {
		t.Errorf("livez: got %d %q", w.Code, w.Body)
	}
	if w := get("/readyz"); w.Code != http.StatusOK || w.Body.String() != "ready\n" {
		t.Errorf("readyz: got %d %q", w.Code, w.Body)
	}
	db.fail(errors.New("dial tcp 10.0.0.1: password refused"))
	clock.move(time.Minute)
	if w := get("/readyz"); w.Code != http.StatusServiceUnavailable || w.Body.String() != "away: database\n" {
		t.Errorf("readyz: got %d %q", w.Code, w.Body)
	}
	if w := get("/livez"); w.Code != http.StatusOK {
		t.Errorf("livez: got %d while the database is away", w.Code)
	}
	if w := get("/metrics"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "cpis_unrecorded_total 0") {
		t.Errorf("metrics: got %d", w.Code)
	}
	if w := get(lookUpPath); w.Code != http.StatusNotFound {
		t.Errorf("the services are served to operators: got %d", w.Code)
	}
}

// listen serves a handler as the program does, on a free port.
func listen(t *testing.T, s *http.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- rpc.Serve(ctx, 5*time.Second, rpc.Listener{Server: s, Listen: l}) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// h2c is an HTTP/2 client without TLS.
func h2c(t *testing.T) *http.Client {
	t.Helper()
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: p}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestReflectionNamesTheServicesOnTheAdminListenerOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r, _, _ := newReadiness(io.Discard)
	address := listen(t, rpc.NewServer(rpc.NewAdmin(r, b.metrics), nil, zerolog.Nop()))
	c := grpcreflect.NewClient(connect.NewClient(connecthttp.NewTransport(h2c(t), "http://"+address, connecthttp.WithGRPC())))
	stream := c.NewStream(t.Context())
	got, err := stream.ListServices()
	if err != nil {
		t.Fatalf("ListServices: %v", err)
	}
	if len(got) != 5 || !slices.Contains(got, cpisv1connect.LookupServiceName) {
		t.Errorf("got %v", got)
	}
	for _, name := range got {
		if _, err := stream.FileContainingSymbol(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := stream.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	res := post(t, b.serveTLS(t), "POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "application/grpc", "")
	if res.status != http.StatusNotFound {
		t.Errorf("reflection is offered to callers: got %d", res.status)
	}
}

func TestHealthNeedsNoToken(t *testing.T) {
	t.Parallel()
	r, clock, db := newReadiness(io.Discard)
	b := newBench(t, withReadiness(r))
	s := b.serveTLS(t)
	spec := connect.Spec{Procedure: "/grpc.health.v1.Health/Check"}
	for _, w := range wires {
		c := connect.NewClient(connecthttp.NewTransport(s.Client(), s.URL, w.options...))
		check := func(service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
			var m grpc_health_v1.HealthCheckResponse
			err := c.CallUnary(t.Context(), spec, &grpc_health_v1.HealthCheckRequest{Service: service}, &m)
			return m.GetStatus(), err
		}
		db.fail(nil)
		clock.move(time.Minute)
		for _, name := range []string{"", cpisv1connect.LookupServiceName, cpisv1connect.LogServiceName} {
			if got, err := check(name); err != nil || got != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Errorf("%s, %q: got %v, %v", w.name, name, got, err)
			}
		}
		db.fail(errors.New("away"))
		clock.move(time.Minute)
		if got, err := check(""); err != nil || got != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
			t.Errorf("%s: got %v, %v while the database is away", w.name, got, err)
		}
		_, err := check("other")
		checkAnswer(t, w.name, err, connect.CodeNotFound, "no such service")
	}
	if b.uses.times() != 0 || len(b.door.seen) != 0 {
		t.Error("somebody asked who checks")
	}
	res := post(t, s, "POST", spec.Procedure, "application/json", `{"service": 5}`)
	if res.status != http.StatusBadRequest || !strings.Contains(res.body, "the request cannot be read") {
		t.Errorf("malformed: got %+v", res)
	}
}

func TestMetricsAreForThoseWithTheirTokenIfThereIsOne(t *testing.T) {
	t.Parallel()
	r, _, _ := newReadiness(io.Discard)
	b := newBench(t)
	b.metrics.Protect("right")
	h := rpc.NewAdmin(r, b.metrics)
	for authorization, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer wrong": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized,
		"Basic right": http.StatusUnauthorized, "Bearer right": http.StatusOK,
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		req.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != want || (want != http.StatusOK && strings.Contains(w.Body.String(), "cpis_")) {
			t.Errorf("with %q: got %d %.40q, want %d", authorization, w.Code, w.Body, want)
		}
	}
}

// Whoever runs the service must be able to tell a caller why its token is not
// accepted, and hears nothing else of what stood in it.
func TestRefusedTokensAreLoggedWithReasonAndIssuer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	b.door.err = &identity.RefusalError{Reason: identity.Expired, Issuer: "https://issuer.example"}
	if _, err := wires[0].dial(t, s).lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err == nil {
		t.Fatal("LookUp: no error")
	}
	if got := b.log.String(); !strings.Contains(got, `"reason":"expired","issuer":"https://issuer.example"`) {
		t.Errorf("got %s", got)
	}
	b.door.err = &identity.RefusalError{Reason: identity.UnknownIssuer}
	_, _ = wires[0].dial(t, s).lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	if got := b.log.String(); !strings.Contains(got, `"reason":"unknown_issuer"`) || strings.Count(got, "issuer\":") != 1 {
		t.Errorf("got %s", got)
	}
}
