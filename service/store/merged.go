package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// MovedPlan is a plan that was about another person once.
type MovedPlan struct {
	PlanRow
	From uuid.UUID // that person
}

// MovedPlans gives the plans of an authority that were about persons once, and
// by merges and their undoing are about others now. They are in order of that
// person and of the plan.
func (q queries) MovedPlans(ctx context.Context, persons []uuid.UUID, authority string) ([]MovedPlan, error) {
	return all(ctx, q.q, "reading plans that moved",
		func(row pgx.CollectableRow) (m MovedPlan, err error) {
			var mac []byte
			err = row.Scan(slices.Concat([]any{&m.From}, m.targets(), []any{&mac})...)
			return m, q.guard.check(err, &m.PlanRow, mac)
		}, `
		WITH RECURSIVE joined (person_id, id) AS (
		    SELECT p.id, p.id
		    FROM unnest($1::uuid[]) AS p (id)
		    UNION
		    SELECT j.person_id, CASE WHEN m.from_id = j.id THEN m.person_id ELSE m.from_id END
		    FROM joined AS j
		    JOIN cpis.proposal AS m ON (m.from_id = j.id OR m.person_id = j.id) AND m.kind = 'merge' AND m.state = 'accepted'
		)
		SELECT j.person_id, `+planColumns+`
		FROM joined AS j
		JOIN cpis.plan AS l ON l.person_id = j.id
		WHERE j.id <> j.person_id
		  AND l.authority = $2
		  AND EXISTS (SELECT FROM cpis.plan_version AS v WHERE v.plan_id = l.id AND v.person_id = j.person_id)
		ORDER BY j.person_id, l.id`, persons, authority)
}

// whoseEncounter gives whom an encounter may have been about: the person $1,
// and those whose records were ever joined with others. These count only where
// the number that was asked for is one of the report's.
const whoseEncounter = `(
		    SELECT $1::uuid AS id
		    UNION
		    SELECT m.from_id FROM cpis.proposal AS m WHERE m.kind = 'merge' AND m.state = 'accepted'
		    UNION
		    SELECT m.person_id FROM cpis.proposal AS m WHERE m.kind = 'merge' AND m.state = 'accepted'
		) AS w`

// Encounter says which of the accesses and notices are wanted that an
// organisation made in an encounter.
type Encounter struct {
	Person       uuid.UUID // zero where nobody is found by the number
	Organisation string
	Hashes       [][]byte // keyed, of the encounter
	Subjects     [][]byte // tags of the person's numbers: what was asked for before records were joined is told by them
}
