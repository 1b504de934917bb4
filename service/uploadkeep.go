package service

import (
	"context"
	"time"

	"cpis/service/store"
)

const (
	// resumeEvery is how often a server looks for uploads that nobody works on.
	resumeEvery = 5 * time.Second
	// resumePage is how many of them it takes at once.
	resumePage = 20
	// uploadKept is how long it is kept what a file said about people.
	uploadKept = 90 * 24 * time.Hour
)

// KeepUploads attends to uploads that were received or approved and that nobody
// works on any more, such as those of a server that was killed, until ctx ends.
func (s *Service) KeepUploads(ctx context.Context) {
	every(ctx, resumeEvery, func(ctx context.Context) {
		_ = s.ResumeUploads(ctx) // tried again at the next tick
	})
}

// ResumeUploads attends once to all uploads that nobody works on any more.
func (s *Service) ResumeUploads(ctx context.Context) error {
	rows, err := s.db.UnattendedUploads(ctx, s.moment(), resumePage)
	if err != nil {
		return translate(err)
	}
	for i := range rows {
		row := &rows[i]
		if UploadState(row.State) == uploadReceiving { // whoever sent it has gone
			err = s.db.Tx(ctx, func(tx *store.Tx) error { return tx.DeleteUpload(ctx, row.ID) })
		} else {
			err = s.attend(ctx, row.Authority, row.ID, time.Second)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return translate(err)
}

// forgetUploads forgets what files said about people that nothing becomes of
// any more.
func (s *Service) forgetUploads(ctx context.Context) error {
	before := s.moment().Add(-uploadKept)
	states := []string{string(UploadChecked), string(UploadApplied), string(UploadRejected), string(UploadCancelled)}
	for {
		rows, err := s.db.UploadsChangedBefore(ctx, before, states, resumePage)
		if err != nil {
			return err
		}
		for i := range rows {
			err := s.db.Tx(ctx, func(tx *store.Tx) error { return tx.ForgetUpload(ctx, rows[i].ID) })
			if err != nil {
				return err
			}
			s.ring.Forget(uploadOwner(rows[i].ID))
		}
		if len(rows) < resumePage {
			return nil
		}
	}
}
