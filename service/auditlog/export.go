package auditlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/store"
)

// Admin administers the log.
type Admin struct {
	guard.Command

	// ReadOnly says that the database is read as the auditor, who can record
	// nothing.
	ReadOnly bool
	// Purpose and Recipient say in an export's entry why it was made, as a word, and
	// for which organisation.
	Purpose, Recipient string
}

// Exported says what an export holds, and what it does not hold yet.
type Exported struct {
	Checkpoint audit.Checkpoint // of all that was exported; zero if there is none
	// Unsigned is the number of entries behind the checkpoint, which nothing
	// vouches for before a running server has signed them. The export's own entry
	// does not count.
	Unsigned int64
	// Unrecorded says why the export is no entry of the log; nothing if it is one.
	Unrecorded string
	// Damage is what was found to be wrong.
	Damage []string
}

// Why an export is no entry of the log.
const (
	unrecordedCopy     = "this database is a copy that nobody has claimed"
	unrecordedReadOnly = "the auditor's role can only read"
	unrecordedDamaged  = "nothing can be appended to the log as it stands"
)

// Export writes a log, up to its latest checkpoint and what lies behind it, as a
// directory that anybody with the log's public key can verify. It judges nothing,
// and needs nothing to be right: what was tampered with is written as it stands,
// for it is evidence, and what is wrong beside the lines is named. Keys are those
// of the log, as an auditor has them; with none, the newest checkpoint that is
// properly formed is taken, whoever signed it.
//
// That it was asked for is an entry of the log, behind the part that is exported,
// if the log can take one; but not of a copy's, which would then differ from the
// log that it was copied from.
func (a *Admin) Export(ctx context.Context, create audit.Create, keys ...audit.VerifierKey) (Exported, error) {
	e := &exporting{admin: a, ctx: ctx}
	if err := e.look(keys); err != nil {
		return Exported{}, err
	}
	if err := e.record(); err != nil {
		return Exported{}, fmt.Errorf("recording the export: %w", err)
	}
	err := audit.Export(ctx, e.source(), create)
	e.exported.Damage = e.damage
	return e.exported, err
}

// exporting is an export under way.
type exporting struct {
	admin    *Admin
	ctx      context.Context //nolint:containedctx // of the one export
	good     *store.CheckpointRow
	bad      []audit.Aside // what stands in the place of newer checkpoints
	head     audit.Tree
	noHead   bool  // what stands in the head's place is none
	first    int64 // the first line
	size     int64 // how many entries are exported as the log
	planted  bool  // an entry stands where the log has not come to
	damage   []string
	exported Exported
}

// maxNoted bounds how much is noted of what is wrong.
const maxNoted = 1000

func (e *exporting) note(format string, args ...any) {
	if len(e.damage) < maxNoted {
		e.damage = append(e.damage, fmt.Sprintf(format, args...))
	}
}

// look finds out what there is.
func (e *exporting) look(keys []audit.VerifierKey) error {
	for _, step := range []func() error{
		func() error { return e.findCheckpoint(keys) }, e.findHead, e.findLines,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkpointsPage is how many checkpoints are looked at at once.
const checkpointsPage = 100

// findCheckpoint finds the newest checkpoint that is one of the log, and takes
// what stands above it for evidence.
func (e *exporting) findCheckpoint(keys []audit.VerifierKey) error {
	a := e.admin
	for below := int64(math.MaxInt64); ; {
		page, err := a.DB.Checkpoints.Stored(e.ctx, a.Log.ID, below, checkpointsPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if e.good = goodCheckpoint(&page[i], a.Log, keys); e.good != nil {
				e.exported.Checkpoint = e.good.Tree.Checkpoint(a.Log.Origin)
				return nil
			}
			e.note("checkpoint of %d entries: what stands there is no checkpoint of the log", page[i].Size)
			if len(e.bad) < maxNoted {
				e.bad = append(e.bad, audit.Aside{Name: fmt.Sprintf("checkpoint-%d", page[i].Size), Content: []byte(page[i].Note)})
			}
		}
		below = page[len(page)-1].Size
	}
}

// goodCheckpoint returns what a stored checkpoint says if it is one of the log,
// as far as that can be told with the keys, and nil otherwise.
func goodCheckpoint(c *store.StoredCheckpoint, log store.Log, keys []audit.VerifierKey) *store.CheckpointRow {
	tree, err := audit.ParseTree(c.Size, c.Frontier)
	if err != nil {
		return nil
	}
	row := &store.CheckpointRow{Log: log.ID, Tree: tree, Note: c.Note}
	if len(keys) > 0 {
		if opens(row, log, keys) != nil {
			return nil
		}
		return row
	}
	if stated, err := audit.ReadCheckpoint([]byte(c.Note)); err != nil || stated != tree.Checkpoint(log.Origin) {
		return nil
	}
	return row
}

// findHead reads the head, and whether something stands beyond it.
func (e *exporting) findHead() error {
	a := e.admin
	var err error
	e.head, err = a.DB.Head(e.ctx, a.Log.ID)
	switch {
	case errors.Is(err, audit.ErrMalformed):
		e.noHead = true
		e.note("head: what stands there is that of no log")
	case err != nil:
		return err
	}
	planted, err := a.DB.Logs.BeyondHead(e.ctx, a.Log.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	default:
		e.planted = true
		e.note("entry %d: it stands where the log has not come to", planted)
	}
	return nil
}

// findLines finds out which lines there are.
func (e *exporting) findLines() error {
	e.size = e.head.Size()
	if e.good != nil {
		e.size = e.good.Tree.Size()
	}
	first, err := e.admin.DB.Logs.FirstEntry(e.ctx, e.admin.Log.ID)
	if errors.Is(err, store.ErrNotFound) {
		first, err = e.size, nil
	}
	e.first = min(first, e.size)
	if e.head.Size() < e.size && !e.noHead {
		e.note("head: the log is said to have %d entries, and a checkpoint covers %d", e.head.Size(), e.size)
	}
	e.exported.Unsigned = max(0, e.head.Size()-e.size) // a log that was cut off is evidence, too
	return err
}

// record makes the export an entry of the log, if the log can take one.
func (e *exporting) record() error {
	a := e.admin
	switch {
	case a.Copy:
		e.exported.Unrecorded = unrecordedCopy
	case a.ReadOnly:
		e.exported.Unrecorded = unrecordedReadOnly
	case e.noHead, e.planted:
		e.exported.Unrecorded = unrecordedDamaged
	default:
		said := audit.Entry{
			Rule: string(policy.ExportLog), Purpose: a.Purpose, Recipient: a.Recipient,
			Counts: audit.Counts{"entries": e.size - e.first, "first": e.first},
		}
		return a.DoSaying(e.ctx, said, func(tx *store.Tx) error {
			head, err := tx.Logs.Head(e.ctx, a.Log.ID)
			e.exported.Unsigned = max(0, head.Size()-e.size)
			return err
		})
	}
	return nil
}

// source returns what is written.
func (e *exporting) source() audit.Source {
	a := e.admin
	src := audit.Source{
		Size:   e.size,
		First:  e.first,
		Lines:  e.lines(e.first, e.size),
		Tiles:  audit.Derive(storedTiles{a.DB, a.Log.ID}, leavesOf(a.DB, a.Log.ID)),
		Aside:  e.aside,
		Damage: func() []string { return e.damage },
	}
	if e.good != nil {
		src.Checkpoint, src.Tree = []byte(e.good.Note), e.good.Tree
	}
	if e.exported.Unsigned > 0 {
		src.Unsigned = e.lines(e.size, e.size+e.exported.Unsigned)
	}
	return src
}

// lines yields the stored lines of a range, and notes what stands beside one and
// does not follow from it.
func (e *exporting) lines(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for row, err := range e.admin.DB.Logs.StoredEntries(e.ctx, e.admin.Log.ID, from, to) {
			if err == nil && checkBeside(&row) != nil {
				e.note("entry %d: it stands under a subject that is not its line's", row.Index)
			}
			if !yield(row.Line, err) {
				return
			}
		}
	}
}

// asidePage is how much of what is none of the log is read at once.
const asidePage = 100

// aside yields what stands in the log's tables and is none of it, and what was
// set aside before.
func (e *exporting) aside(yield func(audit.Aside, error) bool) {
	for _, c := range e.bad {
		if !yield(c, nil) {
			return
		}
	}
	if e.beyond(yield) {
		e.setAside(yield)
	}
}

// beyond yields the entries that stand where the log has not come to.
func (e *exporting) beyond(yield func(audit.Aside, error) bool) bool {
	if !e.planted && !e.noHead {
		return true
	}
	a := e.admin
	from := e.size + e.exported.Unsigned
	for range maxNoted / asidePage {
		rows, err := a.DB.Logs.EntriesFrom(e.ctx, a.Log.ID, from, asidePage)
		if err != nil {
			return yield(audit.Aside{}, err)
		}
		for _, row := range rows {
			if !yield(audit.Aside{Name: fmt.Sprintf("entry-%d", row.Index), Content: row.Line}, nil) {
				return false
			}
			from = row.Index + 1
		}
		if len(rows) < asidePage {
			break
		}
	}
	return true
}

// setAside yields what was set aside before.
func (e *exporting) setAside(yield func(audit.Aside, error) bool) {
	a := e.admin
	for after := uuid.Nil; ; {
		ids, rows, err := a.DB.Logs.SetAside(e.ctx, a.Log.ID, after, asidePage)
		if err != nil {
			yield(audit.Aside{}, err)
			return
		}
		for i, row := range rows {
			name := fmt.Sprintf("before/%s-%d-%s", row.Kind, row.Index, ids[i])
			if !yield(audit.Aside{Name: name, Content: row.Content}, nil) {
				return
			}
			after = ids[i]
		}
		if len(rows) < asidePage {
			return
		}
	}
}
