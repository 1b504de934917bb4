package acceptance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/uuid"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

const (
	// callers is how many ask at the same time.
	callers = 32
	// deadline is how long a caller waits for an answer. None should ever have
	// to: what is away is said at once, or after the service's own patience.
	deadline = time.Minute
	// breather is how long a caller waits after a failure.
	breather = 100 * time.Millisecond
)

// line is a caller's connection to a server, kept alive.
type line struct {
	in      *installation
	client  *http.Client
	base    string
	options []connecthttp.Option
}

// dial returns a caller a connection of its own. Connect goes over HTTP/1.1, the
// others over HTTP/2.
func (in *installation) dial(s *server, p protocol) *line {
	transport := &http.Transport{Protocols: new(http.Protocols), IdleConnTimeout: time.Minute}
	transport.Protocols.SetHTTP1(p.name == "connect")
	transport.Protocols.SetUnencryptedHTTP2(p.name != "connect")
	in.tb.Cleanup(transport.CloseIdleConnections)
	return &line{in, &http.Client{Transport: transport}, s.base, p.options}
}

// as returns a client of somebody on this connection.
func (l *line) as(whose string) *connect.Client {
	authorise := func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			token, err := l.in.token(whose)
			if err != nil {
				return nil, err
			}
			info, ok := connect.CallInfoForClientContext(ctx)
			if !ok {
				ctx, info = connect.NewClientContext(ctx)
			}
			info.RequestHeader().Set("Authorization", "Bearer "+token)
			return next(ctx, spec)
		}
	}
	return connect.NewClient(connecthttp.NewTransport(l.client, l.base, l.options...), authorise)
}

// named makes the context of a call that has a request id.
func named(ctx context.Context, request string) (context.Context, *connect.CallInfo) {
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("X-Request-ID", request)
	return ctx, info
}

// question is a look-up by somebody, and what is to be answered.
type question struct {
	whose     string
	child     flaggedChild
	encounter string
	denied    bool
}

// caller asks one question after the other.
type caller struct {
	in      *installation
	witness *witness
	random  *rand.Rand
	people  map[string]cpisv1connect.LookupServiceClient
}

// perAttendance is how many look-ups belong to one attendance.
const perAttendance = 4

// crowd lets callers ask, each of them one of the servers, and a lead register
// plans, until stop is called.
func (in *installation) crowd(w *witness, servers ...*server) (stop func()) {
	in.tb.Helper()
	ctx, cancel := context.WithCancel(in.tb.Context())
	var running sync.WaitGroup
	for i := range callers {
		c := &caller{
			in: in, witness: w, random: rand.New(rand.NewPCG(in.seed, uint64(i+1))),
			people: map[string]cpisv1connect.LookupServiceClient{},
		}
		l := in.dial(servers[i%len(servers)], protocols[i/len(servers)%len(protocols)])
		for _, whose := range []string{"nurse", "gp", "lead"} {
			c.people[whose] = cpisv1connect.NewLookupServiceClient(l.as(whose))
		}
		running.Go(func() { c.askOn(ctx) })
	}
	registering := &lead{in: in, witness: w, plans: in.plansOf(servers[0], "lead")}
	running.Go(func() { registering.registerOn(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	in.tb.Cleanup(stop)
	return stop
}

// askOn asks until ctx ends.
func (c *caller) askOn(ctx context.Context) {
	for ctx.Err() == nil {
		if !c.ask(ctx, c.question()) {
			rest(ctx, breather)
		}
	}
}

// rest waits a moment, so that those who are refused do not spin.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// question makes one up.
func (c *caller) question() question {
	attendance := c.in.attendances.Add(1) / perAttendance
	encounter := fmt.Sprintf("attendance-%d", attendance)
	flagged := c.in.children[attendance%int64(len(c.in.children))]
	unflagged := flaggedChild{number: numberAt(firstUnflagged + c.random.IntN(100_000))}
	switch n := c.random.IntN(10); {
	case n < 3:
		return question{whose: "nurse", child: flagged, encounter: encounter}
	case n < 4:
		if newcomer, ok := c.witness.newcomer(c.random); ok {
			return question{whose: "nurse", child: newcomer, encounter: encounter}
		}
		return question{whose: "gp", child: flagged}
	case n < 5:
		return question{whose: "gp", child: flagged, encounter: encounter}
	case n < 6:
		return question{whose: "gp", child: unflagged}
	case n < 7:
		return question{whose: "lead", child: flagged, denied: true}
	}
	return question{whose: "nurse", child: unflagged, encounter: encounter}
}

// ask asks and tells the witness what came of it. It says whether the caller
// was heard.
func (c *caller) ask(ctx context.Context, q question) bool {
	c.witness.calls.RLock()
	defer c.witness.calls.RUnlock()
	request := uuid.NewString()
	call, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	call, _ = named(call, request)
	r := &cpisv1.LookUpRequest{NhsNumber: q.child.number}
	if q.encounter != "" {
		r.Encounter = &cpisv1.Encounter{Id: q.encounter, Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT}
	}
	a, err := c.people[q.whose].LookUp(call, r)
	if err != nil && ctx.Err() != nil {
		return false // this side hung up
	}
	return c.witness.hear(q, request, a, err)
}

// lead registers plans for newcomers and ends some of them.
type lead struct {
	in      *installation
	witness *witness
	plans   cpisv1connect.PlanServiceClient
}

func (in *installation) plansOf(s *server, whose string) cpisv1connect.PlanServiceClient {
	return cpisv1connect.NewPlanServiceClient(in.dial(s, protocols[2]).as(whose))
}

// registerOn registers until ctx ends.
func (l *lead) registerOn(ctx context.Context) {
	for ctx.Err() == nil {
		n := int(l.in.newcomers.Add(1))
		number := numberAt(firstNewcomer + n)
		var plan string
		if !l.persist(ctx, number, func(ctx context.Context) (acknowledged, *cpisv1.Receipt, error) {
			r, err := l.plans.RegisterPlan(ctx, registration(number))
			plan = r.GetPlanId()
			return acknowledged{plan, r.GetVersion()}, r.GetReceipt(), err
		}) {
			return
		}
		if n%3 == 0 && !l.persist(ctx, number, func(ctx context.Context) (acknowledged, *cpisv1.Receipt, error) {
			r, err := l.plans.EndPlan(ctx, &cpisv1.EndPlanRequest{PlanId: plan, Version: 1, End: day(0), Reason: "moved away"})
			return acknowledged{plan, r.GetVersion()}, r.GetReceipt(), err
		}) {
			return
		}
	}
}

// write is a write of the lead.
type write func(context.Context) (acknowledged, *cpisv1.Receipt, error)

// persist tries the same write, under the same request id, until it is
// acknowledged. It says whether it was.
func (l *lead) persist(ctx context.Context, number string, try write) bool {
	request := uuid.NewString()
	for ctx.Err() == nil {
		err := l.once(ctx, number, request, try)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case !l.witness.excuse("registering", err):
			return false
		}
		rest(ctx, breather)
	}
	return false
}

func (l *lead) once(ctx context.Context, number, request string, try write) error {
	l.witness.calls.RLock()
	defer l.witness.calls.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	ctx, _ = named(ctx, request)
	plan, receipt, err := try(ctx)
	if err == nil {
		l.witness.acknowledge(number, request, plan, receipt)
	}
	return err
}
