package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Approval approves a file.
type Approval struct {
	UploadID      string
	Version       int    // that the caller saw
	ConfirmEnding int    // where the safety brake holds it: the number of plans that end
	Request       string `json:"-"` // request id
}

// Cancellation gives a file up.
type Cancellation struct {
	UploadID string
	Version  int    // that the caller saw
	Reason   string // may be empty
	Request  string `json:"-"` // request id
}

// ApproveUpload applies a file that was checked: all rows that are right, in one
// transaction. Where that does something else than when it was checked, because
// what is held has changed, it is checked again instead, and waits. The error is
// ErrDenied, *InvalidError (the safety brake holds it, and the number is not
// confirmed), ErrNotFound (also for files of others), *StaleError, ErrState (it
// does not wait), *OverloadedError, ErrReused, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
//
// Once it is approved, it is applied whatever becomes of this server: the answer
// may be that it is being applied.
func (s *Service) ApproveUpload(ctx context.Context, c *identity.Caller, q *Approval) (*UploadAnswer, error) {
	var v violations
	if q.Version < 1 {
		v.add("version", "must be the version of the upload that you saw", "1")
	}
	a := act{caller: c, action: policy.ApproveUpload, own: true, request: q.Request, asks: q, check: v.err()}
	out, err := once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*uploadAct, error) {
		u, err := s.lockOwn(ctx, tx, c.Organisation, q.UploadID, q.Version)
		if err != nil {
			return nil, err
		}
		if u.state() != UploadWaiting {
			return nil, u.notIn("approved")
		}
		if err := q.confirms(u); err != nil {
			return nil, err
		}
		u.decide(changeBy(c, "approve", ""), s, q.Request)
		e.Counts = u.counts.audit()
		return &uploadAct{ID: u.row.ID.String()}, u.move(ctx, tx, UploadApplying, s.moment(), turnLease)
	})
	if err != nil {
		return nil, err
	}
	return s.attended(ctx, c.Organisation, out)
}

// notIn says that an upload cannot be approved, or cancelled, where it stands.
func (u *upload) notIn(done string) error {
	return &StateError{"the upload is " + u.row.State + ", and cannot be " + done + " any more"}
}

// confirms says whether the number of plans that end is confirmed, where it
// must be.
func (q *Approval) confirms(u *upload) error {
	var v violations
	if ends := u.counts.Ends(); u.details.Brake && q.ConfirmEnding != ends {
		v.add("confirm_ending", fmt.Sprintf("must be %d, the number of plans that this file ends", ends), strconv.Itoa(ends))
	}
	return v.err()
}

// decide notes who decided.
func (u *upload) decide(by change, s *Service, request string) {
	u.details.Decided, u.details.DecidedAt, u.details.DecidedRequest = by, s.moment(), request
}

// CancelUpload gives up a file that was not applied. The error is ErrDenied,
// *InvalidError, ErrNotFound (also for files of others), *StaleError, ErrState
// (it was approved, or nothing becomes of it any more), *OverloadedError,
// ErrReused, ErrUnrecorded, ErrUnavailable or ErrDamaged.
func (s *Service) CancelUpload(ctx context.Context, c *identity.Caller, q *Cancellation) (*UploadAnswer, error) {
	var check checker
	if q.Version < 1 {
		check.add("version", "must be the version of the upload that you saw", "1")
	}
	reason := check.text("reason", q.Reason, maxReasonLength, "Sent by mistake")
	a := act{caller: c, action: policy.UploadPlans, own: true, request: q.Request, asks: q, check: check.err()}
	var shown Upload
	out, err := once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*uploadAct, error) {
		u, err := s.lockOwn(ctx, tx, c.Organisation, q.UploadID, q.Version)
		if err != nil {
			return nil, err
		}
		if u.state() != UploadReceived && u.state() != UploadWaiting {
			return nil, u.notIn("cancelled")
		}
		u.decide(changeBy(c, "cancel", reason), s, q.Request)
		u.details.Brake = false
		e.Reason = reasonCancelled
		if err := u.move(ctx, tx, UploadCancelled, s.moment(), 0); err != nil {
			return nil, err
		}
		shown = u.show()
		return &uploadAct{ID: shown.ID}, nil
	})
	if err != nil {
		return nil, err
	}
	if shown.ID == "" { // the answer is an earlier one
		return s.attended(ctx, c.Organisation, out)
	}
	return &UploadAnswer{Upload: shown, Receipt: out.Receipt}, nil
}

// lockOwn finds, locks and opens an upload of an authority.
func (s *Service) lockOwn(ctx context.Context, tx *store.Tx, authority, id string, version int) (*upload, error) {
	row, err := findUpload(ctx, tx.LockUpload, authority, id)
	if err != nil {
		return nil, err
	}
	if row.Version != version {
		return nil, &StaleError{Current: row.Version}
	}
	return s.openUpload(ctx, &row)
}

// findUpload finds an upload of an authority. One of another is not found, like
// one that does not exist.
func findUpload(
	ctx context.Context, find func(context.Context, uuid.UUID) (store.UploadRow, error), authority, id string,
) (store.UploadRow, error) {
	parsed, err := uuid.Parse(strings.ToLower(id))
	if err != nil {
		return store.UploadRow{}, ErrNotFound
	}
	row, err := find(ctx, parsed)
	if err == nil && row.Authority != authority {
		return store.UploadRow{}, ErrNotFound
	}
	return row, err
}
