package rpc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"cpis/service/guard"
)

// messageTimeout is how long a stream has from one message to the end of the
// next. It is longer than a use case waits between two, and no longer than a
// reader may take who does not read.
const messageTimeout = 60 * time.Second

// errStopping says that the server stops.
var errStopping = errors.New("the server stops")

// live is the connection of a request that is answered by a stream of messages,
// for longer than others have. The zero value is one that has no bounds.
type live struct {
	control  *http.ResponseController
	now      func() time.Time
	stopping <-chan struct{} // closed when the server stops
}

type liveKey struct{}

// liveOf returns the connection that a context belongs to.
func liveOf(ctx context.Context) *live {
	l, ok := ctx.Value(liveKey{}).(*live)
	if !ok {
		return new(live)
	}
	return l
}

// stay returns a context for the stream, which ends when the caller hangs up, when
// the server stops, or with leave.
func (l *live) stay(ctx context.Context) (_ context.Context, leave func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-l.stopping:
			cancel(errStopping)
		case <-done:
		}
	}()
	return ctx, func() {
		close(done)
		cancel(nil)
	}
}

// extend allows the next message its time. If the connection cannot, all have
// together what other requests have.
func (l *live) extend() {
	if l.control != nil {
		_ = l.control.SetWriteDeadline(l.now().Add(messageTimeout))
	}
}

// ended returns how a stream ended. That the server stops, or that the time is
// over which the caller asked for, is no error: the caller goes on elsewhere.
func (l *live) ended(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStopping) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return err
}

// unsent returns why a message was not sent. A caller who does not read it in
// time has gone, as one who hangs up: that is no fault of ours.
func (l *live) unsent(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || err != nil && ctx.Err() != nil {
		return context.Canceled
	}
	return err
}

// sendFile runs a use case that passes a file on part by part, and sends them. Half a
// file must not look like a whole one: that the server stops is an error.
func sendFile[P, M any](
	ctx context.Context, send func(*M) error, toProto func(*P) *M, use func(context.Context, func(*P) error) error,
) error {
	l := liveOf(ctx)
	ctx, leave := l.stay(ctx)
	defer leave()
	err := use(ctx, func(p *P) error {
		l.extend()
		return l.unsent(ctx, send(toProto(p)))
	})
	if errors.Is(context.Cause(ctx), errStopping) {
		return guard.ErrUnavailable
	}
	return err
}
