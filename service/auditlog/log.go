package auditlog

import (
	"context"
	"fmt"
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
	Damaged  func(table string)              // something stored does not verify: wake somebody
	Tampered func(err error)                 // what it is; told beside Damaged
	Signed   func(size int64, at time.Time)  // the checkpoint covers all entries, that many
	Unsigned func(err error)                 // a checkpoint could not be made
	Scrubbed func(entries int64, whole bool) // so many entries were read again; whole if that was the last part
}

// Config is what a Log is made of. All is required but Pace and Kept.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Log     store.Log
	Clock   domain.Clock
	Observe Observer
	// Pace is how many old entries are read again in a second; 0 means
	// DefaultPace.
	Pace int
	// Kept is what was signed last, outside of the database. Without it a
	// backup that is restored in place is not noticed.
	Kept Kept
}

// DefaultPace is how many old entries a server reads again in a second: a year's
// of England in a day, in a few hundredths of a processor.
const DefaultPace = 5000

// known is what a server knows of the log that it writes, for who writes it and
// for who reads it to others.
type known struct {
	db      *store.DB
	log     store.Log
	observe Observer
	newest  atomic.Pointer[store.CheckpointRow] // the newest checkpoint that this server has checked or made
	found   findings
	// readAgain is when a part of the log was last read again and compared.
	readAgain atomic.Pointer[time.Time]
}

// Log is the audit log that this server writes.
type Log struct {
	*known

	ring    *keys.Ring
	clock   domain.Clock
	kept    Kept
	broken  atomic.Bool // the log was tampered with: nothing is answered any more
	blocked atomic.Bool // an entry stands where the next one belongs: nothing can be recorded

	signing  sync.Mutex     // held while the signer works; guards what follows
	chunk    int64          // signChunk
	maxHeld  int            // maxHeldTiles
	signed   *audit.Builder // of the newest checkpoint that this server has checked or made
	note     string         // that checkpoint
	keptNote string         // the one that is kept outside of the database
	verified *audit.Builder // how far it has read the entries behind that

	scrub scrub
}

// New makes a Log.
func New(c Config) *Log {
	s := &Log{
		known: &known{db: c.DB, log: c.Log, observe: c.Observe}, ring: c.Ring, clock: c.Clock, kept: c.Kept,
		chunk: signChunk, maxHeld: maxHeldTiles, signed: &audit.Builder{}, verified: &audit.Builder{},
	}
	s.scrub.pace = roundUp(int64(c.Pace), DefaultPace)
	return s
}

// Intact says whether the log can be continued: nil, or guard.ErrDamaged. It is
// damaged for good if what is not signed yet is not what was written; and for as
// long as an entry stands where the next one belongs.
func (s *Log) Intact() error {
	if s.broken.Load() || s.blocked.Load() {
		return guard.ErrDamaged
	}
	return nil
}

// Undamaged says what was found to be damaged since the server started: nil, or
// an error that says it. Unlike Intact it counts what was signed long ago: that
// is an incident, and no reason not to answer, for what comes is as good as ever.
func (s *Log) Undamaged() error { return s.found.err() }

// ReadAgain is when a part of the log was last read again and compared; zero if none
// was since the start.
func (s *known) ReadAgain() time.Time {
	if at := s.readAgain.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// report tells an operator that something of the log is damaged, each thing once.
func (s *known) report(table string, err error) {
	if s.found.add(fmt.Sprintf("%s: %v", table, err)) {
		s.observe.Damaged(table)
		s.observe.Tampered(err)
	}
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

// findings are what was found to be damaged, each once.
type findings struct {
	mu    sync.Mutex
	known map[string]bool
	first string
}

// maxFindings bounds the findings that are told apart: whoever finds more has
// been woken already.
const maxFindings = 1000

// add remembers a finding, and reports whether it is new.
func (f *findings) add(what string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[what] || len(f.known) >= maxFindings {
		return false
	}
	if f.known == nil {
		f.known, f.first = map[string]bool{}, what
	}
	f.known[what] = true
	return true
}

// err says how many findings there are, and the first of them.
func (f *findings) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch len(f.known) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%w: %s", guard.ErrDamaged, f.first)
	}
	return fmt.Errorf("%w: %s, and %d more", guard.ErrDamaged, f.first, len(f.known)-1)
}
