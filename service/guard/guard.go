package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/store"
)

// Act is one act of a caller, on its way through the guard.
type Act struct {
	Caller  *identity.Caller
	Action  policy.Action
	Own     bool          // the thing acted upon belongs to the caller's organisation
	Request string        // request id
	Asks    any           // the request, a pointer to a struct; only of an act that may be repeated
	Subject []byte        // tag of the person, if there is one
	Target  audit.Thing   // what the request names by its identifier, if it does
	Check   error         // *InvalidError, if the request is not valid
	Within  time.Duration // bounds the act; Timeout if 0
	Wait    time.Duration // for other acts, if it is worth more than slotWait
	// Prepare, if set, runs once: when the policy has allowed a valid request,
	// and before the act takes a place and a transaction. It fetches what must
	// not be waited for later, such as keys. An error fails the act.
	Prepare func(context.Context) error
}

// Step is what an act does in its transaction. It may run more than once, makes
// a new answer each time, and adds to the entry what is disclosed.
type Step[A any] = func(context.Context, *store.Tx, *audit.Entry) (*A, error)

// Answered is a pointer to an answer, which embeds a Receipt.
type Answered[A any] interface {
	*A
	receive(r Receipt)
}

// Timeout bounds an act, uploads excepted. It ends the wait, not the
// transaction: what became of that is then unknown.
const Timeout = 15 * time.Second

const (
	// slotWait is how long an act waits for others before it is refused.
	slotWait = 2 * time.Second
	// freeConns is how many connections acts leave to what else is read and
	// written: proofs, checkpoints, tidying.
	freeConns = 2
)

// newActs creates the slots of acts in the database.
func newActs(db *store.DB) Slots { return NewSlots(max(1, db.MaxTx()-freeConns)) }

// Acquire waits for the right to a transaction.
func (s *Guard) Acquire(ctx context.Context, wait time.Duration) (release func(), err error) {
	return s.slots.Acquire(ctx, max(wait, slotWait))
}

// Answer is what every use case but the look-up goes through. It does an act in one transaction with the entry that records it, so that neither
// exists without the other, and returns the answer with its receipt. A caller
// who may not, a request that is not valid and a step that fails are recorded in
// a transaction of their own.
//
// Only so many acts run at the same time as leave connections to others; who
// waits for a place in vain gets *OverloadedError, and leaves no entry.
func Answer[A any, P Answered[A]](ctx context.Context, s *Guard, a Act, do Step[A]) (*A, error) {
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

// perform takes an act through the guard. keep, if there is one, runs after the
// entry, in the same transaction, and is told where that is. Everybody waits for
// it: it must be quick.
func (s *Guard) perform(
	ctx context.Context, a *Act,
	do func(context.Context, *store.Tx, *audit.Entry) error, keep func(context.Context, *store.Tx, Receipt) error,
) (Receipt, error) {
	e, err := s.admit(ctx, a)
	if err != nil {
		return Receipt{}, err
	}
	// Hanging up must neither erase an attempt nor leave a commit unconfirmed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(a.Within, Timeout))
	defer cancel()
	release, err := s.Acquire(ctx, a.Wait)
	if err != nil {
		return Receipt{}, s.failed(ctx, a, &e, err)
	}
	var r Receipt
	var done audit.Entry
	err = s.transact(ctx, release, func(tx *store.Tx) (err error) {
		done = e // do may run again
		done.Outcome = OutcomeDone
		if err = do(ctx, tx, &done); err != nil {
			return err
		}
		if r, err = s.Enter(ctx, tx, &done); err != nil || keep == nil {
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
func (s *Guard) admit(ctx context.Context, a *Act) (audit.Entry, error) {
	if err := s.ready(); err != nil {
		return audit.Entry{}, err
	}
	d := s.Decide(a)
	e := Entry(a.Caller, a.Action, a.Request)
	e.Subject, e.Target = a.Subject, a.Target
	s.Decided(&e, d)
	switch {
	case !d.Allowed:
		return e, s.refusals.Record(ctx, &e, Denied(d))
	case a.Check != nil:
		return e, s.refusals.Record(ctx, &e, a.Check)
	}
	s.meet(ctx, a.Caller, d.Role)
	if a.Prepare == nil {
		return e, nil
	}
	if err := a.Prepare(ctx); err != nil {
		return e, s.failed(ctx, a, &e, err)
	}
	return e, nil
}

// failed records that an act failed, and returns why. One that was refused by
// overload leaves no entry: nothing was begun.
func (s *Guard) failed(ctx context.Context, a *Act, e *audit.Entry, why error) error {
	if _, overloaded := errors.AsType[*OverloadedError](why); overloaded {
		s.observe.Refused()
		return why
	}
	return s.refusals.Record(ctx, e, fmt.Errorf("%s: %w", a.Action, Translate(why)))
}

// transact runs an act's transaction, and releases its slot also if that panics.
// If the same request was answered meanwhile it runs again, and then finds the
// answer.
func (s *Guard) transact(ctx context.Context, release func(), run func(*store.Tx) error) error {
	defer release()
	err := s.db.Tx(ctx, run)
	if errors.Is(err, errAnswered) {
		err = s.db.Tx(ctx, run)
	}
	return err
}

// Decide asks the policy about an act.
func (s *Guard) Decide(a *Act) policy.Decision {
	return s.policy.Decide(policy.Request{
		Roles: a.Caller.Roles, Class: a.Caller.Class, Action: a.Action, Own: a.Own, Assurance: a.Caller.Assurance,
	})
}

// Decided notes in an entry what the policy decided.
func (s *Guard) Decided(e *audit.Entry, d policy.Decision) { Decided(e, s.policy, d) }

// Enter appends entries of the service to its log, as appendEntries does.
func (s *Guard) Enter(ctx context.Context, tx *store.Tx, entries ...*audit.Entry) (Receipt, error) {
	return appendEntries(ctx, tx, s.log, s.clock.Now(), entries...)
}

// ReasonOf returns the word for a refusal that stands in its entry.
func ReasonOf(err error) string {
	for _, r := range []struct {
		err  error
		word string
	}{
		{ErrWrongPerson, ReasonMismatch}, // first: who tries numbers out may hear something else
		{ErrNotFound, reasonNotFound},
		{ErrConflict, ReasonChanged},
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
// valid on its face, and returns what is wrong with it.
func (s *Guard) Refuse(ctx context.Context, c *identity.Caller, a policy.Action, request string, why *domain.InvalidError) error {
	e := Entry(c, a, request)
	return s.refusals.Record(ctx, &e, why)
}

// Translate translates the store's errors into the service's words.
func Translate(err error) error {
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
