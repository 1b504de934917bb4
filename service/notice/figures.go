package notice

import (
	"context"
	"math"
	"slices"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// FiguresRequest asks for an authority's figures.
type FiguresRequest struct {
	Weeks   int    // 13 or 52; 13 if 0
	Request string // request id
}

// Figures are how often an authority was told that somebody looked, and how long it
// took to say what it did. They are of whole weeks, which begin on Monday in London, up
// to the last one that is over.
//
// They go from hand to hand, so nobody is to be singled out by them: a number from 1 to
// 4 is hidden, and all others are rounded to the nearest 5. A week is shown by what
// happened in it alone, so that figures of other weeks say no more about it.
type Figures struct {
	guard.Receipt

	From, Until domain.Date // the first Monday, and the last Sunday
	Settings    []domain.Setting
	Weeks       []FiguresWeek // the oldest first; one that had nothing is there as well
	// Answered is how all weeks' notices were answered; zero of fewer than 20.
	Answered Answered
}

// FiguresWeek is one week.
type FiguresWeek struct {
	Week     domain.Date // its Monday
	All      Figure      // without settings whose number is hidden
	Settings []Figure    // in the order of Figures.Settings
	Took     Took        // zero if All is hidden, or 0
}

// Figure is a number that singles nobody out.
type Figure struct {
	Count  int64 // 0 if hidden
	Hidden bool  // from 1 to 4
}

// Took is how many hours it took until half, and nine in ten, of all notices were
// acknowledged; -1 if fewer are.
type Took struct {
	Known         bool
	Median, Ninth float64
}

// Answered is how notices were answered. Shares are in percent, rounded to the nearest 5.
type Answered struct {
	Took

	FourHours, WorkingDay, ThreeDays, Open int
}

const (
	fewWeeks, manyWeeks = 13, 52
	// leastFigure is the least number that is not hidden, and to which others are rounded.
	leastFigure = 5
	// leastShares is of how many there are shares: they say how many there are of few.
	leastShares = 20
)

// figureKinds are the notices that say that somebody looked.
var figureKinds = []string{string(Unscheduled), string(BreakGlass), string(Restricted)}

// GetFigures counts, for the caller's authority, by week and setting. The error is
// ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded or ErrUnavailable.
func (s *Notices) GetFigures(ctx context.Context, c *identity.Caller, q *FiguresRequest) (*Figures, error) {
	weeks, err := q.read()
	a := guard.Act{Caller: c, Action: policy.ReadFigures, Own: true, Request: q.Request, Check: err}
	until := s.clock.Today().Monday()
	from := until.AddDays(-7 * weeks)
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Figures, error) {
		rows, err := tx.Notices.Figures(ctx, c.Organisation, figureKinds, from.Begins(), until.Begins())
		if err != nil {
			return nil, err
		}
		out := figuresOf(rows, from, weeks)
		e.Counts = audit.Counts{"weeks": int64(weeks)}
		return out, nil
	})
}

func (q *FiguresRequest) read() (int, error) {
	var c domain.Reader
	switch q.Weeks {
	case 0:
		return fewWeeks, nil
	case fewWeeks, manyWeeks:
		return q.Weeks, nil
	}
	c.Add("weeks", "must be 13 or 52", "13")
	return 0, c.Err()
}

// figuresOf makes figures of what was counted.
func figuresOf(rows []store.NoticeFigures, from domain.Date, weeks int) *Figures {
	out := &Figures{From: from, Until: from.AddDays(7*weeks - 1), Settings: settingsOf(rows)}
	counts := make([][]int64, weeks)
	for i := range weeks {
		counts[i] = make([]int64, len(out.Settings))
		out.Weeks = append(out.Weeks, FiguresWeek{Week: from.AddDays(7 * i)})
	}
	for i := range rows {
		r := &rows[i]
		w := slices.IndexFunc(out.Weeks, func(w FiguresWeek) bool { return w.Week == domain.DateOf(r.Week) })
		switch {
		case r.Week.IsZero():
			out.Answered = answered(r)
		case w < 0:
		case r.Setting == nil:
			out.Weeks[w].Took = took(r)
		default:
			counts[w][slices.Index(out.Settings, domain.Setting(*r.Setting))] = r.All
		}
	}
	for i := range out.Weeks {
		w := &out.Weeks[i]
		w.All, w.Settings = singleOut(counts[i])
		if w.All.Hidden {
			w.Took = Took{} // it would say that there are enough of them
		}
	}
	return out
}

// settingsOf are those in which something happened.
func settingsOf(rows []store.NoticeFigures) (settings []domain.Setting) {
	for i := range rows {
		if s := rows[i].Setting; s != nil && !slices.Contains(settings, domain.Setting(*s)) {
			settings = append(settings, domain.Setting(*s))
		}
	}
	slices.Sort(settings)
	return settings
}

// singleOut returns the numbers of a week so that they single nobody out. If one is
// hidden, their sum is that of the others as they are shown: it tells nothing of it.
func singleOut(counts []int64) (sum Figure, each []Figure) {
	var total, shown int64
	hidden := false
	for _, n := range counts {
		f := rounded(n)
		each, total, shown, hidden = append(each, f), total+n, shown+f.Count, hidden || f.Hidden
	}
	if !hidden {
		return rounded(total), each
	}
	return Figure{Count: shown, Hidden: shown == 0}, each
}

// rounded returns a number to the nearest 5, and hides those from 1 to 4.
func rounded(n int64) Figure {
	if n > 0 && n < leastFigure {
		return Figure{Hidden: true}
	}
	return Figure{Count: (n + leastFigure/2) / leastFigure * leastFigure}
}

// took says how long it took.
func took(r *store.NoticeFigures) Took {
	if r.All == 0 {
		return Took{}
	}
	return Took{Known: true, Median: hours(r.Median), Ninth: hours(r.Ninth)}
}

// answered says how notices were answered.
func answered(r *store.NoticeFigures) Answered {
	if r.All < leastShares {
		return Answered{}
	}
	percent := func(n int64) int { return int(math.Round(100*float64(n)/float64(r.All)/leastFigure)) * leastFigure }
	return Answered{
		Took: took(r), FourHours: percent(r.FourHours), WorkingDay: percent(r.WorkingDay), ThreeDays: percent(r.ThreeDays), Open: percent(r.Open),
	}
}

// hours are rounded to the minute.
func hours(h float64) float64 {
	if math.IsInf(h, 1) {
		return -1
	}
	return math.Round(h*float64(time.Hour/time.Minute)) / float64(time.Hour/time.Minute)
}
