package guard

import (
	"errors"
	"fmt"
	"time"

	"cpis/policy"
	"cpis/service/store"
)

var (
	// ErrUnrecorded says that the entry could not be durably written, or that
	// nobody knows whether it was. Nothing was disclosed.
	ErrUnrecorded = errors.New("the log could not be written")
	// ErrDenied says that the policy refuses. It is the same whether or not a
	// flag exists, and its entry is in the log.
	ErrDenied = errors.New("not permitted")
	// ErrWeakSignIn is ErrDenied of a caller who has the right, but did not sign
	// in strongly enough for it.
	ErrWeakSignIn = fmt.Errorf("%w: a stronger sign-in is needed", ErrDenied)
	// ErrNotFound says that the caller's authority holds no such thing.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that somebody else changed the thing meanwhile.
	ErrConflict = errors.New("changed meanwhile")
	// ErrState says that the act does not fit the thing's state, such as
	// ending a plan that has ended.
	ErrState = errors.New("not possible in this state")
	// ErrSamePerson says that a second person must decide, not who proposed.
	ErrSamePerson = errors.New("somebody else must decide")
	// ErrReused says that an idempotency key came back with other content.
	ErrReused = errors.New("request id was used before with other content")
	// ErrUnavailable says that the database or the keys cannot be had now.
	ErrUnavailable = errors.New("unavailable")
	// ErrDamaged says that something stored does not verify. Somebody must be
	// woken.
	ErrDamaged = store.ErrDamaged
)

// DeniedError is ErrDenied, and says which reason of the policy stands in the way. It
// follows from the caller and the request alone, never from what is held.
type DeniedError struct{ Reason string }

// Error says that the policy refuses.
func (e *DeniedError) Error() string {
	if e.weak() {
		return ErrWeakSignIn.Error()
	}
	return ErrDenied.Error()
}

// Is says that it is an ErrDenied, and perhaps an ErrWeakSignIn.
func (e *DeniedError) Is(target error) bool {
	return target == ErrDenied || target == ErrWeakSignIn && e.weak()
}

func (e *DeniedError) weak() bool { return e.Reason == policy.AssuranceTooLow }

// Denied returns why the policy refuses.
func Denied(d policy.Decision) error { return &DeniedError{d.Rule} }

// StaleError is ErrConflict of a thing that has a newer version than the caller
// saw.
type StaleError struct{ Current int }

// Error says that the thing was changed.
func (e *StaleError) Error() string { return ErrConflict.Error() }

// Is says that it is an ErrConflict.
func (e *StaleError) Is(target error) bool { return target == ErrConflict }

// StateError is ErrState, and says what stands in the way. Nothing in it is
// personal.
type StateError struct{ Problem string }

// Error says that the act is not possible.
func (e *StateError) Error() string { return ErrState.Error() }

// Is says that it is an ErrState.
func (e *StateError) Is(target error) bool { return target == ErrState }

// OverloadedError refuses a request before any work was done for it, because
// it could not have been answered in time. It leaves no entry: nothing was
// decided about anybody.
type OverloadedError struct {
	// RetryAfter is when trying again makes sense.
	RetryAfter time.Duration
}

// Error says that the service is overloaded.
func (e *OverloadedError) Error() string { return "overloaded" }

// ErrWrongPerson says that a date of birth is not the one that is held for the
// NHS number. It goes with an *InvalidError, and into the entry: an authority
// that tries out dates can be seen there.
var ErrWrongPerson = errors.New("date of birth does not fit NHS number")
