package upload

import (
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

// pass goes through the file of an upload and finds out what it does. In another
// mode it also does it; so what was checked and what is applied cannot differ
// but in what is held meanwhile, which the digest of all results tells.
//
// The file is read twice, in constant memory: first to know which rows are about
// the same person, then to place each row.
type pass struct {
	reader

	mode    mode
	u       *upload
	find    findPart
	day     domain.Date // of the check
	by      record.Author
	newKeys record.NewKeys // of people who are new; nil in a check
	run     uuid.UUID
	persons map[keys.Tag]*filePerson

	batch   []sheetRow
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

// newCheck begins a pass that checks a file today.
func (s *Uploads) newCheck(u *upload) *pass {
	p := s.newPass(u, s.clock.Today(), reader{s: s, in: s.db.Tx, gently: true})
	p.mode, p.find = checking{p}, s.db.Files.Part
	return p
}

// newApplication begins a pass that applies a file in a transaction, as of the
// day on which it was checked.
func (s *Uploads) newApplication(u *upload, tx *store.Tx, made record.NewKeys) *pass {
	in := func(_ context.Context, fn func(*store.Tx) error) error { return fn(tx) }
	p := s.newPass(u, u.details.Day, reader{s: s, in: in})
	p.mode, p.find, p.newKeys = &applying{pass: p, tx: tx}, tx.Files.Part, made
	return p
}

func (s *Uploads) newPass(u *upload, day domain.Date, r reader) *pass {
	by := u.details.Sent
	by.Act, by.Reason = record.ActUpload, "upload "+u.row.ID.String()
	return &pass{
		reader: r, u: u, day: day, by: by, run: guard.NewID(), persons: make(map[keys.Tag]*filePerson),
		reasons: make(map[ReasonCount]int), digest: sha256.New(), absence: newAbsence(s.clock.Moment().Add(-freshSpan)),
	}
}

// through goes through the file. The error is *planfile.Error if that is broken.
func (p *pass) through(ctx context.Context) error {
	sources := p.s.sources(ctx, p.u, p.find)
	format := planfile.Format(p.u.row.Format)
	sum, err := planfile.Read(ctx, format, p.day.Time(), sources, p.meet)
	if err != nil {
		return err
	}
	p.notes = sum.Notes
	if err := p.mode.prepare(ctx); err != nil {
		return err
	}
	_, err = planfile.Read(ctx, format, p.day.Time(), sources, func(row *planfile.Row) error { return p.take(ctx, row) })
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{p.place, p.endMissing, p.keepPage, p.mode.finish} {
		if err := step(ctx); err != nil {
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
		p.mode.meet(r.draft.Person.NHSNumber)
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
	spell := p.s.background.Begin()
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
	if err := p.mode.placed(ctx, in); err != nil {
		return err
	}
	return spell.End(ctx, p.gently)
}

// intake finds and opens what is held about the people of the batch.
func (p *pass) intake(ctx context.Context) (*plan.Intake, error) {
	numbers := make([]domain.NHSNumber, 0, len(p.batch))
	for i := range p.batch {
		if r := &p.batch[i]; len(r.wrong.Violations) == 0 {
			numbers = append(numbers, r.draft.Person.NHSNumber)
		}
	}
	var found record.People
	err := p.in(ctx, func(tx *store.Tx) (err error) {
		found, err = p.s.records.Find(ctx, tx, tx.People.ByTags, p.u.row.Authority, numbers)
		return err
	})
	if err == nil {
		err = p.s.records.OpenPeople(ctx, found)
	}
	if err != nil {
		return nil, err
	}
	return p.s.plans.Intake(p.u.row.Authority, p.by, p.newKeys, found), nil
}

// placeRow finds out what becomes of a row.
func (p *pass) placeRow(in *plan.Intake, r *sheetRow) RowResult {
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
	person.checkRows(h, superseded)
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
	out.PlanID, out.Version = p.mode.made(in.Add(h, &r.draft).Row.ID.String())
	person.restricted = h.Row.Restricted
	return out
}

// repeat finds out what a row changes of a plan that is held.
func (p *pass) repeat(in *plan.Intake, person *filePerson, h *record.Record, own *record.Plan, r *sheetRow) RowResult {
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
		out.Version = p.mode.next(out.Version)
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

// restrict makes the person restricted if the row says so, and notes it.
// Nothing in a file takes it away.
func (p *pass) restrict(in *plan.Intake, person *filePerson, h *record.Record, r *sheetRow, out *RowResult) {
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
func (p *pass) reject(r *sheetRow, why *rowWrong) RowResult {
	p.counts.Rejected++
	out := r.rejected(why)
	for _, v := range out.Violations {
		p.reasons[out.reason(v)]++
	}
	p.absence.protect(p.s.ring, r, why.code)
	return out
}

// keepResult keeps what becomes of a row, and adds it to the digest: all but
// the identifiers of what is new, which are other ones each time.
func (p *pass) keepResult(ctx context.Context, out *RowResult) error {
	said := *out
	said.Version, said.General = 0, ""
	if said.Outcome == RowNew {
		said.PlanID = ""
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
	sealed := p.u.key.Seal(text, record.RowsContext(p.u.row.ID, p.run, p.pages))
	err = p.in(ctx, func(tx *store.Tx) error {
		if err := p.mode.keep(ctx, tx); err != nil {
			return err
		}
		return tx.Files.InsertRows(ctx, p.u.row.ID, p.run, p.pages, sealed)
	})
	clear(p.page)
	p.page = p.page[:0]
	p.pages++
	return err
}
