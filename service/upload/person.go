package upload

import (
	"fmt"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/plan"
	"cpis/service/planfile"
	"cpis/service/record"
	"cpis/service/store"
)

// filePerson is what a file says about one person, so far as rows must fit each
// other. All persons of a file are in memory: it is small.
type filePerson struct {
	rows   []fileRow // those that are right by themselves, in the order of the file
	judged bool      // whether they fit each other, and what is held, is known
	known  bool      // something is held about the person already
	// What became of the person when earlier rows were taken.
	restricted bool
	made       uuid.UUID // identifier, of whom nothing was held
	version    int
}

// fileRow is one row about a person.
type fileRow struct {
	file                 string
	line                 int
	born                 domain.Date
	kind                 domain.Kind
	start, end, expected domain.Date
	lacksEnd             bool // the file has no column for it
	inForce              bool // likewise, but it is a list of what is in force
	lacksExpected        bool
	wrong                *rowWrong // why it does not fit; nil if it does
}

// rowOfFile returns what other rows about the person must know of a row.
func rowOfFile(r *sheetRow, whole bool) fileRow {
	d := &r.draft.Details
	return fileRow{
		file: r.File, line: r.Line, born: r.draft.Person.DateOfBirth, kind: d.Kind, start: d.Start, end: d.End, expected: d.Expected,
		lacksEnd: !r.Has(planfile.FieldEnd), inForce: r.inForce(whole), lacksExpected: !r.Has(planfile.FieldExpected),
	}
}

func (r *fileRow) details() domain.Details {
	return domain.Details{Kind: r.kind, Start: r.start, End: r.end, Expected: r.expected}
}

// maxRowsEach is how many rows of a file may be about one person: each must fit
// all others. Nobody has had so many plans.
const maxRowsEach = 100

// why says why a row does not fit; nil if it does.
func (p *filePerson) why(r *sheetRow) *rowWrong {
	for i := range p.rows {
		if p.rows[i].line == r.Line && p.rows[i].file == r.File {
			return p.rows[i].wrong
		}
	}
	return otherWrong(rowColumn, fmt.Sprintf("has the same NHS number as %d rows before it: check the number", maxRowsEach), "")
}

// checkRows finds out which rows fit each other and what is held. It looks at all
// rows about a person together, so that their order does not matter if a plan
// ends and another begins.
func (p *filePerson) checkRows(h *record.Record, superseded bool) {
	if p.judged {
		return
	}
	p.judged, p.known = true, !h.IsNew()
	born := h.Person.DateOfBirth
	if h.Person.Vacant {
		born = p.rows[0].born
	}
	for i := range p.rows {
		r := &p.rows[i]
		r.complete(h)
		switch {
		case superseded:
			r.wrong = supersededNumber()
		case r.born != born:
			r.wrong = p.otherBirth()
		default:
			r.wrong = clash(p.rows[:i], r)
		}
	}
	for p.settle(h) {
	}
}

// otherBirth says that a row has another date of birth than what is held, or
// than the first row about somebody of whom nothing is held.
func (p *filePerson) otherBirth() *rowWrong {
	if p.known {
		return &rowWrong{Violations: plan.WrongPerson().Wrong, code: codeUnverified}
	}
	w := rowWrong{general: "differs from another line, which has the same NHS number"}
	w.note(codeUnverified, domain.Violation{
		Field: planfile.FieldDateOfBirth, Problem: fmt.Sprintf("differs from line %d, which has the same NHS number", p.rows[0].line),
	})
	return &w
}

// complete takes what the file has no column for from the plan that is held.
func (r *fileRow) complete(h *record.Record) {
	d := r.details()
	held := h.Same(&d)
	if held == nil {
		return
	}
	if r.lacksEnd && (!r.inForce || held.EndReason != endedByAbsence) {
		r.end = held.End
	}
	if r.lacksExpected {
		r.expected = held.Expected
	}
}

// clash reports whether a row fits those before it.
func clash(before []fileRow, r *fileRow) *rowWrong {
	d := r.details()
	for i := range before {
		b := &before[i]
		other := b.details()
		switch {
		case b.wrong != nil || !d.RunsWith(&other) && (d.Kind != other.Kind || d.Start != other.Start):
		case b.start == r.start:
			return otherWrong(rowColumn, fmt.Sprintf("repeats line %d", b.line), "repeats another line")
		default:
			return otherWrong(planfile.FieldStart, fmt.Sprintf(
				"overlaps with the plan on line %d of the same kind: end that one first, or correct the dates", b.line), overlapsOther)
		}
	}
	return nil
}

// settle finds one row that does not fit a plan which is held and of which the
// file says nothing that could be taken, and reports whether there was one: then
// the plan of that row, too, stays as it is held.
func (p *filePerson) settle(h *record.Record) bool {
	for i := range h.Plans {
		plan := &h.Plans[i]
		if p.covers(plan) {
			continue
		}
		for j := range p.rows {
			r := &p.rows[j]
			if d := r.details(); r.wrong == nil && d.RunsWith(&plan.Details) {
				r.wrong = otherWrong(planfile.FieldStart,
					"overlaps with "+plan.Name()+" of the same kind: end that one first, or correct the dates", overlapsOther)
				return true
			}
		}
	}
	return false
}

// covers reports whether a row that fits is about a plan.
func (p *filePerson) covers(plan *record.Plan) bool {
	for i := range p.rows {
		if r := &p.rows[i]; r.wrong == nil && r.kind == plan.Kind && r.start == plan.Start {
			return true
		}
	}
	return false
}

// rowColumn stands for a row as a whole.
const rowColumn = planfile.FieldRow

// overlapsOther says in general that a row overlaps with another, or with a plan
// that is held.
const overlapsOther = "overlaps with another plan of the same kind"

// otherWrong is a problem that has no code of its own. general is as in rowWrong.
func otherWrong(field, problem, general string) *rowWrong {
	w := rowWrong{general: general}
	w.note(codeOther, domain.Violation{Field: field, Problem: problem})
	return &w
}

func supersededNumber() *rowWrong {
	var w rowWrong
	w.note(codeSuperseded, domain.Violation{
		Field: planfile.FieldNHSNumber, Problem: "was replaced by another number: supply the new one", Example: domain.ExampleNHSNumber,
	})
	return &w
}

// find returns what is held about the person of a row, as far as it is known in
// this transaction: the rows before may have made the person.
func (p *filePerson) find(in *plan.Intake, tag keys.Tag, r *sheetRow) *record.Record {
	h := in.People[tag]
	switch {
	case h == nil:
		h = &record.Record{Tag: tag, Person: r.draft.Person}
		in.People[tag] = h
		if p.made != uuid.Nil {
			h.Key = in.Keys[tag].Key
			h.Row = store.PersonRow{ID: p.made, Version: p.version, Restricted: p.restricted}
		}
	case p.restricted:
		h.Row.Restricted = true // so it is since a row before, or will be
	}
	return h
}
