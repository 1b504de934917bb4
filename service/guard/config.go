package guard

import (
	"context"
	"sync/atomic"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/store"
)

// Recorder records what was refused or failed.
type Recorder interface {
	// Record records an entry, and returns why. If that cannot be recorded, the
	// error is ErrUnrecorded as well.
	Record(ctx context.Context, e *audit.Entry, why error) error
}

// Observer is told of what an operator counts.
type Observer struct {
	Refused func() // an act was refused by overload
}

// Config is what a Guard is made of. All is required.
type Config struct {
	DB       *store.DB
	Policy   *policy.Enforcer
	Ring     *keys.Ring
	Log      store.Log
	Clock    domain.Clock
	Refusals Recorder
	// Ready says whether anything may be answered: whether the log is intact, and
	// the index keys are the database's.
	Ready func() error
	// Met is told, in passing, that somebody acted in a role.
	Met     func(context.Context, *identity.Caller, policy.Role)
	Observe Observer
}

// Guard lets acts through, and records them.
type Guard struct {
	db       *store.DB
	policy   *policy.Enforcer
	ring     *keys.Ring
	log      store.Log
	clock    domain.Clock
	refusals Recorder
	ready    func() error
	meet     func(context.Context, *identity.Caller, policy.Role)
	observe  Observer
	slots    Slots // to have a transaction

	policyEntered atomic.Pointer[time.Time] // when the policy was last entered in full
}

// New creates a Guard.
func New(c Config) *Guard {
	return &Guard{
		db: c.DB, policy: c.Policy, ring: c.Ring, log: c.Log, clock: c.Clock, refusals: c.Refusals, ready: c.Ready, meet: c.Met,
		observe: c.Observe, slots: newActs(c.DB),
	}
}

// Record records that something was refused or failed outside of an act, and
// returns why.
func (s *Guard) Record(ctx context.Context, e *audit.Entry, why error) error {
	return s.refusals.Record(ctx, e, why)
}
