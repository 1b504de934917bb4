package service

import (
	"context"
	"slices"
	"time"

	"cpis/service/store"
)

// A number that replaced another was claimed by one person, on nothing but their
// word that it is this person's. Where that is taken back, whoever the number
// belongs to must be able to have it.

// Claim says that a number became a person's by replacing another.
type Claim struct {
	Number  NHSNumber
	Instead NHSNumber // the one that it replaced
	At      time.Time
}

// sealedClaim is Claim as it is sealed.
type sealedClaim struct {
	Number  string    `json:"nhs"`
	Instead string    `json:"instead"`
	At      time.Time `json:"at"`
}

// textTakenBack is what other authorities are told.
const textTakenBack = "The number that this person had meanwhile was taken back: nobody is found by it any more. If it was right, replace the number again."

// since gives the claims that are taken back where a person gets a former number
// again: those by which one number after another led from that to the current
// one. There are none where the former number became the person's otherwise.
func (p *Person) since(former NHSNumber) []Claim {
	var back []Claim
	n := p.NHSNumber
	for range p.Claims {
		i := slices.IndexFunc(p.Claims, func(c Claim) bool { return c.Number.is(n) })
		if i < 0 {
			return nil
		}
		back = append(back, p.Claims[i])
		if n = p.Claims[i].Instead; n.is(former) {
			return back
		}
	}
	return nil
}

// renumber gives a person another current number. Those that were taken back
// find nobody any more.
func (p *Person) renumber(old, fresh NHSNumber, back []Claim, at time.Time) {
	if !p.has(fresh) {
		p.Claims = append(p.Claims, Claim{fresh, old, at})
	}
	gone := func(n NHSNumber) bool {
		return slices.ContainsFunc(back, func(c Claim) bool { return c.Number.is(n) })
	}
	p.Former = slices.DeleteFunc(append(p.Former, old), func(n NHSNumber) bool { return n.is(fresh) || gone(n) })
	p.Claims = slices.DeleteFunc(p.Claims, func(c Claim) bool { return gone(c.Number) })
	p.NHSNumber = fresh
}

// takenBack gives the claims that a replacement takes back. A number stays with
// the person if another authority registered a plan since it was claimed, maybe
// under it; and if the person is restricted, because otherwise one person alone
// could register somebody under it who is not.
func (r *replacing) takenBack(ctx context.Context, tx *store.Tx, h *held) ([]Claim, error) {
	back := h.person.since(r.fresh)
	if len(back) == 0 || h.row.Restricted {
		return nil, nil
	}
	var free []Claim
	for _, c := range back {
		used, err := tx.RegisteredSince(ctx, h.row.ID, r.by.Organisation, c.At)
		if err != nil {
			return nil, err
		}
		if !used {
			free = append(free, c)
		}
	}
	return free, nil
}
