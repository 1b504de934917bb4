package service

import (
	"context"
	"errors"
	"time"

	"cpis/service/store"
)

// How answers to requests that may be repeated are forgotten.
const (
	idempotentFor = 24 * time.Hour
	tidyEvery     = 10 * time.Minute
	tidyPage      = 1000
)

// KeepTidy forgets what has served its time, until ctx ends: answers kept for
// requests that may be repeated, what files said about people, and colleagues who
// were not seen for long.
func (s *Service) KeepTidy(ctx context.Context) {
	every(ctx, tidyEvery, func(ctx context.Context) {
		_ = s.Tidy(ctx) // tried again at the next tick
	})
}

// Tidy forgets what has served its time.
func (s *Service) Tidy(ctx context.Context) error {
	return errors.Join(s.expireAnswers(ctx), s.forgetUploads(ctx), s.forgetColleagues(ctx))
}

// expireAnswers forgets answers kept for requests that may be repeated.
func (s *Service) expireAnswers(ctx context.Context) error {
	before := s.now().Add(-idempotentFor).UTC()
	for {
		var gone int64
		err := s.db.Tx(ctx, func(tx *store.Tx) error {
			var err error
			gone, err = tx.ExpireIdempotent(ctx, before, tidyPage)
			return err
		})
		if err != nil || gone < tidyPage {
			return err
		}
	}
}
