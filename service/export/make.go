package export

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"cpis/audit"
	"cpis/audit/archive"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/oversight"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// makeLease is how long a server may say nothing of an export that it makes
	// before another takes it over.
	makeLease = 2 * time.Minute
	// retryAfter is when an attempt that failed for a reason that passes is
	// followed by the next; each waits longer than the one before, up to
	// retryAtLatest, until the export is forgotten.
	retryAfter    = 5 * time.Second
	retryAtLatest = 5 * time.Minute
	// patience is how long an export waits for smaller ones.
	patience = time.Hour
	// progressEvery is after how many entries it is said how far an attempt is.
	progressEvery = 1000
)

// MakeExports makes the exports that nobody makes yet, one after the other, the
// smallest first, unless one has waited for long. If a server stops meanwhile, what
// it had made is not used: another begins anew.
func (s *Exports) MakeExports(ctx context.Context) error {
	for {
		now := s.clock.Moment()
		rows, err := s.db.Exports.Unattended(ctx, now, now.Add(-patience))
		if err != nil || len(rows) == 0 {
			return guard.Translate(err)
		}
		if err := s.makeExport(ctx, &rows[0]); err != nil {
			return err
		}
	}
}

// makeExport makes one export, unless another server is first.
func (s *Exports) makeExport(ctx context.Context, row *store.ExportRow) error {
	m := &maker{s: s, ctx: ctx, row: row}
	err := m.claim()
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	if err == nil {
		err = m.make()
	}
	return m.settle(err) //nolint:contextcheck // what became of it is said also when the server stops
}

// maker makes an export.
type maker struct {
	s       *Exports
	ctx     context.Context //nolint:containedctx // of the one attempt
	row     *store.ExportRow
	asked   *sealedExport
	key     *keys.DataKey
	out     *file
	streams int
	done    int64
	spell   guard.Spell
}

// claim begins an attempt.
func (m *maker) claim() error {
	lease := m.s.clock.Moment().Add(makeLease)
	m.row.Attempt, m.row.LeaseUntil = m.row.Attempt+1, &lease
	var err error
	if m.asked, m.key, err = m.s.openExport(m.ctx, m.row); err == nil {
		m.row.Work = workOf(m.row.Entries, m.asked)
	}
	claimed := m.s.db.Tx(m.ctx, func(tx *store.Tx) error {
		if err := m.look(tx); err != nil {
			return err
		}
		return tx.Exports.Claim(m.ctx, m.row)
	})
	if claimed != nil {
		return claimed
	}
	return err
}

// look notes how far the logs are before anything is read: who is restricted by
// what is recorded later may stand in the file.
func (m *maker) look(tx *store.Tx) (err error) {
	if m.key == nil {
		return nil
	}
	ends, err := tx.Index.Ends(m.ctx)
	if err != nil {
		return err
	}
	m.row.Seen, err = record.SealJSON(m.key, seenContext(m.row), ends)
	return err
}

// seenContext is of how far logs were when an attempt began.
func seenContext(row *store.ExportRow) keys.Context {
	return record.DetailsContext(record.TableExport, row.ID, exportVersion+row.Attempt)
}

// make makes the file.
func (m *maker) make() error {
	if err := m.s.sweep(m.ctx, m.row, false); err != nil {
		return err
	}
	if err := m.s.reports.LeaveOut(m.ctx, &m.asked.Selection, m.row.AskedAt); err != nil {
		return err
	}
	logs, err := m.logs()
	if err != nil {
		return err
	}
	m.out, m.spell = m.file(), m.s.background.Begin()
	made, err := archive.Write(m.ctx, archive.Source{
		Manifest: m.manifest(), Logs: logs, Signer: m.s.log.Origin,
		Sign: func(ctx context.Context, body []byte) ([]byte, ed25519.PublicKey, error) {
			return m.s.ring.Keeper().Sign(ctx, body) //nolint:wrapcheck // archive.Write says what was done
		},
		Scratch:  func() (archive.File, error) { return m.file(), nil },
		Progress: m.progress,
	}, m.out)
	if err != nil {
		return err
	}
	m.row.Entries = made.Entries
	if err := m.out.keep(); err != nil {
		return err
	}
	return m.s.sweep(m.ctx, m.row, true)
}

// file returns the next of the attempt's files. The first is the archive.
func (m *maker) file() *file {
	f := &file{pieces: pieces{s: m.s, ctx: m.ctx, key: m.key, at: store.ExportPart{Export: m.row.ID, Attempt: m.row.Attempt, Stream: m.streams}}}
	m.streams++
	return f
}

// manifest is what the archive says of itself.
func (m *maker) manifest() archive.Manifest {
	x := m.asked
	query := maps.Clone(x.Asked)
	if query == nil {
		query = map[string]string{}
	}
	if x.Subject != "" {
		query["subject"] = x.Subject
	}
	return archive.Manifest{
		ID: m.row.ID.String(), Made: m.row.AskedAt.UTC(),
		For:    archive.Requester{Actor: x.Actor, Issuer: x.Issuer, Organisation: x.Organisation},
		Report: x.Report, Reason: x.Reason, Query: query, CompleteUntil: x.CompleteUntil.UTC(), AuthoritiesLeftOut: x.Filter.CareOnly,
		Formats: x.Formats,
	}
}

// progress counts what was written. Now and then it says so, and lets look-ups
// pass.
func (m *maker) progress() error {
	if m.done++; m.done%progressEvery != 0 {
		return nil
	}
	if err := m.spell.End(m.ctx, false); err != nil {
		return err
	}
	m.spell = m.s.background.Begin()
	return m.beat(m.s.clock.Moment().Add(makeLease))
}

// beat says how far the attempt is, and until when it is this server's.
func (m *maker) beat(until time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), guard.Timeout)
	defer cancel()
	err := m.s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Exports.Beat(ctx, m.row.ID, m.row.Attempt, m.done, until) })
	if errors.Is(err, store.ErrConflict) {
		return errGone
	}
	return err
}

// settle says what became of the attempt. One that failed for a reason that passes
// is followed by another.
func (m *maker) settle(err error) error {
	switch {
	case errors.Is(err, errGone):
		return nil
	case err == nil:
		m.row.State, m.row.Size = string(Ready), m.out.size
	case errors.Is(err, audit.ErrBroken), errors.Is(err, guard.ErrDamaged):
		m.row.State, m.row.Size = string(Failed), 0
		if errors.Is(err, audit.ErrBroken) {
			m.s.logs.Contradicted(err)
		}
	default:
		return errors.Join(fmt.Errorf("making an export: %w", guard.Translate(err)), m.beat(m.s.clock.Moment().Add(m.retry())))
	}
	m.row.Done = m.row.Work
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), guard.Timeout)
	defer cancel()
	settled := m.s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Exports.Settle(ctx, m.row) })
	if errors.Is(settled, store.ErrConflict) {
		return nil
	}
	return guard.Translate(settled)
}

// retry is when to try again: at once if this server stops.
func (m *maker) retry() time.Duration {
	if m.ctx.Err() != nil {
		return 0
	}
	return min(time.Duration(m.row.Attempt)*retryAfter, retryAtLatest)
}

// errUnsigned says that no checkpoint covers all entries yet.
var errUnsigned = fmt.Errorf("the newest entries are not signed yet: %w", guard.ErrUnavailable)

// logs are the logs that have entries of the report, with what proves them.
func (m *maker) logs() (logs []archive.Log, err error) {
	known, err := m.s.db.Logs.All(m.ctx)
	if err != nil {
		return nil, err
	}
	for _, bound := range m.asked.Bounds {
		for _, log := range known {
			if log.ID != bound.Log || bound.Next == 0 {
				continue
			}
			evidence, err := m.s.logs.Evidence(m.ctx, log)
			if err != nil {
				return nil, err
			}
			if evidence.Size < bound.Next {
				return nil, errUnsigned
			}
			logs = append(logs, archive.Log{
				Checkpoint: evidence.Note, Tiles: evidence.Tiles, Entries: m.entries(bound),
			})
		}
	}
	return logs, nil
}

// entries yields the entries of a log, as an archive has them.
func (m *maker) entries(bound store.LogEnd) iter.Seq2[*archive.Found, error] {
	return func(yield func(*archive.Found, error) bool) {
		for found, err := range m.s.reports.Find(m.ctx, &m.asked.Selection, bound) {
			if err != nil {
				yield(nil, err)
				return
			}
			if out := exported(found); !yield(&out, nil) {
				return
			}
		}
	}
}

// exported is an entry as an archive has it: its line, if the report may show all
// that stands in it, and otherwise what the report shows.
func exported(f *oversight.Found) archive.Found {
	out := archive.Found{Index: f.Index, Line: f.Line}
	out.Reviewed, out.ReviewOutcome = f.Reviewed, f.ReviewOutcome
	switch {
	case f.LineMissing:
		out.Without = archive.Removed
	case f.Line == nil:
		out.Without = archive.Withheld
	default:
		return out
	}
	out.Shown = shown(&f.Entry)
	return out
}

// shown is what a report shows of an entry whose line it does not.
func shown(e *oversight.Entry) *audit.Entry {
	out := &audit.Entry{
		Time: e.Time, Actor: e.Actor, Client: e.Client, Organisation: e.Organisation, Role: e.Role, Action: e.Action, Mode: e.Mode,
		Purpose: e.Purpose, Request: e.Request, Outcome: e.Outcome, Reason: e.Reason, Rule: e.Rule,
		BreakGlass: e.BreakGlass, Restricted: e.Restricted,
	}
	if tag, ok := oversight.ParseSubject(e.Subject); ok {
		out.Subject = tag[:]
	}
	return out
}
