package work

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// Config is what Lists are made of. All is required.
type Config struct {
	DB      *store.DB
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Ready   func() error // says whether anything may be answered
}

// Lists are what waits for authorities.
type Lists struct {
	db      *store.DB
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
	ready   func() error
}

// New creates Lists.
func New(c Config) *Lists {
	return &Lists{db: c.DB, clock: c.Clock, guard: c.Guard, records: c.Records, ready: c.Ready}
}

// ListRequest asks what waits for the caller's authority.
type ListRequest struct {
	Request string // request id
}

// List is what waits for an authority. Each part stands alone: one that could not
// be counted is nil, which does not mean that nothing waits.
type List struct {
	guard.Receipt

	Notices   *Notices
	Decisions *Decisions
	Plans     *Plans
	Numbers   *Numbers
	Channels  *Channels
}

// Notices are those that nobody has acknowledged.
type Notices struct {
	Open, Priority int
	Oldest         time.Time // when the oldest was made; zero if there is none
}

// Decisions are what somebody waits for.
type Decisions struct {
	Files     int // that wait for approval
	Offered   int // plans that other authorities offer
	Offering  int // plans that are offered to others, who have not decided
	Proposals int // changes that wait for a second person
	Own       int // of these, those that the caller proposed, and somebody else must decide about
}

// Plans are those that ask for their authority because a day has come.
type Plans struct {
	Overdue int       // for unborn children whose expected date has passed
	Adult   int       // in force for people who are 18 or older
	AsOf    time.Time // when the calendar was last looked at
}

// Numbers are those that care staff are shown.
type Numbers struct {
	Confirmed time.Time // when somebody last said that they are right; zero if nobody has
	Overdue   bool      // that was too long ago
}

// Channels are ways on which notices are sent on.
type Channels struct {
	Resting []Resting
}

// Resting is a channel on which nothing arrives, so that it is left alone for a
// while.
type Resting struct {
	ID    string
	Kind  string
	Since time.Time // when it failed last
	Until time.Time // when it is tried again
}

// WorkList counts what waits for the caller's authority. It names nobody. The error is
// ErrDenied, *OverloadedError, ErrUnrecorded or ErrUnavailable.
func (s *Lists) WorkList(ctx context.Context, c *identity.Caller, q *ListRequest) (*List, error) {
	a := guard.Act{Caller: c, Action: policy.ReadWork, Own: true, Request: q.Request}
	var counted List
	a.Prepare = func(ctx context.Context) error {
		counted = s.count(ctx, c)
		return nil
	}
	return guard.Answer(ctx, s.guard, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*List, error) {
		out := counted
		e.Counts = out.counts()
		return &out, nil
	})
}

// count counts each part alone, beside any transaction: what fails is nil.
func (s *Lists) count(ctx context.Context, c *identity.Caller) (out List) {
	out.Notices = part(ctx, c, s.notices)
	out.Decisions = part(ctx, c, s.decisions)
	out.Plans = part(ctx, c, s.plans)
	out.Numbers = part(ctx, c, s.numbers)
	out.Channels = part(ctx, c, s.channels)
	return out
}

// partTimeout bounds one part.
const partTimeout = 3 * time.Second

// part counts one part; nil if that fails.
func part[P any](ctx context.Context, c *identity.Caller, count func(context.Context, *identity.Caller) (*P, error)) *P {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	p, err := count(ctx, c)
	if err != nil {
		return nil // the answer says so; a row that does not verify has woken somebody
	}
	return p
}

// counts are what the entry says of a list.
func (l *List) counts() audit.Counts {
	counts := audit.Counts{}
	add := func(name string, n int) {
		if n > 0 {
			counts[name] = int64(n)
		}
	}
	if l.Notices != nil {
		add("notices", l.Notices.Open)
	}
	if l.Decisions != nil {
		add("decisions", l.Decisions.Files+l.Decisions.Offered+l.Decisions.Proposals)
	}
	if l.Plans != nil {
		add("plans", l.Plans.Overdue+l.Plans.Adult)
	}
	return counts
}

func (s *Lists) notices(ctx context.Context, c *identity.Caller) (*Notices, error) {
	n, err := s.db.Notices.CountOpen(ctx, c.Organisation)
	return &Notices{Open: n.Open, Priority: n.Priority, Oldest: n.Oldest}, err
}

func (s *Lists) decisions(ctx context.Context, c *identity.Caller) (*Decisions, error) {
	n, err := s.db.Plans.Waiting(ctx, c.Organisation, guard.Clip(c.ID), guard.Clip(c.Issuer))
	return &Decisions{Files: n.Files, Offered: n.Offered, Offering: n.Offering, Proposals: n.Proposals, Own: n.Own}, err
}

// plans counts by the list that the calendar keeps. As long as it is not whole, or
// nobody has looked at the calendar, nothing is known.
func (s *Lists) plans(ctx context.Context, c *identity.Caller) (*Plans, error) {
	state, err := s.db.Plans.WorkState(ctx)
	switch {
	case err != nil:
		return nil, err
	case !s.records.Complete(state), state.At == nil:
		return nil, guard.ErrUnavailable
	}
	n, err := s.db.Plans.CountItems(ctx, c.Organisation)
	return &Plans{Overdue: n[string(domain.Overdue)], Adult: n[string(domain.Adult)], AsOf: *state.At}, err
}

func (s *Lists) numbers(ctx context.Context, c *identity.Caller) (*Numbers, error) {
	row, err := s.db.Directory.Authority(ctx, c.Organisation)
	if err != nil {
		return nil, err
	}
	out := &Numbers{Overdue: true}
	if row.ConfirmedAt != nil {
		out.Confirmed = *row.ConfirmedAt
		out.Overdue = s.clock.Now().Sub(*row.ConfirmedAt) >= domain.ConfirmedFor
	}
	return out, nil
}

func (s *Lists) channels(ctx context.Context, c *identity.Caller) (*Channels, error) {
	rows, err := s.db.Channels.Resting(ctx, c.Organisation, s.clock.Moment())
	if err != nil {
		return nil, err
	}
	out := &Channels{}
	for _, r := range rows {
		out.Resting = append(out.Resting, Resting{ID: r.ID.String(), Kind: r.Kind, Since: r.FailedAt, Until: *r.RestsUntil})
	}
	return out, nil
}
