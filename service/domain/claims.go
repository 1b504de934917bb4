package domain

import (
	"slices"
	"time"
)

// A number that replaced another was claimed by one person, on nothing but their
// word that it is this person's. If that is taken back, whoever the number
// belongs to must be able to have it.

// Claim says that a number became a person's by replacing another.
type Claim struct {
	Number  NHSNumber
	Instead NHSNumber // the one that it replaced
	At      time.Time
}

// Since returns the claims that are taken back if a person gets a former number
// again: those by which one number after another led from that to the current
// one. There are none if the former number became the person's otherwise.
func (p *Person) Since(former NHSNumber) []Claim {
	var back []Claim
	n := p.NHSNumber
	for range p.Claims {
		i := slices.IndexFunc(p.Claims, func(c Claim) bool { return c.Number.Is(n) })
		if i < 0 {
			return nil
		}
		back = append(back, p.Claims[i])
		if n = p.Claims[i].Instead; n.Is(former) {
			return back
		}
	}
	return nil
}

// Renumber sets another current number. Those that were taken back
// find nobody any more.
func (p *Person) Renumber(old, fresh NHSNumber, back []Claim, at time.Time) {
	if !p.Has(fresh) {
		p.Claims = append(p.Claims, Claim{fresh, old, at})
	}
	gone := func(n NHSNumber) bool {
		return slices.ContainsFunc(back, func(c Claim) bool { return c.Number.Is(n) })
	}
	p.Former = slices.DeleteFunc(append(p.Former, old), func(n NHSNumber) bool { return n.Is(fresh) || gone(n) })
	p.Claims = slices.DeleteFunc(p.Claims, func(c Claim) bool { return gone(c.Number) })
	p.NHSNumber = fresh
}
