package session

import (
	"context"
	"fmt"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// LogInRequest says whom an identity provider vouched for. The caller is what the
// provider says was selected; if it says nothing, who it is without a role.
type LogInRequest struct {
	Login    Login
	Choices  []identity.Caller // what the person can be, at organisations that are known here
	Replaces *Session          // the session that is confirmed, if it is
	Request  string            // request id
}

// Opened is a session that has begun, or got another id.
type Opened struct {
	guard.Receipt

	Token   string // what the browser is to hold
	Session *Session
}

// LogIn begins a session. Somebody without a role that fits their organisation is
// refused with guard.ErrDenied. Of a session that is confirmed with a stronger
// log-in, the id changes and the role stays; guard.ErrState says that somebody else
// logged in.
func (s *Sessions) LogIn(ctx context.Context, c *identity.Caller, q *LogInRequest) (*Opened, error) {
	choices := s.fitting(c, q.Choices)
	as := chosen(c, choices, q.Replaces)
	deciding := as
	if as.Organisation == "" && len(choices) > 0 {
		deciding = choices[0]
	}
	if len(choices) == 0 {
		deciding = *c
	}
	a := guard.Act{Caller: &deciding, Action: policy.LogIn, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Opened, error) {
		x := &Session{Login: q.Login, Caller: as, Choices: choices, Began: s.clock.Moment()}
		if old := q.Replaces; old != nil {
			if !guard.SameActor(old.Caller.ID, old.Caller.Issuer, c.ID, c.Issuer) {
				return nil, guard.ErrState
			}
			x.Began, x.Message = old.Began, old.Message
		}
		e.Organisation, e.Role = as.Organisation, roleOf(e.Role, x)
		return s.reopen(ctx, tx, x, q.Replaces)
	})
}

// fitting returns the choices with which somebody may log in, as calls like the
// caller's.
func (s *Sessions) fitting(c *identity.Caller, all []identity.Caller) []identity.Caller {
	var fit []identity.Caller
	for _, one := range all {
		one.Call = c.Call
		if s.guard.Decide(&guard.Act{Caller: &one, Action: policy.LogIn, Own: true}).Allowed {
			fit = append(fit, one)
		}
	}
	return fit
}

// chosen returns what the person acts as: what they acted as before, what the
// provider says, or the only choice. Otherwise they have yet to choose.
func chosen(c *identity.Caller, choices []identity.Caller, old *Session) identity.Caller {
	for i := range choices {
		switch one := &choices[i]; {
		case old != nil && old.Chosen() && sameRole(one, &old.Caller),
			(old == nil || !old.Chosen()) && (sameRole(one, c) || len(choices) == 1):
			return *one
		}
	}
	none := *c
	none.Roles, none.Organisation, none.Class, none.Title = 0, "", "", ""
	return none
}

func sameRole(a, b *identity.Caller) bool {
	return a.Organisation == b.Organisation && a.Roles == b.Roles && a.Title == b.Title
}

// roleOf is the role that stands in the entry: none while none is chosen.
func roleOf(decided string, x *Session) string {
	if !x.Chosen() {
		return policy.Role(0).String()
	}
	return decided
}

// reopen writes a session under a new id, in the place of an old one.
func (s *Sessions) reopen(ctx context.Context, tx *store.Tx, x, old *Session) (*Opened, error) {
	token, id := newToken()
	x.id = id
	row, err := s.row(x)
	if err != nil {
		return nil, err
	}
	if old != nil {
		gone, err := tx.Sessions.Delete(ctx, old.id)
		if err != nil {
			return nil, err
		}
		if gone == 0 {
			return nil, ErrEnded // it was ended meanwhile, and must not live on
		}
	}
	if err := tx.Sessions.Insert(ctx, row); err != nil {
		return nil, err
	}
	x.Caller.Expires = x.End()
	return &Opened{Token: token, Session: x}, nil
}

// ChooseRoleRequest says in which session a role is chosen. The caller is what the
// person chose of what it offers.
type ChooseRoleRequest struct {
	Session *Session
	Request string // request id
}

// ChooseRole has a person act in another role. The session gets another id.
func (s *Sessions) ChooseRole(ctx context.Context, c *identity.Caller, q *ChooseRoleRequest) (*Opened, error) {
	a := guard.Act{Caller: c, Action: policy.ChooseRole, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*Opened, error) {
		x := *q.Session
		for i := range x.Choices {
			if sameRole(&x.Choices[i], c) && x.Choices[i].ID == c.ID {
				x.Caller = *c
				return s.reopen(ctx, tx, &x, q.Session)
			}
		}
		return nil, guard.ErrNotFound
	})
}

// LogOutRequest says which session ends.
type LogOutRequest struct {
	Session *Session
	Request string // request id
}

// LoggedOut says that a session has ended.
type LoggedOut struct{ guard.Receipt }

// LogOut ends a session, and removes the drafts that do not outlive it. A session in
// which no role was chosen ends without asking the policy: it is nobody's act yet.
func (s *Sessions) LogOut(ctx context.Context, c *identity.Caller, q *LogOutRequest) (*LoggedOut, error) {
	if !q.Session.Chosen() {
		return s.leave(ctx, c, q)
	}
	a := guard.Act{Caller: c, Action: policy.LogOut, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*LoggedOut, error) {
		if err := tx.Drafts.LogOut(ctx, s.owners(OwnerOf(c))); err != nil {
			return nil, err
		}
		_, err := tx.Sessions.Delete(ctx, q.Session.id)
		return &LoggedOut{}, err
	})
}

// leave ends a session in which no role was chosen.
func (s *Sessions) leave(ctx context.Context, c *identity.Caller, q *LogOutRequest) (*LoggedOut, error) {
	out := &LoggedOut{}
	err := s.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if _, err = tx.Sessions.Delete(ctx, q.Session.id); err != nil {
			return err
		}
		e := guard.Entry(c, policy.LogOut, q.Request)
		e.Outcome = guard.OutcomeDone
		out.Receipt, err = s.guard.Enter(ctx, tx, &e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ending session: %w", guard.Translate(err))
	}
	return out, nil
}

// EndRequest is what an identity provider tells: a person, or one of its sessions,
// is logged out there.
type EndRequest struct {
	Issuer   string
	Subject  string // empty if a session is named
	SID      string
	From     string // where the call came from
	Request  string // request id
	Provider string // name of what was called
}

// End ends the sessions that an identity provider names, and returns how many there
// were. Each leaves an entry as if its owner had logged out.
func (s *Sessions) End(ctx context.Context, q *EndRequest) (ended int, err error) {
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		rows, err := s.named(ctx, tx, q)
		if err != nil || len(rows) == 0 {
			return err
		}
		ended = len(rows)
		ids, entries := make([][]byte, len(rows)), make([]*audit.Entry, len(rows))
		for i := range rows {
			ids[i], entries[i] = rows[i].ID, s.endEntry(&rows[i], q)
		}
		if _, err := tx.Sessions.Delete(ctx, ids...); err != nil {
			return err
		}
		_, err = s.guard.Enter(ctx, tx, entries...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ending sessions: %w", guard.Translate(err))
	}
	return ended, nil
}

// named returns the sessions that a provider names: by its own session, if it says
// which, otherwise all of the person.
func (s *Sessions) named(ctx context.Context, tx *store.Tx, q *EndRequest) ([]store.SessionRow, error) {
	if q.SID != "" {
		return tx.Sessions.OfProvider(ctx, slicesOf(s.ring.Hashes(hashProvider, q.Issuer, q.SID)))
	}
	return tx.Sessions.OfSubject(ctx, slicesOf(s.ring.Hashes(hashSubject, q.Issuer, q.Subject)))
}

func slicesOf(hashes [][32]byte) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

// endEntry is the entry of a session that its provider ended. One that has ended
// already names nobody but the provider.
func (s *Sessions) endEntry(row *store.SessionRow, q *EndRequest) *audit.Entry {
	c := identity.Caller{Issuer: q.Issuer}
	if x, err := s.open(row); err == nil {
		c = x.Caller
	}
	c.Call = identity.Call{From: q.From, Procedure: q.Provider}
	e := guard.Entry(&c, policy.LogOut, q.Request)
	e.Outcome = guard.OutcomeDone
	return &e
}
