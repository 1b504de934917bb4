package upload

import (
	"cmp"
	"errors"
	"slices"

	"cpis/service/domain"
	"cpis/service/planfile"
	"cpis/service/record"
)

// RowOutcome is what becomes of a row of a file.
type RowOutcome string

// The outcomes.
const (
	RowNew       RowOutcome = "new"
	RowUnchanged RowOutcome = "unchanged" // the plan is held already, just so
	RowChanged   RowOutcome = "changed"   // the plan is held otherwise
	RowRejected  RowOutcome = "rejected"
	RowEnding    RowOutcome = "ending"    // the plan is missing from a whole list, and ends
	RowHeldBack  RowOutcome = "held_back" // it is missing, and stays: a row that cannot be read may be about it
)

// FieldChange is one field that a file changes.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"` // as it is held
	New   string `json:"new,omitempty"` // as the file has it
}

// RowResult is what becomes of one row.
type RowResult struct {
	File       string             `json:"file,omitempty"` // table, if several files make an upload
	Line       int                `json:"line,omitempty"` // on which the row begins, from 1; 0 for a plan that is missing
	Outcome    RowOutcome         `json:"outcome"`
	PlanID     string             `json:"plan,omitempty"` // if the plan is held
	Version    int                `json:"version,omitempty"`
	Code       string             `json:"code,omitempty"`      // CPR01 to CPR07
	Reference  string             `json:"reference,omitempty"` // the authority's own
	Violations []domain.Violation `json:"wrong,omitempty"`
	General    string             `json:"general,omitempty"` // the problem in words that name no other row or plan, if it names one
	Changes    []FieldChange      `json:"changes,omitempty"`
}

// Record codes of the national service. The first, second and last need what
// the service cannot know, or wait for what it does not do.
const (
	codeUnverified = "CPR03" // date of birth does not fit
	codeNumber     = planfile.CodeNumber
	codeSuperseded = "CPR05"
	codeRight      = "CPR06"
	codeOther      = planfile.CodeOther
)

// File codes.
const (
	codeBroken  = planfile.CodeBroken
	codeAll     = "CPF02"
	codeSome    = "CPF03"
	codeNothing = "CPF04"
)

// rowWrong is what is wrong with a row, and the code that says it.
type rowWrong struct {
	domain.Violations
	code string
	// general is the one problem in words that name no other row or plan, so that
	// rows with the same problem can be counted; empty if the problems name none.
	general string
}

func (w *rowWrong) note(code string, v domain.Violation) {
	w.Violations = append(w.Violations, v)
	if w.code == "" || rank(code) < rank(w.code) {
		w.code = code
	}
}

// rank orders codes: if several things are wrong, the first is told.
func rank(code string) int {
	return slices.Index([]string{codeNumber, codeSuperseded, codeUnverified, codeOther}, code)
}

// sheetRow is a row as it was read.
type sheetRow struct {
	*planfile.Row
	draft domain.Draft
	wrong rowWrong
	// lacking is what is wrong only because the file has no column for it: that
	// does not matter if the plan is held already.
	lacking rowWrong
}

// readRow reads a row of a file as a registration would be. What the file
// itself could not say is not complained of again.
func readRow(row *planfile.Row, today domain.Date) sheetRow {
	r := sheetRow{Row: row}
	said := make(map[string]bool, len(row.Problems))
	for _, p := range row.Problems {
		said[p.Field] = true
		r.wrong.note(p.Code, domain.Violation{Field: p.Field, Problem: p.Problem, Example: p.Example})
	}
	reg := domain.Registration{
		NHSNumber: row.NHSNumber, Family: row.Family, Given: row.Given, DateOfBirth: row.DateOfBirth,
		Kind: domain.Kind(row.Kind), Start: row.Start, End: row.End, Expected: row.Expected, Basis: domain.Basis(row.Basis),
		Reference: row.Reference, Restricted: row.Restricted,
	}
	var wrong domain.Violations
	r.draft, wrong = reg.Read(domain.RequestForms, today)
	for _, v := range wrong {
		code := codeOther
		if v.Field == planfile.FieldNHSNumber {
			code = codeNumber
		}
		switch {
		case said[v.Field], said[planfile.FieldRow]:
		case said[planfile.FieldKind] && (v.Field == planfile.FieldBasis || v.Field == planfile.FieldExpected):
			// Which of them a plan needs depends on its kind.
		case !row.Has(v.Field):
			r.lacking.note(code, v)
		default:
			r.wrong.note(code, v)
		}
	}
	return r
}

// result begins the result of a row.
func (r *sheetRow) result(outcome RowOutcome) RowResult {
	return RowResult{File: r.File, Line: r.Line, Outcome: outcome, Code: codeRight, Reference: r.Reference}
}

// rejected is the result of a row that is wrong.
func (r *sheetRow) rejected(w *rowWrong) RowResult {
	out := r.result(RowRejected)
	out.Code, out.Violations, out.General = w.code, w.Violations, w.general
	return out
}

// reason is why a row was rejected that has a problem, as it is counted.
func (r *RowResult) reason(v domain.Violation) ReasonCount {
	return ReasonCount{Field: v.Field, Code: r.Code, Problem: cmp.Or(r.General, v.Problem)}
}

// inForce reports whether a row says that its plan is in force without saying so:
// it stands in a whole list, which has no column for the end.
func (r *sheetRow) inForce(whole bool) bool { return whole && !r.Has(planfile.FieldEnd) }

// differs compares what a row says with what is held, and returns what would be
// held then. Of what the file has no column for it says nothing, with one
// exception: a plan that ended because a whole list lacked it is in force again
// if a whole list has it.
func (r *sheetRow) differs(p *record.Plan, whole bool) (record.Content, []FieldChange) {
	to := p.Content
	var all []FieldChange
	set := func(field, old, now string, change func()) {
		if r.Has(field) && old != now {
			change()
			all = append(all, FieldChange{field, old, now})
		}
	}
	d := &r.draft.Details
	set(planfile.FieldFamily, p.Family, r.draft.Person.Family, func() { to.Family = r.draft.Person.Family })
	set(planfile.FieldGiven, p.Given, r.draft.Person.Given, func() { to.Given = r.draft.Person.Given })
	set(planfile.FieldEnd, p.End.String(), d.End.String(), func() { to.End, to.EndReason = d.End, "" })
	if r.inForce(whole) && p.EndReason == endedByAbsence {
		to.End, to.EndReason = domain.Date{}, ""
		all = append(all, FieldChange{planfile.FieldEnd, p.End.String(), ""})
	}
	set(planfile.FieldExpected, p.Expected.String(), d.Expected.String(), func() { to.Expected = d.Expected })
	set(planfile.FieldBasis, string(p.Basis), string(d.Basis), func() { to.Basis = d.Basis })
	set(planfile.FieldReference, p.Reference, d.Reference, func() { to.Reference = d.Reference })
	return to, all
}

// broken returns what is wrong with a file as a whole, if that is why reading
// it failed.
func broken(err error) (domain.Violation, bool) {
	e, ok := errors.AsType[*planfile.Error](err)
	if !ok {
		return domain.Violation{}, false
	}
	return domain.Violation{Field: "file", Problem: e.Error()}, true
}
