package admin

import (
	"context"
	"errors"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// GetStatusRequest asks how the service does.
type GetStatusRequest struct {
	Request string // request id
}

// Status is how the service does. It names nobody. Each part stands alone: one that
// could not be learnt is nil, which does not mean that all is well.
type Status struct {
	guard.Receipt

	At         time.Time
	Policy     string // hash of the rules in force
	Keeper     bool   // what holds the keys answers
	Log        *LogStatus
	Deliveries *Deliveries
	Channels   *Channels
}

// LogStatus is how the log does.
type LogStatus struct {
	Origin   string
	Size     int64     // entries
	Signed   int64     // how many of them the newest checkpoint covers
	SignedAt time.Time // when that was signed; zero if none was
	Room     int64     // entries that the log can still take before the database needs a new part
	Behind   int64     // entries of all logs that reports do not find yet
	Damaged  bool      // something of it was found to be damaged since this server began
}

// Deliveries are notices on their way to authorities.
type Deliveries struct {
	Pending, Undelivered int64
	Oldest               time.Time // when the one that waits longest began to; zero if none waits
}

// Channels are the ways on which nothing arrives, of any authority.
type Channels struct{ Resting []RestingChannel }

// RestingChannel is a channel that is left alone for a while because nothing arrives.
// Where it leads is its authority's affair.
type RestingChannel struct {
	Authority string // GSS code
	Kind      string
	Rank      int
	Since     time.Time // when it failed last
	Until     time.Time // when it is tried again
}

// statusTimeout bounds what is asked for one part.
const statusTimeout = 3 * time.Second

// GetStatus says how the service does.
func (s *Installation) GetStatus(ctx context.Context, c *identity.Caller, q *GetStatusRequest) (*Status, error) {
	var found Status
	a := guard.Act{Caller: c, Action: policy.ReadService, Request: q.Request, Prepare: func(ctx context.Context) error {
		found = s.look(ctx)
		return nil
	}}
	return guard.Answer(ctx, s.guard, a, func(context.Context, *store.Tx, *audit.Entry) (*Status, error) {
		out := found
		return &out, nil
	})
}

// look asks for each part, beside any transaction.
func (s *Installation) look(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	out := Status{At: s.clock.Moment(), Policy: s.policy.Hash(), Keeper: s.keeper(ctx) == nil}
	if n, err := s.db.Counts(ctx); err == nil {
		out.Deliveries = &Deliveries{Pending: n.Pending, Undelivered: n.Undelivered}
		if n.Oldest != nil {
			out.Deliveries.Oldest = *n.Oldest
		}
		out.Log = s.logStatus(ctx, &n)
	}
	if rows, err := s.db.Channels.AllResting(ctx, out.At); err == nil {
		out.Channels = &Channels{}
		for _, r := range rows {
			out.Channels.Resting = append(out.Channels.Resting, RestingChannel{r.Authority, r.Kind, r.Rank, r.FailedAt, *r.RestsUntil})
		}
	}
	return out
}

// logStatus says how the log does; nil if its newest checkpoint cannot be read.
func (s *Installation) logStatus(ctx context.Context, n *store.Counts) *LogStatus {
	out := &LogStatus{
		Origin: s.log.Origin, Size: n.Heads[s.log.Origin], Room: n.Room, Behind: n.Unindexed, Damaged: s.undamaged() != nil,
	}
	cp, err := s.db.Checkpoints.Latest(ctx, s.log.ID)
	switch {
	case err == nil:
		out.Signed, out.SignedAt = cp.Tree.Size(), cp.At
	case !errors.Is(err, store.ErrNotFound):
		return nil
	}
	return out
}
