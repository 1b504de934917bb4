package oversight

import (
	"cmp"
	"maps"
	"slices"

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
	day, use := domain.LondonDay(e.Time).Time(), name
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

// all returns the uses in one order, so that nobody who notes some waits for somebody
// who waits for them.
func (c clientUses) all() []store.ClientUse {
	return slices.SortedFunc(maps.Values(c), func(a, b store.ClientUse) int {
		return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Organisation, b.Organisation))
	})
}
