package webtest

import (
	"context"
	"strings"
	"sync"

	"cpis/service/deliver"
)

// Sender takes the messages of webhooks, which are outside the house. It is safe for
// concurrent use.
type Sender struct {
	mu      sync.Mutex
	failure string // with which it refuses all; none if it is empty
	taken   int
}

// Check takes every address of https.
func (*Sender) Check(to string) (problem, example string) {
	if !strings.HasPrefix(to, "https://") {
		return "must begin with https://", "https://cases.example.gov.uk/notices"
	}
	return "", ""
}

// Send takes a message, or fails.
func (s *Sender) Send(context.Context, *deliver.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != "" {
		return &deliver.DeliveryError{Word: s.failure}
	}
	s.taken++
	return nil
}

// Fail has everything fail with a word from now on; nothing if it is empty.
func (s *Sender) Fail(word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = word
}

// Taken is how many messages it took.
func (s *Sender) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
