package oversight

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// Tally is a question about numbers of look-ups.
type Tally string

// The tallies.
const (
	Children Tally = "children" // who was looked up by many
	Callers  Tally = "callers"  // who looked the same child up again and again
)

// TallyRequest asks where look-ups are many.
type TallyRequest struct {
	Tally   Tally
	Query   Query
	AtLeast int    // from how many on; 5 if 0
	Size    int    // how many rows at most; 50 if 0
	Request string // request id
}

// Tallied are numbers of look-ups, the most first.
type Tallied struct {
	guard.Receipt
	Coverage

	Rows []TallyRow
}

// TallyRow is one child, or one caller and one child.
type TallyRow struct {
	Subject             string // what the log calls the child, base64url
	Actor, Organisation string // empty where children are counted
	Callers             int
	LookUps             int64
	First, Last         time.Time
}

const (
	// maxTallyPeriod bounds what one tally counts: it reads every look-up of the
	// period.
	maxTallyPeriod = 31 * 24 * time.Hour
	defaultMany    = 5
	maxTallyRows   = 200
)

// ListTallies shows children who were looked up by many, or callers who looked a
// child up again and again, at least so often. Its errors are those of
// ListEntries.
func (s *Reports) ListTallies(ctx context.Context, c *identity.Caller, q *TallyRequest) (*Tallied, error) {
	r := read(q.Query, "tally_"+string(q.Tally), q.Request)
	r.tally(q.Tally, q.Size, s.clock.Moment())
	atLeast := q.AtLeast
	if atLeast <= 0 {
		atLeast = defaultMany
	}
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Tallied, error) {
		out := &Tallied{}
		var err error
		if out.Coverage, err = s.coverage(ctx, tx, r.asked); err != nil {
			return nil, err
		}
		find := tx.Index.TallySubjects
		if q.Tally == Callers {
			find = tx.Index.TallyCallers
		}
		rows, err := find(ctx, &r.filter, atLeast, r.size)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			out.Rows = append(out.Rows, showTally(&rows[i]))
		}
		e.Counts = audit.Counts{"shown": int64(len(rows))}
		return out, nil
	})
}

// tally narrows a query to a tally, and notes what it needs.
func (r *Question) tally(tally Tally, size int, now time.Time) {
	f := &r.filter
	if tally != Children && tally != Callers {
		r.Add("tally", "must be children or callers", string(Children))
	}
	if f.Until.IsZero() {
		f.Until = now
	}
	switch {
	case f.From.IsZero():
		r.need(false, "query.from", "2026-11-01T00:00:00Z")
	case f.Until.Sub(f.From) > maxTallyPeriod:
		r.Add("query.from", "must be at most 31 days before until", "")
	}
	if r.tagged() {
		r.words()
	}
	r.size = guard.ReadSize(&r.Reader, size, maxTallyRows)
}

func showTally(t *store.TallyRow) TallyRow {
	return TallyRow{
		Subject: SubjectText(t.Subject), Actor: t.Actor, Organisation: t.Organisation,
		Callers: t.Callers, LookUps: t.LookUps, First: t.First, Last: t.Last,
	}
}
