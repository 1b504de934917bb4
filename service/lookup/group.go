package lookup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// group answers look-ups together. There is no timer: a group is whatever
// queued up while the last one was busy, so a caller alone never waits for
// company, and a crowd shares one read and one commit.
//
// A look-up goes through two goroutines, so that one group is read while the
// one before commits:
//
//	submit → queue → gather (read, open) → ready → commit (entries) → finish
//
// A hit whose key must come from the keeper leaves between read and commit,
// and queues again when the keeper has answered or failed; nobody else waits.
type group struct {
	s     *LookUps
	cfg   GroupConfig
	queue *queue
	ready chan []*lookup // unbuffered: gather reads at most one group ahead

	taken atomic.Uint64 // how often look-ups were submitted
	pace  atomic.Int64  // nanoseconds that a group takes to be committed, lately

	stopped sync.WaitGroup
}

// GroupConfig sets the bounds of the look-up path. The zero value means the
// defaults.
type GroupConfig struct {
	// MaxGroup is the largest number of look-ups in one transaction; 512 if 0.
	MaxGroup int
	// MaxWaiting is the number of look-ups under way beyond which more are
	// refused; 4096 if 0.
	MaxWaiting int
	// KeyWait is how long a look-up waits for the keeper before it is answered
	// without details; 2 s if 0.
	KeyWait time.Duration
	// ReadTimeout bounds the read of a group; 3 s if 0.
	ReadTimeout time.Duration
	// CommitTimeout bounds its commit; 10 s if 0. It ends the wait, not the
	// transaction: what became of that is then unknown.
	CommitTimeout time.Duration
}

func (c GroupConfig) withDefaults() GroupConfig {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.MaxGroup == 0 {
		c.MaxGroup = 512
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = 4096
	}
	set(&c.KeyWait, 2*time.Second)
	set(&c.ReadTimeout, 3*time.Second)
	set(&c.CommitTimeout, 10*time.Second)
	return c
}

func newGroup(s *LookUps, cfg GroupConfig) *group {
	cfg = cfg.withDefaults()
	g := &group{
		s:     s,
		cfg:   cfg,
		queue: newQueue(cfg),
		ready: make(chan []*lookup),
	}
	g.stopped.Add(2)
	go g.gatherAll()
	go g.commitAll()
	return g
}

// submit queues the look-ups of one request, all or none. It refuses when too
// many are under way, and when they could not be answered before the caller's
// deadline. If nobody waits it never refuses for that: somebody has to find
// out whether a database that hung is well again.
func (g *group) submit(ctx context.Context, ls ...*lookup) error {
	if err := g.s.ready(); err != nil {
		return err
	}
	g.taken.Add(1)
	deadline, hurried := ctx.Deadline()
	within := time.Until(deadline) //nolint:forbidigo // deadlines are of the machine's clock, not the service's
	wait, ok := g.queue.admit(ls, time.Duration(g.pace.Load()), within, hurried)
	switch {
	case ok:
		return nil
	case g.queue.isOver():
		return guard.ErrUnavailable
	}
	g.s.observe.Refused()
	return &guard.OverloadedError{RetryAfter: min(max(wait, time.Second), maxRetryAfter)}
}

// Submitted is how often look-ups were submitted.
func (s *LookUps) Submitted() uint64 { return s.group.taken.Load() }

// maxRetryAfter is the longest time after which a caller who was refused is
// asked to come back.
const maxRetryAfter = 30 * time.Second

// close refuses new look-ups and waits until those under way are finished.
func (g *group) close() {
	g.queue.close()
	g.stopped.Wait()
}

// gatherAll reads group after group until the queue is closed and all that was
// in it is finished.
func (g *group) gatherAll() {
	defer g.stopped.Done()
	defer close(g.ready)
	for ls := g.queue.take(); len(ls) > 0; ls = g.queue.take() {
		g.gather(ls)
	}
}

// gather reads what is held about everybody in the group, opens it, and hands
// the group on. Those whose keys are missing leave.
func (g *group) gather(ls []*lookup) {
	now := g.s.clock.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ls[0].ctx), g.cfg.ReadTimeout)
	defer cancel()
	err := g.read(ctx, ls, now)
	ready := ls[:0]
	var keyless []*lookup
	for _, l := range ls {
		switch {
		case l.verdict != nil:
			l.entry.Outcome = guard.OutcomeOf(l.verdict)
		case l.ctx.Err() != nil:
			l.abandon()
		case err != nil:
			l.verdict = err
			l.entry.Outcome = guard.OutcomeFailed
		case l.wantsKey():
			keyless = append(keyless, l)
			continue
		default:
			g.openSafely(l, now)
		}
		ready = append(ready, l)
	}
	if len(keyless) > 0 {
		go g.unwrap(keyless)
	}
	if len(ready) > 0 {
		g.ready <- ready
	}
}

// openSafely opens one look-up; one that panics fails alone.
func (g *group) openSafely(l *lookup, now time.Time) {
	defer func() {
		if recover() != nil { // not the value: it may hold what was opened
			g.s.observe.Damaged("look-up")
			l.verdict = guard.ErrDamaged
			l.entry.Outcome = guard.OutcomeFailed
			l.accesses, l.notices, l.reviews = nil, nil, nil
			l.entry.Disclosed, l.entry.History, l.entry.Review = nil, 0, audit.Review{} // nothing leaves
		}
	}()
	g.s.open(l, now)
}

// abandon marks a look-up whose caller hung up before anything was read for
// it. It is recorded, and nothing was disclosed.
func (l *lookup) abandon() {
	l.verdict = context.Canceled
	l.entry.Outcome = guard.OutcomeAbandoned
}

// read fetches the rows of all that are to be read, in one round trip.
func (g *group) read(ctx context.Context, ls []*lookup, now time.Time) error {
	tags := make([]store.Tag, 0, len(ls))
	for _, l := range ls {
		if l.verdict == nil && !l.tried { // who comes from the keeper was read before
			for _, t := range l.tags {
				tags = append(tags, store.Tag(t))
			}
		}
	}
	if len(tags) == 0 {
		return nil
	}
	flags, history, err := g.s.db.Read(ctx, tags, domain.LondonDay(now).Time())
	if err != nil {
		return fmt.Errorf("reading flags: %w", guard.ErrUnavailable) // the store's error is for its own log
	}
	if len(flags) == 0 {
		return nil
	}
	g.assignRows(ls, flags, history)
	return nil
}

// assignRows assigns the rows to the look-ups by their tags. Few have any.
func (g *group) assignRows(ls []*lookup, flags []store.FlagRow, history []store.AccessRow) {
	byTag := make(map[store.Tag][]store.FlagRow)
	for _, f := range flags {
		byTag[f.Tag] = append(byTag[f.Tag], f)
	}
	byPerson := make(map[uuid.UUID][]store.AccessRow)
	for _, a := range history {
		byPerson[a.Person] = append(byPerson[a.Person], a)
	}
	for _, l := range ls {
		if l.tried {
			continue
		}
		for _, t := range l.tags {
			if rows := byTag[store.Tag(t)]; len(rows) > 0 {
				l.take(rows, byPerson[rows[0].Person.ID])
				break
			}
		}
		if l.key == nil && len(l.rows) > 0 {
			l.key, _ = g.s.ring.Cached(store.PersonKeys.Owner(l.rows[0].Person.ID))
		}
	}
}

// unwrap asks the keeper for the keys of look-ups that left a group, and
// queues them again: opened next time, or degraded. What was read of them is not
// read again.
func (g *group) unwrap(ls []*lookup) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ls[0].ctx), g.cfg.KeyWait)
	defer cancel()
	wrapped := make([]keys.Wrapped, len(ls))
	for i, l := range ls {
		p := &l.rows[0].Person
		wrapped[i] = keys.Wrapped{Owner: store.PersonKeys.Owner(p.ID), Text: p.WrappedKey}
	}
	for i, r := range g.s.ring.Unwrap(ctx, wrapped) {
		ls[i].tried = true
		switch {
		case r.Err == nil:
			ls[i].key = r.Value
		case errors.Is(r.Err, keys.ErrTampered): // the keeper is there; the key is not this person's
			g.s.observe.Damaged("person_key")
		}
		g.queue.takeBack(ls[i])
	}
}

// commitAll commits group after group until gather has handed on the last.
func (g *group) commitAll() {
	defer g.stopped.Done()
	var c committer
	for ls := range g.ready {
		began := time.Now() //nolint:forbidigo // measures, decides nothing
		err := c.commit(g, ls)
		took := time.Since(began) //nolint:forbidigo // as above
		if err == nil {
			g.paceFrom(took)
		}
		// Before they are told: who asks again at once does not find itself
		// waiting.
		g.queue.leave(ls)
		for _, l := range ls {
			if err == nil {
				l.finish(l.verdict)
			} else {
				l.finish(err)
			}
		}
		g.s.observe.Group(len(ls), took)
	}
}

// paceFrom follows how long groups take: slowly upwards, so that one slow
// commit refuses nobody, and quickly downwards, so that what is over is soon
// forgotten.
func (g *group) paceFrom(took time.Duration) {
	old := g.pace.Load()
	if change := took.Nanoseconds() - old; change > 0 {
		g.pace.Store(old + change/8)
	} else {
		g.pace.Store(old + change/2)
	}
}
