package service

import (
	"context"
	"time"
)

// SetPace makes the service believe that a group takes so long.
func (s *Service) SetPace(d time.Duration) { s.group.pace.Store(d.Nanoseconds()) }

// Open says whether an office is open, and until when that holds.
func (h Hours) Open(t time.Time) (bool, time.Time) { return h.open(t) }

// ReadInChunksOf sets how many entries the signer reads at once.
func (s *Service) ReadInChunksOf(n int64) { s.chunk = n }

// Verified is how many entries the signer has verified, signed or not.
func (s *Service) Verified() int64 {
	s.signing.Lock()
	defer s.signing.Unlock()
	return s.verified.Size()
}

// RenewReviews makes another key for the reasons of break-glass, where it is
// time for it.
func (s *Service) RenewReviews(ctx context.Context) { s.renewReviews(ctx) }

// CheckRegistration says what is wrong with a registration on its face.
func CheckRegistration(r *Registration, today Date) []Violation {
	_, v := r.read(requestForms, today)
	return v
}

// ReadCursor reads a cursor and writes it again.
func ReadCursor(text string) (again string, ok bool) {
	c, ok := parseCursor(text)
	return c.String(), ok
}

// ReadContacts reads the numbers of an authority as SetContacts does.
func ReadContacts(c Contacts) (Contacts, error) {
	var check checker
	right := c.read(&check, "")
	return right, check.err()
}

// ContentOf is what tells a request from others.
func ContentOf(request any) ([]string, error) { return contentOf(request) }
