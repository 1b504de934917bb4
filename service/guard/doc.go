// Package guard is the one way in. Answer and Once take an act of a caller
// through it: the policy decides, what must not be waited for later is prepared,
// and the act runs in one transaction with the entry that records it, so that
// neither exists without the other. What is refused or fails is recorded, too.
//
// The errors of all use cases are here. Each may return ErrDenied,
// *domain.InvalidError, *OverloadedError, ErrUnrecorded, ErrUnavailable or
// ErrDamaged, and those that change something ErrReused; a use case says which
// others it has. Nothing was done if there is an error, but for
// ErrUnrecorded: then nobody knows.
package guard
