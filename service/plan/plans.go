package plan

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// Config is what Plans are made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Notices *notice.Notices
}

// Plans are the plans of authorities.
type Plans struct {
	db      *store.DB
	ring    *keys.Ring
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
	notices *notice.Notices
}

// New creates Plans.
func New(c Config) *Plans {
	return &Plans{db: c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records, notices: c.Notices}
}
