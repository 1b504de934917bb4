package record

import (
	"github.com/google/uuid"

	"cpis/service/store"
)

// KnownOf returns the persons of what was known, by what was asked for: of several
// plans the one that was known latest counts.
func KnownOf(rows []store.KnownPlan) map[uuid.UUID]*Record {
	known := make(map[uuid.UUID]*Record, len(rows))
	for i := range rows {
		k := &rows[i]
		if h := known[k.Of]; h == nil || h.Past.Row.At.Before(k.At) {
			known[k.Of] = &Record{Row: k.About, Past: &Plan{Row: k.PlanRow}}
		}
	}
	return known
}
