package rpc

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Check is something that the server needs to answer.
type Check struct {
	Name string                          // such as "database": all that is said of it
	OK   func(ctx context.Context) error // nil, or why it cannot be had
	// Warns says that the server answers although it fails: what is wrong is
	// said, and nobody is turned away.
	Warns bool
}

// How readiness is found out.
const (
	readyFor     = time.Second     // how long an answer is remembered
	readyTimeout = 2 * time.Second // how long all checks may take
)

// Readiness knows whether the server can answer. It is safe for concurrent
// use, and asks at most once a second, however often it is asked.
type Readiness struct {
	checks []Check
	now    func() time.Time
	log    zerolog.Logger

	mu     sync.Mutex // held while checking: whoever asks meanwhile waits for the answer
	at     time.Time
	away   []string
	warned []string
}

// NewReadiness creates a Readiness of checks. It logs when something goes away
// and when it comes back, with the reason; nobody else is told the reason.
func NewReadiness(now func() time.Time, log zerolog.Logger, checks ...Check) *Readiness {
	return &Readiness{checks: checks, now: now, log: log}
}

// Away names what cannot be had; nothing means that the server is ready.
func (r *Readiness) Away(ctx context.Context) []string {
	away, _ := r.State(ctx)
	return away
}

// State names what cannot be had, and what is wrong although the server answers.
func (r *Readiness) State(ctx context.Context) (away, warned []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() || r.now().Sub(r.at) >= readyFor {
		// Not on the asker's time: others get this answer as well.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.ask(ctx)
		r.at = r.now()
	}
	return r.away, r.warned
}

func (r *Readiness) ask(ctx context.Context) {
	var away, warned []string
	for _, c := range r.checks {
		err := c.OK(ctx)
		was := slices.Contains(r.away, c.Name) || slices.Contains(r.warned, c.Name)
		gone, back := "went away", "came back"
		if c.Warns {
			gone, back = "is not as it should be", "is as it should be again"
		}
		switch {
		case err != nil && !was:
			r.log.Warn().Str("what", c.Name).Err(err).Msg(gone)
		case err == nil && was:
			r.log.Info().Str("what", c.Name).Msg(back)
		}
		switch {
		case err != nil && c.Warns:
			warned = append(warned, c.Name)
		case err != nil:
			away = append(away, c.Name)
		}
	}
	r.away, r.warned = away, warned
}
