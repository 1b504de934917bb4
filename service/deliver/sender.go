package deliver

import (
	"context"
	"errors"
	"time"
)

// Sender sends notices on, on channels of one kind. It is safe for concurrent
// use.
type Sender interface {
	// Check says what is wrong with an address, and what a right one looks
	// like; nothing if it is right. It asks nobody.
	Check(to string) (problem, example string)
	// Send sends a message. Nil says that the other side has it; everything
	// else that it may or may not have it, and that the same message will be
	// sent again. The error should be a *DeliveryError, and must hold nothing
	// about anybody.
	Send(ctx context.Context, m *Message) error
}

// Message is a notice on its way.
type Message struct {
	ID      string    // of the notice, the same at every attempt and on every channel
	At      time.Time // of the attempt
	To      string    // the address
	Secrets [][]byte  // that sign it, the newest first; none if the channel has none
	Body    []byte    // JSON, the same at every attempt as long as the notice is
}

// DeliveryError says in a word why a message could not be sent. The word is
// shown to the authority, and holds nothing of the answer but its status.
type DeliveryError struct{ Word string }

// Error returns the word.
func (e *DeliveryError) Error() string { return "delivery failed: " + e.Word }

// Words for failures that are not a sender's.
const (
	failureUnopened     = "details_unavailable" // the keys cannot be had now
	failureInterrupted  = "interrupted"         // the server stopped meanwhile
	failureUnconfigured = "not_configured"      // this installation does not send on such channels any more
	failureUnreached    = "not_reached"         // never tried: the channel failed all the time
	failureTimeout      = "timeout"
	failureOther        = "failed"
)

// failureOf returns the word for a sender's error.
func failureOf(err error) string {
	if e, ok := errors.AsType[*DeliveryError](err); ok {
		return e.Word
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failureTimeout
	}
	return failureOther
}
