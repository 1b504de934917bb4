package acceptance_test

import (
	"context"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// How many callers make a storm; how long the third of them waits that has
// little time; how soon those who are refused come back, which is much sooner
// than they are told; and how much later than its deadline a caller may hear:
// what a busy machine needs to wake it up.
const (
	stormCallers = 250
	littleTime   = 200 * time.Millisecond
	impatience   = 200 * time.Millisecond
	grace        = 30 * time.Second
)

// storm is more callers than a server takes.
type storm struct {
	in      *installation
	witness *witness
	clients []cpisv1connect.LookupServiceClient

	mu      sync.Mutex    // guards what follows
	refused []string      // request ids
	slowest time.Duration // to refuse somebody
}

func (in *installation) newStorm(s *server, w *witness) *storm {
	in.tb.Helper()
	st := &storm{in: in, witness: w}
	for i := range stormCallers {
		connection := in.dial(s, protocols[i%len(protocols)]).as("nurse")
		st.clients = append(st.clients, cpisv1connect.NewLookupServiceClient(connection))
	}
	return st
}

// holdLog lets nobody write the log until goOn is called.
func (in *installation) holdLog() (goOn func()) {
	in.tb.Helper()
	ctx := in.tb.Context()
	conn, err := pgx.Connect(ctx, in.cluster.URL("postgres", "cpis"))
	must(in.tb, err)
	_, err = conn.Exec(ctx, `BEGIN; SELECT FROM cpis.log_head FOR UPDATE`, pgx.QueryExecModeSimpleProtocol)
	must(in.tb, err)
	return func() { must(in.tb, conn.Close(ctx)) }
}

// begin begins the storm. The result ends it, after the last call.
func (st *storm) begin() (stop func()) {
	ctx, cancel := context.WithCancel(st.in.tb.Context())
	var running sync.WaitGroup
	for i, client := range st.clients {
		running.Go(func() {
			within := deadline
			if i%3 == 0 {
				within = littleTime
			}
			for n := i; ctx.Err() == nil; n += len(st.clients) {
				if !st.ask(ctx, client, within, n) {
					rest(ctx, impatience)
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	st.in.tb.Cleanup(stop)
	return stop
}

// ask asks about somebody with or without plans, and says whether there was an
// answer. The end of ctx ends the storm, and no call.
func (st *storm) ask(ctx context.Context, client cpisv1connect.LookupServiceClient, within time.Duration, n int) bool {
	q := question{whose: "nurse", child: st.in.children[n%len(st.in.children)], encounter: "storm-" + strconv.Itoa(n)}
	if n%2 == 0 {
		q.child = flaggedChild{number: numberAt(firstUnflagged + n%100_000)}
	}
	request := uuid.NewString()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	ctx, info := named(ctx, request)
	began := time.Now()
	a, err := client.LookUp(ctx, &cpisv1.LookUpRequest{NhsNumber: q.child.number, Encounter: &cpisv1.Encounter{Id: q.encounter}})
	took := time.Since(began)
	if took > within+grace {
		st.witness.complain("a caller with %v to wait was told after %v", within, took)
	}
	switch code := connect.CodeOf(err); {
	case err == nil:
		st.witness.hear(q, request, a, nil)
	case code == connect.CodeResourceExhausted:
		st.refuse(request, info.ResponseHeader().Get("Retry-After"), took)
	case code != connect.CodeDeadlineExceeded || within == deadline:
		st.witness.excuse("a look-up in a storm", err)
	}
	return err == nil
}

// refuse takes a refusal.
func (st *storm) refuse(request, after string, took time.Duration) {
	if seconds, err := strconv.Atoi(after); err != nil || seconds < 1 {
		st.witness.complain("a refusal says to come back after %q seconds", after)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.slowest = max(st.slowest, took)
	st.refused = append(st.refused, request)
}

// refusals is how many were refused so far.
func (st *storm) refusals() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.refused)
}
