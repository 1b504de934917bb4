package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AccessRow is one unscheduled access to a person's flag: a row of the history.
type AccessRow struct {
	ID               uuid.UUID
	Person           uuid.UUID
	At               time.Time
	Organisation     string
	OrganisationName string // filled in when read; empty where the organisation is not known by now
	Setting          string
	Encounter        []byte // keyed hash; nil where none was given
	Sealed           []byte // who it was, under the person's key; nil where that was not to be had
	WrongPatient     bool   // filled in when read: it was reported to be of another patient
	Entry            int    // in a Batch: the place of its entry there. When read: the entry's index in its log
}

// History gives the last 25 accesses of each person, newest first, ordered by
// person.
func (q queries) History(ctx context.Context, persons []uuid.UUID) ([]AccessRow, error) {
	return all(ctx, q.q, "reading history", scanAccess, `
		SELECT a.id, a.person_id, a.at, a.organisation, coalesce(o.name, ''), a.setting, a.encounter, a.sealed, a.entry,
		       m.access_id IS NOT NULL
		FROM unnest($1::uuid[]) AS wanted (person_id)
		CROSS JOIN LATERAL (
		    SELECT id, person_id, at, organisation, setting, encounter, sealed, entry
		    FROM cpis.access
		    WHERE person_id = wanted.person_id
		    ORDER BY at DESC, id DESC
		    LIMIT 25
		) AS a
		LEFT JOIN cpis.organisation AS o ON o.code = a.organisation
		LEFT JOIN cpis.access_mark AS m ON m.access_id = a.id
		ORDER BY a.person_id, a.at DESC, a.id DESC`, persons)
}

// targets are where the columns of an access go.
func (a *AccessRow) targets() []any {
	return []any{
		&a.ID, &a.Person, &a.At, &a.Organisation, &a.OrganisationName, &a.Setting, &a.Encounter, &a.Sealed, &a.Entry,
		&a.WrongPatient,
	}
}

func scanAccess(row pgx.CollectableRow) (a AccessRow, err error) {
	err = row.Scan(a.targets()...)
	return a, err
}

// MarkAccesses marks as of the wrong patient what was accessed in an encounter,
// and is not marked yet. It gives how many these are.
func (tx *Tx) MarkAccesses(ctx context.Context, e *Encounter, at time.Time) (int64, error) {
	return tx.exec(ctx, "marking accesses", `
		INSERT INTO cpis.access_mark (access_id, at)
		SELECT a.id, $5
		FROM `+whoseEncounter+`
		JOIN cpis.access AS a ON a.person_id = w.id AND a.encounter = ANY ($3::bytea[])
		WHERE a.organisation = $2
		  AND (w.id = $1 OR EXISTS (
		      SELECT FROM cpis.entry AS e WHERE e.log = a.log AND e.idx = a.entry AND e.subject = ANY ($4::bytea[])))
		  AND NOT EXISTS (SELECT FROM cpis.access_mark AS m WHERE m.access_id = a.id)`,
		e.Person, e.Organisation, e.Hashes, e.Subjects, at)
}
