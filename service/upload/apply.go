package upload

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// maxWorking is how many uploads are checked or applied at the same time. All
	// authorities upload in the same nights, and look-ups must not notice; two at
	// once were not done sooner.
	maxWorking = 1
	// workLease is how long a server works on an upload before another takes it
	// over, and again how long after a failure it is tried once more.
	workLease  = 2 * time.Minute
	retryLease = 30 * time.Second
	// applyTimeout bounds the transaction that applies a file.
	applyTimeout = 5 * time.Minute
	// maxSteps is how often an upload may change its state while a server
	// attends to it: checked, approved by rule, found changed, checked again.
	maxSteps = 4
)

var (
	// errOtherwise says that a file does something else than when it was checked.
	errOtherwise = errors.New("file does something else than was approved")
	// errAttended says that somebody else brought an upload further.
	errAttended = errors.New("upload is attended to")
)

// attend checks an upload that was received, or applies one that was approved.
// Whoever waits longest has the next turn. An error says that it must be attended
// to later.
func (s *Uploads) attend(ctx context.Context, authority string, id uuid.UUID, wait time.Duration) error {
	leave, err := s.turns.Acquire(ctx, authority, wait)
	if err != nil {
		return err
	}
	defer leave()
	return s.advance(ctx, id)
}

// resume is attend for an upload that nobody works on any more. Of servers that
// find it at the same time one works on it.
func (s *Uploads) resume(ctx context.Context, row *store.UploadRow) error {
	leave, err := s.turns.Acquire(ctx, row.Authority, resumeWait)
	if err != nil {
		return err
	}
	defer leave()
	err = s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Uploads.Claim(ctx, row, s.clock.Moment().Add(workLease)) })
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.advance(ctx, row.ID)
}

// advance moves an upload on until it needs a person or is finished.
func (s *Uploads) advance(ctx context.Context, id uuid.UUID) error {
	for range maxSteps {
		row, err := s.db.Uploads.Get(ctx, id)
		if err != nil {
			return guard.Translate(err)
		}
		state := State(row.State)
		if state != Received && state != Applying {
			return nil
		}
		if err = s.attendOnce(ctx, &row); err != nil && !errors.Is(err, errAttended) && !errors.Is(err, store.ErrConflict) {
			_ = s.lease(ctx, &row, retryLease) // if that fails, it is looked after all the same
			return guard.Translate(err)
		}
	}
	return nil
}

// attendOnce brings an upload into its next state.
func (s *Uploads) attendOnce(ctx context.Context, row *store.UploadRow) error {
	if err := s.ready(); err != nil {
		return err
	}
	if err := s.lease(ctx, row, workLease); err != nil {
		return err
	}
	u, err := s.open(ctx, row)
	if err != nil {
		return err
	}
	if u.state() == Received {
		return s.check(ctx, u)
	}
	return s.applyApproved(ctx, u)
}

// lease keeps other servers from an upload for a while.
func (s *Uploads) lease(ctx context.Context, row *store.UploadRow, d time.Duration) error {
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.Uploads.Lease(ctx, row.ID, row.Version, s.clock.Moment().Add(d))
	})
}

// applyApproved does what a file that was approved does, in one transaction with
// the entry that says so. If that is not what was approved, the file is
// checked again instead. What fails leaves it as it is, to be tried again.
func (s *Uploads) applyApproved(ctx context.Context, u *upload) error {
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	leave, err := s.guard.Acquire(ctx, turnWait)
	if err != nil {
		return err
	}
	made := record.NewKeys{}
	err = func() error {
		defer leave()
		return s.db.Tx(ctx, func(tx *store.Tx) error { return s.apply(ctx, tx, u, made) })
	}()
	switch {
	case err == nil, errors.Is(err, errAttended):
		return err
	case errors.Is(err, errOtherwise), errors.Is(err, errMoved), errors.Is(err, store.ErrConflict):
		return s.checkAgain(ctx, u)
	}
	e := u.entry(actionApply, u.details.DecidedRequest)
	e.Counts = nil
	err = guard.Translate(err)
	e.Outcome = guard.OutcomeOf(err)
	if errors.Is(err, guard.ErrDamaged) {
		return errors.Join(s.guard.Record(ctx, &e, err), s.checkAgain(ctx, u))
	}
	return s.guard.Record(ctx, &e, err)
}

// apply applies a file in a transaction.
func (s *Uploads) apply(ctx context.Context, tx *store.Tx, u *upload, made record.NewKeys) error {
	if err := tx.WaitForLocks(ctx); err != nil {
		return err
	}
	now, err := tx.Uploads.Lock(ctx, u.row.ID)
	if err != nil {
		return err
	}
	if now.Version != u.row.Version {
		return errAttended
	}
	to := *u // fn may run again
	p := s.newApplication(&to, tx, made)
	if err := p.through(ctx); err != nil {
		if _, is := broken(err); is {
			return errOtherwise // the check will say so
		}
		return err
	}
	if !bytes.Equal(p.digest.Sum(nil), u.details.Preview) {
		return errOtherwise
	}
	to.details.Run, to.details.Pages = p.run, p.pages
	to.details.Code = codeAll
	if p.counts.Rejected > 0 {
		to.details.Code = codeSome
	}
	if err := tx.Files.DeleteRows(ctx, u.row.ID, p.run); err != nil {
		return err
	}
	if err := to.move(ctx, tx, Applied, s.clock.Moment(), 0); err != nil {
		return err
	}
	e := to.entry(actionApply, u.details.DecidedRequest)
	p.describe(&e)
	_, err = s.guard.Enter(ctx, tx, &e)
	return err
}

// checkAgain brings a file that was approved back to be checked: what is held
// has changed, and with it what the file would do.
func (s *Uploads) checkAgain(ctx context.Context, u *upload) error {
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		to := *u // fn may run again
		to.details.Again = true
		to.details.Decided, to.details.DecidedAt, to.details.DecidedRequest = record.Author{}, time.Time{}, ""
		if err := to.move(ctx, tx, Received, s.clock.Moment(), workLease); err != nil {
			return err
		}
		e := u.entry(actionApply, u.details.DecidedRequest)
		e.Outcome, e.Reason, e.Counts = guard.OutcomeRefused, guard.ReasonChanged, nil
		_, err := s.guard.Enter(ctx, tx, &e)
		return err
	})
}
