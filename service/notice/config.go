package notice

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// Observer is told of what an operator counts.
type Observer struct {
	Refused func()             // a stream was refused by overload
	Damaged func(table string) // something stored does not verify: wake somebody
}

// Config is what Notices are made of. All is required but Watch.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Decoy   *record.Decoy
	Watch   WatchConfig
	Observe Observer
}

// Notices are what authorities are told.
type Notices struct {
	*Colleagues

	db       *store.DB
	ring     *keys.Ring
	clock    domain.Clock
	guard    *guard.Guard
	records  *record.Records
	decoy    *record.Decoy
	watchers *watchers
	observe  Observer
}

// New creates Notices.
func New(c Config) *Notices {
	return &Notices{
		Colleagues: &Colleagues{db: c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records},
		db:         c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records, decoy: c.Decoy,
		watchers: newWatchers(c.Watch), observe: c.Observe,
	}
}
