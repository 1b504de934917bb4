package upload

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/plan"
	"cpis/service/record"
	"cpis/service/store"
)

// Config is what Uploads are made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Notices *notice.Notices
	Plans   *plan.Plans
	Ready   func() error // whether anything may be answered
	// Submitted is how often look-ups came: work in the background gives way to
	// them.
	Submitted func() uint64
}

// Uploads are files of plans.
type Uploads struct {
	db         *store.DB
	ring       *keys.Ring
	clock      domain.Clock
	guard      *guard.Guard
	records    *record.Records
	notices    *notice.Notices
	plans      *plan.Plans
	ready      func() error
	background guard.Background
	arrivals   *guard.Shares // to send files
	turns      *guard.Shares // to have them worked on
	results    guard.Slots
}

// New creates Uploads.
func New(c Config) *Uploads {
	return &Uploads{
		db: c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records, notices: c.Notices, plans: c.Plans,
		ready: c.Ready, background: guard.Background{Clock: c.Clock, Submitted: c.Submitted},
		arrivals: guard.NewShares(maxReceiving, maxReceivingEach), turns: guard.NewShares(maxWorking, 1), results: guard.NewSlots(maxResults),
	}
}
