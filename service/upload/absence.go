package upload

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/planfile"
	"cpis/service/record"
	"cpis/service/store"
)

// endedByAbsence stands with plans that ended because a whole list lacks them.
const endedByAbsence = "not in the list"

// absence finds out which plans a whole list lacks, and which of them end.
//
// A row that is wrong is about some plan all the same: no plan with its NHS
// number or its reference ends. If the number cannot be read, or does not fit
// the date of birth, it may be about somebody else. If then no plan that is
// missing has its number or its reference, nobody knows which one the row is
// about, and none ends.
type absence struct {
	own        map[uuid.UUID]struct{} // plans that the file is about
	inForce    int                    // of them, plans in force before
	persons    map[keys.Tag]bool      // with the numbers of wrong rows; whether a plan of theirs is missing
	references map[string]bool        // of wrong rows; whether a plan with it is missing
	doubts     doubts                 // wrong rows that may be about others than they say
	unsure     doubts                 // of them, those that are about no plan that is missing
	since      time.Time              // what was recorded later is fresh
	fresh      int                    // plans that end, and are fresh
}

// freshSpan is for how long a plan is fresh: a list that lacks it may be older,
// for systems write them in the evening, and send them in the night.
const freshSpan = 24 * time.Hour

// doubt is a wrong row that may be about others than it says.
type doubt struct {
	file      string
	line      int
	tag       keys.Tag // of its NHS number; zero if that cannot be read
	reference string
}

type doubts []doubt

// shownLines is how many lines are named in a text.
const shownLines = 5

// lines names the lines of the first rows, for people to read.
func (d doubts) lines() string {
	var all []string
	for _, r := range d[:min(len(d), shownLines)] {
		all = append(all, strings.TrimLeft(r.file+" line "+strconv.Itoa(r.line), " "))
	}
	if more := len(d) - shownLines; more > 0 {
		all = append(all, strconv.Itoa(more)+" more")
	}
	return strings.Join(all, ", ")
}

func newAbsence(since time.Time) absence {
	return absence{
		own: make(map[uuid.UUID]struct{}), persons: make(map[keys.Tag]bool), references: make(map[string]bool), since: since,
	}
}

// seen notes that the file is about a plan.
func (a *absence) seen(p *record.Plan, day domain.Date) {
	a.own[p.Row.ID] = struct{}{}
	if p.RunsOn(day) {
		a.inForce++
	}
}

// protect notes what a row may be about that is wrong, for which code says why.
func (a *absence) protect(ring *keys.Ring, r *sheetRow, code string) {
	d := doubt{file: r.File, line: r.Line, reference: r.Reference}
	n := r.draft.Person.NHSNumber
	if !n.IsZero() {
		d.tag = ring.LocalTag(n.Reveal())
		a.persons[d.tag] = false
	}
	if r.Reference != "" {
		a.references[r.Reference] = false
	}
	if n.IsZero() || code == codeUnverified {
		a.doubts = append(a.doubts, d)
	}
}

// findUnsure finds the wrong rows that are about no plan that is missing.
func (a *absence) findUnsure() {
	for _, d := range a.doubts {
		if !a.persons[d.tag] && !a.references[d.reference] {
			a.unsure = append(a.unsure, d)
		}
	}
}

// missing is a plan in force that the file lacks.
type missing struct {
	plan, person uuid.UUID
	version      int
	reference    string
	end          domain.Date // as it is held
	protected    bool
	fresh        bool // recorded by somebody a short while ago
}

// endMissing finds the plans in force that a whole list lacks, and ends them,
// or says that it would.
func (p *pass) endMissing(ctx context.Context) error {
	if !p.u.whole() || p.counts.Rows == p.counts.Rejected {
		return nil
	}
	lacking, err := p.findMissing(ctx)
	if err != nil {
		return err
	}
	p.counts.InForce = p.absence.inForce + len(lacking)
	p.absence.findUnsure()
	ending := lacking[:0]
	for i := range lacking {
		m := &lacking[i]
		out := p.missed(m)
		if err := p.keepResult(ctx, &out); err != nil {
			return err
		}
		if out.Outcome == RowEnding {
			ending = append(ending, *m)
		}
	}
	return p.mode.end(ctx, ending)
}

// missed finds out what becomes of a plan that the file lacks.
func (p *pass) missed(m *missing) RowResult {
	out := RowResult{Outcome: RowHeldBack, PlanID: m.plan.String(), Version: m.version, Reference: m.reference}
	if len(p.absence.unsure) > 0 || m.protected {
		p.counts.HeldBack++
		return out
	}
	p.counts.Ending++
	if m.fresh {
		p.absence.fresh++
	}
	out.Outcome, out.Version = RowEnding, p.mode.next(m.version)
	out.Changes = []FieldChange{{planfile.FieldEnd, m.end.String(), p.day.String()}}
	return out
}

// findMissing finds the plans in force that the file lacks.
func (p *pass) findMissing(ctx context.Context) ([]missing, error) {
	var lacking []missing
	page := func(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]store.PlanRow, error) {
		return tx.Plans.InForce(ctx, p.u.row.Authority, p.day.Time(), after, rowsAtOnce)
	}
	others := func(r *store.PlanRow) bool {
		_, own := p.absence.own[r.ID]
		return !own
	}
	err := p.each(ctx, page, others, func(h *record.Record, own *record.Plan) {
		if own.RunsOn(p.day) {
			lacking = append(lacking, p.absence.miss(p.s.ring, h, own))
		}
	})
	return lacking, err
}

// miss notes that the file lacks a plan.
func (a *absence) miss(ring *keys.Ring, h *record.Record, own *record.Plan) missing {
	m := missing{
		plan: own.Row.ID, person: own.Row.Person, version: own.Row.Version, reference: own.Reference, end: own.End,
		fresh: own.Change.Act != record.ActUpload && own.Row.At.After(a.since),
	}
	for _, n := range h.Person.Numbers() {
		tag := ring.LocalTag(n.Reveal())
		if _, about := a.persons[tag]; about {
			m.protected, a.persons[tag] = true, true
		}
	}
	if _, there := a.references[own.Reference]; there {
		m.protected, a.references[own.Reference] = true, true
	}
	return m
}
