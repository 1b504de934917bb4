package admin

import (
	"context"
	"errors"
	"sync"
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
	Program    Program
	Policy     string // hash of the rules in force
	Keeper     bool   // what holds the keys answers
	Database   *Database
	Log        *LogStatus
	Queue      Queue
	Deliveries *Deliveries
	Channels   *Channels
	Kept       []Kept
}

// Program is the program that answers, as it was built.
type Program struct {
	Version  string
	Commit   string // of the source; empty if the build does not say it
	Modified bool   // the source had changes that no commit has
}

// Database is how the database does.
type Database struct {
	Version          string // of PostgreSQL
	Schema           int    // the newest migration that has run
	Size             int64  // bytes
	Connections, Max int    // of all who use it, and how many it takes
}

// LogStatus is how the log does.
type LogStatus struct {
	Origin    string
	Size      int64     // entries
	Signed    int64     // how many of them the newest checkpoint covers
	SignedAt  time.Time // when that was signed; zero if none was
	ReadAgain time.Time // when a part of it was last read again and compared; zero if none was since this server began
	Room      int64     // entries that the log can still take before the database needs a new part
	Behind    int64     // entries of all logs that reports do not find yet
	Damaged   bool      // something of it was found to be damaged since this server began
}

// Queue is the look-ups under way on this server.
type Queue struct{ UnderWay, Most int }

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

// Kept is how long something is kept.
type Kept struct {
	What string
	For  time.Duration // 0 if the service never deletes it by itself
}

// patience bounds what is asked for one part, if nobody says otherwise.
const patience = 3 * time.Second

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

// look asks for all parts at once, beside any transaction: one that hangs takes no
// other's time.
func (s *Installation) look(ctx context.Context) Status {
	out := Status{At: s.clock.Moment(), Program: s.program, Policy: s.policy.Hash(), Kept: s.kept}
	out.Queue.UnderWay, out.Queue.Most = s.underWay()
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var parts sync.WaitGroup
	parts.Go(func() { out.Keeper = s.keeper(ctx) == nil })
	parts.Go(func() { out.Database = part(ctx, s.databaseStatus) })
	parts.Go(func() { out.Log = part(ctx, s.logStatus) })
	parts.Go(func() { out.Deliveries = part(ctx, s.deliveries) })
	parts.Go(func() { out.Channels = part(ctx, s.resting) })
	parts.Wait()
	return out
}

// part asks for one part; nil if it cannot be learnt.
func part[P any](ctx context.Context, ask func(context.Context) (P, error)) *P {
	found, err := ask(ctx)
	if err != nil {
		return nil
	}
	return &found
}

func (s *Installation) databaseStatus(ctx context.Context) (Database, error) {
	found, err := s.db.Standing(ctx)
	return Database(found), err
}

func (s *Installation) logStatus(ctx context.Context) (LogStatus, error) {
	n, err := s.db.Logs.Standing(ctx, s.log.ID)
	if err != nil {
		return LogStatus{}, err
	}
	out := LogStatus{
		Origin: s.log.Origin, Size: n.Size, Room: n.Room, Behind: n.Unindexed, ReadAgain: s.readAgain(), Damaged: s.undamaged() != nil,
	}
	cp, err := s.db.Checkpoints.Latest(ctx, s.log.ID)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err == nil {
		out.Signed, out.SignedAt = cp.Tree.Size(), cp.At
	}
	return out, err
}

func (s *Installation) deliveries(ctx context.Context) (Deliveries, error) {
	n, err := s.db.Deliveries.Standing(ctx)
	return Deliveries(n), err
}

func (s *Installation) resting(ctx context.Context) (Channels, error) {
	var out Channels
	rows, err := s.db.Channels.AllResting(ctx, s.clock.Moment())
	for _, r := range rows {
		out.Resting = append(out.Resting, RestingChannel{r.Authority, r.Kind, r.Rank, r.FailedAt, *r.RestsUntil})
	}
	return out, err
}
