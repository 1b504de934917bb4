package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// KnownPlan is a plan as an authority knew it last: it held the plan, or was
// offered it.
type KnownPlan struct {
	PlanRow

	Of    uuid.UUID // the person or plan that was asked for
	About PersonRow // whom the plan was about, as that person was then; the key is today's
}

// Known returns the plans that were ever about some persons, and some plans,
// in the last version that an authority knew; none of those that it never knew.
// They are in order of what was asked for and of the plan.
//
// What became of plan and person since is not the authority's to know, such as
// another name or a new NHS number.
func (q planReads) Known(ctx context.Context, persons, plans []uuid.UUID, authority string) ([]KnownPlan, error) {
	return all(ctx, q.q, "reading what was known", q.scanKnown, `
		WITH asked (id, plan_id) AS (
		    SELECT v.person_id, v.plan_id
		    FROM cpis.plan_version AS v
		    WHERE v.person_id = ANY ($1::uuid[])
		    UNION
		    SELECT p.id, p.id
		    FROM unnest($2::uuid[]) AS p (id)
		)
		SELECT a.id, `+planVersionColumns+`,
		       p.id, w.restricted, p.wrapped_key, w.version, w.sealed, w.changed_at, w.mac,
		       n.plan_id, n.person_id, n.version, n.authority, n.visible_until, n.removed, coalesce(n.transfer_to, ''), n.sealed, n.changed_at, n.mac
		FROM asked AS a
		JOIN LATERAL (
		    SELECT k.*
		    FROM cpis.plan_version AS k
		    WHERE k.plan_id = a.plan_id
		      AND (k.authority = $3 OR k.transfer_to = $3)
		    ORDER BY k.version DESC
		    LIMIT 1
		) AS v ON true
		LEFT JOIN cpis.plan_version AS n ON n.plan_id = v.plan_id AND n.version = v.version + 1
		JOIN cpis.plan AS l ON l.id = v.plan_id AND (l.version = v.version OR n.version IS NOT NULL)
		JOIN cpis.person AS p ON p.id = v.person_id AND p.wrapped_key <> ''
		JOIN LATERAL (
		    SELECT r.*
		    FROM cpis.person_version AS r
		    WHERE r.person_id = v.person_id
		      AND (r.version = 1 OR n.version IS NULL OR r.changed_at <= n.changed_at)
		    ORDER BY r.version DESC
		    LIMIT 1
		) AS w ON true
		ORDER BY a.id, v.plan_id`, persons, plans, authority)
}

// nextColumn is where the version after the one that was known begins in rows of
// known plans.
const nextColumn = 18

// scanKnown verifies what was known, and the version that ended it: from then on
// the authority knows nothing more of the person.
func (q queries) scanKnown(row pgx.CollectableRow) (k KnownPlan, err error) {
	var next PlanRow
	var planMAC, personMAC, nextMAC []byte
	targets := slices.Concat([]any{&k.Of}, k.targets(), []any{&planMAC}, k.About.targets(), []any{&personMAC}, next.targets(), []any{&nextMAC})
	ended := row.RawValues()[nextColumn] != nil
	if !ended {
		clear(targets[nextColumn:]) // nil: skip
	}
	err = row.Scan(targets...)
	err = q.guard.check(err, &k.PlanRow, planMAC)
	err = q.guard.check(err, &k.About, personMAC)
	if ended {
		err = q.guard.check(err, &next, nextMAC)
	}
	return k, err
}

// Left returns the notices to an authority about whom a plan is about that
// nobody has acknowledged or corrected, in the order of their ids. Those are left
// out of which another authority was told by the same act, and those about records
// of which the first holds another plan.
func (tx noticeWrites) Left(ctx context.Context, plan *PlanRow, from, to string) ([]NoticeRow, error) {
	return tx.readNotices(ctx, "reading notices left behind", `
		SELECT `+shownNotice+noticeTables+`
		WHERE n.person_id IN (SELECT v.person_id FROM cpis.plan_version AS v WHERE v.plan_id = $1)
		  AND n.authority = $3
		  AND n.acknowledged_at IS NULL
		  AND NOT EXISTS (SELECT FROM cpis.notice AS c WHERE c.corrects = n.id)
		  AND NOT EXISTS (
		      SELECT
		      FROM cpis.notice AS s
		      WHERE s.authority = $4 AND s.log = n.log AND s.entry = n.entry AND s.kind = n.kind AND s.person_id = n.person_id)
		  AND (n.person_id = $2 OR NOT EXISTS (
		      SELECT FROM cpis.plan AS l WHERE l.person_id = n.person_id AND l.authority = $3 AND NOT l.removed))
		ORDER BY n.id`, plan.ID, plan.Person, from, to)
}
