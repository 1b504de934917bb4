package store

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// PlanKey is where a plan stands in an order: by when it changed, or by its last
// visible day.
type PlanKey struct {
	At int64 // microseconds since 1970; the largest is after all, the smallest before all
	ID uuid.UUID
}

// Compare says which of two comes first in ascending order.
func (k PlanKey) Compare(other PlanKey) int {
	return cmp.Or(cmp.Compare(k.At, other.At), bytes.Compare(k.ID[:], other.ID[:]))
}

// OrderedPlans says which plans of an authority are wanted, and in which order. None
// of them is an error.
type OrderedPlans struct {
	Authority  string
	Visible    bool   // by the last visible day, not by when they changed
	Need       string // only those that are listed with it; all if it is empty
	From       PlanKey
	Descending bool
	Limit      int
}

// Ordered returns plans that come after one in an order.
func (q planReads) Ordered(ctx context.Context, o OrderedPlans) ([]PlanRow, error) {
	column, kind, after, direction := "l.changed_at", "timestamptz", ">", "ASC"
	if o.Visible {
		column, kind = "coalesce(l.visible_until, 'infinity')", "date"
	}
	if o.Descending {
		after, direction = "<", "DESC"
	}
	listed, args := "", []any{o.Authority, o.From.at(o.Visible), o.From.ID, o.Limit}
	if o.Need != "" {
		listed, args = `
		JOIN cpis.work_item AS w ON w.plan_id = l.id AND w.authority = l.authority AND w.need = $5`, append(args, o.Need)
	}
	return all(ctx, q.q, "listing plans", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l`+listed+`
		WHERE l.authority = $1
		  AND NOT l.removed
		  AND (`+column+`, l.id) `+after+` ($2::`+kind+`, $3)
		ORDER BY `+column+` `+direction+`, l.id `+direction+`
		LIMIT $4`, args...)
}

// at returns the moment or day of a key as PostgreSQL has it.
func (k PlanKey) at(day bool) any {
	infinite := pgtype.Finite
	switch k.At {
	case math.MaxInt64:
		infinite = pgtype.Infinity
	case math.MinInt64:
		infinite = pgtype.NegativeInfinity
	}
	at := time.UnixMicro(k.At).UTC()
	if day {
		return pgtype.Date{Time: at, InfinityModifier: infinite, Valid: true}
	}
	return pgtype.Timestamptz{Time: at, InfinityModifier: infinite, Valid: true}
}
