package export

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cpis/audit"
	"cpis/audit/archive"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/oversight"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// maxOpenExports is how many exports somebody may have that are not forgotten:
	// each is a file.
	maxOpenExports = 50
	// maxExported bounds the entries of one.
	maxExported = 10_000_000
)

// State is where an export stands.
type State string

// The states.
const (
	Making State = "making" // some server makes it
	Ready  State = "ready"
	Failed State = "failed" // the log or the index is damaged: an operator was told
)

// CreateExportRequest asks for a report as a file.
type CreateExportRequest struct {
	Report  oversight.Report
	Query   oversight.Query
	Formats []string // besides the lines; none of them is required
	Request string   `json:"-"` // request id
}

// CreatedExport is an export that will be made.
type CreatedExport struct {
	guard.Receipt
	oversight.Coverage

	Export Export
}

// Export is a report as a file. Only who asked for it may see it.
type Export struct {
	ID      string
	State   State
	Report  oversight.Report
	Reason  oversight.Reason
	Formats []string
	Entries int64 // as they were counted; once it is ready, as they are in the file
	Done    int64 // how far it is, of Work
	Work    int64
	Size    int64 // of the file in bytes, once it is ready
	Asked   time.Time
	Expires time.Time // when it is forgotten
}

// sealedExport is what is sealed of an export: what was asked, and how far the
// index reached then.
type sealedExport struct {
	oversight.Inquiry
	oversight.Selection

	Organisation string           `json:"organisation"`
	Formats      []archive.Format `json:"formats"`
}

// exportVersion is the version of a row that is sealed once.
const exportVersion = 1

// CreateExport counts the entries of a report, and has it made as a file. Its
// errors are those of ListEntries, and *StateError.
func (s *Exports) CreateExport(ctx context.Context, c *identity.Caller, q *CreateExportRequest) (*CreatedExport, error) {
	question := oversight.Read(q.Report, q.Query, q.Request)
	formats := readFormats(question, q.Formats)
	id := guard.NewID()
	var made keys.NewKey
	a := oversight.Act{Caller: c, Question: question, Action: policy.ExportReport, Asks: q, Prepare: func(ctx context.Context) error {
		all, err := s.ring.New(ctx, []string{store.ExportKeys.Owner(id)})
		if err != nil {
			return fmt.Errorf("making the key of an export: %w", s.records.KeyError(err))
		}
		made = all[0]
		return nil
	}}
	return oversight.Once(ctx, s.reports, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*CreatedExport, error) {
		x := sealedExport{Inquiry: s.reports.Inquiry(c, question), Organisation: c.Organisation, Formats: formats}
		row := &store.ExportRow{
			ID: id, Organisation: c.Organisation, Owner: s.owner(c).hashes[0], State: string(Making), AskedAt: s.clock.Moment(),
			WrappedKey: made.Wrapped.Text,
		}
		out := &CreatedExport{}
		var err error
		if out.Coverage, err = s.fillExport(ctx, tx, question, &x, row); err != nil {
			return nil, err
		}
		if row.Sealed, err = record.SealJSON(made.Key, record.DetailsContext(record.TableExport, id, exportVersion), &x); err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"entries": row.Entries}
		out.Export = showExport(row, &x)
		return out, tx.Exports.Insert(ctx, row)
	})
}

// readFormats reads in which formats the entries are wanted, each once.
func readFormats(r *oversight.Question, names []string) (formats []archive.Format) {
	for _, f := range archive.Formats() {
		if slices.Contains(names, string(f)) {
			formats = append(formats, f)
		}
	}
	for _, name := range names {
		if !slices.Contains(archive.Formats(), archive.Format(name)) {
			r.Add("formats", "must be csv, xlsx, fhir_balp or fhir_nhs", string(archive.CSV))
		}
	}
	return formats
}

// fillExport counts what an export will have, and notes how far the index reaches.
func (s *Exports) fillExport(ctx context.Context, tx *store.Tx, q *oversight.Question, x *sealedExport, row *store.ExportRow) (oversight.Coverage, error) {
	var coverage oversight.Coverage
	var err error
	if x.Selection, coverage, err = s.reports.Select(ctx, tx, q); err != nil {
		return coverage, err
	}
	mine, err := tx.Exports.List(ctx, [][]byte{row.Owner}, row.AskedAt, maxOpenExports)
	switch {
	case err != nil:
		return coverage, err
	case len(mine) == maxOpenExports:
		return coverage, &guard.StateError{Problem: fmt.Sprintf("you have %d exports already: delete some, or wait until they are forgotten", maxOpenExports)}
	}
	if row.Entries, err = tx.Index.Count(ctx, &x.Filter); err != nil {
		return coverage, err
	}
	if row.Entries > maxExported {
		return coverage, &guard.StateError{Problem: fmt.Sprintf("the report has %d entries, and an export takes %d at most: ask for a shorter period", row.Entries, maxExported)}
	}
	row.LeaseUntil = &row.AskedAt // any server may begin
	row.ExpiresAt = row.AskedAt.Add(s.keep)
	row.Work = workOf(row.Entries, x)
	return coverage, s.hasRoom(ctx, tx, row)
}

// workOf is how many entries are written, of all files together.
func workOf(entries int64, x *sealedExport) int64 { return entries * int64(1+len(x.Formats)) }

// showExport is an export as its owner sees it.
func showExport(row *store.ExportRow, x *sealedExport) Export {
	out := Export{
		ID: row.ID.String(), State: State(row.State), Entries: row.Entries, Done: row.Done, Work: row.Work, Size: row.Size,
		Asked: row.AskedAt.UTC(), Expires: row.ExpiresAt.UTC(),
	}
	if x != nil {
		out.Report, out.Reason = oversight.Report(x.Report), oversight.Reason(x.Reason)
		for _, f := range x.Formats {
			out.Formats = append(out.Formats, string(f))
		}
	}
	return out
}

// openExport opens what was asked for.
func (s *Exports) openExport(ctx context.Context, row *store.ExportRow) (*sealedExport, *keys.DataKey, error) {
	opened := s.ring.Unwrap(ctx, []keys.Wrapped{{Owner: store.ExportKeys.Owner(row.ID), Text: row.WrappedKey}})[0]
	if opened.Err != nil {
		return nil, nil, fmt.Errorf("opening an export: %w", s.records.KeyError(opened.Err))
	}
	x := &sealedExport{}
	if err := record.OpenJSON(opened.Value, record.DetailsContext(record.TableExport, row.ID, exportVersion), row.Sealed, x); err != nil {
		return nil, nil, s.records.Damaged(record.TableExport)
	}
	return x, opened.Value, nil
}

// exportAct begins an act on an export of the caller's own, or on all of them if
// none is named.
func exportAct(c *identity.Caller, action policy.Action, id, request string) guard.Act {
	return guard.Act{Caller: c, Action: action, Own: true, Request: request, Target: guard.Target(guard.KindExport, id)}
}

// GetExportRequest asks for an export.
type GetExportRequest struct {
	ID      string
	Request string // request id
}

// FoundExport is an export that was asked for.
type FoundExport struct {
	guard.Receipt

	Export Export
}

// GetExport shows where an export stands. The error is ErrDenied, ErrNotFound,
// *OverloadedError, ErrUnrecorded, ErrUnavailable or ErrDamaged.
func (s *Exports) GetExport(ctx context.Context, c *identity.Caller, q *GetExportRequest) (*FoundExport, error) {
	a := exportAct(c, policy.ReadReports, q.ID, q.Request)
	o := s.owner(c)
	var x *sealedExport
	a.Prepare = func(ctx context.Context) error {
		row, err := o.find(ctx, q.ID)
		if err == nil {
			x, _, err = s.openExport(ctx, row)
		}
		return err
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*FoundExport, error) {
		row, err := o.get(ctx, tx.Exports.Get, q.ID)
		if err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"exports": 1}
		return &FoundExport{Export: showExport(row, x)}, nil
	})
}

// ListExportsRequest asks for the exports of the caller.
type ListExportsRequest struct {
	Request string // request id
}

// List are the exports of a caller, the newest first.
type List struct {
	guard.Receipt

	Exports []Export
}

// ListExports shows the exports of the caller that are not forgotten.
func (s *Exports) ListExports(ctx context.Context, c *identity.Caller, q *ListExportsRequest) (*List, error) {
	a := exportAct(c, policy.ReadReports, "", q.Request)
	out := &List{}
	a.Prepare = func(ctx context.Context) error {
		rows, err := s.owner(c).list(ctx)
		for i := range rows {
			x, _, _ := s.openExport(ctx, &rows[i]) // one that cannot be opened now is shown as far as it is known
			out.Exports = append(out.Exports, showExport(&rows[i], x))
		}
		return err
	}
	return guard.Answer(ctx, s.guard, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*List, error) {
		e.Counts = audit.Counts{"exports": int64(len(out.Exports))}
		guard.Show(e, guard.KindExport, out.Exports, func(x *Export) string { return x.ID })
		return &List{Exports: out.Exports}, nil
	})
}
