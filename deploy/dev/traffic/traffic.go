// Package traffic makes logs as years of look-ups leave them, for measurements.
package traffic

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
)

// Traffic is who looks at whom in two years: most children are looked at a few
// times, one very often. It is the same in each run.
type Traffic struct {
	random   *rand.Rand
	children [][]byte
	began    time.Time
	apart    time.Duration // of two entries
	made     int64
	last     string
}

const (
	howLong       = 2 * 365 * 24 * time.Hour
	howMany       = 200_000 // children
	actors        = 20_000
	organisations = 300
)

// New returns the traffic of the two years before a moment, of so many entries.
func New(entries int64, until time.Time) *Traffic {
	t := &Traffic{
		random: rand.New(rand.NewPCG(7, 11)), //nolint:gosec // the same in each run
		began:  until.Add(-howLong), apart: howLong / time.Duration(max(entries, 1)),
	}
	for range howMany {
		tag := make([]byte, 0, 32)
		for range 4 {
			tag = binary.LittleEndian.AppendUint64(tag, t.random.Uint64())
		}
		t.children = append(t.children, tag)
	}
	return t
}

// Actor returns the user id of somebody.
func (t *Traffic) Actor() string { return fmt.Sprintf("5552542%05d", t.random.IntN(actors)) }

// Organisation returns the code of one.
func (t *Traffic) Organisation() string { return fmt.Sprintf("R%03d", t.random.IntN(organisations)) }

// Child returns the tag of a child.
func (t *Traffic) Child() []byte {
	if t.random.IntN(1000) == 0 {
		return t.children[0]
	}
	return t.someone()
}

func (t *Traffic) someone() []byte { return t.children[t.random.IntN(len(t.children))] }

// LastRequest is the request id of the newest entry.
func (t *Traffic) LastRequest() string { return t.last }

// Next returns the next entry, as look-ups and others leave them.
func (t *Traffic) Next() *audit.Entry {
	e := &audit.Entry{
		Version: audit.Version, Time: t.began.Add(time.Duration(t.made) * t.apart),
		Actor: t.Actor(), Client: "ed-system-7", Issuer: "https://am.nhsidentity.example", Organisation: t.Organisation(),
		Role: "clinician_unscheduled", Action: "look_up", Mode: "unscheduled", Purpose: "emergency_care", Subject: t.Child(),
		Encounter: t.Child(), Request: uuid.UUID(t.someone()[:16]).String(), Outcome: "no_flag_known", Rule: "U1",
	}
	switch k := t.random.IntN(1000); {
	case k < 10:
		e.Outcome, e.Rule = "denied", "no_rule"
	case k < 12:
		e.BreakGlass, e.Rule = true, "B1"
	case k < 20:
		e.Encounter = nil
	case k < 40:
		e.Action, e.Role, e.Mode, e.Outcome, e.Rule = "amend_plan", "safeguarding_lead", "", "done", "P10"
	case k < 42:
		e.Action, e.Role, e.Mode, e.Outcome, e.Subject = "set_contacts", "safeguarding_lead", "", "done", nil
	case k < 44:
		e.Action, e.Role, e.Mode, e.Outcome = "read_reports", "auditor", "", "done"
	case k < 90:
		e.Outcome = "flag_held"
	}
	t.made++
	t.last = e.Request
	return e
}

// Append appends so many entries to a log, with the tree over them, as a superuser
// who goes round the service. Nothing of them is signed or indexed.
func (t *Traffic) Append(ctx context.Context, conn *pgx.Conn, log int16, tree audit.Tree, entries int64) error {
	i, end := tree.Size()-1, tree.Size()+entries
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if i++; i == end {
			return nil, nil
		}
		e := t.Next()
		line := e.AppendLine(nil)
		tree.Append(audit.LeafHash(line))
		return []any{log, i, line, e.Subject}, nil
	})
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"cpis", "entry"}, []string{"log", "idx", "line", "subject"}, rows); err != nil {
		return fmt.Errorf("writing entries: %w", err)
	}
	root := tree.Root()
	_, err := conn.Exec(ctx, `UPDATE cpis.log_head SET size = $2, frontier = $3, root = $4 WHERE log = $1`,
		log, tree.Size(), tree.AppendFrontier(nil), root[:])
	if err != nil {
		return fmt.Errorf("writing the head: %w", err)
	}
	return nil
}
