package service

import (
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
	subject []byte        // tag of the person, where there is one
	check   error         // *InvalidError, where the request is not valid
	wait    time.Duration // for other acts, where it is worth more than placeWait
	// keep, where there is one, runs after the entry, in the same transaction,
	// and is told where that is. Everybody waits for it: it must be quick.
	keep func(context.Context, *store.Tx, Receipt) error
}

// doTimeout bounds an act, uploads excepted. It ends the wait, not the
// transaction: what became of that is then unknown.
const doTimeout = 15 * time.Second

const (
	// placeWait is how long an act waits for others before it is refused.
	placeWait = 2 * time.Second
	// freeConns is how many connections acts leave to what else is read and
	// written: proofs, checkpoints, tidying.
	freeConns = 2
	// keyWait bounds each call to the keeper within a transaction: meanwhile
	// that holds a connection, and those whom it is about.
	keyWait = 2 * time.Second
)

// newActs makes the places of acts in the database.
func newActs(db *store.DB) chan struct{} { return make(chan struct{}, max(1, db.MaxTx()-freeConns)) }

// takePlace waits for a place among few. leave gives it back; without a place
// it is nil, and the error *OverloadedError or that of ctx.
func takePlace(ctx context.Context, places chan struct{}, wait time.Duration) (leave func(), err error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-timer.C:
		return nil, &OverloadedError{RetryAfter: wait}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// do is the door that every use case but the look-up goes through. It runs fn
// in one transaction with the entry that records it, so that neither exists
// without the other. A caller who may not, a request that is not valid and an
// fn that fails are recorded in a transaction of their own.
//
// fn may run more than once; it may add to the entry what is disclosed. Only so
// many acts run at the same time as leave connections to others; who waits for
// a place in vain gets *OverloadedError, and leaves no entry.
func (s *Service) do(ctx context.Context, a act, fn func(context.Context, *store.Tx, *audit.Entry) error) (Receipt, error) {
	// Hanging up must neither erase an attempt nor leave a commit unconfirmed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), doTimeout)
	defer cancel()
	return s.doIn(ctx, a, fn)
}

// doIn is do on a context that is already detached and bounded.
func (s *Service) doIn(ctx context.Context, a act, fn func(context.Context, *store.Tx, *audit.Entry) error) (Receipt, error) {
	if s.broken.Load() {
		return Receipt{}, ErrDamaged
	}
	if err := s.freshKeys(); err != nil {
		return Receipt{}, err
	}
	d := s.decide(&a)
	e := s.entry(a.caller, a.action, a.request)
	e.Role, e.Rule, e.Subject = d.Role.String(), d.Rule, a.subject
	switch {
	case !d.Allowed:
		return Receipt{}, s.refuse(ctx, &e, ErrDenied)
	case a.check != nil:
		return Receipt{}, s.refuse(ctx, &e, a.check)
	}
	var r Receipt
	done := e
	run := func(tx *store.Tx) error {
		done = e // fn may run again
		done.Outcome = outcomeDone
		if err := fn(ctx, tx, &done); err != nil {
			return err
		}
		var err error
		if r, err = enter(ctx, tx, s.log, s.now(), &done); err != nil || a.keep == nil {
			return err
		}
		return a.keep(ctx, tx, r)
	}
	leave, err := takePlace(ctx, s.acts, max(a.wait, placeWait))
	if err != nil {
		s.observe.Refused()
		return Receipt{}, err // without an entry: nothing was begun
	}
	if err := s.transact(ctx, leave, run); err != nil {
		e.Subject, e.Restricted = done.Subject, done.Restricted // fn may have found out whom it is about
		return Receipt{}, s.refuse(ctx, &e, fmt.Errorf("%s: %w", a.action, translate(err)))
	}
	return r, nil
}

// transact runs an act's transaction, and leaves its place also where that
// panics. Where the same request was answered meanwhile it runs again, and then
// finds the answer.
func (s *Service) transact(ctx context.Context, leave func(), run func(*store.Tx) error) error {
	defer leave()
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

// enter appends an entry to the log: the last thing in its transaction,
// because every other append waits from here.
func enter(ctx context.Context, tx *store.Tx, log store.Log, now time.Time, e *audit.Entry) (Receipt, error) {
	e.Time = now.UTC().Truncate(time.Microsecond)
	_, _ = rand.Read(e.Salt[:]) // never fails: it ends the program instead
	line := e.AppendLine(nil)
	first, tree, err := tx.AppendEntries(ctx, log.ID, [][]byte{line}, [][]byte{e.Subject})
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Log: log.Origin, Index: first, TreeSize: tree.Size(), Leaf: audit.LeafHash(line)}, nil
}

// refuse records that an act was refused or failed, and gives why. Where it
// cannot be recorded, that comes first. The entry goes with a group of
// look-ups, so that whoever floods the service with what must be refused costs
// it little.
func (s *Service) refuse(ctx context.Context, e *audit.Entry, why error) error {
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
		{ErrNotFound, "not_found"},
		{ErrConflict, "changed_meanwhile"},
		{ErrState, "state"},
		{ErrSamePerson, "same_person"},
		{ErrReused, "request_reused"},
		{errWrongPerson, "identity_mismatch"},
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
	e := s.entry(c, a, request)
	return s.refuse(ctx, &e, why)
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
