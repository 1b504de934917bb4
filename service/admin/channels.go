package admin

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// ListFailingChannelsRequest asks on which channels nothing arrives.
type ListFailingChannelsRequest struct {
	Request string // request id
}

// FailingChannels are the channels of any authority on which nothing arrives.
type FailingChannels struct {
	guard.Receipt

	At       time.Time
	Channels []FailingChannel // by the authority's name, in the order in which they are tried
}

// FailingChannel is a channel on which nothing arrives. It says whose it is and how
// much waits there; where it leads, and about whom, is its authority's affair.
type FailingChannel struct {
	Authority, Name      string // GSS code and name of the authority
	Kind                 string
	Rank                 int
	Paused               bool      // its authority stopped it, and notices wait
	Failures             int       // rounds in a row in which nothing was delivered
	FailedAt             time.Time // when it failed last; zero if it never did
	RestsUntil           time.Time // when it is tried again; zero if it does not rest
	Pending, Undelivered int64     // notices that wait there, and those that it gave up
	Waiting              time.Time // since when the one that waits longest does; zero if none waits
}

// ListFailingChannels returns the channels of any authority on which nothing arrives:
// that fail or rest, or are paused while notices wait.
func (s *Installation) ListFailingChannels(ctx context.Context, c *identity.Caller, q *ListFailingChannelsRequest) (*FailingChannels, error) {
	a := guard.Act{Caller: c, Action: policy.ReadService, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*FailingChannels, error) {
		out := &FailingChannels{At: s.clock.Moment()}
		rows, err := tx.Channels.Failing(ctx)
		for i := range rows {
			out.Channels = append(out.Channels, failingOf(&rows[i], out.At))
		}
		return out, err
	})
}

func failingOf(r *store.FailingChannel, now time.Time) FailingChannel {
	out := FailingChannel{
		Authority: r.Authority, Name: r.AuthorityName, Kind: r.Kind, Rank: r.Rank, Paused: r.Paused, Failures: r.Failures, FailedAt: r.FailedAt,
		Pending: r.Pending, Undelivered: r.Undelivered, Waiting: r.Oldest,
	}
	if r.RestsUntil != nil && r.RestsUntil.After(now) {
		out.RestsUntil = *r.RestsUntil
	}
	return out
}
