package planfile

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Bounds of what is held of a dataset while it is read, beside a person for
// each plan and a mother for some.
const (
	maxEpisodes = 4 * MaxRows // of care
	maxStatuses = 4 * MaxRows // legal ones, of those who are looked after
)

// keptDays is how long ago a plan may have ended that is still of interest: a
// month longer than it is shown.
const keptDays = 400

// What was left out of a dataset on purpose.
const (
	noteOther = "child protection plans of other authorities (cppl_cp_plan_ola)"
	noteLong  = "plans and periods of care that ended more than 400 days ago"
	noteTwins = "plans of unborn children that are expected with another one: one plan of their mother stands for all of them"
)

const datasetNone = "holds no plan and no period of care that goes on, or ended within 400 days"

// datasetAbsent are the fields that the dataset has no column for.
var datasetAbsent = []string{FieldRestricted}

// dataset is the Standard Safeguarding Dataset of an authority being read. The
// plans are read first, and then of all people only those whom a plan is about:
// what is held grows with the plans, not with the files.
type dataset struct {
	*tables
	today, since day // plans that ended before since are of no interest
	persons      map[string]*person
	periods      []period
	statuses     int
	plans        int                // that will be given
	others, long int                // left out
	twins        map[int]*pregnancy // by the lines of their plans
	together     int                // plans of twins that are given with another one
}

// readDataset reads the tables of the dataset.
func readDataset(ctx context.Context, today time.Time, from []Source, fn func(*Row) error) (Summary, error) {
	open, err := openTables(from)
	if err != nil {
		return Summary{}, err
	}
	d := dataset{tables: open, today: dayOf(today), persons: map[string]*person{}}
	d.since = d.today.addDays(-keptDays)
	for _, read := range []func(context.Context) error{
		d.learnOrder, d.readPlans, d.readCare, d.readPersons, d.readMothers, d.readPersons, d.readNumbers, d.readStatuses, d.readPregnancies,
	} {
		if err := read(ctx); err != nil {
			return Summary{}, err
		}
	}
	sum := Summary{Absent: datasetAbsent, Notes: d.notes()}
	if d.plans+len(d.periods) == 0 {
		return sum, broken("", 0, datasetNone)
	}
	row := Row{Absent: datasetAbsent}
	give := func(r *Row) error {
		sum.Rows++
		return fn(r)
	}
	if err := d.givePlans(ctx, &row, give); err != nil {
		return sum, err
	}
	return sum, d.givePeriods(ctx, &row, give)
}

// notes says what was left out.
func (d *dataset) notes() []Note {
	notes := []Note{{d.others, noteOther}, {d.long, noteLong}, {d.together, noteTwins}}
	return slices.DeleteFunc(notes, func(n Note) bool { return n.Count == 0 })
}

// about notes that a plan is about a person, whom the next tables are searched
// for.
func (d *dataset) about(id string) *person {
	p := d.persons[id]
	if p == nil {
		p = &person{}
		d.persons[id] = p
	}
	return p
}

// room reports whether one more plan may be given.
func (d *dataset) room(table string, line int) error {
	if d.plans+len(d.periods) >= MaxRows {
		return broken(table, line, tooManyRows)
	}
	return nil
}

// ended reports whether something ended so long ago that it is of no interest. A
// last day before the first is a mistake, and is to be seen.
func (d *dataset) ended(start, end day) bool {
	return end != 0 && start != 0 && start <= end && end < d.since
}

// openEnd is what some systems write for a day that is not known yet.
const openEnd day = 9999_12_31

// parseDatasetDay reads a day of the dataset, where most have a time of day that
// means nothing: databases know no days.
func parseDatasetDay(cell string, order dayOrder) (d day, problem string) {
	date, ok := withoutClock(cell)
	if !ok {
		return 0, dayClock
	}
	d, problem = parseDay(date, order)
	if d == openEnd {
		return 0, ""
	}
	return d, problem
}

const dayClock = "must be a date, with or without a time of day, and without a time zone, as in 2026-11-22 00:00:00"

// withoutClock returns what stands before a time of day, if there is one. It
// reports whether it was one.
func withoutClock(cell string) (date string, ok bool) {
	if !strings.Contains(cell, ":") {
		return cell, true
	}
	for i, r := range cell {
		if (r == ' ' || r == 'T') && isClock(strings.TrimSpace(cell[i+1:])) {
			return cell[:i], true
		}
	}
	return "", false
}

// isClock reports whether a text is a time of day. Fractions of seconds may
// follow.
func isClock(clock string) bool {
	for _, form := range []string{"15:04:05", "15:04", "3:04:05 PM", "3:04 PM"} {
		if _, err := time.Parse(form, clock); err == nil {
			return true
		}
	}
	return false
}

// inColumn says of which column of the dataset a problem speaks.
func inColumn(table, column, problem string) string {
	if problem == "" {
		return ""
	}
	return problem + " (" + column + " in " + table + ")"
}
