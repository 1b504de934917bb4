package upload

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// ApproveRequest approves a file.
type ApproveRequest struct {
	UploadID      string
	Version       int    // that the caller saw
	ConfirmEnding int    // if the safety brake holds it: the number of plans that end
	Request       string `json:"-"` // request id
	// Wait is how long whoever approves it waits for what becomes of it; if 0, as long
	// as it takes.
	Wait time.Duration `json:"-"`
}

// CancelRequest gives a file up.
type CancelRequest struct {
	UploadID string
	Version  int    // that the caller saw
	Reason   string // may be empty
	Request  string `json:"-"` // request id
}

// ApproveUpload applies a file that was checked: all rows that are right, in
// one transaction. If that does something else than when it was checked,
// because what is held has changed, it is checked again instead, and waits. Its
// own errors are *InvalidError (the safety brake holds it, and the number is
// not confirmed), ErrNotFound (also for files of others), *StaleError and
// ErrState (it does not wait).
//
// Once it is approved, it is applied whatever becomes of this server: the
// answer may be that it is being applied.
func (s *Uploads) ApproveUpload(ctx context.Context, c *identity.Caller, q *ApproveRequest) (*Answer, error) {
	var v domain.Violations
	if q.Version < 1 {
		v.Add("version", "must be the version of the upload that you saw", "1")
	}
	a := guard.Act{
		Caller: c, Action: policy.ApproveUpload, Own: true, Request: q.Request, Asks: q, Target: target(q.UploadID), Check: v.Err(),
	}
	out, err := guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*acted, error) {
		u, err := s.lockOwn(ctx, tx, c.Organisation, q.UploadID, q.Version)
		if err != nil {
			return nil, err
		}
		if u.state() != Waiting {
			return nil, u.notIn("approved")
		}
		if err := q.confirms(u); err != nil {
			return nil, err
		}
		u.decide(record.AuthorOf(c, "approve", ""), s.clock.Moment(), q.Request)
		e.Counts = u.counts.audit()
		return &acted{ID: u.row.ID.String()}, u.move(ctx, tx, Applying, s.clock.Moment(), turnLease)
	})
	if err != nil {
		return nil, err
	}
	return s.attended(ctx, c.Organisation, out, q.Wait)
}

// notIn says that an upload cannot be approved, or cancelled, where it stands.
func (u *upload) notIn(done string) error {
	return &guard.StateError{Problem: "the upload is " + u.row.State + ", and cannot be " + done + " any more"}
}

// confirms reports whether the number of plans that end is confirmed, if it
// must be.
func (q *ApproveRequest) confirms(u *upload) error {
	var v domain.Violations
	if ends := u.counts.Ends(); u.details.Brake && q.ConfirmEnding != ends {
		v.Add("confirm_ending", fmt.Sprintf("must be %d, the number of plans that this file ends", ends), strconv.Itoa(ends))
	}
	return v.Err()
}

// decide notes who decided.
func (u *upload) decide(by record.Author, at time.Time, request string) {
	u.details.Decided, u.details.DecidedAt, u.details.DecidedRequest = by, at, request
}

// CancelUpload gives up a file that was not applied. Its own errors are
// ErrNotFound (also for files of others), *StaleError and ErrState (it was
// approved, or nothing becomes of it any more).
func (s *Uploads) CancelUpload(ctx context.Context, c *identity.Caller, q *CancelRequest) (*Answer, error) {
	var check domain.Reader
	if q.Version < 1 {
		check.Add("version", "must be the version of the upload that you saw", "1")
	}
	reason := check.Text("reason", q.Reason, domain.MaxReasonLength, "Sent by mistake")
	a := guard.Act{
		Caller: c, Action: policy.UploadPlans, Own: true, Request: q.Request, Asks: q, Target: target(q.UploadID), Check: check.Err(),
	}
	var shown Upload
	out, err := guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*acted, error) {
		u, err := s.lockOwn(ctx, tx, c.Organisation, q.UploadID, q.Version)
		if err != nil {
			return nil, err
		}
		if u.state() != Received && u.state() != Waiting {
			return nil, u.notIn("cancelled")
		}
		u.decide(record.AuthorOf(c, "cancel", reason), s.clock.Moment(), q.Request)
		u.details.Brake = false
		e.Reason = guard.ReasonCancelled
		if err := u.move(ctx, tx, Cancelled, s.clock.Moment(), 0); err != nil {
			return nil, err
		}
		shown = u.show(s.clock.Moment())
		return &acted{ID: shown.ID}, nil
	})
	if err != nil {
		return nil, err
	}
	if shown.ID == "" { // the answer is an earlier one
		return s.attended(ctx, c.Organisation, out, 0)
	}
	return &Answer{Upload: shown, Receipt: out.Receipt}, nil
}

// lockOwn finds, locks and opens an upload of an authority.
func (s *Uploads) lockOwn(ctx context.Context, tx *store.Tx, authority, id string, version int) (*upload, error) {
	row, err := guard.FindOwn(ctx, tx.Uploads.Lock, authority, id)
	if err != nil {
		return nil, err
	}
	if row.Version != version {
		return nil, &guard.StaleError{Current: row.Version}
	}
	return s.open(ctx, &row)
}
