package planfile

import (
	"context"
	"slices"
)

// lateBirth is how many days after the expected one a child may be born.
const lateBirth = 21

// unborn reports whether a plan whose last day is given was about an unborn child
// all the time. The plan of a child that was born since is one of the child, but
// for one that ended with its birth, or before.
func (p *person) unborn(end day) bool {
	if p.born != 0 {
		return end != 0 && end <= p.born
	}
	return p.expected != 0 && p.bornProblem == ""
}

// due returns the day on which an unborn child is, or was, expected. Of one that
// was born since, no expected day may have been kept.
func (p *person) due() day {
	if p.expected != 0 {
		return p.expected
	}
	return p.born
}

// before reports whether a plan is about a child that was not born while it
// lasted. An expected day long before the plan is none: some systems write
// estimated dates of birth there.
func (p *person) before(plan *protection) bool {
	return p != nil && p.found && !p.several && p.unborn(plan.lastDay()) &&
		(p.born != 0 || plan.start == 0 || p.expected.addDays(lateBirth) >= plan.start)
}

// pregnancy is what plans about unborn children of one mother have in common:
// there is one plan about her, whichever of them it is about.
type pregnancy struct {
	mother     string
	line       int // of the first of the plans
	start, end day // of all of them together; no end if one has none
	expected   day
	lines      []int // of the others
}

// readPregnancies finds the plans about twins.
func (d *dataset) readPregnancies(ctx context.Context) error {
	of := map[string][]*pregnancy{} // by the mother
	err := d.each(ctx, tablePlans, planColumns, func(t *table) error {
		p := readProtection(t)
		child := d.persons[p.person]
		if !d.counts(&p) || !child.before(&p) || child.mother == "" || child.mothers {
			return nil
		}
		if p.startProblem != "" || p.endProblem != "" || !p.otherKnown || p.start == 0 {
			return nil // it is to be seen as it is
		}
		one := &pregnancy{mother: child.mother, line: t.line, start: p.start, end: p.end, expected: child.due()}
		for _, other := range of[one.mother] {
			if other.take(one) {
				return nil
			}
		}
		of[one.mother] = append(of[one.mother], one)
		return nil
	})
	d.twins = map[int]*pregnancy{}
	for _, all := range of {
		for _, p := range all {
			d.noteTwins(p)
		}
	}
	return err
}

// noteTwins notes of which lines one plan is made.
func (d *dataset) noteTwins(p *pregnancy) {
	if len(p.lines) == 0 {
		return
	}
	for _, line := range append(slices.Clone(p.lines), p.line) {
		d.twins[line] = p
	}
	d.together += len(p.lines)
}

// take takes a plan about a child of the same pregnancy: it is expected at about
// the same time, and both plans are in force at some time.
func (p *pregnancy) take(other *pregnancy) bool {
	near := p.expected.addDays(lateBirth) >= other.expected && other.expected.addDays(lateBirth) >= p.expected
	if !near || p.start > endOrLast(other.end) || other.start > endOrLast(p.end) {
		return false
	}
	p.lines = append(p.lines, other.line)
	p.start, p.expected = min(p.start, other.start), min(p.expected, other.expected)
	if p.end = max(endOrLast(p.end), endOrLast(other.end)); p.end == openEnd {
		p.end = 0
	}
	return true
}

// fillTwins puts into a row what the plans about twins have in common.
func (p *pregnancy) fillTwins(row *Row) {
	row.Start, row.End, row.Expected = p.start.String(), p.end.String(), p.expected.String()
}
