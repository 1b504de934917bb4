package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// GetRequest asks for one file.
type GetRequest struct {
	UploadID string
	Request  string // request id
}

// ListRequest asks for files.
type ListRequest struct {
	WaitingOnly bool // only those that wait for approval
	guard.Paging
	Request string // request id
}

// Page is a part of the list of files, the newest first.
type Page struct {
	guard.Receipt

	Uploads []Upload
	Next    string // where to go on; empty at the end
}

// ListRowsRequest asks for the rows of a file.
type ListRowsRequest struct {
	UploadID string
	Outcome  RowOutcome // only these; empty for all
	Cause    int        // only what was rejected for this one of the file's Reasons, from 1; 0 for all
	Page     string     // where to go on: Next of the part before
	Request  string     // request id
}

// RowPage is a part of the rows, in the order of the file. It may be empty, and
// others still follow.
type RowPage struct {
	guard.Receipt

	Rows  []RowResult
	Cause ReasonCount // that was asked for
	Next  string      // where to go on; empty at the end
}

// GetUpload shows where a file of the caller's authority stands. Its own error
// is ErrNotFound (also for files of others).
func (s *Uploads) GetUpload(ctx context.Context, c *identity.Caller, q *GetRequest) (*Answer, error) {
	a := guard.Act{Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request, Target: target(q.UploadID)}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Answer, error) {
		row, err := guard.FindOwn(ctx, tx.Uploads.Get, c.Organisation, q.UploadID)
		if err != nil {
			return nil, err
		}
		u, err := s.open(ctx, &row)
		if err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"uploads": 1}
		return &Answer{Upload: u.show(s.clock.Moment())}, nil
	})
}

// ListUploads shows the files of the caller's authority.
func (s *Uploads) ListUploads(ctx context.Context, c *identity.Caller, q *ListRequest) (*Page, error) {
	var check domain.Reader
	size, before := q.Read(&check, uuid.Max)
	a := guard.Act{Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request, Check: check.Err()}
	state := ""
	if q.WaitingOnly {
		state = string(Waiting)
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Page, error) {
		out := &Page{}
		rows, err := tx.Uploads.List(ctx, c.Organisation, state, before, size)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			u, err := s.open(ctx, &rows[i])
			if err != nil {
				return nil, err
			}
			out.Uploads = append(out.Uploads, u.show(s.clock.Moment()))
		}
		if len(rows) > 0 {
			out.Next = guard.Next(len(rows), size, rows[len(rows)-1].ID)
		}
		e.Counts = audit.Counts{"uploads": int64(len(rows))}
		guard.Show(e, guard.KindUpload, out.Uploads, func(u *Upload) string { return u.ID })
		return out, nil
	})
}

// ListUploadRows shows what the check says about the rows of a file or, once it
// is applied, what became of them. What would end comes last. The rows are kept
// for 90 days. Its own error is ErrNotFound (also for files of others).
func (s *Uploads) ListUploadRows(ctx context.Context, c *identity.Caller, q *ListRowsRequest) (*RowPage, error) {
	n, wrong := q.page()
	a := guard.Act{
		Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request, Target: target(q.UploadID), Check: wrong.Err(),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*RowPage, error) {
		row, err := guard.FindOwn(ctx, tx.Uploads.Get, c.Organisation, q.UploadID)
		if err != nil {
			return nil, err
		}
		u, err := s.open(ctx, &row)
		if err != nil {
			return nil, err
		}
		out, err := s.listRows(ctx, tx, u, q, n)
		if err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"rows": int64(len(out.Rows))}
		e.Disclosed = disclosedBy(out.Rows)
		return out, nil
	})
}

// maxPassed is how many pages are passed over that have none of the rows asked for.
const maxPassed = 20

// listRows lists the rows that are asked for, of a page and, if that has none, of the
// next that does.
func (s *Uploads) listRows(ctx context.Context, tx *store.Tx, u *upload, q *ListRowsRequest, n int) (*RowPage, error) {
	out := &RowPage{}
	if q.Cause > 0 {
		if q.Cause > len(u.details.Reasons) {
			return nil, unknownCause()
		}
		out.Cause = u.details.Reasons[q.Cause-1]
	}
	for last := n + maxPassed; n < u.details.Pages && len(out.Rows) == 0 && n < last; n++ {
		rows, err := s.openRows(ctx, tx, u, n)
		if err != nil {
			return nil, err
		}
		out.Rows = slices.DeleteFunc(rows, func(r RowResult) bool { return !q.wants(&r, &out.Cause) })
	}
	if n < u.details.Pages {
		out.Next = strconv.Itoa(n)
	}
	return out, nil
}

// wants reports whether a row is asked for.
func (q *ListRowsRequest) wants(r *RowResult, cause *ReasonCount) bool {
	switch {
	case q.Outcome != "" && r.Outcome != q.Outcome:
		return false
	case q.Cause == 0:
		return true
	}
	return slices.ContainsFunc(r.Violations, func(v domain.Violation) bool {
		why := r.reason(v)
		return why.Field == cause.Field && why.Code == cause.Code && why.Problem == cause.Problem
	})
}

// unknownCause says that nothing was rejected for what was asked.
func unknownCause() error {
	var v domain.Violations
	v.Add("cause", "is none of the file's", "1")
	return v.Err()
}

// page reads where to go on.
func (q *ListRowsRequest) page() (n int, wrong domain.Violations) {
	if q.Cause < 0 {
		wrong.Add("cause", "is none of the file's", "1")
	}
	if q.Page == "" {
		return 0, wrong
	}
	n, err := strconv.Atoi(q.Page)
	if err != nil || n < 0 || n > maxThreshold {
		wrong.Add("page", guard.ProblemPage, "")
	}
	return n, wrong
}

// openRows opens a page of rows. If there is none any more, the upload was
// checked again at this moment.
func (s *Uploads) openRows(ctx context.Context, tx *store.Tx, u *upload, n int) ([]RowResult, error) {
	sealed, err := tx.Files.Rows(ctx, u.row.ID, u.details.Run, n)
	if errors.Is(err, store.ErrNotFound) {
		return nil, guard.ErrConflict
	}
	if err != nil {
		return nil, err
	}
	text, err := u.key.Open(sealed, record.RowsContext(u.row.ID, u.details.Run, n))
	if err != nil {
		return nil, s.records.Damaged(record.TableUploadRows)
	}
	var rows []RowResult
	if json.Unmarshal(text, &rows) != nil {
		return nil, fmt.Errorf("decoding rows: %w", guard.ErrDamaged)
	}
	return rows, nil
}

// disclosedBy returns the plans of which rows show what is held.
func disclosedBy(rows []RowResult) []audit.Disclosed {
	var all []audit.Disclosed
	for i := range rows {
		if r := &rows[i]; r.PlanID != "" {
			all = append(all, audit.Disclosed{Plan: r.PlanID, Version: r.Version})
		}
	}
	return all
}
