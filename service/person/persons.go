package person

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// Observer is told of what an operator counts.
type Observer struct {
	Damaged func(table string) // something stored does not verify: wake somebody
}

// Config is what Persons are made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Notices *notice.Notices
	Observe Observer
}

// Persons are the people whom plans are about.
type Persons struct {
	db      *store.DB
	ring    *keys.Ring
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
	notices *notice.Notices
	observe Observer
}

// New creates Persons.
func New(c Config) *Persons {
	return &Persons{
		db: c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records, notices: c.Notices, observe: c.Observe,
	}
}
