package planfile

import (
	"context"
	"strings"
)

// The columns of the table of legal statuses.
const (
	legaPerson = iota
	legaStatus
	legaStart
	legaEnd
)

var statusColumns = columns{
	legaPerson: {name: "lega_person_id"},
	legaStatus: {name: "lega_legal_status"},
	legaStart:  {name: "lega_legal_status_start_date"},
	legaEnd:    {name: "lega_legal_status_end_date"},
}

// legalCode is a legal status of children who are looked after, by the codes of
// the yearly return on them.
type legalCode string

// bases are the legal bases that are in scope, by legal status.
var bases = map[legalCode]string{
	"C1": basisS38, // interim care order
	"C2": basisS31, // full care order
	"V2": basisS20, // single period of accommodation
}

// outOfScope are the other legal statuses of children who are looked after.
// There are more in the table, of children who are not, and they mean nothing
// here.
var outOfScope = map[legalCode]string{
	"D1": "freeing order",
	"E1": "placement order",
	"J1": "remand",
	"J2": "accommodation under the Police and Criminal Evidence Act",
	"J3": "youth rehabilitation order",
	"L1": "police protection",
	"L2": "emergency protection order",
	"L3": "child assessment order",
	"V3": "series of short breaks",
	"V4": "series of short breaks",
}

// status is a legal status of a person.
type status struct {
	code       legalCode
	start, end day
}

// readStatuses reads the legal statuses of those who are looked after.
func (d *dataset) readStatuses(ctx context.Context) error {
	inCare := make(map[string]bool, len(d.periods))
	for i := range d.periods {
		inCare[d.periods[i].person] = true
	}
	return d.each(ctx, tableLegal, statusColumns, func(t *table) error {
		id := t.texts[legaPerson]
		code, known := parseStatus(t.texts[legaStatus])
		if !known || !inCare[id] {
			return nil
		}
		start, startProblem := parseDatasetDay(t.texts[legaStart])
		end, endProblem := parseDatasetDay(t.texts[legaEnd])
		if startProblem != "" || endProblem != "" {
			return nil // when it was in force is not to be guessed
		}
		if d.statuses++; d.statuses > maxStatuses {
			return broken(tableLegal, t.line, "is beyond the number of legal statuses that a file may hold")
		}
		p := d.persons[id]
		p.statuses = append(p.statuses, status{code, start, end})
		return nil
	})
}

// parseStatus reads a legal status: its code, with or without what it means, or
// the meaning alone of those in scope.
func parseStatus(text string) (legalCode, bool) {
	text = strings.ToUpper(text)
	if len(text) >= 2 && (len(text) == 2 || strings.ContainsAny(text[2:3], " :-.,(")) {
		code := legalCode(text[:2])
		for _, codes := range []map[legalCode]string{bases, outOfScope} {
			for known := range codes {
				if known == code {
					return known, true // not code: it would keep the text
				}
			}
		}
	}
	switch lettersOnly(text) {
	case "interimcareorder":
		return "C1", true
	case "fullcareorder", "careorder":
		return "C2", true
	case "singleperiodofaccommodationundersectionchildrenact", "singleperiodofaccommodationundersection":
		return "V2", true
	}
	return "", false
}

const (
	statusNone  = "is required: ssd_legal_status holds no legal status that was in force in the period of care"
	statusOther = "is not in scope: only the legal statuses C1, C2 and V2 are"
)

// basis gives the legal basis of a period of care: of the statuses in force at
// its end, or today, the latest that is in scope. Only where none of those who
// are looked after is in force, the latest of the period before it counts:
// orders reach the records later than they are made.
func (p *person) basis(start, end, today day) (basis, problem string) {
	if p == nil || !p.found {
		return "", "" // said already
	}
	at := end
	if at == 0 || at > today {
		at = today
	}
	now := func(s *status) bool { return s.start <= at && (s.end == 0 || s.end >= at) }
	within := func(s *status) bool { return s.start <= at && (s.end == 0 || s.end >= start) }
	var other legalCode
	for _, counts := range []func(*status) bool{now, within} {
		if basis := p.latest(counts); basis != "" {
			return basis, ""
		}
		if other = p.other(counts); other != "" {
			return "", statusOther + ", not " + string(other) + " (" + outOfScope[other] + ")"
		}
	}
	return "", statusNone
}

// latest gives the legal basis of the latest status in scope that counts; of
// several that began on the same day, the strongest.
func (p *person) latest(counts func(*status) bool) string {
	var found *status
	for i := range p.statuses {
		s := &p.statuses[i]
		if bases[s.code] == "" || !counts(s) {
			continue
		}
		if found == nil || s.start > found.start || (s.start == found.start && strength(s.code) > strength(found.code)) {
			found = s
		}
	}
	if found == nil {
		return ""
	}
	return bases[found.code]
}

// strength orders the statuses in scope: an order of a court comes before an
// agreement, and a final one before an interim one.
func strength(code legalCode) int {
	return strings.Index("V2 C1 C2", string(code))
}

// other gives the latest status out of scope that counts.
func (p *person) other(counts func(*status) bool) legalCode {
	var found *status
	for i := range p.statuses {
		s := &p.statuses[i]
		if bases[s.code] != "" || !counts(s) {
			continue
		}
		if found == nil || s.start > found.start || (s.start == found.start && s.code > found.code) {
			found = s
		}
	}
	if found == nil {
		return ""
	}
	return found.code
}
