package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// act is one act of a caller, on its way through the door.
type act struct {
	caller  *identity.Caller
	action  policy.Action
	own     bool          // the thing acted upon belongs to the caller's organisation
	request string        // request id
	asks    any           // the request, a pointer to a struct; only of an act that may be repeated
	subject []byte        // tag of the person, if there is one
	check   error         // *InvalidError, if the request is not valid
	within  time.Duration // bounds the act; doTimeout if 0
	wait    time.Duration // for other acts, if it is worth more than slotWait
	// prepare, if set, runs once: when the policy has allowed a valid request,
	// and before the act takes a place and a transaction. It fetches what must
	// not be waited for later, such as keys. An error fails the act.
	prepare func(context.Context) error
}

// step is what an act does in its transaction. It may run more than once, makes
// a new answer each time, and adds to the entry what is disclosed.
type step[A any] = func(context.Context, *store.Tx, *audit.Entry) (*A, error)

// answered is a pointer to an answer, which embeds a Receipt.
type answered[A any] interface {
	*A
	receive(r Receipt)
}

// doTimeout bounds an act, uploads excepted. It ends the wait, not the
// transaction: what became of that is then unknown.
const doTimeout = 15 * time.Second

const (
	// slotWait is how long an act waits for others before it is refused.
	slotWait = 2 * time.Second
	// freeConns is how many connections acts leave to what else is read and
	// written: proofs, checkpoints, tidying.
	freeConns = 2
	// keyWait bounds each call to the keeper within a transaction: meanwhile
	// that holds a connection, and those whom it is about.
	keyWait = 2 * time.Second
)

// slots are a limited number of rights to do something at the same time.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// acquire waits for a slot. release gives it back; without a slot it is nil, and
// the error *OverloadedError or that of ctx.
func (s slots) acquire(ctx context.Context, wait time.Duration) (release func(), err error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-timer.C:
		return nil, &OverloadedError{RetryAfter: wait}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newActs makes the slots of acts in the database.
func newActs(db *store.DB) slots { return newSlots(max(1, db.MaxTx()-freeConns)) }

// acquire waits for the right to a transaction.
func (s *Service) acquire(ctx context.Context, wait time.Duration) (release func(), err error) {
	return s.acts.acquire(ctx, max(wait, slotWait))
}

// answer is the door that every use case but the look-up goes through. It does
// an act in one transaction with the entry that records it, so that neither
// exists without the other, and returns the answer with its receipt. A caller
// who may not, a request that is not valid and a step that fails are recorded in
// a transaction of their own.
//
// Only so many acts run at the same time as leave connections to others; who
// waits for a place in vain gets *OverloadedError, and leaves no entry.
func answer[A any, P answered[A]](ctx context.Context, s *Service, a act, do step[A]) (*A, error) {
	var out *A
	receipt, err := s.perform(ctx, &a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (err error) {
		out, err = do(ctx, tx, e)
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	P(out).receive(receipt)
	return out, nil
}

// perform takes an act through the door. keep, if there is one, runs after the
// entry, in the same transaction, and is told where that is. Everybody waits for
// it: it must be quick.
func (s *Service) perform(
	ctx context.Context, a *act,
	do func(context.Context, *store.Tx, *audit.Entry) error, keep func(context.Context, *store.Tx, Receipt) error,
) (Receipt, error) {
	e, err := s.admit(ctx, a)
	if err != nil {
		return Receipt{}, err
	}
	// Hanging up must neither erase an attempt nor leave a commit unconfirmed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(a.within, doTimeout))
	defer cancel()
	release, err := s.acquire(ctx, a.wait)
	if err != nil {
		return Receipt{}, s.failed(ctx, a, &e, err)
	}
	var r Receipt
	var done audit.Entry
	err = s.transact(ctx, release, func(tx *store.Tx) (err error) {
		done = e // do may run again
		done.Outcome = outcomeDone
		if err = do(ctx, tx, &done); err != nil {
			return err
		}
		if r, err = s.enter(ctx, tx, &done); err != nil || keep == nil {
			return err
		}
		return keep(ctx, tx, r)
	})
	if err != nil {
		e.Subject, e.Restricted = done.Subject, done.Restricted // do may have found out whom it is about
		return Receipt{}, s.failed(ctx, a, &e, err)
	}
	return r, nil
}

// admit decides about an act, prepares it, and begins its entry. An act that is
// refused is recorded.
func (s *Service) admit(ctx context.Context, a *act) (audit.Entry, error) {
	if err := s.ready(); err != nil {
		return audit.Entry{}, err
	}
	d := s.decide(a)
	e := entryOf(a.caller, a.action, a.request)
	e.Role, e.Rule, e.Subject = d.Role.String(), d.Rule, a.subject
	switch {
	case !d.Allowed:
		return e, s.record(ctx, &e, denied(d))
	case a.check != nil:
		return e, s.record(ctx, &e, a.check)
	}
	s.meet(ctx, a.caller, d.Role)
	if a.prepare == nil {
		return e, nil
	}
	if err := a.prepare(ctx); err != nil {
		return e, s.failed(ctx, a, &e, err)
	}
	return e, nil
}

// failed records that an act failed, and returns why. One that was refused by
// overload leaves no entry: nothing was begun.
func (s *Service) failed(ctx context.Context, a *act, e *audit.Entry, why error) error {
	if _, overloaded := errors.AsType[*OverloadedError](why); overloaded {
		s.observe.Refused()
		return why
	}
	return s.record(ctx, e, fmt.Errorf("%s: %w", a.action, translate(why)))
}

// ready says whether anything may be answered: the log is intact, and the index
// keys are the database's.
func (s *Service) ready() error {
	if s.broken.Load() {
		return ErrDamaged
	}
	return s.freshKeys()
}

// transact runs an act's transaction, and releases its slot also if that panics.
// If the same request was answered meanwhile it runs again, and then finds the
// answer.
func (s *Service) transact(ctx context.Context, release func(), run func(*store.Tx) error) error {
	defer release()
	err := s.db.Tx(ctx, run)
	if errors.Is(err, errAnswered) {
		err = s.db.Tx(ctx, run)
	}
	return err
}

// decide asks the policy about an act.
func (s *Service) decide(a *act) policy.Decision {
	return s.policy.Decide(policy.Request{
		Roles: a.caller.Roles, Class: a.caller.Class, Action: a.action, Own: a.own, Assurance: a.caller.Assurance,
	})
}

// enter appends entries of the service to its log, as appendEntries does.
func (s *Service) enter(ctx context.Context, tx *store.Tx, entries ...*audit.Entry) (Receipt, error) {
	return appendEntries(ctx, tx, s.log, s.now(), entries...)
}

// appendEntries appends entries to a log: the last thing in its transaction,
// because every other append waits from here. The receipt is that of the first.
func appendEntries(
	ctx context.Context, tx *store.Tx, log store.Log, now time.Time, entries ...*audit.Entry,
) (Receipt, error) {
	lines, subjects := make([][]byte, len(entries)), make([][]byte, len(entries))
	for i, e := range entries {
		e.Time = now.UTC().Truncate(time.Microsecond) // what PostgreSQL keeps
		_, _ = rand.Read(e.Salt[:])                   // never fails: it ends the program instead
		lines[i], subjects[i] = e.AppendLine(nil), e.Subject
	}
	first, tree, err := tx.AppendEntries(ctx, log.ID, lines, subjects)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Log: log.Origin, Index: first, TreeSize: tree.Size(), Leaf: audit.LeafHash(lines[0])}, nil
}

// record records that an act was refused or failed, and returns why. If it
// cannot be recorded, that comes first. The entry goes with a group of
// look-ups, so that whoever floods the service with what must be refused costs
// it little.
func (s *Service) record(ctx context.Context, e *audit.Entry, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), doTimeout)
	defer cancel()
	e.Reason = reasonOf(why)
	l := &lookup{ctx: ctx, entry: *e, verdict: why, done: make(chan struct{})}
	if err := s.group.submit(ctx, l); err != nil {
		return err // and nothing is said of why: it is not recorded
	}
	if _, err := l.wait(ctx); !errors.Is(err, why) {
		return errors.Join(ErrUnrecorded, why)
	}
	return why
}

// reasonOf gives the word for a refusal that stands in its entry.
func reasonOf(err error) string {
	for _, r := range []struct {
		err  error
		word string
	}{
		{errWrongPerson, reasonMismatch}, // first: who tries numbers out may hear something else
		{ErrNotFound, reasonNotFound},
		{ErrConflict, reasonChanged},
		{ErrState, reasonState},
		{ErrSamePerson, reasonSame},
		{ErrReused, reasonReused},
	} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return ""
}

// Refuse records a request that never became a use case, because it is not
// valid on its face, and gives what is wrong with it.
func (s *Service) Refuse(ctx context.Context, c *identity.Caller, a policy.Action, request string, why *InvalidError) error {
	e := entryOf(c, a, request)
	return s.record(ctx, &e, why)
}

// translate gives the store's errors in the service's words.
func translate(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, store.ErrConflict):
		return ErrConflict
	case errors.Is(err, store.ErrUncertain):
		return ErrUnrecorded
	case errors.Is(err, store.ErrUnavailable):
		return ErrUnavailable
	}
	return err
}
