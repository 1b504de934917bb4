package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"strconv"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// Errors that arise in the face itself.
var (
	errUnreadable  = errors.New("the request cannot be read")
	errTooLarge    = errors.New("the request is too large")
	errNoProcedure = errors.New("no such procedure")
	errNotSent     = errors.New("the answer could not be sent")
)

// answer is what a caller is told about an error.
type answer struct {
	is    func(error) bool
	code  connect.Code
	text  string
	log   bool          // whether an operator must hear of it
	retry time.Duration // when to try again, if that makes sense
}

// soon is when to try again what failed because something is away.
const soon = 2 * time.Second

// answers says what a caller is told about each error. The first match wins.
// The texts are fixed: nothing of the error itself crosses the wire.
//
// A request that could not be recorded comes first: joined to a refusal it
// would otherwise pass for a mere refusal.
var answers = []answer{
	{is: one(guard.ErrUnrecorded), code: connect.CodeUnavailable, text: "try again later", log: true, retry: soon},
	{is: one(identity.ErrUnauthenticated), code: connect.CodeUnauthenticated, text: "not authenticated"},
	{is: one(identity.ErrUnavailable), code: connect.CodeUnavailable, text: "try again later", log: true, retry: soon},
	{is: one(guard.ErrWeakSignIn), code: connect.CodePermissionDenied, text: "a stronger sign-in is needed"},
	{is: one(guard.ErrDenied), code: connect.CodePermissionDenied, text: "not permitted"},
	{is: one(errUnreadable), code: connect.CodeInvalidArgument, text: "the request cannot be read"},
	{is: one(errTooLarge), code: connect.CodeInvalidArgument, text: "the request is too large"},
	{is: kind[*domain.InvalidError], code: connect.CodeInvalidArgument, text: "the request is not valid"},
	{is: kind[*guard.OverloadedError], code: connect.CodeResourceExhausted, text: "busy: try again later", retry: soon},
	{is: one(guard.ErrNotFound), code: connect.CodeNotFound, text: "not found"},
	{is: one(guard.ErrConflict), code: connect.CodeAborted, text: "changed meanwhile: read it again"},
	{is: one(guard.ErrSamePerson), code: connect.CodePermissionDenied, text: "somebody else must decide"},
	{is: one(guard.ErrState), code: connect.CodeFailedPrecondition, text: "not possible in this state"},
	{is: one(guard.ErrReused), code: connect.CodeAlreadyExists, text: "this X-Request-ID was used before with other content"},
	{is: one(guard.ErrUnavailable), code: connect.CodeUnavailable, text: "try again later", log: true, retry: soon},
	{is: one(guard.ErrDamaged), code: connect.CodeDataLoss, text: "stored data does not verify", log: true},
	{is: one(errNoProcedure), code: connect.CodeUnimplemented, text: "no such procedure"},
	{is: one(context.Canceled), code: connect.CodeCanceled, text: "canceled"},
	{is: one(context.DeadlineExceeded), code: connect.CodeDeadlineExceeded, text: "took too long", log: true},
	{is: always, code: connect.CodeInternal, text: "internal error", log: true},
}

func one(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func kind[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func always(error) bool { return true }

// answerTo returns the row for an error.
func answerTo(err error) *answer {
	for i := range answers {
		if answers[i].is(err) {
			return &answers[i]
		}
	}
	return &answers[len(answers)-1] // never reached: the last row matches anything
}

// wire returns the error as it leaves. The cause stays here.
func (a *answer) wire(err error, header answerHeaders) *connect.Error {
	out := connect.NewError(a.code, a.text).WithCause(err)
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok && a.code == connect.CodeInvalidArgument {
		out = with(out, invalidToProto(invalid))
	}
	if stale, ok := errors.AsType[*guard.StaleError](err); ok && a.code == connect.CodeAborted {
		out = with(out, &cpisv1.StaleVersion{Current: count(stale.Current)})
	}
	if state, ok := errors.AsType[*guard.StateError](err); ok && a.code == connect.CodeFailedPrecondition {
		out = with(out, invalidToProto(&domain.InvalidError{Violations: []domain.Violation{{Problem: state.Problem}}}))
	}
	if a.code == connect.CodeUnauthenticated {
		header.Set("Www-Authenticate", "Bearer")
	}
	if a.retry > 0 {
		after := a.retry
		if overloaded, ok := errors.AsType[*guard.OverloadedError](err); ok {
			after = overloaded.RetryAfter
		}
		header.Set("Retry-After", strconv.FormatInt(wholeSeconds(after), 10))
		out = with(out, &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	}
	return out
}

// wholeSeconds rounds up to at least one: Retry-After knows no fractions.
func wholeSeconds(d time.Duration) int64 {
	return max(1, int64(math.Ceil(d.Seconds())))
}

func with(e *connect.Error, detail proto.Message) *connect.Error {
	d, err := connectproto.NewErrorDetail(detail)
	if err != nil {
		return e // code and text say enough
	}
	return e.WithDetail(d)
}

// fault is what this package itself finds wrong with a request. Unlike what a
// use case finds it is not in the audit log yet.
type fault struct {
	what     error // errUnreadable, errTooLarge, or nil: the rules of the contract
	invalid  *domain.InvalidError
	recorded bool // a use case was told of it, and records it
}

func (f *fault) Error() string { return f.invalid.Error() }

// Unwrap returns both sides, so that the table finds the more special first.
func (f *fault) Unwrap() []error {
	if f.what == nil {
		return []error{f.invalid}
	}
	return []error{f.what, f.invalid}
}

func newFault(what error, v ...domain.Violation) *fault {
	return &fault{what: what, invalid: &domain.InvalidError{Violations: v}}
}

// received returns why a message could not be received, in our words. The
// library's words may quote what was sent.
func received(err error, p *procedure) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	switch connect.CodeOf(err) { //nolint:exhaustive // all others mean that it cannot be read
	case connect.CodeCanceled:
		return context.Canceled
	case connect.CodeDeadlineExceeded:
		return context.DeadlineExceeded
	case connect.CodeResourceExhausted:
		return newFault(errTooLarge, domain.Violation{
			Problem: fmt.Sprintf("is larger than %d bytes", p.limit),
		})
	default:
		if misfit, ok := errors.AsType[*misfitError](err); ok {
			return newFault(errUnreadable, misfit.violations...)
		}
		return newFault(errUnreadable, domain.Violation{
			Problem: "does not fit the message type: check the syntax, the types of the fields and the names of enum values",
		})
	}
}

// sent returns why an answer could not be sent, in our words. Mostly the caller
// has gone.
func sent(err error) error {
	switch connect.CodeOf(err) { //nolint:exhaustive // all others are ours to mend
	case connect.CodeCanceled:
		return context.Canceled
	case connect.CodeDeadlineExceeded:
		return context.DeadlineExceeded
	default:
		return errNotSent
	}
}

// panicError stands for a panic. It keeps the type of the value and where it
// happened, not the value: that may hold anything.
type panicError struct {
	kind  string
	stack []byte
}

func newPanicError(value any) *panicError {
	return &panicError{kind: fmt.Sprintf("%T", value), stack: debug.Stack()}
}

func (e *panicError) Error() string { return "panic with a " + e.kind }
