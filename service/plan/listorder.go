package plan

import (
	"encoding/binary"
	"math"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

// Order is in which order plans are listed.
type Order string

// The orders. Names and other days are sealed: nothing can be sorted by them.
const (
	AnyOrder     Order = ""              // none that means anything, and no way back
	LastChanged  Order = "changed"       // that changed last first
	LastVisible  Order = "visible_until" // whose last visible day comes first; those that run last
	problemOrder       = "must be changed or visible_until"
)

// place is where a page of an ordered list begins or ends: behind a plan, or
// before one.
type place struct {
	back bool // before it
	key  store.PlanKey
}

// placeSize is how many bytes a place has as a text stands for it.
const placeSize = 1 + 8 + 16

// runs stands for the last visible day of a plan that runs.
const runs = math.MaxInt64

// String returns a place as callers have it.
func (p place) String() string {
	b := make([]byte, 1, placeSize)
	if p.back {
		b[0] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(p.key.At)) //nolint:gosec // all 64 bits are kept
	return guard.EncodePlace(append(b, p.key.ID[:]...))
}

// readPlace reads what String made.
func readPlace(text string) (p place, ok bool) {
	b, err := guard.DecodePlace(text)
	if err != nil || len(b) != placeSize || b[0] > 1 {
		return place{}, false
	}
	p.back, p.key.At = b[0] == 1, int64(binary.BigEndian.Uint64(b[1:])) //nolint:gosec // likewise
	p.key.ID = uuid.UUID(b[9:])
	return p, p.key.At == runs || p.key.At == math.MinInt64 || p.key.At > -lastMoment && p.key.At < lastMoment
}

// lastMoment is later than all moments of plans, in microseconds since 1970: in the
// year 9999.
const lastMoment = 253e15

// keyOf returns where a plan stands in an order.
func (o Order) keyOf(row *store.PlanRow) store.PlanKey {
	k := store.PlanKey{At: row.At.UnixMicro(), ID: row.ID}
	if o == LastVisible {
		if k.At = runs; row.VisibleUntil != nil {
			k.At = row.VisibleUntil.UnixMicro()
		}
	}
	return k
}

// first is the place before all others.
func (l *listing) first() place {
	if l.descending() {
		return place{key: store.PlanKey{At: math.MaxInt64, ID: uuid.Max}}
	}
	return place{key: store.PlanKey{At: math.MinInt64}}
}

// descending reports whether what is later comes first.
func (l *listing) descending() bool { return (l.Order == LastChanged) != l.Reverse }

// readOrder reads the order of a list, and where its page begins.
func (l *listing) readOrder(c *domain.Reader) {
	switch l.Order {
	case AnyOrder:
		return
	case LastChanged, LastVisible:
	default:
		c.Add("order", problemOrder, string(LastChanged))
	}
	l.from = l.first()
	if l.Paging.Page == "" {
		return
	}
	var ok bool
	if l.from, ok = readPlace(l.Paging.Page); !ok {
		c.Add("page", guard.ProblemPage, "")
	}
}

// ordered is the part of a list that the store is asked for.
func (l *listing) ordered(from store.PlanKey, limit int) store.OrderedPlans {
	return store.OrderedPlans{
		Authority: l.authority, Visible: l.Order == LastVisible, Need: l.need, From: from,
		Descending: l.descending() != l.from.back, Limit: limit,
	}
}
