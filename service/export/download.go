package export

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/oversight"
	"cpis/service/record"
	"cpis/service/store"
)

// DownloadExportRequest asks for the file of an export.
type DownloadExportRequest struct {
	ID      string
	Offset  int64  // from which byte on: how many came before
	Request string // request id
}

// Part is a part of the file, or says how far it is while it is made.
type Part struct {
	Export Export
	Offset int64
	Chunk  []byte // empty while it is made
	// Receipt is that of the download, in the first part.
	Receipt guard.Receipt
}

// watchEvery is how often somebody who waits for a file hears how far it is.
const watchEvery = time.Second

// DownloadExport passes the file of an export to send, from an offset on. While it
// is made, what is sent says how far it is. That somebody downloads it is an entry
// before the first part is sent. The error is ErrDenied, ErrNotFound (also if it
// is deleted meanwhile), *InvalidError, *StateError, *OverloadedError,
// ErrUnrecorded, ErrUnavailable, ErrDamaged, the context's, or send's.
func (s *Exports) DownloadExport(ctx context.Context, c *identity.Caller, q *DownloadExportRequest, send func(*Part) error) error {
	d := &download{s: s, caller: c, owner: s.owner(c), asked: q, send: send}
	if err := d.begin(ctx); err != nil {
		return err
	}
	if State(d.row.State) == Making {
		if err := d.wait(ctx); err != nil {
			return err
		}
		// How much leaves is known only now: it is an entry of its own.
		if err := d.begin(ctx); err != nil {
			return err
		}
	}
	return d.stream(ctx)
}

// download is the way of a file to its owner.
type download struct {
	s       *Exports
	caller  *identity.Caller
	owner   *owner
	asked   *DownloadExportRequest
	send    func(*Part) error
	row     *store.ExportRow
	what    *sealedExport
	key     *keys.DataKey
	receipt guard.Receipt
	// outdated says that somebody in the file was restricted since.
	outdated bool
}

// begun is the answer with which a download begins.
type begun struct{ guard.Receipt }

// begin records the download.
func (d *download) begin(ctx context.Context) error {
	a := exportAct(d.caller, policy.DownloadExport, d.asked.ID, d.asked.Request)
	a.Check = d.check()
	a.Prepare = func(ctx context.Context) (err error) {
		if d.row, err = d.owner.find(ctx, d.asked.ID); err != nil {
			return err
		}
		if d.what, d.key, err = d.s.openExport(ctx, d.row); err != nil {
			return err
		}
		d.outdated, err = d.s.outdated(ctx, d.row, d.what, d.key)
		return err
	}
	out, err := guard.Answer(ctx, d.s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*begun, error) {
		row, err := d.owner.get(ctx, tx.Exports.Get, d.asked.ID)
		if err != nil {
			return nil, err
		}
		d.row = row
		if tag, ok := oversight.ParseSubject(d.what.Subject); ok {
			e.Subject = tag[:]
		}
		e.Counts = audit.Counts{"entries": row.Entries, "bytes": max(0, row.Size-d.asked.Offset)}
		e.Purpose = d.what.Reason
		return &begun{}, d.possible()
	})
	if err == nil {
		d.receipt = out.Receipt
	}
	return err
}

func (d *download) check() error {
	var v domain.Violations
	if d.asked.Offset < 0 {
		v.Add("offset", "must not be negative", "0")
	}
	return v.Err()
}

// errOutdated says that a file shows what must not be shown any more.
var errOutdated = &guard.StateError{
	Problem: "somebody in this file was restricted after it was made, so it shows more than you may see now: ask for the report anew, and delete this export",
}

// outdated reports whether a file that is made shows somebody who was restricted
// since, and more than may be shown now.
func (s *Exports) outdated(ctx context.Context, row *store.ExportRow, x *sealedExport, key *keys.DataKey) (bool, error) {
	if State(row.State) != Ready {
		return false, nil
	}
	ends := x.Bounds // of exports made by a version that noted nothing else
	if row.Seen != nil {
		ends = nil
		if err := record.OpenJSON(key, seenContext(row), row.Seen, &ends); err != nil {
			return false, s.records.Damaged(record.TableExport)
		}
	}
	return s.reports.Outdated(ctx, &x.Selection, ends, row.AskedAt)
}

// possible says why there is no such part of the file.
func (d *download) possible() error {
	var v domain.Violations
	switch State(d.row.State) {
	case Failed:
		return &guard.StateError{Problem: "the export could not be made, because the log or its index is damaged: an operator was told"}
	case Ready:
		if d.outdated {
			return errOutdated
		}
		if d.asked.Offset > d.row.Size {
			v.Add("offset", "must not be behind the end of the file", "0")
		}
	case Making:
	}
	return v.Err()
}

// wait waits until the file is made, and says how far it is.
func (d *download) wait(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for State(d.row.State) == Making {
		if err := d.tell(0, nil); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		var err error
		if d.row, err = d.owner.get(ctx, d.s.db.Exports.Get, d.asked.ID); err != nil {
			return err
		}
	}
	return d.possible()
}

// tell sends a part. The first has the receipt.
func (d *download) tell(offset int64, chunk []byte) error {
	part := &Part{Export: showExport(d.row, d.what), Offset: offset, Chunk: chunk, Receipt: d.receipt}
	d.receipt = guard.Receipt{}
	return d.send(part)
}

// stream sends the file.
func (d *download) stream(ctx context.Context) error {
	at := store.ExportPart{Export: d.row.ID, Attempt: d.row.Attempt}
	kept := pieces{s: d.s, ctx: ctx, key: d.key, at: at}
	offset := d.asked.Offset
	if offset == d.row.Size { // all of it came before
		return d.tell(offset, nil)
	}
	for offset < d.row.Size {
		piece, err := kept.open(int(offset / pieceSize))
		if err != nil {
			return err
		}
		from := offset % pieceSize
		if from >= int64(len(piece)) {
			return d.s.records.Damaged(record.TableExportPart) // shorter than it was
		}
		if err := d.tell(offset, piece[from:]); err != nil {
			return err
		}
		offset += int64(len(piece)) - from
	}
	return nil
}
