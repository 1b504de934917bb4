package oversight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// Coverage says how far a report reaches.
type Coverage struct {
	CompleteUntil time.Time // all that was done up to then is in the index
	Behind        int64     // newer entries that are not
	// AuthoritiesLeftOut says that the child is restricted, so that nothing is
	// shown of what authorities did.
	AuthoritiesLeftOut bool
}

// Count is how many entries a report has.
type Count struct {
	guard.Receipt
	Coverage

	Entries int64
}

// Page is a part of a report.
type Page struct {
	guard.Receipt
	Coverage

	Entries []Entry
	Next    string // where to go on; empty at the end
}

// CountRequest asks how many entries a report has.
type CountRequest struct {
	Report  Report
	Query   Query
	Request string // request id
}

// ListRequest asks for a page of a report.
type ListRequest struct {
	Report  Report
	Query   Query
	Oldest  bool // the oldest entries first
	Paging  guard.Paging
	Request string // request id
}

// CountEntries counts what ListEntries would show. Its errors are the same.
func (s *Reports) CountEntries(ctx context.Context, c *identity.Caller, q *CountRequest) (*Count, error) {
	r := Read(q.Report, q.Query, q.Request)
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Count, error) {
		out := &Count{}
		var err error
		if out.Coverage, err = s.coverage(ctx, tx, r.asked); err != nil {
			return nil, err
		}
		out.Entries, err = tx.Index.Count(ctx, &r.filter)
		e.Counts = audit.Counts{"counted": out.Entries}
		return out, err
	})
}

// ListEntries shows a page of a report, the newest entries first, or the oldest. The error is
// ErrDenied, *InvalidError, *OverloadedError, ErrNotFound (of a receipt),
// ErrUnrecorded, ErrUnavailable, or ErrDamaged: also if the index does not say
// what the log says.
func (s *Reports) ListEntries(ctx context.Context, c *identity.Caller, q *ListRequest) (*Page, error) {
	r := Read(q.Report, q.Query, q.Request)
	r.page(q.Paging)
	r.filter.Oldest = q.Oldest
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Page, error) {
		out := &Page{}
		var err error
		if out.Coverage, err = s.coverage(ctx, tx, r.asked); err != nil {
			return nil, err
		}
		entries, next, err := s.find(ctx, tx, r.asked)
		if next != nil {
			out.Next = placeText(*next)
		}
		out.Entries = entries
		e.Counts = audit.Counts{"shown": int64(len(entries))}
		return out, err
	})
}

// asking is a question to the log on its way through the guard.
type asking struct {
	s    *Reports
	r    *Question
	act  guard.Act
	kept *store.ReportRow // what was asked, and why: kept sealed in the same transaction
}

// ask begins an act that asks the log.
func (s *Reports) ask(c *identity.Caller, r *Question, action policy.Action) *asking {
	k := &asking{s: s, r: r, act: guard.Act{
		Caller: c, Action: action, Request: r.id, Target: guard.Target(guard.KindReview, r.review), Check: r.Err(),
	}}
	k.act.Own = s.confine(&k.act, r.asked)
	if !r.number.IsZero() {
		k.act.Subject = s.records.Subject(r.number)
	} else if r.tag != nil {
		k.act.Subject = r.tag[:]
	}
	k.act.Prepare = func(ctx context.Context) (err error) {
		if err = s.resolve(ctx, r.asked); err != nil {
			return err
		}
		if r.fetch != nil {
			if err = r.fetch(ctx); err != nil {
				return err
			}
		}
		k.kept, err = s.seal(ctx, c, r)
		return err
	}
	return k
}

// step is what answers a question in its transaction.
func step[A any](k *asking, do guard.Step[A]) guard.Step[A] {
	return func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*A, error) {
		if err := tx.Reports.Insert(ctx, k.kept); err != nil {
			return nil, err
		}
		out, err := do(ctx, tx, e)
		e.Purpose, e.Restricted = string(k.r.query.Reason), e.Restricted || k.r.restricted && k.r.tagged()
		if e.Counts != nil {
			e.Counts["report_"+k.r.report] = 1
		}
		return out, err
	}
}

// answer takes a report through the guard.
func answer[A any, P guard.Answered[A]](
	ctx context.Context, s *Reports, c *identity.Caller, r *Question, do guard.Step[A],
) (*A, error) {
	k := s.ask(c, r, policy.ReadReports)
	return guard.Answer[A, P](ctx, s.guard, k.act, step(k, do))
}

// Act is one act of a caller that asks the log, on its way through the guard.
type Act struct {
	Caller   *identity.Caller
	Question *Question
	Action   policy.Action
	Asks     any                         // the request, as of a guard.Act
	Prepare  func(context.Context) error // what more must be had before the transaction
}

// Once takes an act through the guard as reports go through it: who may not see
// what belongs to others is confined to their own, and what was asked is kept. If
// the same request was answered before, it returns that answer.
func Once[A any, P guard.Answered[A]](ctx context.Context, s *Reports, a Act, do guard.Step[A]) (*A, error) {
	a.Question.fetch = a.Prepare
	k := s.ask(a.Caller, a.Question, a.Action)
	k.act.Asks = a.Asks
	return guard.Once[A, P](ctx, s.guard, k.act, step(k, do))
}

// confine confines a query to the caller's organisation, unless the caller may
// see what belongs to others. It reports whether what is asked for is the
// organisation's own.
func (s *Reports) confine(a *guard.Act, q *asked) (own bool) {
	f := &q.filter
	if s.guard.Decide(a).Allowed {
		return f.Organisation == a.Caller.Organisation
	}
	if f.Organisation != "" && f.Organisation != a.Caller.Organisation {
		return false
	}
	f.Organisation, q.own = a.Caller.Organisation, true
	return true
}

// resolve finds out what a query means before a transaction begins: which request
// a receipt is of, and which tags the child has.
func (s *Reports) resolve(ctx context.Context, q *asked) error {
	if err := s.followReceipt(ctx, q); err != nil {
		return err
	}
	return s.findChild(ctx, q)
}

// followReceipt puts the request of a receipt in its place.
func (s *Reports) followReceipt(ctx context.Context, q *asked) error {
	if q.query.Receipt == nil {
		return nil
	}
	log := s.log
	if q.query.Log != "" && q.query.Log != log.Origin {
		var err error
		if log, err = s.db.Logs.Find(ctx, q.query.Log); err != nil {
			return guard.Translate(err)
		}
	}
	rows, err := s.db.Index.Rows(ctx, log.ID, *q.query.Receipt, *q.query.Receipt+1)
	switch {
	case err != nil:
		return guard.Translate(err)
	case len(rows) == 0, !rows[0].Request.Valid, q.own && rows[0].Organisation != q.filter.Organisation:
		return guard.ErrNotFound
	}
	q.filter.Request = rows[0].Request
	return nil
}

// coverage says how far the index reaches, and refuses one that is damaged.
func (s *Reports) coverage(ctx context.Context, tx *store.Tx, q *asked) (Coverage, error) {
	c, _, err := s.reach(ctx, tx, q)
	return c, err
}

// reach is coverage, and how far the index of each log reaches.
func (s *Reports) reach(ctx context.Context, tx *store.Tx, q *asked) (Coverage, []store.IndexState, error) {
	states, err := tx.Index.States(ctx)
	if err != nil {
		return Coverage{}, nil, err
	}
	if err := damagedIndex(states); err != nil {
		return Coverage{}, nil, err
	}
	c := Coverage{AuthoritiesLeftOut: q.filter.CareOnly}
	c.CompleteUntil, c.Behind = reachOf(states, s.clock.Moment())
	return c, states, nil
}

// reachOf returns up to when indexes have all that was done, and how many entries
// they lack.
func reachOf(states []store.IndexState, now time.Time) (until time.Time, behind int64) {
	until = now
	for i := range states {
		lacks := states[i].Size - states[i].Next
		behind += max(0, lacks)
		if lacks > 0 && states[i].Last.Before(until) {
			until = states[i].Last
		}
	}
	return until, behind
}

// Inquiry is what was asked of the log, by whom and why, as it is sealed.
type Inquiry struct {
	Log     string `json:"log"`
	Request string `json:"request"`
	Actor   string `json:"actor"`
	Issuer  string `json:"issuer"`
	Report  string `json:"report"`
	Reason  string `json:"reason"`
	Words   string `json:"words"`
	// Asked are the filters, the NHS number left out: the entry has its tag.
	Asked map[string]string `json:"asked"`
}

// reportVersion is the version of a row that is sealed once.
const reportVersion = 1

// seal seals what is asked, and why, under a key of its own.
func (s *Reports) seal(ctx context.Context, c *identity.Caller, q *Question) (*store.ReportRow, error) {
	row := &store.ReportRow{ID: guard.NewID(), Organisation: c.Organisation, At: s.clock.Moment()}
	if id, err := uuid.Parse(q.id); err == nil {
		row.Request = uuid.NullUUID{UUID: id, Valid: true}
	}
	made, err := s.ring.New(ctx, []string{store.ReportKeys.Owner(row.ID)})
	if err != nil {
		return nil, fmt.Errorf("making the key of a report: %w", keeperError(err))
	}
	row.WrappedKey = made[0].Wrapped.Text
	asked := s.Inquiry(c, q)
	row.Sealed, err = record.SealJSON(made[0].Key, record.DetailsContext(record.TableReport, row.ID, reportVersion), &asked)
	return row, err
}

// Inquiry returns what a question asks, as it is sealed.
func (s *Reports) Inquiry(c *identity.Caller, q *Question) Inquiry {
	return Inquiry{
		Log: s.log.Origin, Request: q.id, Actor: guard.Clip(c.ID), Issuer: guard.Clip(c.Issuer),
		Report: q.report, Reason: string(q.query.Reason), Words: q.query.Words, Asked: q.filters(),
	}
}

// filters are the filters of a query that are set.
func (q *asked) filters() map[string]string {
	f, set := &q.filter, map[string]string{}
	put := func(name, value string) {
		if value != "" {
			set[name] = value
		}
	}
	put("actor", f.Actor)
	put("organisation", f.Organisation)
	put("role", f.Role)
	put("action", f.Action)
	put("mode", f.Mode)
	put("purpose", f.Purpose)
	put("outcome", f.Outcome)
	put("review", q.review)
	if f.Request.Valid {
		put("request", f.Request.UUID.String())
	}
	if !f.From.IsZero() {
		put("from", f.From.Format(time.RFC3339Nano))
	}
	if !f.Until.IsZero() {
		put("until", f.Until.Format(time.RFC3339Nano))
	}
	if f.Unreviewed {
		put("unreviewed", "yes")
	}
	return set
}

// tagged reports whether a query is about one person.
func (q *asked) tagged() bool { return !q.number.IsZero() || q.tag != nil }

// errOther says that a line and its index differ.
var errOther = errors.New("the index says something else than the line")
