package planfile

import (
	"context"
)

// The columns of the table of child protection plans.
const (
	cpplID = iota
	cpplPerson
	cpplStart
	cpplEnd
	cpplOther
)

var planColumns = columns{
	cpplID:     {name: "cppl_cp_plan_id"},
	cpplPerson: {name: "cppl_person_id"},
	cpplStart:  {name: "cppl_cp_plan_start_date", day: true},
	cpplEnd:    {name: "cppl_cp_plan_end_date", day: true},
	cpplOther:  {name: "cppl_cp_plan_ola", optional: true},
}

// protection is a child protection plan as its table has it.
type protection struct {
	person                   string
	start, end               day
	startProblem, endProblem string
	other, otherKnown        bool // of another authority
}

// lastDay returns the end of a plan, if one can follow its start.
func (p *protection) lastDay() day {
	if p.start == 0 || p.end < p.start {
		return 0
	}
	return p.end
}

func readProtection(t *table) protection {
	p := protection{person: t.texts[cpplPerson]}
	p.start, p.startProblem = t.day(cpplStart)
	p.end, p.endProblem = t.day(cpplEnd)
	p.other, p.otherKnown = parseYesNo(t.texts[cpplOther])
	return p
}

// readPlans notes whom child protection plans are about.
func (d *dataset) readPlans(ctx context.Context) error {
	return d.each(ctx, tablePlans, planColumns, func(t *table) error {
		p := readProtection(t)
		switch {
		case p.other:
			d.others++
			return nil
		case d.ended(p.start, p.end):
			d.long++
			return nil
		}
		if err := d.room(tablePlans, t.line); err != nil {
			return err
		}
		d.plans++
		child := d.about(p.person)
		if last := p.lastDay(); last != 0 && (child.firstEnd == 0 || last < child.firstEnd) {
			child.firstEnd = last
		}
		return nil
	})
}

// givePlans passes on the child protection plans.
func (d *dataset) givePlans(ctx context.Context, row *Row, give func(*Row) error) error {
	return d.each(ctx, tablePlans, planColumns, func(t *table) error {
		p := readProtection(t)
		twins := d.twins[t.line]
		if !d.counts(&p) || twins != nil && twins.line != t.line {
			return nil
		}
		row.reset(tablePlans, t.line)
		row.Reference = oneLine(t.texts[cpplID])
		d.fillPlan(row, &p)
		if twins != nil {
			twins.fillTwins(row)
		}
		return give(row)
	})
}

// counts reports whether a plan is not left out.
func (d *dataset) counts(p *protection) bool { return !p.other && !d.ended(p.start, p.end) }

// fillPlan puts a plan into a row: that of the child or, of an unborn child,
// that of the mother.
func (d *dataset) fillPlan(row *Row, p *protection) {
	row.wrong(FieldStart, inColumn(tablePlans, "cppl_cp_plan_start_date", p.startProblem), exampleDay)
	row.wrong(FieldEnd, inColumn(tablePlans, "cppl_cp_plan_end_date", p.endProblem), exampleDay)
	if !p.otherKnown {
		row.wrong(FieldRow, "must say Y or N in cppl_cp_plan_ola, or nothing", "")
	}
	row.Start, row.End = p.start.String(), p.end.String()
	child := d.persons[p.person]
	if !child.before(p) {
		fillBorn(row, child, p.start)
		return
	}
	row.Kind = kindUCPP
	row.Expected = child.due().String()
	switch {
	case child.mother == "":
		row.wrong(FieldRow, motherUnknown, "")
	case child.mothers:
		row.wrong(FieldRow, motherTwice, "")
	default:
		d.persons[child.mother].fill(row)
	}
}

// fillBorn puts the plan of a born child into a row. One that was made before
// birth is the child's from birth on: until then it was one about the mother.
func fillBorn(row *Row, child *person, start day) {
	row.Kind = kindCPP
	child.fill(row)
	if child == nil || !child.found || child.several {
		return
	}
	if child.born != 0 && start != 0 && start < child.born {
		row.Start = child.born.String()
	}
}
