package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// How long a session lasts.
const (
	// Idle is when one ends in which nothing is done.
	Idle = 15 * time.Minute
	// Longest is when one ends whatever is done, counted from the log-in.
	Longest = 12 * time.Hour
	// keepEnded is how long it is known whose a session was that ended by itself: what
	// they send then is kept for them.
	keepEnded = time.Hour
	// touchAfter is how much time may pass until it is written that somebody is there.
	touchAfter = time.Minute
)

// ErrEnded says that there is no such session, or none any more.
var ErrEnded = errors.New("the session has ended")

// Config is what Sessions are made of. All is required.
type Config struct {
	DB    *store.DB
	Ring  *keys.Ring
	Clock domain.Clock
	Guard *guard.Guard
}

// Sessions are log-ins of people to pages, and Drafts of what they type there.
type Sessions struct {
	*Drafts

	db    *store.DB
	ring  *keys.Ring
	clock domain.Clock
	guard *guard.Guard
}

// New creates Sessions.
func New(c Config) *Sessions {
	return &Sessions{
		Drafts: &Drafts{db: c.DB, ring: c.Ring, clock: c.Clock},
		db:     c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard,
	}
}

// Login is what an identity provider vouched for, and how to end that there.
type Login struct {
	Issuer   string
	Subject  string // the claim sub, which may differ from the caller's identifier
	SID      string // the provider's own name of its session, if it states one
	IDToken  string // shown to the provider at log-out
	Provider string // its name in addresses
}

// Session is a person who is logged in.
type Session struct {
	Login

	Caller  identity.Caller   // without a role and an organisation until one is chosen
	Choices []identity.Caller // what the caller can be, the caller among them
	Began   time.Time         // the log-in; confirming and choosing do not start it again
	IdleEnd time.Time         // when it ends if nothing is done
	Message Message           // shown once

	id []byte
}

// Message is shown on the next page, once.
type Message struct {
	Kind string `json:"kind,omitempty"` // a word of the face
	Text string `json:"text,omitempty"`
}

// Chosen reports whether the person acts in a role.
func (s *Session) Chosen() bool { return s.Caller.Organisation != "" }

// End is when the session ends whatever is done.
func (s *Session) End() time.Time { return s.Began.Add(Longest) }

// sealed is what is kept of a session.
type sealed struct {
	Login   Login     `json:"login"`
	Caller  person    `json:"caller"`
	Choices []person  `json:"choices"`
	Began   time.Time `json:"began"`
	Expires time.Time `json:"expires"`
	Message Message   `json:"message,omitzero"`
}

// person is a caller as it is kept: roles by their names. The class of an
// organisation is not: whoever reads a session asks for it again.
type person struct {
	ID           string   `json:"id"`
	Name         string   `json:"name,omitempty"`
	Title        string   `json:"title,omitempty"`
	Client       string   `json:"client"`
	Issuer       string   `json:"issuer"`
	Roles        []string `json:"roles,omitempty"`
	Organisation string   `json:"organisation,omitempty"`
	Assurance    int      `json:"assurance"`
}

func personOf(c *identity.Caller) person {
	p := person{
		ID: c.ID, Name: c.Name, Title: c.Title, Client: c.ClientID, Issuer: c.Issuer, Organisation: c.Organisation, Assurance: c.Assurance,
	}
	for r := range c.Roles.All() {
		p.Roles = append(p.Roles, r.String())
	}
	return p
}

// caller returns whom p was made from. A role that this program does not know is
// left out: it gives no right.
func (p *person) caller(expires time.Time) identity.Caller {
	c := identity.Caller{
		ID: p.ID, Name: p.Name, Title: p.Title, ClientID: p.Client, Issuer: p.Issuer, Organisation: p.Organisation,
		Assurance: p.Assurance, Expires: expires,
	}
	for _, name := range p.Roles {
		role, _ := policy.ParseRole(name)
		c.Roles |= policy.Roles(role)
	}
	return c
}

// Domains of the hashes by which sessions are found.
const (
	hashSubject  = "session subject"
	hashProvider = "session of provider"
)

// newToken returns what a browser is to hold, and the id of its session.
func newToken() (token string, id []byte) {
	token = rand.Text()
	return token, idOf(token)
}

func idOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// row returns a session as it is stored. It ends when nothing is done for a while,
// and at the latest in its time.
func (s *Sessions) row(x *Session) (*store.SessionRow, error) {
	now := s.clock.Moment()
	x.IdleEnd = now.Add(Idle)
	if x.IdleEnd.After(x.End()) {
		x.IdleEnd = x.End()
	}
	kept := sealed{Login: x.Login, Caller: personOf(&x.Caller), Began: x.Began, Expires: x.IdleEnd, Message: x.Message}
	for i := range x.Choices {
		kept.Choices = append(kept.Choices, personOf(&x.Choices[i]))
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil, errors.New("encoding session") // not err: it may quote it
	}
	row := &store.SessionRow{ID: x.id, ExpiresAt: x.IdleEnd, Sealed: s.ring.SealBriefly(text, record.SessionContext(x.id))}
	subject := s.ring.StableHash(hashSubject, x.Issuer, x.Subject)
	row.Subject = subject[:]
	if x.SID != "" {
		provider := s.ring.StableHash(hashProvider, x.Issuer, x.SID)
		row.ProviderSession = provider[:]
	}
	if row.ProviderSession == nil {
		row.ProviderSession = []byte{}
	}
	return row, nil
}

// open returns the session of a row; ErrEnded if it is over, or does not open: then
// there is none. What is sealed counts, not the column beside it.
func (s *Sessions) open(row *store.SessionRow) (*Session, error) {
	text, err := s.ring.OpenBriefly(row.Sealed, record.SessionContext(row.ID))
	if err != nil {
		return nil, ErrEnded
	}
	var kept sealed
	if json.Unmarshal(text, &kept) != nil {
		return nil, ErrEnded
	}
	x := &Session{Login: kept.Login, Began: kept.Began, IdleEnd: kept.Expires, Message: kept.Message, id: row.ID}
	x.Caller = kept.Caller.caller(x.End())
	for i := range kept.Choices {
		x.Choices = append(x.Choices, kept.Choices[i].caller(x.End()))
	}
	if now := s.clock.Now(); !now.Before(x.IdleEnd) || !now.Before(x.End()) {
		return x, ErrEnded
	}
	return x, nil
}

// Find returns the session of a browser, by what it holds. Nothing counts as done
// by that: see Touch. The error is ErrEnded, or guard.ErrUnavailable. With ErrEnded
// there is a session if it ended by itself lately: whose drafts may be kept, and
// nothing else.
func (s *Sessions) Find(ctx context.Context, token string) (*Session, error) {
	row, err := s.db.Sessions.Get(ctx, idOf(token))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, ErrEnded
	case err != nil:
		return nil, guard.Translate(err)
	}
	return s.open(&row)
}

// Touch notes that somebody did something in a session, at most once in a minute.
func (s *Sessions) Touch(ctx context.Context, x *Session) error {
	if x.IdleEnd.Sub(s.clock.Now()) > Idle-touchAfter {
		return nil
	}
	return s.Keep(ctx, x)
}

// Keep writes what a session holds now. The error is ErrEnded, or
// guard.ErrUnavailable.
func (s *Sessions) Keep(ctx context.Context, x *Session) error {
	row, err := s.row(x)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Sessions.Update(ctx, row) })
	if errors.Is(err, store.ErrConflict) {
		return ErrEnded
	}
	return guard.Translate(err)
}

// forgetAtOnce is how many rows are removed in one transaction.
const forgetAtOnce = 1000

// Forget removes sessions and drafts whose time is over.
func (s *Sessions) Forget(ctx context.Context) error {
	now := s.clock.Moment()
	return errors.Join(
		s.forget(ctx, func(tx *store.Tx) (int64, error) { return tx.Sessions.Expire(ctx, now.Add(-keepEnded), forgetAtOnce) }),
		s.forget(ctx, func(tx *store.Tx) (int64, error) { return tx.Drafts.Expire(ctx, now, forgetAtOnce) }),
	)
}

func (s *Sessions) forget(ctx context.Context, some func(*store.Tx) (int64, error)) error {
	for {
		var gone int64
		err := s.db.Tx(ctx, func(tx *store.Tx) (err error) {
			gone, err = some(tx)
			return err
		})
		if err != nil || gone < forgetAtOnce {
			return err
		}
	}
}
