package oversight

import (
	"cmp"
	"context"
	"sync/atomic"

	"github.com/google/uuid"

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

// Releases say what may be told of restricted children. *release.Releases does.
type Releases interface {
	// Released returns the release under which an organisation may tell of a child,
	// who is known by some tags and is some people; an empty text if there is none.
	Released(ctx context.Context, tx *store.Tx, organisation string, subjects [][]byte, people []uuid.UUID) (string, error)
}

// Config is what Reports are made of. All but Sample is required.
type Config struct {
	DB       *store.DB
	Ring     *keys.Ring
	Log      store.Log
	Clock    domain.Clock
	Guard    *guard.Guard
	Records  *record.Records
	Notices  *notice.Notices
	Releases Releases
	Ready    func() error // whether anything may be written
	Observe  Observer
	// Sample is how many of a hundred look-ups are in the sample of a week; 0 means
	// DefaultSample.
	Sample int
}

// Reports answer from the log.
type Reports struct {
	db       *store.DB
	ring     *keys.Ring
	log      store.Log
	clock    domain.Clock
	guard    *guard.Guard
	records  *record.Records
	notices  *notice.Notices
	releases Releases
	ready    func() error
	observe  Observer
	sample   int

	digested atomic.Int64 // up to when no digest is lacking, in seconds since 1970
	sampled  atomic.Int64 // up to when no sample is, likewise
}

// New makes Reports.
func New(c Config) *Reports {
	return &Reports{
		db: c.DB, ring: c.Ring, log: c.Log, clock: c.Clock, guard: c.Guard, records: c.Records,
		notices: c.Notices, releases: c.Releases, ready: c.Ready, observe: c.Observe, sample: cmp.Or(c.Sample, DefaultSample),
	}
}
