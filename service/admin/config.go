package admin

import (
	"cpis/policy"
	"cpis/service/guard"
)

// Config is what an Installation is made of. All is required.
type Config struct {
	Guard  *guard.Guard
	Policy *policy.Enforcer // the one that decides
}

// Installation is what administrators see and change.
type Installation struct {
	guard  *guard.Guard
	policy *policy.Enforcer
}

// New creates an Installation.
func New(c Config) *Installation {
	return &Installation{guard: c.Guard, policy: c.Policy}
}
