package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// EntryPlace is where an entry stands among those of all logs, by time.
type EntryPlace struct {
	At    time.Time
	Log   LogID
	Index int64
}

// EntryFilter says which entries are wanted: those for which everything holds
// that is set.
type EntryFilter struct {
	Subjects [][]byte // about any of these people; nil if it does not matter
	// CareOnly leaves out what was not done for an organisation that gives care.
	CareOnly     bool
	Actor        string
	Organisation string
	Role         string
	Action       string
	Mode         string
	Purpose      string
	Outcome      string
	Topic        Topic
	Request      uuid.NullUUID
	From, Until  time.Time // zero where there is no limit
	Refused      bool
	BreakGlass   bool
	Unreviewed   bool // no review of the look-up was closed
	OutOfHours   bool
	NoEncounter  bool
	Oldest       bool        // the oldest first, not the newest
	Beyond       *EntryPlace // only what comes after this one, in the order asked for
	// Log, First and End limit them to a log, from an index up to another. Zero
	// where they do not.
	Log        LogID
	First, End int64
}

// conditions puts a filter into SQL. What a partial index is about stands there
// as it stands in the index; all else is a parameter.
func (f *EntryFilter) conditions() (sql string, args []any) {
	var parts []string
	add := func(when bool, condition string, values ...any) {
		if !when {
			return
		}
		places := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			places[i] = len(args)
		}
		parts = append(parts, fmt.Sprintf(condition, places...))
	}
	add(f.Subjects != nil, "i.subject = ANY ($%d::bytea[])", f.Subjects)
	add(f.CareOnly, `i.organisation IN (SELECT o.code FROM cpis.organisation AS o
		    WHERE o.class NOT IN ('local_authority', 'oversight', 'operator'))`)
	add(f.Actor != "", "i.actor = $%d", f.Actor)
	add(f.Organisation != "", "i.organisation = $%d", f.Organisation)
	add(f.Role != "", "i.role = $%d", f.Role)
	add(f.Action != "", "i.action = $%d", f.Action)
	add(f.Mode != "", "i.mode = $%d", f.Mode)
	add(f.Purpose != "", "i.purpose = $%d", f.Purpose)
	add(f.Outcome != "", "i.outcome = $%d", f.Outcome)
	add(f.Topic != "" && f.Topic.indexed(), "i.topic = $%d AND i.topic <> 'look_up' AND i.topic <> 'reading'", string(f.Topic))
	add(f.Topic != "" && !f.Topic.indexed(), "i.topic = $%d", string(f.Topic))
	add(f.Request.Valid, "i.request = $%d", f.Request)
	add(!f.From.IsZero(), "i.at >= $%d", f.From)
	add(!f.Until.IsZero(), "i.at < $%d", f.Until)
	add(f.Refused, "i.refused")
	add(f.BreakGlass, "i.break_glass")
	add(f.Unreviewed, `NOT EXISTS (SELECT FROM cpis.review AS r WHERE r.log = i.log AND r.entry = i.idx AND r.kind = 'break_glass' AND r.closed_at IS NOT NULL)`)
	add(f.OutOfHours, "i.out_of_hours")
	add(f.NoEncounter, "i.topic = 'look_up' AND NOT i.encounter")
	add(f.Log != 0, "i.log = $%d AND i.idx >= $%d AND i.idx < $%d", f.Log, f.First, f.End)
	if p := f.Beyond; p != nil {
		add(!f.Oldest, "(i.at, i.log, i.idx) < ($%d, $%d, $%d)", p.At, p.Log, p.Index)
		add(f.Oldest, "(i.at, i.log, i.idx) > ($%d, $%d, $%d)", p.At, p.Log, p.Index)
	}
	if len(parts) == 0 {
		return "true", nil
	}
	return strings.Join(parts, "\n\t\t  AND "), args
}

// indexed reports whether the index serves a topic by itself.
func (t Topic) indexed() bool { return t != TopicLookUp && t != TopicReading }

// planForThese has the statements of a transaction planned for their very
// parameters: a hospital and a practice want different indexes. Compiling them
// would take longer than running them.
func (tx indexWrites) planForThese(ctx context.Context) error {
	_, err := tx.q.Exec(ctx, `
		SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)`)
	return translate("preparing a report", err)
}

// FoundEntry is an entry that a report shows.
type FoundEntry struct {
	IndexRow

	Origin        string        // of its log
	Line          []byte        // nil where it is no longer stored
	Class         string        // of the organisation; empty where it is none that may call
	Organised     string        // the organisation's name; empty where it is not known any more
	Review        uuid.NullUUID // of a break-glass look-up
	ReviewedAt    *time.Time    // when that was closed
	ReviewOutcome string
}

// Find returns the newest entries that a filter lets through, or the oldest, with
// their lines.
func (tx indexWrites) Find(ctx context.Context, f *EntryFilter, limit int) ([]FoundEntry, error) {
	if f.Oldest {
		return tx.find(ctx, f, "i.at, i.log, i.idx", limit)
	}
	return tx.find(ctx, f, "i.at DESC, i.log DESC, i.idx DESC", limit)
}

// FindInOrder returns the entries of one log that a filter lets through, with
// their lines, from an index up to another, in the order of the log.
func (tx indexWrites) FindInOrder(ctx context.Context, f *EntryFilter, log LogID, from, to int64, limit int) ([]FoundEntry, error) {
	within := *f
	within.Log, within.First, within.End = log, from, to
	return tx.find(ctx, &within, "i.idx", limit)
}

// find finds entries in an order.
func (tx indexWrites) find(ctx context.Context, f *EntryFilter, order string, limit int) ([]FoundEntry, error) {
	if err := tx.planForThese(ctx); err != nil {
		return nil, err
	}
	where, args := f.conditions()
	args = append(args, limit)
	return all(ctx, tx.q, "finding entries", scanFound, fmt.Sprintf(`
		WITH found AS MATERIALIZED (
		    SELECT i.*
		    FROM cpis.entry_index AS i
		    WHERE %s
		    ORDER BY %s
		    LIMIT $%d
		)
		SELECT `+indexColumns+`, l.origin,
		       (SELECT e.line FROM cpis.entry AS e WHERE e.log = i.log AND e.idx = i.idx),
		       coalesce(o.class, ''), coalesce(o.name, a.name, ''),
		       r.id, r.closed_at, coalesce(r.outcome, '')
		FROM found AS i
		JOIN cpis.log AS l ON l.id = i.log
		LEFT JOIN cpis.organisation AS o ON o.code = i.organisation
		LEFT JOIN cpis.authority AS a ON a.gss_code = i.organisation
		LEFT JOIN cpis.review AS r ON i.break_glass AND r.log = i.log AND r.entry = i.idx AND r.kind = 'break_glass'
		ORDER BY %s`, where, order, len(args), order), args...)
}

func scanFound(row pgx.CollectableRow) (f FoundEntry, err error) {
	err = row.Scan(append(f.targets(), &f.Origin, &f.Line, &f.Class, &f.Organised, &f.Review, &f.ReviewedAt, &f.ReviewOutcome)...)
	return f, err
}

// Count counts the entries that a filter lets through.
func (tx indexWrites) Count(ctx context.Context, f *EntryFilter) (int64, error) {
	if err := tx.planForThese(ctx); err != nil {
		return 0, err
	}
	where, args := f.conditions()
	return one(ctx, tx.q, "counting entries", pgx.RowTo[int64], `
		SELECT count(*)
		FROM cpis.entry_index AS i
		WHERE `+where, args...)
}

// TallyRow is how often somebody was looked up.
type TallyRow struct {
	Subject             []byte
	Actor, Organisation string // empty where people are counted
	Callers             int
	LookUps             int64
	First, Last         time.Time
}

func scanTally(row pgx.CollectableRow) (t TallyRow, err error) {
	err = row.Scan(&t.Subject, &t.Actor, &t.Organisation, &t.Callers, &t.LookUps, (*timeTarget)(&t.First), (*timeTarget)(&t.Last))
	return t, err
}

// TallySubjects returns who was looked up by at least so many, the most first.
func (tx indexWrites) TallySubjects(ctx context.Context, f *EntryFilter, atLeast, limit int) ([]TallyRow, error) {
	return tx.tally(ctx, f, atLeast, limit, `
		SELECT p.subject, '', '', count(*), sum(p.look_ups)::bigint, min(p.first), max(p.last)
		FROM pairs AS p
		GROUP BY p.subject
		HAVING count(*) >= $%d
		ORDER BY count(*) DESC, p.subject
		LIMIT $%d`)
}

// TallyCallers returns who looked somebody up at least so often, the most first.
func (tx indexWrites) TallyCallers(ctx context.Context, f *EntryFilter, atLeast, limit int) ([]TallyRow, error) {
	return tx.tally(ctx, f, atLeast, limit, `
		SELECT p.subject, p.actor, p.organisation, 1, p.look_ups, p.first, p.last
		FROM pairs AS p
		WHERE p.look_ups >= $%d
		ORDER BY p.look_ups DESC, p.subject, p.actor, p.organisation
		LIMIT $%d`)
}

func (tx indexWrites) tally(ctx context.Context, f *EntryFilter, atLeast, limit int, from string) ([]TallyRow, error) {
	if err := tx.planForThese(ctx); err != nil {
		return nil, err
	}
	where, args := f.conditions()
	args = append(args, atLeast, limit)
	return all(ctx, tx.q, "counting look-ups", scanTally, fmt.Sprintf(`
		WITH pairs AS (
		    SELECT i.subject, i.actor, i.organisation, count(*) AS look_ups, min(i.at) AS first, max(i.at) AS last
		    FROM cpis.entry_index AS i
		    WHERE `+where+`
		      AND i.topic = 'look_up'
		      AND i.subject IS NOT NULL
		      AND NOT i.refused
		    GROUP BY i.subject, i.actor, i.organisation
		)`+from, len(args)-1, len(args)), args...)
}

// MarkedRestricted returns those of some subjects of which any entry says that
// the person was restricted.
func (q indexReads) MarkedRestricted(ctx context.Context, subjects [][]byte) ([][]byte, error) {
	return all(ctx, q.q, "finding restricted people", pgx.RowTo[[]byte], `
		SELECT s.subject
		FROM unnest($1::bytea[]) AS s (subject)
		WHERE EXISTS (SELECT FROM cpis.entry_index AS i WHERE i.subject = s.subject AND i.restricted)`, subjects)
}

// JoinedPersons returns the persons whose records were ever joined with some
// persons', by merges that were accepted, and these. Merges that were undone count
// if undone says so.
func (q indexReads) JoinedPersons(ctx context.Context, persons []uuid.UUID, undone bool) ([]uuid.UUID, error) {
	return all(ctx, q.q, "finding joined records", pgx.RowTo[uuid.UUID], `
		WITH RECURSIVE joined (id) AS (
		    SELECT p.id
		    FROM unnest($1::uuid[]) AS p (id)
		    UNION
		    SELECT CASE WHEN m.from_id = j.id THEN m.person_id ELSE m.from_id END
		    FROM joined AS j
		    JOIN cpis.proposal AS m ON (m.from_id = j.id OR m.person_id = j.id) AND m.kind = 'merge' AND m.state = 'accepted'
		    WHERE $2 OR NOT EXISTS (
		        SELECT FROM cpis.proposal AS u WHERE u.merge_id = m.id AND u.kind = 'unmerge' AND u.state = 'accepted')
		)
		SELECT id
		FROM joined
		ORDER BY id`, persons, undone)
}

// ReportRow keeps what was asked of the log, and why.
type ReportRow struct {
	ID           uuid.UUID
	Request      uuid.NullUUID
	Organisation string
	At           time.Time
	WrappedKey   string
	Sealed       []byte
}

// Insert keeps a report's question.
func (tx reportWrites) Insert(ctx context.Context, r *ReportRow) error {
	return tx.execAll(ctx, 1, "keeping a report's reason", `
		INSERT INTO cpis.report (id, request, organisation, at, wrapped_key, sealed)
		VALUES ($1, $2, $3, $4, $5, $6)`, r.ID, r.Request, r.Organisation, r.At, r.WrappedKey, r.Sealed)
}

// Of returns what was asked under a request, the first first.
func (q reportReads) Of(ctx context.Context, request uuid.UUID) ([]ReportRow, error) {
	return all(ctx, q.q, "reading a report's reason",
		func(row pgx.CollectableRow) (r ReportRow, err error) {
			err = row.Scan(&r.ID, &r.Request, &r.Organisation, &r.At, &r.WrappedKey, &r.Sealed)
			return r, err
		}, `
		SELECT id, request, organisation, at, wrapped_key, sealed
		FROM cpis.report
		WHERE request = $1
		ORDER BY id`, request)
}
