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

	mu   sync.Mutex // held while checking: whoever asks meanwhile waits for the answer
	at   time.Time
	away []string
}

// NewReadiness makes a Readiness of checks. It logs when something goes away
// and when it comes back, with the reason; nobody else is told the reason.
func NewReadiness(now func() time.Time, log zerolog.Logger, checks ...Check) *Readiness {
	return &Readiness{checks: checks, now: now, log: log}
}

// Away names what cannot be had; nothing means that the server is ready.
func (r *Readiness) Away(ctx context.Context) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && r.now().Sub(r.at) < readyFor {
		return r.away
	}
	// Not on the asker's time: others get this answer as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	r.away = r.ask(ctx)
	r.at = r.now()
	return r.away
}

func (r *Readiness) ask(ctx context.Context) []string {
	var away []string
	for _, c := range r.checks {
		err := c.OK(ctx)
		was := slices.Contains(r.away, c.Name)
		switch {
		case err != nil && !was:
			r.log.Warn().Str("what", c.Name).Err(err).Msg("went away")
		case err == nil && was:
			r.log.Info().Str("what", c.Name).Msg("came back")
		}
		if err != nil {
			away = append(away, c.Name)
		}
	}
	return away
}
