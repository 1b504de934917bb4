package planfile

import (
	"cmp"
	"context"
	"slices"
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
	legaStart:  {name: "lega_legal_status_start_date", day: true},
	legaEnd:    {name: "lega_legal_status_end_date", day: true},
}

// legalCode is a legal status of children who are looked after, by the codes of
// the yearly return on them.
type legalCode string

// What is no code.
const (
	legalNothing legalCode = "-" // says nothing of a child being looked after
	legalUnknown legalCode = "?" // is not understood
	legalUnclear legalCode = "!" // the days on which it was in force cannot be read
)

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
	"V1": "series of short breaks",
	"V3": "series of short breaks",
	"V4": "series of short breaks",
}

// legalWords are the words by which case systems name the legal statuses in
// scope. They must be just these: what else a text says could turn it into
// another status.
var legalWords = map[string]legalCode{
	"interim care order": "C1", "care order interim": "C1", "interim care order granted": "C1", "interim care order made": "C1", "ico": "C1",
	"full care order": "C2", "care order": "C2", "care order full": "C2", "final care order": "C2", "care order final": "C2",
	"care order granted": "C2", "care order made": "C2", "full care order granted": "C2",
	"single period of accommodation":           "V2",
	"single placement acc by la under 16":      "V2",
	"single placement acc by la 16 and over":   "V2",
	"single placement accommodated by la":      "V2",
	"accommodated single period":               "V2",
	"accommodated by la single period":         "V2",
	"voluntary agreement single period":        "V2",
	"single period of accommodation by la":     "V2",
	"single period of voluntary accommodation": "V2",
}

// twentyWords are words that mean a single period of accommodation if they cite
// section 20, and may be anything else if they do not.
var twentyWords = []string{"", "accommodated", "accommodation", "accommodated by la", "voluntary", "voluntary accommodation", "voluntary agreement"}

// sections are those that may be cited with the statuses in scope: another one
// makes another status of the same words.
var sections = map[legalCode]string{"C1": "38", "C2": "31", "V2": "20"}

// otherWords are how the words begin for all other legal statuses. None of
// these is taken for one in scope, whatever section it cites.
var otherWords = []struct {
	code   legalCode
	begins []string
}{
	{"D1", []string{"freeing order", "freed for adoption", "child freed for adoption"}},
	{"E1", []string{"placement order"}},
	{"J1", []string{"remand", "remanded", "on remand"}},
	{"J2", []string{"pace", "p a c e", "placed in local authority accommodation under the police", "detained in la accommodation under pace"}},
	{"J3", []string{"youth rehabilitation order", "sentenced to youth rehabilitation order", "yro"}},
	{"L1", []string{"police protection", "under police protection", "police powers of protection"}},
	{"L2", []string{"emergency protection order", "epo"}},
	{"L3", []string{"child assessment order", "under child assessment order"}},
	{"V4", []string{
		"accommodated under an agreed series of short", "agreed series of short", "series of short", "short break", "short breaks",
		"short term break", "short term breaks", "regular occ acc", "regular occasional accommodation", "respite",
	}},
	{legalNothing, []string{
		"special guardianship", "sgo", "child arrangement", "child arrangements", "cao", "residence order", "supervision order",
		"interim supervision order", "education supervision order", "family assistance order", "contact order",
		"prohibited steps", "specific issue", "parental responsibility", "private fostering", "privately fostered",
		"adoption order", "adopted", "care leaver", "leaving care", "eligible", "relevant", "former relevant", "qualifying",
		"not looked after", "no legal status", "none", "secure accommodation", "secure order", "deprivation of liberty",
	}},
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
		if !inCare[id] || t.texts[legaStatus] == "" {
			return nil
		}
		s := readStatus(t)
		if s.code == legalNothing {
			return nil
		}
		if d.statuses++; d.statuses > maxStatuses {
			return broken(tableLegal, t.line, "is beyond the number of legal statuses that a file may hold")
		}
		p := d.persons[id]
		p.statuses = append(p.statuses, s)
		return nil
	})
}

func readStatus(t *table) status {
	code := parseStatus(t.texts[legaStatus])
	start, startProblem := t.day(legaStart)
	end, endProblem := t.day(legaEnd)
	if code != legalNothing && (startProblem != "" || endProblem != "") {
		return status{code: legalUnclear} // when it was in force is not to be guessed
	}
	return status{code, start, end}
}

// parseStatus reads a legal status: its code, with or without what it means, or
// the meaning alone. If two are named at once, a placement order suspends
// whatever care order is named with it.
func parseStatus(cell string) legalCode {
	if code := parseOneStatus(cell); code != legalUnknown {
		return code
	}
	var all []legalCode
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == '/' || r == '&' || r == '+' }) {
		code := parseOneStatus(part)
		if code == legalUnknown || code == legalNothing {
			return legalUnknown
		}
		all = append(all, code)
	}
	if slices.Contains(all, "E1") {
		return "E1"
	}
	return legalUnknown
}

// parseOneStatus reads a text that names one legal status.
func parseOneStatus(cell string) legalCode {
	code, rest := cutLegalCode(cell)
	meant := meaning(rest)
	switch {
	case code == "":
		return meant
	case strings.TrimSpace(rest) == "", meant == code, meant == "V4" && outOfScope[code] == outOfScope[meant]:
		return code
	case meant == legalUnknown && !namesTwo(rest):
		return code
	}
	return legalUnknown // the code says one thing, and the words another
}

// cutLegalCode takes the code of a legal status that a text begins with from
// what follows it.
func cutLegalCode(cell string) (code legalCode, rest string) {
	cut, rest := cutCode(cell)
	for _, codes := range []map[legalCode]string{bases, outOfScope} {
		for known := range codes {
			if string(known) == cut {
				return known, rest // not cut: it would keep the text
			}
		}
	}
	return "", cell
}

// namesTwo reports whether what follows a code joins another one to it.
func namesTwo(rest string) bool {
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(" /&+,;:()-", r) }) {
		if code, _ := cutLegalCode(word); code != "" {
			return true
		}
	}
	return strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "&") || strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, "AND ")
}

// meaning reads the words of a legal status.
func meaning(cell string) legalCode {
	w := wordingOf(cell)
	for _, other := range otherWords {
		if w.beginsAny(other.begins) {
			return other.code
		}
	}
	code, known := legalWords[w.words]
	switch {
	case known && (w.cited == "" || w.cited == sections[code]):
		return code
	case w.cited == "20" && slices.Contains(twentyWords, w.words):
		return "V2"
	}
	return legalUnknown
}

const (
	statusNone    = "is required: ssd_legal_status holds no legal status that was in force in the period of care"
	statusOther   = "is not in scope: only the legal statuses C1, C2 and V2 are"
	statusStrange = "is not understood: ssd_legal_status words the legal status of the period in a way that is not known here; " +
		"it must be a code such as C1, C2 or V2, or what the code means, such as Full care order"
	statusDays = "is not understood: ssd_legal_status holds a legal status with a day that cannot be read"
)

// basis returns the legal basis of a period of care: of the statuses in force at
// its end, or today, the latest that is in scope. Only if none of those who
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
	inScope := func(s *status) bool { return bases[s.code] != "" }
	now := func(s *status) bool { return s.start <= at && (s.end == 0 || s.end >= at) }
	within := func(s *status) bool { return s.start <= at && (s.end == 0 || s.end >= start) }
	for _, counts := range []func(*status) bool{
		func(s *status) bool { return inScope(s) && now(s) }, now, within,
	} {
		if found := p.latest(counts); found != nil {
			return bases[found.code], statusProblem(found.code)
		}
	}
	return "", statusNone
}

// statusProblem says why a legal status is no legal basis.
func statusProblem(code legalCode) string {
	switch {
	case bases[code] != "":
		return ""
	case code == legalUnknown:
		return statusStrange
	case code == legalUnclear:
		return statusDays
	}
	return statusOther + ", not " + string(code) + " (" + outOfScope[code] + ")"
}

// latest returns the latest status that counts; of several that began on the
// same day, the strongest.
func (p *person) latest(counts func(*status) bool) *status {
	var found *status
	for i := range p.statuses {
		s := &p.statuses[i]
		if !counts(s) {
			continue
		}
		if found == nil || cmp.Or(cmp.Compare(s.start, found.start), cmp.Compare(strength(s.code), strength(found.code)), cmp.Compare(s.code, found.code)) > 0 {
			found = s
		}
	}
	return found
}

// strength orders the statuses in scope: an order of a court comes before an
// agreement, and a final one before an interim one.
func strength(code legalCode) int {
	return strings.Index("V2 C1 C2", string(code))
}
