package planfile

import (
	"cmp"
	"context"
	"slices"
)

// The columns of the table of episodes of care.
const (
	claeID = iota
	claePerson
	claeStart
	claeCeased
	claeReason
	claePeriod
	claeEntered
	claeBegan
)

var episodeColumns = columns{
	claeID:      {name: "clae_cla_episode_id"},
	claePerson:  {name: "clae_person_id"},
	claeStart:   {name: "clae_cla_episode_start_date", day: true},
	claeCeased:  {name: "clae_cla_episode_ceased_date", day: true},
	claeReason:  {name: "clae_cla_episode_ceased_reason"},
	claePeriod:  {name: "clae_cla_id", optional: true},
	claeEntered: {name: "clae_entered_care_date", optional: true, day: true},
	claeBegan:   {name: "clae_cla_episode_start_reason", optional: true},
}

// episode is an episode of care: a placement under a legal status. One follows
// the other on the same day until care ends.
type episode struct {
	line                  int
	person                string
	id                    string // of the period of care or, if that has none, its own
	whole                 bool   // the id is the period's
	entered, start, end   day
	problem, endedProblem string // of the start, of the end
	ceased                ceased // why it ended
	continues             bool   // began because something changed in a period of care
}

// period is a period of care: its episodes from entering care to leaving it.
type period struct {
	episode // the first; its line is the first of the period, and its end that of the last
}

// lateDays is how long the episode that follows another may be missing.
const lateDays = 31

const (
	episodeMissing = "is required: the last episode ceased with X1, which says that another follows, more than a month ago, and none does"
	reasonStrange  = "is not understood: clae_cla_episode_ceased_reason in ssd_cla_episodes words it in a way that is not known here; " +
		"it must be a code such as X1 or E4A, or what the code means"
)

// last returns the last day of a period, if it has one. A period goes on if
// another episode is to follow that is not in the records yet, but not for
// ever.
func (p *period) last(today day) (end day, problem string) {
	switch {
	case p.end == 0 || p.ceased == ceasedSilent || p.ceased == ceasedCare:
		return p.end, p.endedProblem
	case p.ceased == ceasedStrange:
		return 0, reasonStrange
	case p.end < today.addDays(-lateDays):
		return 0, episodeMissing
	}
	return 0, ""
}

// readCare reads the episodes of care and puts them together to periods.
func (d *dataset) readCare(ctx context.Context) error {
	var episodes []episode
	err := d.each(ctx, tableEpisodes, episodeColumns, func(t *table) error {
		if len(episodes) == maxEpisodes {
			return broken(tableEpisodes, t.line, "is beyond the number of episodes that a file may hold")
		}
		episodes = append(episodes, readEpisode(t))
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range periods(episodes) {
		if d.ended(p.start, p.end) {
			d.long++
			continue
		}
		if err := d.room(tableEpisodes, p.line); err != nil {
			return err
		}
		d.periods = append(d.periods, p)
		d.about(p.person)
	}
	slices.SortFunc(d.periods, func(a, b period) int { return cmp.Compare(a.line, b.line) })
	return nil
}

func readEpisode(t *table) episode {
	e := episode{line: t.line, person: t.texts[claePerson], id: t.texts[claePeriod], whole: true}
	if e.id == "" {
		e.id, e.whole = t.texts[claeID], false
	}
	var problem string
	e.start, e.problem = t.day(claeStart)
	e.problem = inColumn(tableEpisodes, "clae_cla_episode_start_date", e.problem)
	if e.entered, problem = t.day(claeEntered); problem != "" {
		e.problem = inColumn(tableEpisodes, "clae_entered_care_date", problem)
	}
	e.end, problem = t.day(claeCeased)
	e.endedProblem = inColumn(tableEpisodes, "clae_cla_episode_ceased_date", problem)
	e.ceased = parseCeased(t.texts[claeReason])
	e.continues = parseContinues(t.texts[claeBegan])
	return e
}

// periods puts episodes together: those that name the same period of care or,
// if they name none, follow each other without a gap.
func periods(episodes []episode) []period {
	slices.SortStableFunc(episodes, func(a, b episode) int {
		return cmp.Or(
			cmp.Compare(a.person, b.person),
			cmp.Compare(wholeID(&a), wholeID(&b)),
			cmp.Compare(a.start, b.start),
			cmp.Compare(endOrLast(a.end), endOrLast(b.end)),
		)
	})
	var out []period
	for i := range episodes {
		e := &episodes[i]
		if i > 0 && follows(&episodes[i-1], e) {
			out[len(out)-1].extend(e)
			continue
		}
		out = append(out, newPeriod(e))
	}
	return out
}

// wholeID returns the id of the period that an episode names, if it does.
func wholeID(e *episode) string {
	if e.whole {
		return e.id
	}
	return ""
}

// endOrLast returns a day for the end that compares: none is after all others.
func endOrLast(end day) day {
	if end == 0 {
		return openEnd
	}
	return end
}

// follows reports whether an episode is of the same period as the one before it.
func follows(before, e *episode) bool {
	if before.person != e.person || before.whole != e.whole {
		return false
	}
	if e.whole {
		return before.id == e.id
	}
	return before.problem == "" && before.endedProblem == "" && e.problem == "" &&
		before.end != 0 && (before.ceased != ceasedCare || e.continues) && e.start <= before.end.addDays(1)
}

// newPeriod begins a period with its first episode.
func newPeriod(e *episode) period {
	p := period{*e}
	if p.entered != 0 {
		p.start = p.entered
	}
	return p
}

// extend adds the next episode.
func (p *period) extend(e *episode) {
	p.end, p.endedProblem, p.ceased = e.end, e.endedProblem, e.ceased
	p.problem = cmp.Or(p.problem, e.problem)
	p.line = min(p.line, e.line)
}

// givePeriods passes on the periods of care.
func (d *dataset) givePeriods(ctx context.Context, row *Row, give func(*Row) error) error {
	for i := range d.periods {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &d.periods[i]
		row.reset(tableEpisodes, p.line)
		row.Kind, row.Reference = kindLAC, oneLine(p.id)
		end, endProblem := p.last(d.today)
		row.Start, row.End = p.start.String(), end.String()
		row.wrong(FieldStart, p.problem, exampleDay)
		row.wrong(FieldEnd, endProblem, exampleDay)
		child := d.persons[p.person]
		child.fill(row)
		basis, problem := child.basis(p.start, end, d.today)
		row.Basis = basis
		row.wrong(FieldBasis, problem, exampleBasis)
		if err := give(row); err != nil {
			return err
		}
	}
	return nil
}
