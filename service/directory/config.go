package directory

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/store"
)

// Config is what Contacts are made of. All is required.
type Config struct {
	DB      *store.DB
	Clock   domain.Clock
	Hub     domain.Hub // whom to ring if an authority has no numbers
	Guard   *guard.Guard
	Notices *notice.Notices
	Ready   func() error // whether anything may be answered
}

// Contacts are the numbers that authorities keep.
type Contacts struct {
	db      *store.DB
	clock   domain.Clock
	hub     domain.Hub
	guard   *guard.Guard
	notices *notice.Notices
	ready   func() error
}

// New creates Contacts.
func New(c Config) *Contacts {
	return &Contacts{db: c.DB, clock: c.Clock, hub: c.Hub, guard: c.Guard, notices: c.Notices, ready: c.Ready}
}
