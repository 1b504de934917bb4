package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// IndexRow is what the index knows of an entry: what reports ask by. All of it
// stands in the entry's line.
type IndexRow struct {
	Log          LogID
	Index        int64
	At           time.Time
	Subject      []byte        // tag of the person; nil where there is none
	Request      uuid.NullUUID // not valid where the request has no UUID
	Actor        string
	Organisation string
	Role         string
	Action       string
	Mode         string
	Purpose      string
	Outcome      string
	Topic        Topic
	Refused      bool
	BreakGlass   bool
	Restricted   bool
	Encounter    bool // one was named
	OutOfHours   bool
}

// Topic is what kind of action an entry is about.
type Topic string

// The topics. The index serves all but the first two by themselves: nearly
// every entry is one of those.
const (
	TopicLookUp   Topic = "look_up"
	TopicReading  Topic = "reading"
	TopicReports  Topic = "reports"
	TopicPlans    Topic = "plans"
	TopicPolicy   Topic = "policy"
	TopicContacts Topic = "contacts"
	TopicChannels Topic = "channels"
	TopicOther    Topic = "other"
)

const indexColumns = `i.log, i.idx, i.at, i.subject, i.request, i.actor, i.organisation, i.role, i.action, i.mode, i.purpose, i.outcome,
		       i.topic, i.refused, i.break_glass, i.restricted, i.encounter, i.out_of_hours`

// targets are where the columns of a row go.
func (r *IndexRow) targets() []any {
	return []any{
		&r.Log, &r.Index, (*timeTarget)(&r.At), &r.Subject, &r.Request, &r.Actor, &r.Organisation, &r.Role, &r.Action, &r.Mode, &r.Purpose, &r.Outcome,
		&r.Topic, &r.Refused, &r.BreakGlass, &r.Restricted, &r.Encounter, &r.OutOfHours,
	}
}

// IndexState is how far the index of a log has come.
type IndexState struct {
	Log     LogID
	Origin  string
	Size    int64      // entries of the log
	Next    int64      // those before it are in the index
	Checked int64      // how far it was compared again
	Damaged *time.Time // when it was found to say something else than the log; nil if never
	Last    time.Time  // of the newest entry in the index; zero where there is none
}

// States returns how far the indexes of all logs have come.
func (q indexReads) States(ctx context.Context) ([]IndexState, error) {
	return all(ctx, q.q, "reading how far the index is", scanIndexState, `
		SELECT l.id, l.origin, h.size, coalesce(s.next, 0), coalesce(s.checked, 0), s.damaged_at,
		       (SELECT i.at FROM cpis.entry_index AS i WHERE i.log = l.id ORDER BY i.idx DESC LIMIT 1)
		FROM cpis.log AS l
		JOIN cpis.log_head AS h ON h.log = l.id
		LEFT JOIN cpis.entry_index_state AS s ON s.log = l.id
		ORDER BY l.id`)
}

func scanIndexState(row pgx.CollectableRow) (s IndexState, err error) {
	err = row.Scan(&s.Log, &s.Origin, &s.Size, &s.Next, &s.Checked, &s.Damaged, (*timeTarget)(&s.Last))
	return s, err
}

// Lock takes the index of a log for the rest of the transaction, and
// returns how far it has come. If another transaction has it and this is not to
// wait, ok is false: somebody else is at work.
func (tx indexWrites) Lock(ctx context.Context, log LogID, wait bool) (next, checked int64, ok bool, err error) {
	_, err = tx.exec(ctx, "beginning the index", `
		INSERT INTO cpis.entry_index_state (log)
		VALUES ($1)
		ON CONFLICT DO NOTHING`, log)
	if err != nil {
		return 0, 0, false, err
	}
	lock := `FOR UPDATE SKIP LOCKED`
	if wait {
		lock = `FOR UPDATE`
	}
	state, err := one(ctx, tx.q, "locking the index", func(row pgx.CollectableRow) (s IndexState, err error) {
		err = row.Scan(&s.Next, &s.Checked)
		return s, err
	}, `
		SELECT next, checked
		FROM cpis.entry_index_state
		WHERE log = $1
		`+lock, log)
	if errors.Is(err, ErrNotFound) {
		return 0, 0, false, nil
	}
	return state.Next, state.Checked, err == nil, err
}

// Insert adds rows to the index of a log, which then ends before next.
// They are written in the order of their subjects, so that those which lie on
// one page of the largest index are written together.
func (tx indexWrites) Insert(ctx context.Context, log LogID, rows []IndexRow, next int64) error {
	args := append([]any{log}, indexArgs(rows)...)
	_, err := tx.exec(ctx, "indexing entries", `
		INSERT INTO cpis.entry_index AS i (log, idx, at, subject, request, actor, organisation, role, action, mode, purpose, outcome,
		    topic, refused, break_glass, restricted, encounter, out_of_hours)
		SELECT $1, n.*
		FROM unnest($2::bigint[], $3::timestamptz[], $4::bytea[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
		    $11::text[], $12::text[], $13::text[], $14::boolean[], $15::boolean[], $16::boolean[], $17::boolean[], $18::boolean[]) AS n
		    (idx, at, subject, request, actor, organisation, role, action, mode, purpose, outcome,
		     topic, refused, break_glass, restricted, encounter, out_of_hours)
		ORDER BY n.subject, n.idx`, args...)
	if err != nil {
		return err
	}
	return tx.execAll(ctx, 1, "indexing entries", `
		UPDATE cpis.entry_index_state
		SET next = $2
		WHERE log = $1`, log, next)
}

// indexArgs turns rows into the arrays that unnest takes.
func indexArgs(rows []IndexRow) []any {
	n := len(rows)
	idx, at, subject, request := make([]int64, n), make([]time.Time, n), make([][]byte, n), make([]uuid.NullUUID, n)
	var words [8][]string // actor to topic
	var marks [5][]bool   // refused to out of hours
	for i := range rows {
		r := &rows[i]
		idx[i], at[i], subject[i], request[i] = r.Index, r.At, r.Subject, r.Request
		for j, w := range []string{r.Actor, r.Organisation, r.Role, r.Action, r.Mode, r.Purpose, r.Outcome, string(r.Topic)} {
			words[j] = append(words[j], w)
		}
		for j, m := range []bool{r.Refused, r.BreakGlass, r.Restricted, r.Encounter, r.OutOfHours} {
			marks[j] = append(marks[j], m)
		}
	}
	args := []any{idx, at, subject, request}
	for _, w := range words {
		args = append(args, w)
	}
	for _, m := range marks {
		args = append(args, m)
	}
	return args
}

// Ends returns how many entries each log has.
func (q indexReads) Ends(ctx context.Context) ([]LogEnd, error) {
	states, err := q.States(ctx)
	ends := make([]LogEnd, len(states))
	for i := range states {
		ends[i] = LogEnd{states[i].Log, states[i].Size}
	}
	return ends, err
}

// Rows returns what the index of a log has from one entry up to, but not
// including, another, in order.
func (q indexReads) Rows(ctx context.Context, log LogID, from, to int64) ([]IndexRow, error) {
	return all(ctx, q.q, "reading the index", scanIndexRow, `
		SELECT `+indexColumns+`
		FROM cpis.entry_index AS i
		WHERE i.log = $1
		  AND i.idx >= $2
		  AND i.idx < $3
		ORDER BY i.idx`, log, from, to)
}

func scanIndexRow(row pgx.CollectableRow) (r IndexRow, err error) {
	err = row.Scan(r.targets()...)
	return r, err
}

// SetChecked says how far the index of a log was compared again.
func (tx indexWrites) SetChecked(ctx context.Context, log LogID, checked int64) error {
	return tx.execAll(ctx, 1, "comparing the index", `
		UPDATE cpis.entry_index_state
		SET checked = $2
		WHERE log = $1`, log, checked)
}

// SetDamaged says that the index of a log does not say what the log says.
// From then on nobody is answered from it, until it is made again.
func (tx indexWrites) SetDamaged(ctx context.Context, log LogID, at time.Time) error {
	return tx.execAll(ctx, 1, "noting a damaged index", `
		UPDATE cpis.entry_index_state
		SET damaged_at = coalesce(damaged_at, $2)
		WHERE log = $1`, log, at)
}

// Empty throws the index of a log away. It needs the owner's rights
// (Options.Owner).
func (tx indexWrites) Empty(ctx context.Context, log LogID) error {
	_, err := tx.exec(ctx, "emptying the index", `
		DELETE FROM cpis.entry_index
		WHERE log = $1`, log)
	if err != nil {
		return err
	}
	return tx.execAll(ctx, 1, "emptying the index", `
		INSERT INTO cpis.entry_index_state AS s (log)
		VALUES ($1)
		ON CONFLICT (log) DO UPDATE
		SET next = 0, checked = 0, damaged_at = NULL`, log)
}
