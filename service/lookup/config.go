package lookup

import (
	"sync/atomic"
	"time"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// Observer is told of what an operator counts.
type Observer struct {
	Group      func(size int, took time.Duration) // a group was committed
	Refused    func()                             // a look-up was refused by overload
	Damaged    func(table string)                 // something stored does not verify: wake somebody
	Unrecorded func(err error)                    // the log could not be written: wake somebody
}

// Config is what LookUps are made of. All is required but Group.
type Config struct {
	DB      *store.DB
	Policy  *policy.Enforcer
	Ring    *keys.Ring
	Log     store.Log
	Clock   domain.Clock
	Hub     domain.Hub // whom to ring if an authority must not be named
	Records *record.Records
	Decoy   *record.Decoy
	Reviews keys.NewKey  // seals the reasons of break-glass, until another is made
	Ready   func() error // whether anything may be answered
	Group   GroupConfig
	Observe Observer
}

// LookUps answer questions. They also record what other acts are refused for,
// so that a flood of those costs little.
type LookUps struct {
	db      *store.DB
	policy  *policy.Enforcer
	ring    *keys.Ring
	log     store.Log
	clock   domain.Clock
	hub     domain.Hub
	records *record.Records
	decoy   *record.Decoy
	ready   func() error
	observe Observer
	group   *group
	reviews atomic.Pointer[reviewKey] // seals the reasons of break-glass
}

// New creates LookUps. Close must be called.
func New(c Config) *LookUps {
	s := &LookUps{
		db: c.DB, policy: c.Policy, ring: c.Ring, log: c.Log, clock: c.Clock, hub: c.Hub, records: c.Records,
		decoy: c.Decoy, ready: c.Ready, observe: c.Observe,
	}
	s.reviews.Store(&reviewKey{c.Reviews, c.Clock.Now()})
	s.group = newGroup(s, c.Group)
	return s
}

// Close finishes the look-ups under way and refuses new ones.
func (s *LookUps) Close() { s.group.close() }
