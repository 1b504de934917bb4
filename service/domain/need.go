package domain

// Need is why a plan asks for its authority by itself, because a day has come.
type Need string

// The needs.
const (
	Overdue Need = "overdue" // an unborn child should have been born by now
	Adult   Need = "adult"   // the child is 18 or older
)

// Needs are all of them.
func Needs() []Need { return []Need{Overdue, Adult} }

// Span is from when until when a plan asks for its authority: from the first day
// on, and before the day after, if there is one.
type Span struct {
	Need  Need // none if the plan never asks
	First Date
	After Date
}

// Asks returns when the plan about somebody with a date of birth asks for its
// authority. A plan that ends before never does.
func (d *Details) Asks(born Date) Span {
	s := Span{Need: Adult, First: born.AddYears(AdultAge)}
	if d.Kind == UCPP {
		s = Span{Need: Overdue, First: d.Expected.AddDays(1)}
	}
	if !d.End.IsZero() {
		s.After = d.End.AddDays(1)
		if !s.First.Before(s.After) {
			return Span{}
		}
	}
	return s
}

// On reports whether the plan asks on a day.
func (s Span) On(day Date) bool {
	return s.Need != "" && !day.Before(s.First) && (s.After.IsZero() || day.Before(s.After))
}
