package upload

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/planfile"
	"cpis/service/store"
)

// keptToCorrect is for how long a file with rows that are wrong is kept when nothing
// becomes of it any more: so long its result can be had.
const keptToCorrect = 7 * 24 * time.Hour

// resultPiece is how much of a result is passed on together.
const resultPiece = 64 << 10

// maxResults is how many results are made at the same time.
const maxResults = 2

// ResultRequest asks for the result of a file.
type ResultRequest struct {
	UploadID string
	Request  string // request id
}

// ResultPart is a part of a result.
type ResultPart struct {
	Format Format // CSV: one file of it; SSD: a ZIP with two of the tables
	Size   int64  // of the whole
	Offset int64
	Chunk  []byte // the service's until send returns
	// Receipt is that of the download, in the first part.
	Receipt guard.Receipt
}

// DownloadResult passes the lines of a file to send, each with what becomes of it
// and what to do: the columns are those of the file, behind planfile.ResultColumns.
// Cells that a spreadsheet would take for formulas begin with an apostrophe, which
// is taken off when the result is sent as a file. That somebody downloads it is an
// entry before the first part is sent. Its own errors are ErrNotFound (also for
// files of others), ErrState (the file is not kept) and send's.
func (s *Uploads) DownloadResult(ctx context.Context, c *identity.Caller, q *ResultRequest, send func(*ResultPart) error) error {
	leave, err := s.results.Acquire(ctx, reportWait)
	if err != nil {
		return err
	}
	defer leave()
	r := &result{s: s}
	a := guard.Act{
		Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request, Target: target(q.UploadID),
		Prepare: func(ctx context.Context) error { return r.prepare(ctx, c.Organisation, q.UploadID) },
	}
	out, err := guard.Answer(ctx, s.guard, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*resultBegun, error) {
		e.Counts = audit.Counts{"rows": int64(len(r.rows)), "bytes": r.size}
		e.Disclosed = r.disclosed
		return &resultBegun{}, nil
	})
	if err != nil {
		return err
	}
	return guard.Translate(r.send(ctx, out.Receipt, send))
}

// resultBegun is the answer with which a download begins.
type resultBegun struct{ guard.Receipt }

// result is the result of a file. It is written twice: once to know that it can be,
// and how long it is, and once for whoever asked.
type result struct {
	s         *Uploads
	u         *upload
	rows      map[resultKey]rowTexts
	disclosed []audit.Disclosed
	size      int64
}

type resultKey struct {
	file string
	line int
}

// rowTexts is what a result says of a row.
type rowTexts struct{ outcome, advice string }

// hasResult reports whether a result can be had: the file is kept, and was read.
func (u *upload) hasResult(now time.Time) bool {
	return u.details.Pages > 0 && (!u.state().over() || now.Before(u.details.KeptUntil))
}

// prepare finds out what becomes of each line, and how long the result is.
func (r *result) prepare(ctx context.Context, authority, id string) error {
	row, err := guard.FindOwn(ctx, r.s.db.Uploads.Get, authority, id)
	if err != nil {
		return err
	}
	if r.u, err = r.s.open(ctx, &row); err != nil {
		return err
	}
	if !r.u.hasResult(r.s.clock.Moment()) {
		return &guard.StateError{Problem: "the file is not kept any more, or was never read: its rows are still listed for 90 days"}
	}
	if err := r.readRows(ctx); err != nil {
		return err
	}
	var length counter
	if err := r.write(ctx, &length); err != nil {
		return err
	}
	r.size = int64(length)
	return nil
}

// readRows takes what was said about the rows.
func (r *result) readRows(ctx context.Context) error {
	r.rows = map[resultKey]rowTexts{}
	for n := range r.u.details.Pages {
		err := r.s.db.Tx(ctx, func(tx *store.Tx) error {
			rows, err := r.s.openRows(ctx, tx, r.u, n)
			if err != nil {
				return err
			}
			rows = slices.DeleteFunc(rows, func(row RowResult) bool { return row.Line == 0 }) // no line of the file
			r.disclosed = append(r.disclosed, disclosedBy(rows)...)
			for i := range rows {
				r.rows[resultKey{rows[i].File, rows[i].Line}] = textsOf(&rows[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// outcomeTexts are the words of results.
var outcomeTexts = map[RowOutcome]string{
	RowNew: "New", RowUnchanged: "Unchanged", RowChanged: "Changed", RowRejected: "Rejected", RowEnding: "Ending", RowHeldBack: "Held back",
}

// textsOf says what becomes of a row. What is held stands in no result: it names the
// columns alone.
func textsOf(row *RowResult) rowTexts {
	var all []string
	for _, v := range row.Violations {
		text := v.Field + " " + v.Problem
		if v.Field == planfile.FieldRow {
			text = "this row " + v.Problem
		}
		if v.Example != "" {
			text += ", for example " + v.Example
		}
		all = append(all, text)
	}
	if len(row.Changes) > 0 && row.Outcome == RowChanged {
		fields := make([]string, len(row.Changes))
		for i, c := range row.Changes {
			fields[i] = c.Field
		}
		all = append(all, "changes "+strings.Join(fields, ", "))
	}
	return rowTexts{outcomeTexts[row.Outcome], strings.Join(all, "; ")}
}

// send writes the result for whoever asked.
func (r *result) send(ctx context.Context, receipt guard.Receipt, send func(*ResultPart) error) error {
	part := ResultPart{Format: Format(r.u.row.Format), Size: r.size, Receipt: receipt}
	out := bufio.NewWriterSize(writerFunc(func(p []byte) (int, error) {
		part.Chunk = p
		if err := send(&part); err != nil {
			return 0, err
		}
		part.Offset, part.Receipt = part.Offset+int64(len(p)), guard.Receipt{}
		return len(p), nil
	}), resultPiece)
	if err := r.write(ctx, out); err != nil {
		return err
	}
	return out.Flush()
}

// write writes the result: the same each time.
func (r *result) write(ctx context.Context, out io.Writer) error {
	w := planfile.NewResultWriter(out, planfile.Format(r.u.row.Format), audit.HarmlessCell)
	err := r.eachLine(ctx, func(l *planfile.Line) error {
		said := r.rows[resultKey{l.File, l.Line}]
		return w.WriteLine(l, said.outcome, said.advice)
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// eachLine calls fn with the lines of the file, in spells.
func (r *result) eachLine(ctx context.Context, fn func(*planfile.Line) error) error {
	spell, n := r.s.background.Begin(), 0
	sources := r.s.sources(ctx, r.u, r.s.db.Files.Part)
	return planfile.Lines(ctx, planfile.Format(r.u.row.Format), sources, func(l *planfile.Line) error {
		if n++; n%rowsAtOnce == 0 {
			if err := spell.End(ctx, false); err != nil {
				return err
			}
			spell = r.s.background.Begin()
		}
		return fn(l)
	})
}

// counter counts what is written.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (w writerFunc) Write(p []byte) (int, error) { return w(p) }
