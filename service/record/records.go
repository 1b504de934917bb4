package record

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/store"
)

// Observer is told of what an operator counts.
type Observer struct {
	Damaged func(table string) // something stored does not verify: wake somebody
}

// Config is what Records are made of. All is required.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Observe Observer
}

// Records are what is held about people.
type Records struct {
	db      *store.DB
	ring    *keys.Ring
	clock   domain.Clock
	observe Observer

	checking  sync.Mutex                // held while index keys are checked
	confirmed atomic.Pointer[time.Time] // when the index keys in memory were last the database's

	verifying sync.Mutex // held while rows are verified
	round     store.Round

	filling  sync.Mutex // held while plans are given what finds them
	filled   uuid.UUID  // the plan that came last; none at the beginning
	filledAt time.Time  // when all plans were last gone through
}

// New creates Records. CheckKeys must succeed before anything is answered.
func New(c Config) *Records {
	s := &Records{db: c.DB, ring: c.Ring, clock: c.Clock, observe: c.Observe}
	s.confirmed.Store(&time.Time{})
	return s
}
