package person

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// Two people have to agree if one alone could reveal somebody, hide them, or
// move other authorities' plans. Somebody is behind every system, who may be the
// very person that accepts what the system proposed. So a system proposes no
// more than one person may do at once, by registering a plan: to restrict.

// actor is who acts, as far as two are compared.
type actor struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer,omitempty"` // empty if an earlier version wrote it
	System bool   `json:"system,omitempty"`
}

func actorOf(c *identity.Caller) actor { return actor{ID: c.ID, Issuer: c.Issuer, System: c.System} }

// is reports whether two actors are one.
func (a actor) is(other actor) bool {
	return guard.SameActor(a.ID, a.Issuer, other.ID, other.Issuer)
}

// secondPerson says what keeps second from accepting what first proposed.
func secondPerson(kind ChangeKind, first, second actor) error {
	switch {
	case first.is(second):
		return guard.ErrSamePerson
	case second.System:
		return &guard.StateError{Problem: "a system cannot be the second person"}
	case kind != Restrict && (first.System || first.Issuer == ""):
		return &guard.StateError{Problem: "it is not certain that a person proposed this: decline it, and have a person propose it anew"}
	}
	return nil
}

// mayPropose refuses systems what only people propose.
func mayPropose(c *domain.Reader, by *identity.Caller, kind ChangeKind) {
	if by.System && kind != Restrict {
		c.Add("kind", "must be restrict when a system proposes: everything else is proposed by one person and accepted by another", string(Restrict))
	}
}
