package record

import (
	"slices"
	"strconv"

	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/store"
)

// A plan is found by the names under which its authority recorded the person, and
// by the days on which it begins to ask for the authority and ceases to. All of
// these are sealed: what the database has is keyed hashes, of no more than is
// asked for. A part of a name is hashed together with the authority, so that the
// same name looks different at two of them, and with the date of birth or the year
// of birth, so that brothers and sisters have nothing in common, and a frequent name
// no frequent hash.

// The domains of these hashes.
const (
	hashFamily = "family name"
	hashGiven  = "given name"
	hashComes  = "asks from"
	hashGoes   = "asks until"
)

// indexer makes what finds plans.
type indexer struct {
	ring  *keys.Ring
	today domain.Date
}

// of makes what finds a plan about a person, as it is to be stored.
func (x indexer) of(person *domain.Person, p *Plan) store.PlanIndex {
	if p.Row.Removed {
		return store.PlanIndex{}
	}
	var out store.PlanIndex
	span := p.Asks(person.DateOfBirth)
	if span.On(x.today) {
		out.Need = string(span.Need)
	}
	for _, h := range x.ring.Hashers() {
		row := store.PlanIndexRow{Plan: p.Row.ID, IndexVersion: h.Version(), PlanVersion: p.Row.Version}
		row.Names = namesOf(h, p.Row.Authority, person.DateOfBirth, p)
		row.Comes, row.Goes = x.daysOf(h, p.Row.Authority, span)
		out.Rows = append(out.Rows, row)
	}
	return out
}

// namesOf returns the hashes by which a plan is found by name, in no order that
// says anything.
func namesOf(h keys.Hasher, authority string, born domain.Date, p *Plan) [][]byte {
	var all [][]byte
	for _, when := range []string{born.String(), yearOf(born)} {
		for _, part := range domain.NameKeys(p.Family) {
			all = append(all, nameTag(h, hashFamily, authority, part, when))
		}
		for _, part := range domain.NameKeys(p.Given) {
			all = append(all, nameTag(h, hashGiven, authority, part, when))
		}
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

// nameTag is the hash of a part of a name; when is a date or a year.
func nameTag(h keys.Hasher, which, authority, part, when string) []byte {
	sum := h.Hash(which, authority, part, when)
	return sum[:store.NameTagSize]
}

func yearOf(d domain.Date) string { return strconv.Itoa(d.Time().Year()) }

// daysOf returns the hashes of the days to come on which a plan begins to ask for
// its authority, and ceases to.
func (x indexer) daysOf(h keys.Hasher, authority string, s domain.Span) (comes, goes []byte) {
	switch {
	case s.Need == "":
		return nil, nil
	case s.First.After(x.today):
		comes = dayTag(h, hashComes, authority, s.Need, s.First)
	}
	if s.After.After(x.today) {
		goes = dayTag(h, hashGoes, authority, s.Need, s.After)
	}
	return comes, goes
}

func dayTag(h keys.Hasher, which, authority string, need domain.Need, day domain.Date) []byte {
	sum := h.Hash(which, authority, string(need), day.String())
	return sum[:]
}

// longestLife is how many years back dates of birth are thought of if none is given:
// of children, and of the mothers of unborn ones.
const longestLife = 90

// AskedPerson is somebody whom an authority looks for by name.
type AskedPerson struct {
	Family, Given domain.AskedName
	Born          domain.Date // none if it is not known
}

// Fits reports whether a plan is about such a person, as its authority recorded.
func (a *AskedPerson) Fits(h *Record, p *Plan) bool {
	return a.Family.Fits(p.Family) && a.Given.Fits(p.Given) && (a.Born.IsZero() || a.Born == h.Person.DateOfBirth)
}

// NamedAs returns what finds the plans of an authority about such a person: enough
// to propose them, so whoever is found is compared once they are opened.
func (s *Records) NamedAs(authority string, a *AskedPerson) []store.NamedAs {
	whens := []string{a.Born.String()}
	if a.Born.IsZero() {
		whens = whens[:0]
		for year, n := s.clock.Today().Time().Year(), 0; n <= longestLife; n++ {
			whens = append(whens, strconv.Itoa(year-n))
		}
	}
	var sets []store.NamedAs
	for _, h := range s.ring.Hashers() {
		for _, family := range a.Family {
			for _, given := range a.Given {
				for _, when := range whens {
					sets = append(sets, namedAs(h, authority, family, given, when))
				}
			}
		}
	}
	return sets
}

// namedAs is one set: as many parts as can be asked for, the family name's first.
func namedAs(h keys.Hasher, authority string, family, given []string, when string) (set store.NamedAs) {
	var tags [][]byte
	for _, part := range family {
		tags = append(tags, nameTag(h, hashFamily, authority, part, when))
	}
	for _, part := range given {
		tags = append(tags, nameTag(h, hashGiven, authority, part, when))
	}
	for i := range set {
		set[i] = tags[min(i, len(tags)-1)]
	}
	return set
}

// Days returns the hashes of a day on which plans of authorities begin to ask for
// them, and cease to.
func (s *Records) Days(authorities []string, day domain.Date) (comes, goes []store.DayTag) {
	for _, h := range s.ring.Hashers() {
		for _, authority := range authorities {
			for _, need := range domain.Needs() {
				tag := store.DayTag{Authority: authority, Need: string(need)}
				tag.Tag = dayTag(h, hashComes, authority, need, day)
				comes = append(comes, tag)
				tag.Tag = dayTag(h, hashGoes, authority, need, day)
				goes = append(goes, tag)
			}
		}
	}
	return comes, goes
}

// Complete reports whether every plan has been given what finds it, under one of
// the index keys that are asked with.
func (s *Records) Complete(state store.WorkState) bool {
	versions := s.ring.IndexVersions()
	return state.Filled >= versions[len(versions)-1]
}

// Current reports whether the lists of plans that ask for their authorities are
// those of today.
func (s *Records) Current(state store.WorkState) bool {
	return s.Complete(state) && state.Day != nil && !domain.DateOf(*state.Day).Before(s.clock.Today())
}
