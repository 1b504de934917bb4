package acceptance_test

import (
	"context"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// storm is more callers than a server takes.
type storm struct {
	in      *installation
	witness *witness

	mu      sync.Mutex // guards what follows
	refused []string   // request ids
	slowest time.Duration
	enough  chan struct{} // closed when the storm is over
}

// How long a storm lasts, in refusals and answers, and how much later than its
// deadline a caller may hear: what a busy machine needs to wake it up.
const (
	stormRefusals = 500
	stormAnswers  = 100
	grace         = 10 * time.Second
)

// ask asks until enough callers have been refused. A third of the callers have
// little time.
func (st *storm) ask(client cpisv1connect.LookupServiceClient, i int) {
	within := deadline
	if i%3 == 0 {
		within = 200 * time.Millisecond
	}
	for n := 0; ; n++ {
		select {
		case <-st.enough:
			return
		default:
			st.once(client, within, i+n)
		}
	}
}

// once asks once, about somebody with or without plans.
func (st *storm) once(client cpisv1connect.LookupServiceClient, within time.Duration, i int) {
	q := question{whose: "nurse", child: st.in.children[i%len(st.in.children)], encounter: "storm-" + strconv.Itoa(i)}
	if i%2 == 0 {
		q.child = flaggedChild{number: numberAt(firstUnflagged + i)}
	}
	request := uuid.NewString()
	ctx, cancel := context.WithTimeout(st.in.tb.Context(), within)
	defer cancel()
	ctx, info := named(ctx, request)
	began := time.Now()
	a, err := client.LookUp(ctx, &cpisv1.LookUpRequest{NhsNumber: q.child.number, Encounter: &cpisv1.Encounter{Id: q.encounter}})
	took := time.Since(began)
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.endLocked()
	st.slowest = max(st.slowest, took)
	if took > within+grace {
		st.complain("a caller with %v to wait was told after %v", within, took)
	}
	switch code := connect.CodeOf(err); {
	case err == nil:
		st.witness.hear(q, request, a, nil)
	case code == connect.CodeDeadlineExceeded && within < deadline:
	case code != connect.CodeResourceExhausted:
		st.witness.excuse("a look-up in a storm", err)
	default:
		st.refuseLocked(request, info.ResponseHeader(), took)
	}
}

// endLocked ends the storm when it has been one.
func (st *storm) endLocked() {
	if len(st.refused) < stormRefusals || st.witness.seen().answers < stormAnswers {
		return
	}
	select {
	case <-st.enough:
	default:
		close(st.enough)
	}
}

// refuseLocked takes a refusal.
func (st *storm) refuseLocked(request string, header *connect.Header, took time.Duration) {
	after, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || after < 1 {
		st.complain("a refusal says to come back after %q seconds", header.Get("Retry-After"))
	}
	if took > grace {
		st.complain("a refusal took %v", took)
	}
	st.refused = append(st.refused, request)
}

func (st *storm) complain(format string, args ...any) {
	st.witness.mu.Lock()
	defer st.witness.mu.Unlock()
	st.witness.complain(format, args...)
}
