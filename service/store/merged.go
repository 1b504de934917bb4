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

// Moved returns the plans of an authority that were about persons once, and
// by merges and their undoing are about others now. They are in order of that
// person and of the plan.
func (q planReads) Moved(ctx context.Context, persons []uuid.UUID, authority string) ([]MovedPlan, error) {
	whom, joined, err := q.joined(ctx, persons)
	if err != nil || len(whom) == 0 {
		return nil, err
	}
	return all(ctx, q.q, "reading plans that moved",
		func(row pgx.CollectableRow) (m MovedPlan, err error) {
			var mac []byte
			err = row.Scan(slices.Concat([]any{&m.From}, m.targets(), []any{&mac})...)
			return m, q.guard.check(err, &m.PlanRow, mac)
		}, `
		SELECT j.person_id, `+planColumns+`
		FROM unnest($1::uuid[], $2::uuid[]) AS j (person_id, id)
		JOIN cpis.plan AS l ON l.person_id = j.id
		WHERE l.authority = $3
		  AND EXISTS (SELECT FROM cpis.plan_version AS v WHERE v.plan_id = l.id AND v.person_id = j.person_id)
		ORDER BY j.person_id, l.id`, whom, joined, authority)
}

// joined returns pairs of persons and of those with whom their records were ever
// joined, directly or not. Proposals are read whatever their state and kind are,
// and believed if they verify: a merge that somebody made another thing is not
// passed over.
func (q queries) joined(ctx context.Context, persons []uuid.UUID) (whom, with []uuid.UUID, err error) {
	beside := make(map[uuid.UUID][]uuid.UUID) // one step away
	for ask := persons; len(ask) > 0; {
		rows, err := all(ctx, q.q, "following merges", q.scanProposal, `
			SELECT `+proposalColumns+`
			FROM cpis.proposal AS r
			WHERE r.from_id = ANY ($1::uuid[])
			UNION
			SELECT `+proposalColumns+`
			FROM cpis.proposal AS r
			WHERE r.person_id = ANY ($1::uuid[])`, ask)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ask {
			beside[id] = append(beside[id], id) // asked for
		}
		ask = nil
		for i := range rows {
			m := &rows[i]
			if m.Kind != "merge" || m.State != "accepted" {
				continue
			}
			beside[m.From], beside[m.Person] = append(beside[m.From], m.Person), append(beside[m.Person], m.From)
			for _, id := range []uuid.UUID{m.From, m.Person} {
				if !slices.Contains(beside[id], id) && !slices.Contains(ask, id) {
					ask = append(ask, id)
				}
			}
		}
	}
	for _, p := range persons {
		for id := range reached(beside, p) {
			if id != p {
				whom, with = append(whom, p), append(with, id)
			}
		}
	}
	return whom, with, nil
}

// reached returns all that can be reached from one.
func reached(beside map[uuid.UUID][]uuid.UUID, from uuid.UUID) map[uuid.UUID]bool {
	seen := map[uuid.UUID]bool{from: true}
	for next := []uuid.UUID{from}; len(next) > 0; next = next[1:] {
		for _, id := range beside[next[0]] {
			if !seen[id] {
				seen[id] = true
				next = append(next, id)
			}
		}
	}
	return seen
}

// whoseEncounter says whom an encounter may have been about: the person $1,
// and those whose records were ever joined with others. These count only if
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
	Person       uuid.UUID // zero if nobody is found by the number
	Organisation string
	Hashes       [][]byte // keyed, of the encounter
	Subjects     [][]byte // tags of the person's numbers: what was asked for before records were joined is told by them
}
