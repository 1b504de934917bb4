package rpc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/plan"
)

// lines reads what was logged.
func (b *bench) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for s := bufio.NewScanner(strings.NewReader(b.logged())); s.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("not a line of JSON: %v", err)
		}
		delete(line, "took")
		lines = append(lines, line)
	}
	return lines
}

func TestLookUpsThatSucceedAreLoggedForDebuggingOnly(t *testing.T) {
	t.Parallel()
	for level, want := range map[zerolog.Level]int{zerolog.InfoLevel: 0, zerolog.DebugLevel: 1} {
		b := newBench(t, withLevel(level))
		c := wires[0].dial(t, b.serveTLS(t))
		if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
			t.Fatalf("LookUp: %v", err)
		}
		if got := len(b.lines(t)); got != want {
			t.Errorf("%v: got %d lines, want %d", level, got, want)
		}
	}
}

func TestWritesAndErrorsAreLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t, withLevel(zerolog.InfoLevel))
	c := wires[3].dial(t, b.serveTLS(t))
	line := func(level, procedure, code string) map[string]any {
		return map[string]any{
			"level": level, "procedure": procedure, "code": code, "message": "request",
			"request": aRequest, "client": "ed-system", "organisation": "RXX01",
		}
	}
	_, _ = c.plans.RegisterPlan(t.Context(), registration())
	b.uses.err = guard.ErrDenied
	_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	b.uses.err = fmt.Errorf("reading: %w", guard.ErrUnavailable)
	_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})

	failed := line("error", "cpis.v1.LookupService/LookUp", "unavailable")
	failed["cause"] = "reading: unavailable"
	want := []map[string]any{
		line("info", "cpis.v1.PlanService/RegisterPlan", "ok"),
		line("info", "cpis.v1.LookupService/LookUp", "permission_denied"),
		failed,
	}
	if diff := cmp.Diff(want, b.lines(t)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// canary is put into every field that holds something about a person.
const canary = "Canary9990000018"

// sing asks for everything with the canary in every field, and gets answers
// that hold it.
func sing(t *testing.T, b *bench, c *clients) {
	t.Helper()
	person := &cpisv1.Responsible{Name: canary, Role: canary, Phone: canary}
	r := registration()
	r.Person = &cpisv1.Person{NhsNumber: canary, FamilyName: canary, GivenName: canary, DateOfBirth: "2019-04-30"}
	r.Reference = canary
	ask := func() {
		_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{
			NhsNumber: canary, DateOfBirth: "2019-04-30", Encounter: &cpisv1.Encounter{Id: canary},
			ResponsiblePerson: person, SafeguardingLead: person, BreakGlassReason: canary,
		})
		_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: canary + canary + canary})
		_, _ = c.lookups.LookUpMany(t.Context(), &cpisv1.LookUpManyRequest{
			Items: []*cpisv1.LookUpManyItem{{NhsNumber: canary, EncounterId: canary}}, ResponsiblePerson: person,
		})
		_, _ = c.plans.RegisterPlan(t.Context(), r)
		_, _ = c.plans.EndPlan(t.Context(), &cpisv1.EndPlanRequest{PlanId: canary, Version: 1, Reason: canary})
		_, _ = c.plans.GetPerson(t.Context(), &cpisv1.GetPersonRequest{NhsNumber: canary})
		_, _ = send(t, c, begin(), chunk(canary))
	}
	b.uses.answer.History = []lookup.Access{{Who: canary}}
	b.uses.person = plan.OwnPerson{Person: domain.Person{Family: canary}}
	ask()
	for _, err := range []error{guard.ErrDenied, guard.ErrUnavailable, guard.ErrDamaged, guard.ErrUnrecorded, errors.New("other")} {
		b.uses.err = err
		ask()
	}
	b.uses.panic = canary
	ask()
}

func TestLogMetricsAndTracesHoldNobody(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	b := newBench(t, withTraces(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
	s := b.serveTLS(t)
	for _, w := range wires {
		c := w.dial(t, s, "X-Correlation-ID", canary)
		b.uses.err, b.uses.panic = nil, nil
		sing(t, b, c)
		for _, id := range []string{canary, strings.Repeat(canary, 20)} {
			_, _ = w.dial(t, s, "X-Request-ID", id).lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
			_, _ = w.dial(t, s, "Authorization", "Bearer "+id).lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
		}
	}
	post(t, s, "POST", "/cpis.v1.LookupService/"+canary, "application/json", "{}")
	post(t, s, "POST", lookUpPath+"?"+canary, "application/json", `{"`+canary+`": 1}`)

	page := httptest.NewRecorder()
	b.metrics.Handler().ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	var traced strings.Builder
	for _, span := range spans.Ended() {
		fmt.Fprintln(&traced, span.Name(), span.Attributes(), span.Events(), span.Status(), span.Links())
	}
	for what, text := range map[string]string{"log": b.log.String(), "metrics": page.Body.String(), "traces": traced.String()} {
		if strings.Contains(text, "Canary") || strings.Contains(text, "9990000018") || strings.Contains(text, "2019-04-30") {
			t.Errorf("%s: holds something about a person", what)
		}
		if len(text) < 1000 {
			t.Errorf("%s: got only %q", what, text)
		}
	}
}

func TestMetricsCountRequestsAndLookUps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	c := wires[1].dial(t, s)
	for range 3 {
		if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
			t.Fatalf("LookUp: %v", err)
		}
	}
	b.uses.err = guard.ErrDenied
	_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	b.door.err = &identity.RefusalError{Reason: identity.Expired}
	_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	b.door.err = identity.ErrUnavailable
	_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	post(t, s, "POST", "/cpis.v1.LookupService/Other", "application/json", "{}")

	o := b.metrics.Events(t.Context(), zerolog.New(b.log))
	o.Group(17, 5e6)
	o.Refused()
	o.Damaged("plan")
	o.Unrecorded(errors.New("commit is uncertain"))
	for range 3 {
		o.Unsigned(errors.New("keeper is away"))
	}
	for _, err := range []error{nil, errors.New("the disk is full"), errors.New("the disk is still full"), nil, nil} {
		o.Round("exports", err)
	}
	o.Signed(41, time.Unix(1764000000, 0))
	o.Signed(42, time.Unix(1764000000, 0))

	page := httptest.NewRecorder()
	b.metrics.Handler().ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, want := range []string{
		`cpis_requests_total{code="ok",procedure="cpis.v1.LookupService/LookUp"} 3`,
		`cpis_requests_total{code="permission_denied",procedure="cpis.v1.LookupService/LookUp"} 1`,
		`cpis_requests_total{code="unauthenticated",procedure="cpis.v1.LookupService/LookUp"} 1`,
		`cpis_requests_total{code="unavailable",procedure="cpis.v1.LookupService/LookUp"} 1`,
		`cpis_requests_total{code="unavailable",procedure="unknown"} 1`,
		`cpis_request_duration_seconds_count{procedure="cpis.v1.LookupService/LookUp"} 6`,
		`cpis_lookups_total{mode="unscheduled",verdict="no_flag_known"} 3`,
		`cpis_lookups_total{mode="scheduled",verdict="flag_held"} 0`,
		`cpis_unauthenticated_total{reason="expired"} 1`,
		`cpis_unauthenticated_total{reason="unavailable"} 2`,
		`cpis_unauthenticated_total{reason="signature"} 0`,
		`cpis_group_size_bucket{le="32"} 1`,
		`cpis_group_duration_seconds_count 1`,
		`cpis_refused_total 1`,
		`cpis_damaged_total{table="plan"} 1`,
		`cpis_unrecorded_total 1`,
		`cpis_unsigned_total 3`,
		`cpis_round_failures_total{round="exports"} 2`,
		`cpis_checkpoint_size 42`,
		`cpis_checkpoint_time_seconds 1.764e+09`,
		`go_goroutines `,
		`process_resident_memory_bytes `,
	} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if t.Failed() {
		t.Log(page.Body)
	}
	for _, want := range []string{
		`"stored data does not verify"`, `"log could not be written"`, `"commit is uncertain"`,
		`"keeper is away"`, `"the disk is full"`, `"what the service does by itself works again"`, `"checkpoints are made again"`,
	} {
		if got := strings.Count(b.log.String(), want); got != 1 {
			t.Errorf("log has %s %d times, want once", want, got)
		}
	}
}

func TestTracesNameTheProcedureAndTheCode(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	b := newBench(t, withTraces(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
	c := wires[3].dial(t, b.serveTLS(t), "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	b.uses.err = fmt.Errorf("%s: %w", secret, guard.ErrDamaged)
	_, _ = c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	ended := spans.Ended()
	if len(ended) != 1 {
		t.Fatalf("got %d spans, want 1", len(ended))
	}
	if got := ended[0].Name(); got != "cpis.v1.LookupService/LookUp" {
		t.Errorf("got name %q", got)
	}
	if got := ended[0].Status().Description; got != "stored data does not verify" {
		t.Errorf("got status %q", got)
	}
	if got := ended[0].Links(); len(got) != 1 || got[0].SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got links %v, want the caller's trace", got)
	}
}
