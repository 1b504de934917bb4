package service

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

const (
	// maxUploads is how many files are read and written at the same time, one
	// of each organisation. All authorities upload in the same nights, and
	// look-ups must not notice, nor must the memory run out.
	maxUploads = 2
	// uploadWait is how long a file waits for others before it is refused.
	uploadWait = 5 * time.Second
	// readTimeout bounds how long a file is read: somebody else may wait for
	// the place of whoever sends slowly.
	readTimeout = 2 * time.Minute
	// turnWait is how long a file that was read waits for other acts: to send
	// it again would cost more.
	turnWait = 30 * time.Second
	// uploadTimeout bounds the transaction of an upload.
	uploadTimeout = 5 * time.Minute
)

// What entries of uploads that changed nothing say.
const (
	reasonCheckOnly    = "check_only"
	reasonRowsRejected = "rows_rejected"
)

// RowOutcome is what became of a row of a file.
type RowOutcome string

// The outcomes.
const (
	RowNew       RowOutcome = "new"
	RowUnchanged RowOutcome = "unchanged" // the plan is held already
	RowRejected  RowOutcome = "rejected"
)

// RowResult is what became of one row.
type RowResult struct {
	Line       int // on which the row begins, from 1
	Outcome    RowOutcome
	PlanID     string      // where the plan is held, or is from now on
	Violations []Violation // what is wrong; of an unchanged row, what is held otherwise
}

// UploadResult is what became of a file.
type UploadResult struct {
	Applied   bool // the plans are held now
	Rows      int  // without the header and empty ones
	New       int
	Unchanged int
	Rejected  int
	Results   []RowResult // one for each row, in the order of the file
	Receipt   Receipt
}

func (r *UploadResult) receive(receipt Receipt) { r.Receipt = receipt }
func (r *UploadResult) changed() bool           { return r.Applied }

// UploadOptions say what is to be done with a file.
type UploadOptions struct {
	CheckOnly bool   // change nothing
	Request   string // request id
}

// Upload registers the plans of a CSV file for the caller's authority: all of
// them in one transaction or, where any row is wrong, none. That rows are wrong
// is an answer, not an error; the error is *InvalidError where the file as a
// whole is, *OverloadedError where others upload, ErrDenied, ErrReused,
// ErrUnrecorded, ErrUnavailable, ErrDamaged or that of reading the file:
// context.DeadlineExceeded where that took too long. docs/upload-format.md
// describes the file.
//
// A row whose plan is held already (same person, kind and first day) changes
// nothing, but for a person who is to be restricted from now on. Nothing is
// ever ended by a file, whatever it lacks.
func (s *Service) Upload(
	ctx context.Context, c *identity.Caller, file io.Reader, o UploadOptions,
) (*UploadResult, error) {
	a := act{caller: c, action: policy.UploadPlans, own: true, request: o.Request, wait: turnWait}
	u := upload{s: s, authority: c.Organisation, by: changeBy(c, "upload", ""), checkOnly: o.CheckOnly, keys: newKeys{}, sheet: &sheet{}}
	if s.decide(&a).Allowed { // else the door refuses, and the file is not read
		leave, err := s.uploads.take(ctx, c.Organisation, uploadWait)
		if _, overloaded := errors.AsType[*OverloadedError](err); overloaded {
			s.observe.Refused()
			return nil, err
		}
		defer leave()
		if a.check = err; err == nil {
			a.check = u.read(ctx, file)
		}
	}
	content := []string{hex.EncodeToString(u.sheet.digest[:]), strconv.FormatBool(o.CheckOnly)}
	if err := s.once(ctx, uploadTimeout, a, content, &u.result, u.run); err != nil {
		return nil, err
	}
	return &u.result, nil
}

// upload is a file on its way through the door.
type upload struct {
	s         *Service
	authority string
	by        change
	checkOnly bool
	sheet     *sheet
	keys      newKeys
	result    UploadResult
}

// read reads the file, at the pace of whoever sends it, but not for ever.
func (u *upload) read(ctx context.Context, file io.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	read, err := readSheet(newTimedReader(ctx, file), u.s.today())
	if err != nil {
		return err
	}
	u.sheet = read
	return nil
}

// run places all rows and, where nothing is wrong, writes what is new.
func (u *upload) run(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
	find := tx.LockPersonsByTags
	if u.checkOnly {
		find = tx.PersonsByTags
	} else if err := tx.WaitForLocks(ctx); err != nil {
		return err
	}
	in, err := u.s.takeIn(ctx, find, tx, u.authority, u.by, u.keys, u.sheet.numbers())
	if err != nil {
		return err
	}
	u.place(in)
	r := &u.result
	e.Counts = audit.Counts{
		"rows": int64(r.Rows), "new": int64(r.New), "unchanged": int64(r.Unchanged), "rejected": int64(r.Rejected),
	}
	switch {
	case r.Rejected > 0:
		e.Outcome, e.Reason = outcomeInvalid, reasonRowsRejected
	case u.checkOnly:
		e.Reason = reasonCheckOnly
	default:
		r.Applied = true
		return in.write(ctx, tx)
	}
	r.forgetNew()
	return nil
}

// place fills the result with what becomes of each row.
func (u *upload) place(in *intake) {
	rows := u.sheet.rows
	u.result = UploadResult{Rows: len(rows), Results: make([]RowResult, len(rows))}
	for i := range rows {
		u.result.Results[i] = u.placeRow(in, &rows[i])
	}
}

func (u *upload) placeRow(in *intake, row *row) RowResult {
	p := placed{wrong: row.wrong}
	if len(row.wrong) == 0 {
		p = in.place(&row.draft, row.line)
	}
	out := RowResult{Line: row.line, Violations: p.wrong}
	switch {
	case p.plan == nil:
		out.Outcome = RowRejected
		u.result.Rejected++
		return out
	case p.known:
		out.Outcome = RowUnchanged
		u.result.Unchanged++
	default:
		out.Outcome = RowNew
		u.result.New++
	}
	out.PlanID = p.plan.row.ID.String()
	return out
}

// forgetNew removes the identifiers of plans that will not be.
func (r *UploadResult) forgetNew() {
	for i := range r.Results {
		if r.Results[i].Outcome == RowNew {
			r.Results[i].PlanID = ""
		}
	}
}

// numbers gives the NHS numbers of the rows that are right.
func (s *sheet) numbers() []NHSNumber {
	numbers := make([]NHSNumber, 0, len(s.rows))
	for i := range s.rows {
		if n := s.rows[i].draft.person.NHSNumber; !n.IsZero() {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
