package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/testing/protocmp"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// secret stands for what errors must not tell.
const secret = "Featherstonehaugh-9990000018"

// told is what a caller is told about an error.
var told = []struct {
	name  string
	err   error
	code  connect.Code
	text  string
	retry time.Duration
}{
	{"unrecorded", guard.ErrUnrecorded, connect.CodeUnavailable, "try again later", 2 * time.Second},
	{
		"denied and unrecorded", errors.Join(guard.ErrDenied, guard.ErrUnrecorded),
		connect.CodeUnavailable, "try again later", 2 * time.Second,
	},
	{
		"invalid and unrecorded", errors.Join(guard.ErrUnrecorded, &domain.InvalidError{}),
		connect.CodeUnavailable, "try again later", 2 * time.Second,
	},
	{"weak sign-in", guard.ErrWeakSignIn, connect.CodePermissionDenied, "a stronger sign-in is needed", 0},
	{"denied", guard.ErrDenied, connect.CodePermissionDenied, "not permitted", 0},
	{"invalid", &domain.InvalidError{}, connect.CodeInvalidArgument, "the request is not valid", 0},
	{
		"overloaded", &guard.OverloadedError{RetryAfter: 3500 * time.Millisecond},
		connect.CodeResourceExhausted, "busy: try again later", 3500 * time.Millisecond,
	},
	{"not found", guard.ErrNotFound, connect.CodeNotFound, "not found", 0},
	{"conflict", guard.ErrConflict, connect.CodeAborted, "changed meanwhile: read it again", 0},
	{"state", guard.ErrState, connect.CodeFailedPrecondition, "not possible in this state", 0},
	{"what stands in the way", &guard.StateError{Problem: "decided"}, connect.CodeFailedPrecondition, "not possible in this state", 0},
	{"the same person", guard.ErrSamePerson, connect.CodePermissionDenied, "somebody else must decide", 0},
	{"reused", guard.ErrReused, connect.CodeAlreadyExists, "this X-Request-ID was used before with other content", 0},
	{"unavailable", guard.ErrUnavailable, connect.CodeUnavailable, "try again later", 2 * time.Second},
	{"damaged", guard.ErrDamaged, connect.CodeDataLoss, "stored data does not verify", 0},
	{"canceled", context.Canceled, connect.CodeCanceled, "canceled", 0},
	{"late", context.DeadlineExceeded, connect.CodeDeadlineExceeded, "took too long", 0},
	{"unauthenticated", identity.ErrUnauthenticated, connect.CodeUnauthenticated, "not authenticated", 0},
	{"identity away", identity.ErrUnavailable, connect.CodeUnavailable, "try again later", 2 * time.Second},
	{"unknown", errors.New("something else"), connect.CodeInternal, "internal error", 0},
	{"the library's", connect.NewError(connect.CodeNotFound, secret), connect.CodeInternal, "internal error", 0},
}

func TestEveryErrorHasItsAnswer(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			for _, want := range told {
				b.uses.err = fmt.Errorf("looking up %s: %w", secret, want.err)
				_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
				checkAnswer(t, want.name, err, want.code, want.text)
				if got := retryOf(t, err); got != want.retry {
					t.Errorf("%s: got RetryInfo %v, want %v", want.name, got, want.retry)
				}
				header := ""
				if want.retry > 0 {
					header = fmt.Sprint(int64((want.retry + time.Second - 1) / time.Second))
				}
				if got := c.header.Get("Retry-After"); got != header {
					t.Errorf("%s: got Retry-After %q, want %q", want.name, got, header)
				}
				if strings.Contains(c.everything(), "Feather") {
					t.Errorf("%s: the text of the error crossed the wire:\n%s", want.name, c.everything())
				}
			}
		})
	}
}

func TestErrorsOfStreamsHaveTheSameAnswers(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			for _, want := range told {
				b.uses.err = fmt.Errorf("uploading %s: %w", secret, want.err)
				_, err := send(t, c, begin(), chunk("a"))
				checkAnswer(t, want.name, err, want.code, want.text)
				if strings.Contains(c.everything(), "Feather") {
					t.Errorf("%s: the text of the error crossed the wire:\n%s", want.name, c.everything())
				}
			}
		})
	}
}

func checkAnswer(t *testing.T, name string, err error, code connect.Code, text string) {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		t.Errorf("%s: got %v, want %v", name, err, code)
		return
	}
	if e.Code() != code || e.Message() != text {
		t.Errorf("%s: got %v %q, want %v %q", name, e.Code(), e.Message(), code, text)
	}
}

// detail returns the one detail of a type; nil where there is none.
func detail[M any](t *testing.T, err error) *M {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return nil
	}
	for _, d := range e.Details() {
		m, err := connectproto.UnmarshalErrorDetail(d)
		if err != nil {
			t.Fatalf("UnmarshalErrorDetail: %v", err)
		}
		if of, ok := any(m).(*M); ok {
			return of
		}
	}
	return nil
}

func retryOf(t *testing.T, err error) time.Duration {
	t.Helper()
	info := detail[errdetails.RetryInfo](t, err)
	return info.GetRetryDelay().AsDuration()
}

func TestInvalidRequestsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			b.uses.err = &domain.InvalidError{Violations: []domain.Violation{
				{Field: "nhs_number", Problem: "must be ten digits", Example: "999 000 0018"},
				{Field: "date_of_birth", Problem: "lies in the future", Example: "2019-04-30"},
			}}
			_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
			want := &cpisv1.InvalidRequest{Violations: []*cpisv1.FieldViolation{
				{Field: "nhs_number", Problem: "must be ten digits", Example: "999 000 0018"},
				{Field: "date_of_birth", Problem: "lies in the future", Example: "2019-04-30"},
			}}
			if diff := cmp.Diff(want, detail[cpisv1.InvalidRequest](t, err), protocmp.Transform()); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
			if len(b.uses.refused) != 0 {
				t.Error("what the use case refused was recorded twice")
			}
		})
	}
}

func TestPanicsAreAnsweredAndTellNothing(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			b.uses.panic = fmt.Errorf("%s", secret)
			_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
			checkAnswer(t, "panic", err, connect.CodeInternal, "internal error")
			_, err = send(t, c, begin(), chunk("a"))
			checkAnswer(t, "panic", err, connect.CodeInternal, "internal error")
			log := b.log.String()
			if strings.Contains(log, "Feather") {
				t.Errorf("the log holds the panic's value:\n%s", log)
			}
			if !strings.Contains(log, "panic with a *fmt.wrapError") && !strings.Contains(log, "panic with a *errors.errorString") &&
				!strings.Contains(log, "panic with a *fmt.fmtError") {
				t.Errorf("the log does not name the type of the panic:\n%s", log)
			}
			if !strings.Contains(log, "fixture_test.go") {
				t.Errorf("the log does not say where it happened:\n%s", log)
			}
		})
	}
}

func TestUnauthenticatedNamesTheScheme(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, w := range wires {
		for name, value := range map[string]string{
			"none": "", "other scheme": "Basic " + nurseToken, "wrong": "Bearer other", "bare": nurseToken,
		} {
			c := w.dial(t, s, "Authorization", value)
			_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
			checkAnswer(t, w.name+", "+name, err, connect.CodeUnauthenticated, "not authenticated")
			if got := c.header.Get("WWW-Authenticate"); got != "Bearer" {
				t.Errorf("%s, %s: got WWW-Authenticate %q, want Bearer", w.name, name, got)
			}
			if detail[cpisv1.InvalidRequest](t, err) != nil {
				t.Errorf("%s, %s: a stranger is told what is wrong", w.name, name)
			}
		}
	}
	if n := b.uses.times(); n != 0 || len(b.uses.refused) != 0 {
		t.Errorf("strangers reached %d use cases", n)
	}
}
