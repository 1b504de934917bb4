package oversight

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

// Config is what Reports are made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Log     store.Log
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Notices *notice.Notices
	Ready   func() error // whether anything may be written
	Observe Observer
}

// Reports answer from the log.
type Reports struct {
	db      *store.DB
	ring    *keys.Ring
	log     store.Log
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
	notices *notice.Notices
	ready   func() error
	observe Observer
}

// New makes Reports.
func New(c Config) *Reports {
	return &Reports{
		db: c.DB, ring: c.Ring, log: c.Log, clock: c.Clock, guard: c.Guard, records: c.Records,
		notices: c.Notices, ready: c.Ready, observe: c.Observe,
	}
}
