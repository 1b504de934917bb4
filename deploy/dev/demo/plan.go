package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"time"
)

// plan is a row of a file.
type plan struct {
	authority  string
	person     Person
	kind       string
	start, end time.Time // the end is zero while none is set
	expected   time.Time // of an unborn child
	basis      string    // of a looked-after child
	reference  string
	restricted bool
}

// File is what one authority uploads.
type File struct {
	Authority Authority
	CSV       []byte
}

// Files returns the files of all authorities, as of a day.
func Files(now time.Time) []File {
	today := now.UTC().Truncate(24 * time.Hour)
	plans := append(cases(today), drawn(today)...)
	files := make([]File, 0, len(Authorities()))
	for _, a := range Authorities() {
		files = append(files, File{a, table(a.GSS, plans)})
	}
	return files
}

// Changed returns a file that changes one plan of the first authority: it is to
// end soon.
func Changed(now time.Time) []byte {
	today := now.UTC().Truncate(24 * time.Hour)
	p := cases(today)[0]
	p.end = today.AddDate(0, 0, 60)
	return table(p.authority, []plan{p})
}

// Transfer returns who offers Moving's plan to whom.
func Transfer() (from, to Authority) {
	for _, a := range Authorities() {
		switch a.GSS {
		case camden:
			from = a
		case islington:
			to = a
		}
	}
	return from, to
}

// cases are the plans of the people that the questions are about.
func cases(today time.Time) []plan {
	ago := func(days int) time.Time { return today.AddDate(0, 0, -days) }
	return []plan{
		{authority: islington, person: Flagged, kind: "cpp", start: day(2026, time.May, 12), reference: "ISL-2026-0417"},
		{authority: islington, person: Several, kind: "cpp", start: day(2026, time.March, 2), reference: "ISL-2026-0188"},
		{authority: cornwall, person: Several, kind: "lac", start: day(2026, time.June, 15), basis: "s31", reference: "CW/88121"},
		{authority: camden, person: Several, kind: "cpp", start: ago(700), end: ago(200), reference: "C-20931"},
		{authority: haringey, person: Mother, kind: "ucpp", start: ago(30), expected: today.AddDate(0, 0, 90), reference: "HGY-U-77"},
		{authority: camden, person: Ended, kind: "cpp", start: ago(500), end: ago(90), reference: "C-21544"},
		{authority: camden, person: Moving, kind: "cpp", start: ago(40), reference: "C-22871"},
		{authority: hackney, person: Expired, kind: "cpp", start: ago(900), end: ago(400), reference: "HK-1120"},
		{authority: enfield, person: Restricted, kind: "lac", start: day(2026, time.February, 19), basis: "s20", reference: "ENF-5", restricted: true},
	}
}

// drawn are the plans that are drawn by lot.
func drawn(today time.Time) []plan {
	l := newLot()
	var plans []plan
	for _, a := range Authorities() {
		for n := range a.plans {
			p := l.plan(a.GSS, today)
			p.reference = fmt.Sprintf("%s-%04d", a.GSS[5:], 1000+n)
			plans = append(plans, p)
			if p.kind == "cpp" && p.end.IsZero() && l.oneIn(12) {
				plans = append(plans, l.further(&p, today))
			}
		}
	}
	return plans
}

// plan draws somebody and a plan about them: of sixteen, about eight child
// protection plans, seven looked-after children and one unborn child; some of
// them over, a few for so long that they are no longer shown.
func (l *lot) plan(authority string, today time.Time) plan {
	if l.oneIn(16) {
		return l.unborn(authority, today)
	}
	p := plan{authority: authority, person: l.person(today, 3, 16), kind: "cpp", restricted: l.oneIn(40)}
	p.start = today.AddDate(0, 0, -1-l.IntN(1000))
	switch l.IntN(8) {
	case 0:
		p.end = today.AddDate(0, 0, -1-l.IntN(360))
	case 1:
		p.end = today.AddDate(0, 0, -366-l.IntN(300))
	}
	if !p.end.IsZero() {
		p.start = p.end.AddDate(0, 0, -90-l.IntN(300))
	}
	if l.IntN(15) < 7 {
		p.kind, p.basis = "lac", [...]string{"s20", "s31", "s38"}[l.IntN(3)]
	}
	if p.start.Before(p.person.Born) {
		p.start = p.person.Born
	}
	return p
}

// unborn draws a mother and a plan for her unborn child.
func (l *lot) unborn(authority string, today time.Time) plan {
	start := today.AddDate(0, 0, -1-l.IntN(150))
	return plan{
		authority: authority, person: l.person(today, 17, 40), kind: "ucpp",
		start: start, expected: start.AddDate(0, 0, 60+l.IntN(120)),
	}
}

// further draws the plan of another authority about the same child, who is
// looked after there.
func (l *lot) further(of *plan, today time.Time) plan {
	all := Authorities()
	p := plan{person: of.person, kind: "lac", basis: "s31", restricted: of.restricted}
	for p.authority = of.authority; p.authority == of.authority; {
		p.authority = all[l.IntN(len(all))].GSS
	}
	p.start = today.AddDate(0, 0, -1-l.IntN(200))
	p.reference = "OUT-" + of.reference
	return p
}

// table writes the rows of one authority.
func table(authority string, plans []plan) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{
		"nhs_number", "family_name", "given_name", "date_of_birth", "kind", "start", "end",
		"expected", "legal_basis", "reference", "restricted",
	}}
	for i := range plans {
		if plans[i].authority == authority {
			rows = append(rows, plans[i].row())
		}
	}
	_ = w.WriteAll(rows) // a buffer takes everything
	return b.Bytes()
}

func (p *plan) row() []string {
	restricted := "no"
	if p.restricted {
		restricted = "yes"
	}
	return []string{
		p.person.Spaced(), p.person.Family, p.person.Given, p.person.DateOfBirth(), p.kind,
		written(p.start), written(p.end), written(p.expected), p.basis, p.reference, restricted,
	}
}

// written returns a day as YYYY-MM-DD, and nothing for none.
func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
