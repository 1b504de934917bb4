package oversight

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/store"
)

// clientUses are the days on which client systems were used, by what names them.
type clientUses map[store.ClientUse]store.ClientUse

// note notes the client of an entry. What the service and commands do by themselves
// has no issuer, and is nobody's use.
func (c clientUses) note(e *audit.Entry) {
	if e.Issuer == "" || e.Client == "" {
		return
	}
	name := store.ClientUse{Issuer: word(e.Issuer), Client: word(e.Client), Organisation: word(e.Organisation)}
	day, use := dayOf(e.Time), name
	if seen, ok := c[name]; ok {
		use = seen
	}
	if use.First.IsZero() || day.Before(use.First) {
		use.First = day
	}
	if day.After(use.Last) {
		use.Last = day
	}
	c[name] = use
}

// dayOf is the day in England, as midnight UTC.
func dayOf(t time.Time) time.Time {
	y, m, d := t.In(domain.London).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// all returns the uses in one order, so that nobody who notes some waits for somebody
// who waits for them.
func (c clientUses) all() []store.ClientUse {
	return slices.SortedFunc(maps.Values(c), func(a, b store.ClientUse) int {
		return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Organisation, b.Organisation))
	})
}
