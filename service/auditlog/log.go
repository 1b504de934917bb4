package auditlog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// Observer is told of what an operator counts.
type Observer struct {
	Damaged  func(table string)             // something stored does not verify: wake somebody
	Signed   func(size int64, at time.Time) // the checkpoint covers all entries, that many
	Unsigned func(err error)                // a checkpoint could not be made
}

// Config is what a Log is made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Log     store.Log
	Clock   domain.Clock
	Guard   *guard.Guard
	Observe Observer
}

// Log is the audit log that this server writes.
type Log struct {
	db      *store.DB
	ring    *keys.Ring
	log     store.Log
	clock   domain.Clock
	guard   *guard.Guard
	observe Observer
	tiles   sync.Map    // store.LogID → audit.Tiles
	broken  atomic.Bool // the log was tampered with: nothing is answered any more

	signing  sync.Mutex // held while the signer works; guards what follows
	chunk    int64      // signChunk
	signed   audit.Tree // of the newest checkpoint that this server has checked or made
	verified audit.Tree // how far it has read the entries behind that
}

// New makes a Log.
func New(c Config) *Log {
	return &Log{
		db: c.DB, ring: c.Ring, log: c.Log, clock: c.Clock, guard: c.Guard, observe: c.Observe, chunk: signChunk,
	}
}

// Intact says whether the log was found to be as it was signed: nil, or
// guard.ErrDamaged for good.
func (s *Log) Intact() error {
	if s.broken.Load() {
		return guard.ErrDamaged
	}
	return nil
}

// SignOrReport signs the log, and reports if it could not. Before it signs, it
// reads the entries behind the last checkpoint again and compares: should they
// not add up to the head, or the head not contain the last checkpoint, the
// service stops answering for good and says so.
func (s *Log) SignOrReport(ctx context.Context) {
	if err := s.Sign(ctx); err != nil && ctx.Err() == nil {
		s.observe.Unsigned(err)
	}
}
