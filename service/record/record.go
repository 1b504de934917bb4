package record

import (
	"bytes"
	"cmp"
	"slices"

	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/store"
)

// IsBorn reports whether a date of birth fits the person.
func (h *Record) IsBorn(on domain.Date) bool { return h.Person.Vacant || h.Person.DateOfBirth == on }

// IsNew reports whether nothing is held about the person yet.
func (h *Record) IsNew() bool { return h.Row.Version == 0 }

// Same finds the plan that a draft repeats: of the same kind, with the same
// first day.
func (h *Record) Same(d *domain.Details) *Plan {
	for i := range h.Plans {
		if p := &h.Plans[i]; p.Kind == d.Kind && p.Start == d.Start {
			return p
		}
	}
	return nil
}

// Overlapping finds a plan of the same kind that runs at the same time.
func (h *Record) Overlapping(d *domain.Details) *Plan {
	for i := range h.Plans {
		if p := &h.Plans[i]; p.RunsWith(d) {
			return p
		}
	}
	return nil
}

// Name names the plan in messages to its authority.
func (p *Plan) Name() string { return "your plan " + p.Row.ID.String() }

// Latest returns the plan that names a person to an authority.
func (h *Record) Latest() (_ Plan, ok bool) {
	plans := slices.DeleteFunc(slices.Clone(h.Plans), func(p Plan) bool { return p.Row.Removed })
	switch {
	case len(h.Plans) == 0 && h.Past != nil:
		return *h.Past, true
	case len(h.Plans) == 0:
		return Plan{}, false
	case len(plans) == 0:
		plans = h.Plans
	}
	return LastRecorded(plans), true
}

// Of returns the person whom the plan is about, named as its authority recorded.
// Of a plan that was an error it holds no more than the names: what else is held
// by now may be what others recorded, about somebody else.
func (p *Plan) Of(person domain.Person) domain.Person {
	if p.Row.Removed {
		return domain.Person{Family: p.Family, Given: p.Given}
	}
	person.Family, person.Given = p.Family, p.Given
	return person
}

// Content is what is sealed of a plan: its details, and the names under which
// its authority recorded the person.
//
// Names stand with each plan, not only with the person, because authorities
// may know somebody under different ones, and a child's new name must not reach
// the authority that knew the old one through this service.
type Content struct {
	domain.Details
	Family string `json:"family"`
	Given  string `json:"given"`
	Change Author `json:"change,omitzero"`
	// Under is the NHS number that the plan was registered under, if that was
	// a former one: it says whom the plan is about should two records that were
	// joined have been of two persons.
	Under string `json:"under,omitempty"`
}

// Record is what is held about a person, as far as one authority may know it:
// the person, and the authority's own plans that are not errors.
type Record struct {
	Row    store.PersonRow
	Tag    keys.Tag // local, of the NHS number that it was looked for by
	Key    *keys.DataKey
	Person domain.Person
	Plans  []Plan
	Past   *Plan // what an authority knew last that holds nothing any more; nil elsewhere
}

// Plan is one of the authority's own plans.
type Plan struct {
	Row store.PlanRow
	Content
}

// LastRecorded returns the plan whose version is the latest: of those that were
// written together, such as by one file, the one that was made last. Under its
// names the authority recorded the person last. There must be one.
func LastRecorded(plans []Plan) Plan {
	return slices.MaxFunc(plans, func(a, b Plan) int {
		return cmp.Or(a.Row.At.Compare(b.Row.At), bytes.Compare(a.Row.ID[:], b.Row.ID[:]))
	})
}

// People are persons by the local tags of their NHS numbers.
type People map[keys.Tag]*Record

// Erased reports whether nothing about the person can be opened any more.
func (h *Record) Erased() bool { return h.Row.WrappedKey == "" }

// IsVisible reports whether look-ups show the plan, unless it was an error.
func (p *Plan) IsVisible(today domain.Date) bool {
	return p.Row.VisibleUntil == nil || !p.Row.VisibleUntil.Before(today.Time())
}

// RecordedAs names a person as an authority recorded it last.
func RecordedAs(number domain.NHSNumber, born domain.Date, plans []Plan) domain.Person {
	latest := LastRecorded(plans)
	return domain.Person{NHSNumber: number, Family: latest.Family, Given: latest.Given, DateOfBirth: born}
}

// AuthoritiesOf returns whose the plans are that are not errors, in order.
func AuthoritiesOf(plans []store.PlanRow) []string {
	var all []string
	for i := range plans {
		if !plans[i].Removed {
			all = append(all, plans[i].Authority)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// RunsOn reports whether a plan is in force on a day, and will be the day after
// for all that is known.
func (p *Plan) RunsOn(day domain.Date) bool {
	return (p.End.IsZero() || p.End.After(day)) && (p.Kind != domain.UCPP || !p.VisibleUntil().Before(day))
}

// ProblemOtherBirth is what is wrong with a date of birth under a number that
// somebody else holds, by whatever act the number is claimed.
const ProblemOtherBirth = "does not fit this NHS number: check both, and trace the number again"
