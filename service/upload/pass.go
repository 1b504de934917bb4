package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"slices"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/plan"
	"cpis/service/planfile"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// rowsAtOnce is how many rows of a file are looked at together: few, so that
	// look-ups need not wait for long.
	rowsAtOnce = 100
	// rowsOfPage is how many results are kept together.
	rowsOfPage = 500
)

// pass goes through the file of an upload and finds out what it does. Where it
// has a transaction to write in, it also does it; so what was checked and what
// is applied cannot differ but in what is held meanwhile, which the digest of
// all results tells.
//
// The file is read twice, in constant memory: first to know which rows are about
// the same person, then to place each row.
type pass struct {
	s       *Uploads
	u       *upload
	day     domain.Date // of the check
	by      record.Author
	write   *store.Tx // nil where it only checks
	made    record.NewKeys
	run     uuid.UUID
	persons map[keys.Tag]*filePerson

	batch   []uploadRow
	locks   []store.Tag    // of persons whom a pass that writes may change
	tags    []store.TagRow // of persons that were made
	counts  Counts
	reasons map[ReasonCount]int // without the number
	guesses int                 // rows with a date of birth that is not the one held
	digest  hash.Hash
	page    []RowResult
	pages   int
	absence absence
	// errors are the plans that the authority removed as entered in error, and
	// returning counts new ones that are among them.
	errors    map[removedPlan]struct{}
	returning int
	notes     []planfile.Note
}

// newPass begins a pass. tx and made are there where it writes.
func (s *Uploads) newPass(u *upload, day domain.Date, tx *store.Tx, made record.NewKeys) *pass {
	by := u.details.Sent
	by.Act, by.Reason = record.ActUpload, "upload "+u.row.ID.String()
	return &pass{
		s: s, u: u, day: day, by: by, write: tx, made: made, run: guard.NewID(), persons: make(map[keys.Tag]*filePerson),
		reasons: make(map[ReasonCount]int), digest: sha256.New(), absence: newAbsence(s.clock.Moment().Add(-freshSpan)),
	}
}

// in runs fn in the transaction of the pass, or in a short one of its own.
func (p *pass) in(ctx context.Context, fn func(*store.Tx) error) error {
	if p.write != nil {
		return fn(p.write)
	}
	return p.s.db.Tx(ctx, fn)
}

// through goes through the file. The error is *planfile.Error where that is broken.
func (p *pass) through(ctx context.Context) error {
	find := p.s.db.UploadPart
	if p.write != nil {
		find = p.write.UploadPart
	}
	sources := p.s.sources(ctx, p.u, find)
	format := planfile.Format(p.u.row.Format)
	sum, err := planfile.Read(ctx, format, p.day.Time(), sources, p.meet)
	if err != nil {
		return err
	}
	p.notes = sum.Notes
	if p.write == nil {
		err = p.findErrors(ctx)
	} else {
		err = p.write.LockForUpload(ctx, p.locks, p.u.row.Authority, p.u.whole(), p.day.Time())
	}
	if err != nil {
		return err
	}
	_, err = planfile.Read(ctx, format, p.day.Time(), sources, func(row *planfile.Row) error { return p.take(ctx, row) })
	if err == nil {
		err = p.place(ctx)
	}
	if err == nil && p.u.whole() && p.counts.Rows > p.counts.Rejected {
		err = p.endMissing(ctx)
	}
	if err == nil {
		err = p.keepPage(ctx)
	}
	if err == nil && p.write != nil {
		err = p.insertTags(ctx)
	}
	return err
}

// InsertTags makes those findable who were made, in one order, so that files
// that overlap do not deadlock. Tags lie all over their index, so some hundred of
// them are much to be written to disk: the commits of look-ups would wait for
// more, and the commit of the file must not have it all to do.
func (p *pass) insertTags(ctx context.Context) error {
	slices.SortFunc(p.tags, func(a, b store.TagRow) int { return bytes.Compare(a.Tag[:], b.Tag[:]) })
	for batch := range slices.Chunk(p.tags, rowsAtOnce) {
		spell := p.s.spell()
		if err := record.InsertTags(ctx, p.write, batch); err != nil {
			return err
		}
		if err := spell.end(ctx, false); err != nil {
			return err
		}
	}
	return nil
}

// meet notes that a row is about somebody.
func (p *pass) meet(row *planfile.Row) error {
	r := readRow(row, p.day)
	if len(r.wrong.Violations) > 0 {
		return nil
	}
	tag := p.s.ring.LocalTag(r.draft.Person.NHSNumber.Reveal())
	person := p.persons[tag]
	if person == nil {
		person = &filePerson{}
		p.persons[tag] = person
		if p.write != nil {
			p.locks = append(p.locks, p.s.records.StoreTags(r.draft.Person.NHSNumber)...)
		}
	}
	if len(person.rows) < maxRowsEach {
		person.rows = append(person.rows, rowOfFile(&r, p.u.whole()))
	}
	return nil
}

// take takes the next row; some hundred are placed together.
func (p *pass) take(ctx context.Context, row *planfile.Row) error {
	kept := *row // the reader uses its own again
	r := readRow(&kept, p.day)
	kept.Problems, kept.Absent = nil, slices.Clone(row.Absent)
	p.batch = append(p.batch, r)
	if len(p.batch) < rowsAtOnce {
		return nil
	}
	return p.place(ctx)
}

// place places the rows that were taken.
func (p *pass) place(ctx context.Context) error {
	if len(p.batch) == 0 {
		return nil
	}
	spell := p.s.spell()
	in, err := p.intake(ctx)
	if err != nil {
		return err
	}
	for i := range p.batch {
		out := p.placeRow(in, &p.batch[i])
		if err := p.keepResult(ctx, &out); err != nil {
			return err
		}
	}
	clear(p.batch)
	p.batch = p.batch[:0]
	if p.write != nil {
		if err := p.writeBatch(ctx, in); err != nil {
			return err
		}
	}
	return spell.end(ctx, p.write == nil)
}

// intake finds and opens what is held about the persons of the batch. Keys are
// asked for outside of the short transaction of a check.
func (p *pass) intake(ctx context.Context) (*plan.Intake, error) {
	numbers := make([]domain.NHSNumber, 0, len(p.batch))
	for i := range p.batch {
		if r := &p.batch[i]; len(r.wrong.Violations) == 0 {
			numbers = append(numbers, r.draft.Person.NHSNumber)
		}
	}
	var found record.People
	err := p.in(ctx, func(tx *store.Tx) (err error) {
		found, err = p.s.records.Find(ctx, tx, tx.PersonsByTags, p.u.row.Authority, numbers)
		return err
	})
	if err == nil {
		err = p.s.records.OpenPeople(ctx, found)
	}
	if err != nil {
		return nil, err
	}
	return p.s.plans.Intake(p.u.row.Authority, p.by, p.made, found), nil
}

// placeRow finds out what becomes of a row.
func (p *pass) placeRow(in *plan.Intake, r *uploadRow) RowResult {
	p.counts.Rows++
	n := r.draft.Person.NHSNumber
	if !n.IsZero() {
		p.counts.ValidNumbers++
	}
	if len(r.wrong.Violations) > 0 {
		return p.reject(r, &r.wrong)
	}
	tag := p.s.ring.LocalTag(n.Reveal())
	person := p.persons[tag]
	h := person.find(in, tag, r)
	superseded := !h.IsNew() && h.Person.NHSNumber.Reveal() != n.Reveal()
	person.judge(h, superseded)
	if why := person.why(r); why != nil {
		if why.code == codeUnverified && person.known {
			p.guesses++
		}
		return p.reject(r, why)
	}
	own := h.Same(&r.draft.Details)
	switch {
	case own != nil:
		return p.repeat(in, person, h, own, r)
	case len(r.lacking.Violations) > 0:
		return p.reject(r, &r.lacking)
	}
	p.counts.New++
	if _, was := p.errors[removedPlan{tag, r.draft.Details.Kind, r.draft.Details.Start}]; was {
		p.returning++
	}
	out := r.result(RowNew)
	p.restrict(in, person, h, r, &out)
	out.PlanID, out.Version = in.Add(h, &r.draft).Row.ID.String(), 1
	person.restricted = h.Row.Restricted
	return out
}

// repeat finds out what a row changes of a plan that is held.
func (p *pass) repeat(in *plan.Intake, person *filePerson, h *record.Record, own *record.Plan, r *uploadRow) RowResult {
	p.absence.seen(own, p.day)
	to, changes := r.differs(own, p.u.whole())
	out := r.result(RowUnchanged)
	out.PlanID, out.Version, out.Changes = own.Row.ID.String(), own.Row.Version, changes
	if len(changes) > 0 {
		out.Outcome = RowChanged
		if own.RunsOn(p.day) && !to.End.IsZero() && (own.End.IsZero() || to.End.Before(own.End)) {
			p.counts.Closing++
		}
		in.Alter(h, own, to)
		if p.write != nil {
			out.Version++
		}
	}
	p.restrict(in, person, h, r, &out)
	person.restricted = h.Row.Restricted
	if out.Outcome == RowChanged {
		p.counts.Changed++
	} else {
		p.counts.Unchanged++
	}
	return out
}

// restrict makes the person restricted where the row says so, and notes it.
// Nothing in a file takes it away.
func (p *pass) restrict(in *plan.Intake, person *filePerson, h *record.Record, r *uploadRow, out *RowResult) {
	const yes, no = "yes", "no"
	switch {
	case !r.Has(planfile.FieldRestricted):
	case in.Mark(h, &r.draft) && person.known:
		out.Changes = append(out.Changes, FieldChange{planfile.FieldRestricted, no, yes})
		if out.Outcome == RowUnchanged {
			out.Outcome = RowChanged
		}
	case person.known && h.Row.Restricted && !r.Restricted:
		out.Changes = append(out.Changes, FieldChange{planfile.FieldRestricted, yes, no})
	}
}

// reject notes that a row is wrong. What it may be about is not ended for being
// missing.
func (p *pass) reject(r *uploadRow, why *rowWrong) RowResult {
	p.counts.Rejected++
	for _, v := range why.Violations {
		p.reasons[ReasonCount{Field: v.Field, Code: why.code, Problem: general(v.Problem)}]++
	}
	p.absence.protect(p.s.ring, r, why.code)
	return r.rejected(why)
}

// writeBatch writes what is new and changed in a batch, and tells others of
// overlaps.
func (p *pass) writeBatch(ctx context.Context, in *plan.Intake) error {
	if err := in.WriteRows(ctx, p.write); err != nil {
		return err
	}
	p.tags = append(p.tags, in.Tags()...)
	for tag, h := range in.People {
		if person := p.persons[tag]; person != nil && h.Row.Version > 0 && !person.known {
			person.made, person.version = h.Row.ID, h.Row.Version
		}
	}
	for _, n := range in.Plans {
		p.absence.own[n.Row.ID] = struct{}{}
	}
	all, err := p.s.notices.OverlapNews(ctx, p.write, in.Plans)
	if err != nil {
		return err
	}
	p.s.notices.Tell(p.write, all...)
	return nil
}

// keepResult keeps what becomes of a row, and adds it to the digest: all but
// the identifiers of what is new, which are other ones each time.
func (p *pass) keepResult(ctx context.Context, out *RowResult) error {
	said := *out
	said.Version = 0
	if said.Outcome == RowNew {
		said.PlanID = ""
		if p.write == nil {
			out.PlanID, out.Version = "", 0
		}
	}
	text, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("encoding row: %w", err)
	}
	p.digest.Write(append(text, '\n'))
	p.page = append(p.page, *out)
	if len(p.page) < rowsOfPage {
		return nil
	}
	return p.keepPage(ctx)
}

// keepPage seals and keeps a page of results.
func (p *pass) keepPage(ctx context.Context) error {
	if len(p.page) == 0 {
		return nil
	}
	text, err := json.Marshal(p.page)
	if err != nil {
		return fmt.Errorf("encoding rows: %w", err)
	}
	sealed := p.u.key.Seal(text, uploadRowsContext(p.u.row.ID, p.run, p.pages))
	err = p.in(ctx, func(tx *store.Tx) error {
		if p.write == nil { // a long check is still attended to
			if err := tx.LeaseUpload(ctx, p.u.row.ID, p.u.row.Version, p.s.clock.Moment().Add(workLease)); err != nil {
				return err
			}
		}
		return tx.InsertUploadRows(ctx, p.u.row.ID, p.run, p.pages, sealed)
	})
	clear(p.page)
	p.page = p.page[:0]
	p.pages++
	return err
}
