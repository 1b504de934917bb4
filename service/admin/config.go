package admin

import (
	"cmp"
	"context"
	"time"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// Config is what an Installation is made of. All is required but Program, Kept and
// Patience.
type Config struct {
	Guard  *guard.Guard
	Policy *policy.Enforcer // the one that decides
	DB     *store.DB
	Clock  domain.Clock
	Log    store.Log                   // that this server writes
	Keeper func(context.Context) error // says whether the keeper can be used now
	// Undamaged says whether anything of the log was found to be damaged since the
	// start.
	Undamaged func() error
	ReadAgain func() time.Time           // says when a part of the log was last read again; zero if none was
	UnderWay  func() (lookUps, most int) // says how many look-ups are under way, and how many may be
	Program   Program                    // that runs
	Kept      []Kept                     // how long what is kept
	Patience  time.Duration              // with a part of the status; a few seconds if 0
	// Trusted are the issuers as they are configured.
	Trusted func() []identity.Trust
}

// Installation is what administrators see and change.
type Installation struct {
	guard     *guard.Guard
	policy    *policy.Enforcer
	db        *store.DB
	clock     domain.Clock
	log       store.Log
	keeper    func(context.Context) error
	undamaged func() error
	readAgain func() time.Time
	underWay  func() (lookUps, most int)
	program   Program
	kept      []Kept
	patience  time.Duration
	trusted   func() []identity.Trust
}

// New creates an Installation.
func New(c Config) *Installation {
	return &Installation{
		guard: c.Guard, policy: c.Policy, db: c.DB, clock: c.Clock, log: c.Log, keeper: c.Keeper, undamaged: c.Undamaged,
		readAgain: c.ReadAgain, underWay: c.UnderWay, program: c.Program, kept: c.Kept, patience: cmp.Or(c.Patience, patience),
		trusted: c.Trusted,
	}
}
