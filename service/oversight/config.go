package oversight

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"cpis/service/auditlog"
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

// Evidence proves entries of logs. *auditlog.Log does.
type Evidence interface {
	// Evidence returns a checkpoint that the log's key signed, and tiles.
	Evidence(ctx context.Context, log store.Log) (auditlog.Evidence, error)
	// Contradicted is told that entries or tiles do not add up to one.
	Contradicted(why error)
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
	Logs    Evidence
	// Submitted is how often look-ups came: work in the background gives way to
	// them.
	Submitted func() uint64
	// KeepExports is how long exports are kept; DefaultKeepExports if 0.
	KeepExports time.Duration
	Observe     Observer
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
	logs    Evidence
	observe Observer

	background  guard.Background
	seen        atomic.Uint64 // look-ups that were submitted, by the last round of indexing
	keepExports time.Duration
}

// New makes Reports.
func New(c Config) *Reports {
	return &Reports{
		db: c.DB, ring: c.Ring, log: c.Log, clock: c.Clock, guard: c.Guard, records: c.Records,
		notices: c.Notices, ready: c.Ready, observe: c.Observe,
		logs: c.Logs, background: guard.Background{Clock: c.Clock, Submitted: c.Submitted}, keepExports: cmp.Or(c.KeepExports, DefaultKeepExports),
	}
}
