package plan

import (
	"slices"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

// Intake takes drafts of one authority, places each among what is held, and
// writes what is new or changed. It lives for one run of a transaction; only its
// keys outlive that.
type Intake struct {
	s         *Plans
	authority string
	change    record.Author // who makes the versions that are written, and why
	now       time.Time
	Keys      record.NewKeys
	People    record.People
	made      []*record.Record // of whom nothing is held yet
	altered   []*record.Record // who become restricted, or are somebody else than was thought
	Plans     []*record.NewPlan
	changes   []*record.NewPlan // plans that are held, as they are to be
}

// Intake begins to take drafts about people who were found and opened: by locking
// them, if anything is going to be written.
func (s *Plans) Intake(authority string, by record.Author, made record.NewKeys, found record.People) *Intake {
	return &Intake{s: s, authority: authority, change: by, now: s.clock.Moment(), Keys: made, People: found}
}

// placed is where a draft belongs.
type placed struct {
	plan  *record.Plan      // new, or held already; nil if the draft is wrong
	known bool              // it is held already, and stays as it is
	Wrong domain.Violations // why it has no place
	err   error             // ErrWrongPerson
}

// place finds where the draft of a request belongs.
func (in *Intake) place(d *domain.Draft) placed {
	tag := in.s.ring.LocalTag(d.Person.NHSNumber.Reveal())
	h := in.People[tag]
	if h == nil {
		h = &record.Record{Tag: tag, Person: d.Person}
		in.People[tag] = h
	}
	if !h.IsBorn(d.Person.DateOfBirth) {
		return WrongPerson()
	}
	if p := h.Same(&d.Details); p != nil {
		return placed{plan: p, known: true}
	}
	if p := h.Overlapping(&d.Details); p != nil {
		var v domain.Violations
		v.Add("start", "overlaps with "+p.Name()+" of the same kind: end that one first, or correct the dates", "")
		return placed{Wrong: v}
	}
	return placed{plan: in.Add(h, d)}
}

// WrongPerson refuses a draft whose date of birth does not fit.
//
// An authority learns from this that somebody else holds something about the
// number, which cannot be helped: to take the draft would flag the wrong child,
// or make everybody's look-ups of the right one fail. It does not learn the
// date, nor who holds what, and the words say no more than that it should trace
// the number again.
func WrongPerson() placed {
	var v domain.Violations
	v.Add("date_of_birth", record.ProblemOtherBirth, "")
	return placed{Wrong: v, err: guard.ErrWrongPerson}
}

// Add takes a draft of a plan that is new.
func (in *Intake) Add(h *record.Record, d *domain.Draft) *record.Plan {
	if h.IsNew() && len(h.Plans) == 0 {
		in.made = append(in.made, h)
	}
	p := &record.NewPlan{About: h, Plan: record.Plan{
		Row:     store.PlanRow{ID: guard.NewID(), Version: 1, Authority: in.authority, At: in.now},
		Content: record.Content{Details: d.Details, Family: d.Person.Family, Given: d.Person.Given, Change: in.change},
	}}
	if !h.Person.NHSNumber.Is(d.Person.NHSNumber) {
		p.Under = d.Person.NHSNumber.Reveal()
	}
	in.reuse(h, d)
	in.Mark(h, d)
	in.Plans = append(in.Plans, p)
	h.Plans = append(h.Plans, p.Plan)
	return &p.Plan
}

// Alter takes what is to be recorded of a plan that is held.
func (in *Intake) Alter(h *record.Record, p *record.Plan, to record.Content) {
	to.Change = in.change
	next := &record.NewPlan{About: h, Plan: record.Plan{Row: p.Row, Content: to}}
	next.Row.Version++
	next.Row.At = in.now
	in.changes = append(in.changes, next)
}

// Mark makes a person restricted if the draft says so, and reports whether
// somebody who was held without it will be. Nothing here takes it away.
func (in *Intake) Mark(h *record.Record, d *domain.Draft) bool {
	if !d.Restricted || h.Row.Restricted {
		return false
	}
	h.Row.Restricted = true
	if h.IsNew() {
		return false
	}
	in.alterPerson(h)
	return true
}

// reuse makes a person of whom nothing but errors is held the one of a draft.
func (in *Intake) reuse(h *record.Record, d *domain.Draft) {
	if h.Person.Vacant {
		h.Person.Vacant, h.Person.DateOfBirth = false, d.Person.DateOfBirth
		in.alterPerson(h)
	}
}

// alterPerson has the person's next version written.
func (in *Intake) alterPerson(h *record.Record) {
	if !slices.Contains(in.altered, h) {
		in.altered = append(in.altered, h)
	}
}
