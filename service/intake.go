package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/store"
)

// intake takes drafts of one authority, places each among what is held, and
// writes what is new or changed. It lives for one run of a transaction; only its
// keys outlive that.
type intake struct {
	s         *Service
	authority string
	change    change // who makes the versions that are written, and why
	now       time.Time
	keys      newKeys
	people    people
	made      []*held // of whom nothing is held yet
	altered   []*held // who become restricted, or are somebody else than was thought
	plans     []*newPlan
	changes   []*newPlan // plans that are held, as they are to be
}

// newPlan is a plan to be written, and about whom.
type newPlan struct {
	ownPlan
	about *held
}

// newKeys are keys made for persons of whom nothing is held yet, by the tags of
// their NHS numbers. They are kept when a transaction runs again, for wrapping
// keys takes longer than all the rest. One that nobody needed is forgotten.
type newKeys map[keys.Tag]newKey

type newKey struct {
	person uuid.UUID
	keys.NewKey
}

// takeIn begins to take drafts about persons. Who is going to write must find
// them by locking them.
func (s *Service) takeIn(
	ctx context.Context, find findTags, tx *store.Tx, authority string, by change, made newKeys, numbers []NHSNumber,
) (*intake, error) {
	found, err := s.findHeld(ctx, tx, find, authority, numbers)
	if err != nil {
		return nil, err
	}
	if err := s.openPeople(ctx, found); err != nil {
		return nil, err
	}
	return s.intake(authority, by, made, found), nil
}

// intake begins to take drafts about people who were found and opened.
func (s *Service) intake(authority string, by change, made newKeys, found people) *intake {
	return &intake{s: s, authority: authority, change: by, now: s.moment(), keys: made, people: found}
}

// errWrongPerson says that a date of birth is not the one that is held for the
// NHS number. It goes with an *InvalidError, and into the entry: an authority
// that tries out dates can be seen there.
var errWrongPerson = errors.New("date of birth does not fit NHS number")

// placed is where a draft belongs.
type placed struct {
	plan  *ownPlan   // new, or held already; nil where the draft is wrong
	known bool       // it is held already, and stays as it is
	wrong violations // why it has no place
	err   error      // errWrongPerson
}

// place finds where the draft of a request belongs.
func (in *intake) place(d *draft) placed {
	tag := in.s.ring.LocalTag(d.person.NHSNumber.Reveal())
	h := in.people[tag]
	if h == nil {
		h = &held{tag: tag, person: d.person}
		in.people[tag] = h
	}
	if !h.isBorn(d.person.DateOfBirth) {
		return wrongPerson()
	}
	if p := h.same(&d.details); p != nil {
		return placed{plan: p, known: true}
	}
	if p := h.overlapping(&d.details); p != nil {
		var v violations
		v.add("start", "overlaps with "+p.name()+" of the same kind: end that one first, or correct the dates", "")
		return placed{wrong: v}
	}
	return placed{plan: in.add(h, d)}
}

// problemOtherBirth is what is wrong with a date of birth under a number that
// somebody else holds, by whatever act the number is claimed.
const problemOtherBirth = "does not fit this NHS number: check both, and trace the number again"

// wrongPerson refuses a draft whose date of birth does not fit.
//
// An authority learns from this that somebody else holds something about the
// number, which cannot be helped: to take the draft would flag the wrong child,
// or make everybody's look-ups of the right one fail. It does not learn the
// date, nor who holds what, and the words say no more than that it should trace
// the number again.
func wrongPerson() placed {
	var v violations
	v.add("date_of_birth", problemOtherBirth, "")
	return placed{wrong: v, err: errWrongPerson}
}

// add takes a draft of a plan that is new.
func (in *intake) add(h *held, d *draft) *ownPlan {
	if h.isNew() && len(h.plans) == 0 {
		in.made = append(in.made, h)
	}
	p := &newPlan{about: h, ownPlan: ownPlan{
		row:      store.PlanRow{ID: newID(), Version: 1, Authority: in.authority, At: in.now},
		recorded: recorded{Details: d.details, Family: d.person.Family, Given: d.person.Given, Change: in.change},
	}}
	if !h.person.NHSNumber.is(d.person.NHSNumber) {
		p.Under = d.person.NHSNumber.Reveal()
	}
	in.occupy(h, d)
	in.mark(h, d)
	in.plans = append(in.plans, p)
	h.plans = append(h.plans, p.ownPlan)
	return &p.ownPlan
}

// alter takes what is to be recorded of a plan that is held.
func (in *intake) alter(h *held, p *ownPlan, to recorded) {
	to.Change = in.change
	next := &newPlan{about: h, ownPlan: ownPlan{row: p.row, recorded: to}}
	next.row.Version++
	next.row.At = in.now
	in.changes = append(in.changes, next)
}

// mark makes a person restricted where the draft says so, and says whether
// somebody who was held without it will be. Nothing here takes it away.
func (in *intake) mark(h *held, d *draft) bool {
	if !d.restricted || h.row.Restricted {
		return false
	}
	h.row.Restricted = true
	if h.isNew() {
		return false
	}
	in.alterPerson(h)
	return true
}

// occupy makes a person of whom nothing but errors is held the one of a draft.
func (in *intake) occupy(h *held, d *draft) {
	if h.person.Vacant {
		h.person.Vacant, h.person.DateOfBirth = false, d.person.DateOfBirth
		in.alterPerson(h)
	}
}

// alterPerson has the person's next version written.
func (in *intake) alterPerson(h *held) {
	if !slices.Contains(in.altered, h) {
		in.altered = append(in.altered, h)
	}
}

// isBorn says whether a date of birth fits the person.
func (h *held) isBorn(on Date) bool { return h.person.Vacant || h.person.DateOfBirth == on }

// isNew says whether nothing is held about the person yet.
func (h *held) isNew() bool { return h.row.Version == 0 }

// same finds the plan that a draft repeats: of the same kind, with the same
// first day.
func (h *held) same(d *Details) *ownPlan {
	for i := range h.plans {
		if p := &h.plans[i]; p.Kind == d.Kind && p.Start == d.Start {
			return p
		}
	}
	return nil
}

// overlapping finds a plan of the same kind that runs at the same time.
func (h *held) overlapping(d *Details) *ownPlan {
	for i := range h.plans {
		if p := &h.plans[i]; p.runsWith(d) {
			return p
		}
	}
	return nil
}

// over is the day from which another plan of the same kind may begin. An unborn
// child's plan that nobody ended is over when it is no longer visible.
func (d Details) over() Date {
	switch {
	case !d.End.IsZero():
		return d.End
	case d.Kind == UCPP:
		return d.visibleUntil()
	}
	return endOfTime
}

// endOfTime is later than every day that can be written.
var endOfTime = Date{year: 9999, month: time.December, day: 31}

// name says which plan is meant.
func (p *ownPlan) name() string { return "your plan " + p.row.ID.String() }
