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
	Entry            int    // in a Batch: the place of its entry there. When read: the entry's index in its log
}

// History gives the last 25 accesses of each person, newest first, ordered by
// person.
func (q queries) History(ctx context.Context, persons []uuid.UUID) ([]AccessRow, error) {
	return all(ctx, q.q, "reading history", scanAccess, `
		SELECT a.id, a.person_id, a.at, a.organisation, coalesce(o.name, ''), a.setting, a.encounter, a.sealed, a.entry
		FROM unnest($1::uuid[]) AS wanted (person_id)
		CROSS JOIN LATERAL (
		    SELECT id, person_id, at, organisation, setting, encounter, sealed, entry
		    FROM cpis.access
		    WHERE person_id = wanted.person_id
		    ORDER BY at DESC, id DESC
		    LIMIT 25
		) AS a
		LEFT JOIN cpis.organisation AS o ON o.code = a.organisation
		ORDER BY a.person_id, a.at DESC, a.id DESC`, persons)
}

// targets are where the columns of an access go.
func (a *AccessRow) targets() []any {
	return []any{&a.ID, &a.Person, &a.At, &a.Organisation, &a.OrganisationName, &a.Setting, &a.Encounter, &a.Sealed, &a.Entry}
}

func scanAccess(row pgx.CollectableRow) (a AccessRow, err error) {
	err = row.Scan(a.targets()...)
	return a, err
}
