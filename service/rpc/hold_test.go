package rpc_test

import (
	"testing"
	"time"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/rpc"
)

func withHold(d time.Duration) option { return func(c *rpc.Config) { c.Hold = d } }

// Answers and refusals leave at the same time at the earliest, over every
// protocol.
func TestAnswersAboutPeopleAreHeldBack(t *testing.T) {
	t.Parallel()
	const hold = 50 * time.Millisecond
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t, withHold(hold))
			for _, fails := range []error{nil, guard.ErrUnavailable} {
				b.uses.err = fails
				began := time.Now()
				_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{
					NhsNumber: "999 000 0018", AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED,
				})
				if took := time.Since(began); took < hold {
					t.Errorf("an answer (error: %v) came after %v: it is held back for %v", err, took, hold)
				}
				if (err != nil) != (fails != nil) {
					t.Errorf("LookUp: got %v, want an error: %t", err, fails != nil)
				}
			}
		})
	}
}

// Who reads what is nobody's waits for nothing: else a hold of minutes would be
// noticed here.
func TestOtherAnswersAreNotHeldBack(t *testing.T) {
	t.Parallel()
	_, c := wires[1].open(t, withHold(time.Hour))
	if _, err := c.log.GetCheckpoint(t.Context(), &cpisv1.GetCheckpointRequest{Log: "cpis.example/log/1"}); err != nil {
		t.Errorf("GetCheckpoint: %v", err)
	}
}
