package export

import (
	"cmp"
	"context"
	"time"

	"cpis/service/auditlog"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/oversight"
	"cpis/service/record"
	"cpis/service/store"
)

// DefaultKeep is how long an export is kept if nobody says otherwise.
const DefaultKeep = 7 * 24 * time.Hour

// Evidence proves entries of logs. *auditlog.Reader does.
type Evidence interface {
	// Evidence returns a checkpoint that the log's key signed, and tiles.
	Evidence(ctx context.Context, log store.Log) (auditlog.Evidence, error)
	// Contradicted is told that entries or tiles do not add up to one.
	Contradicted(why error)
}

// Config is what Exports are made of. All but Keep and Room is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Log     store.Log // whose key signs what is made
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Reports *oversight.Reports
	Logs    Evidence
	// Submitted is how often look-ups came: making files gives way to them.
	Submitted func() uint64
	Keep      time.Duration // how long exports are kept; DefaultKeep if 0
	Room      int64         // how many bytes all of them may take; DefaultRoom if 0
}

// Exports are reports as files.
type Exports struct {
	db      *store.DB
	ring    *keys.Ring
	log     store.Log
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
	reports *oversight.Reports
	logs    Evidence
	keep    time.Duration
	room    int64

	background guard.Background
}

// New makes Exports.
func New(c Config) *Exports {
	return &Exports{
		db: c.DB, ring: c.Ring, log: c.Log, clock: c.Clock, guard: c.Guard, records: c.Records, reports: c.Reports, logs: c.Logs,
		keep: cmp.Or(c.Keep, DefaultKeep), room: cmp.Or(c.Room, DefaultRoom), background: guard.Background{Clock: c.Clock, Submitted: c.Submitted},
	}
}
