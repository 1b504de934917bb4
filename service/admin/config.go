package admin

import (
	"context"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

// Config is what an Installation is made of. All is required.
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
}

// New creates an Installation.
func New(c Config) *Installation {
	return &Installation{
		guard: c.Guard, policy: c.Policy, db: c.DB, clock: c.Clock, log: c.Log, keeper: c.Keeper, undamaged: c.Undamaged,
	}
}
