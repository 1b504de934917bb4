package release

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// Config is what Releases are made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
}

// Releases are what may be told of restricted children.
type Releases struct {
	db      *store.DB
	ring    *keys.Ring
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
}

// New makes Releases.
func New(c Config) *Releases {
	return &Releases{db: c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records}
}
