package domain

import (
	"slices"
	"time"
)

// over is the day from which another plan of the same kind may begin. An unborn
// child's plan that nobody ended is over when it is no longer visible.
func (d Details) over() Date {
	switch {
	case !d.End.IsZero():
		return d.End
	case d.Kind == UCPP:
		return d.VisibleUntil()
	}
	return endOfTime
}

// endOfTime is later than every day that can be written.
var endOfTime = Date{year: 9999, month: time.December, day: 31}

// RunsWith reports whether plans are of the same kind and run at the same time. One
// may begin on the day the other ends.
func (d *Details) RunsWith(other *Details) bool {
	return d.Kind == other.Kind && d.Start.Before(other.over()) && other.Start.Before(d.over())
}

// Kind is what a local authority records about a person.
type Kind string

// The kinds.
const (
	CPP  Kind = "cpp"  // child protection plan
	LAC  Kind = "lac"  // looked-after child
	UCPP Kind = "ucpp" // unborn child protection plan, held against the mother
)

// Note says in one sentence what a plan of this kind does and does not say.
func (k Kind) Note() string {
	switch k {
	case CPP:
		return "This child is, or was within the last year, on a child protection plan."
	case LAC:
		return "This child is, or was within the last year, looked after by a local authority."
	case UCPP:
		return "This plan protects an unborn child. It is recorded under the mother's NHS number and says nothing about the mother."
	}
	return ""
}

// Basis is the legal basis on which a child is looked after.
type Basis string

// The legal bases in scope, sections of the Children Act 1989.
const (
	NoBasis Basis = ""
	S31     Basis = "s31" // full care order
	S38     Basis = "s38" // interim care order
	S20     Basis = "s20" // voluntary accommodation
)

// Person is whom a plan is about: the child, or for an unborn child the
// mother.
type Person struct {
	NHSNumber   NHSNumber
	Family      string
	Given       string
	DateOfBirth Date
	Former      []NHSNumber // superseded numbers that still find the person
	Claims      []Claim     // of those numbers that replaced others
	// Vacant says that all plans about the person were errors. Whoever is
	// registered next under the number is who it is of, whatever the date of birth.
	Vacant bool
}

// Numbers are all that find the person, the current one first.
func (p *Person) Numbers() []NHSNumber {
	return append([]NHSNumber{p.NHSNumber}, p.Former...)
}

// Has reports whether a number finds the person.
func (p *Person) Has(n NHSNumber) bool {
	return slices.ContainsFunc(p.Numbers(), n.Is)
}

// Details are what only a person's data key opens.
type Details struct {
	Kind      Kind   `json:"kind"`
	Start     Date   `json:"start"`
	End       Date   `json:"end"`
	Expected  Date   `json:"expected"`
	Basis     Basis  `json:"basis,omitempty"`
	Reference string `json:"ref,omitempty"`
	EndReason string `json:"end_reason,omitempty"`
}

// How long a plan is shown after it is over.
const (
	VisibleAfterEnd       = 365 // days, CPP and LAC
	visibleAfterUnbornEnd = 28  // days, UCPP, after its end or the expected date
)

// VisibleUntil returns the last day on which look-ups show the plan; none while
// it is open.
func (d Details) VisibleUntil() Date {
	switch {
	case d.Kind == UCPP && !d.End.IsZero():
		return d.End.AddDays(visibleAfterUnbornEnd)
	case d.Kind == UCPP:
		return d.Expected.AddDays(visibleAfterUnbornEnd)
	case !d.End.IsZero():
		return d.End.AddDays(VisibleAfterEnd)
	}
	return Date{}
}

// Ended reports whether the plan's last day has passed.
func (d Details) Ended(today Date) bool { return !d.End.IsZero() && d.End.Before(today) }
