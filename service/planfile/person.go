package planfile

import (
	"cmp"
	"context"
	"strings"
)

// The columns of the table of persons.
const (
	persID = iota
	persForename
	persSurname
	persBorn
	persExpected
	persCommon
	persUnique
)

var personColumns = columns{
	persID:       {name: "pers_person_id"},
	persForename: {name: "pers_forename"},
	persSurname:  {name: "pers_surname"},
	persBorn:     {name: "pers_dob", day: true},
	persExpected: {name: "pers_expected_dob", day: true},
	// The NHS number, if an authority fills it; the later name is that of
	// version 1.4.
	persCommon: {name: "pers_common_child_id", optional: true},
	persUnique: {name: "pers_single_unique_id", optional: true},
}

// The columns of the table of mothers.
const (
	mothID = iota
	mothChild
)

var motherColumns = columns{
	mothID:    {name: "moth_person_id"},
	mothChild: {name: "moth_childs_person_id"},
}

// The columns of the table of identifiers.
const (
	linkPerson = iota
	linkType
	linkValue
	linkFrom
	linkTo
)

var identifierColumns = columns{
	linkPerson: {name: "link_person_id"},
	linkType:   {name: "link_identifier_type"},
	linkValue:  {name: "link_identifier_value"},
	linkFrom:   {name: "link_valid_from_date", optional: true, day: true},
	linkTo:     {name: "link_valid_to_date", optional: true, day: true},
}

// person is somebody whom a plan is about, or the mother of an unborn child.
type person struct {
	sought  int  // how often the table of persons was searched
	found   bool // there
	several bool // it holds two different ones

	family, given   string
	born, expected  day
	bornProblem     string
	expectedProblem string
	common          string // NHS number in the table of persons
	commonProblem   string // what happened to it

	firstEnd day // the earliest end of a plan, to see whether it ended before birth

	number        string // in force
	numberFrom    day
	numberProblem string
	numbers       bool // two are in force
	oldNumber     bool // there is one that is not in force
	strangeType   bool // there is an identifier that may be one, of a type that is not known

	mother  string // id
	mothers bool   // there are two

	statuses []status
}

// readPersons reads those persons whom plans are about and who were not sought
// yet.
func (d *dataset) readPersons(ctx context.Context) error {
	var sought []*person
	for _, p := range d.persons {
		if p.sought == 0 {
			sought = append(sought, p)
		}
	}
	if len(sought) == 0 {
		return nil
	}
	err := d.each(ctx, tablePerson, personColumns, func(t *table) error {
		if p := d.persons[t.texts[persID]]; p != nil && p.sought == 0 {
			p.read(t, d.today)
		}
		return nil
	})
	for _, p := range sought {
		p.sought++
	}
	return err
}

// read takes what the table says of a person. A date of birth that is ahead of
// today is an expected one: some systems write it there.
func (p *person) read(t *table, today day) {
	var read person
	read.family, read.given = oneLine(t.texts[persSurname]), oneLine(t.texts[persForename])
	read.born, read.bornProblem = t.day(persBorn)
	if _, isFlag := parseYesNo(t.texts[persExpected]); !isFlag { // of age being estimated, as some systems write there
		read.expected, read.expectedProblem = t.day(persExpected)
	}
	if read.born > today {
		read.born, read.expected = 0, cmp.Or(read.expected, read.born)
	}
	read.readCommon(t.texts[persCommon])
	read.readCommon(t.texts[persUnique])
	if p.found && (p.family != read.family || p.given != read.given || p.born != read.born) {
		p.several = true
		return
	}
	p.found = true
	p.family, p.given, p.common, p.commonProblem = read.family, read.given, read.common, read.commonProblem
	p.born, p.bornProblem = read.born, read.bornProblem
	p.expected, p.expectedProblem = read.expected, read.expectedProblem
}

// readCommon takes the NHS number in the table of persons. Other identifiers
// stand there too; but what a spreadsheet made of a number is to be seen.
func (p *person) readCommon(cell string) {
	number, problem := parseNumber(cell)
	if p.common == "" {
		p.common = number
	}
	if problem != numberForm {
		p.commonProblem = cmp.Or(p.commonProblem, problem)
	}
}

// readMothers finds the mothers of unborn children.
func (d *dataset) readMothers(ctx context.Context) error {
	return d.each(ctx, tableMother, motherColumns, func(t *table) error {
		child, mother := d.persons[t.texts[mothChild]], t.texts[mothID]
		if child == nil || mother == "" || !child.unborn(child.firstEnd) {
			return nil
		}
		if child.mother != "" {
			child.mothers = child.mothers || child.mother != mother
			return nil
		}
		child.mother = mother
		d.about(mother)
		return nil
	})
}

// readNumbers finds the NHS numbers.
func (d *dataset) readNumbers(ctx context.Context) error {
	return d.each(ctx, tableIdentifiers, identifierColumns, func(t *table) error {
		p := d.persons[t.texts[linkPerson]]
		if p == nil || t.texts[linkValue] == "" {
			return nil
		}
		if !namesNumber(t.texts[linkType]) {
			p.strangeType = p.strangeType || mayNameNumber(t.texts[linkType])
			return nil
		}
		from, fromProblem := t.day(linkFrom)
		to, toProblem := t.day(linkTo)
		if fromProblem != "" || toProblem != "" || from > d.today || (to != 0 && to <= d.today) {
			p.oldNumber = true
			return nil
		}
		p.takeNumber(t.texts[linkValue], from)
		return nil
	})
}

// takeNumber takes an NHS number that is in force. If there are several, it
// is the latest; which of two that are equally late is not to be guessed.
func (p *person) takeNumber(text string, from day) {
	number, problem := parseNumber(text)
	known := p.number != "" || p.numberProblem != ""
	switch {
	case !known || from > p.numberFrom:
		p.number, p.numberProblem, p.numberFrom, p.numbers = number, problem, from, false
	case from == p.numberFrom && (number != p.number || problem != p.numberProblem):
		p.numbers = true
	}
}

// namesNumber reports whether a type of identifier is the NHS number. Authorities
// write it in several ways.
func namesNumber(kind string) bool {
	switch lettersOnly(kind) {
	case "nhs", "nhsno", "nhsnum", "nhsnumber", "nhsid", "nationalhealthservicenumber":
		return true
	}
	return false
}

// mayNameNumber reports whether a type of identifier speaks of the NHS without
// being known, as that of a former number or an unconfirmed one would.
func mayNameNumber(kind string) bool { return strings.Contains(lettersOnly(kind), "nhs") }

// lettersOnly returns the letters of a text in lower case.
func lettersOnly(text string) string {
	out := make([]byte, 0, len(text))
	for _, b := range []byte(text) {
		switch {
		case b >= 'A' && b <= 'Z':
			out = append(out, b-'A'+'a')
		case b >= 'a' && b <= 'z':
			out = append(out, b)
		}
	}
	return string(out)
}

const (
	personUnknown = "is about a person whom ssd_person does not hold"
	personTwice   = "is about a person whom ssd_person holds twice, and not alike"
	motherUnknown = "is about an unborn child whose mother ssd_mother does not name"
	motherTwice   = "is about an unborn child of whom ssd_mother names two mothers"
	bornUnknown   = "is required: the person has neither a date of birth nor an expected one"
	bornExpected  = "is required: pers_dob is empty or ahead of today, and pers_expected_dob alone is for a child that is not born; " +
		"if it is an estimated date of birth, enter it as pers_dob"

	numberMissing = "is required: ssd_linked_identifiers holds none of the person"
	numberPast    = "is required: ssd_linked_identifiers holds only one that is not in force"
	numberStrange = "is required: ssd_linked_identifiers holds identifiers of the person whose type is not understood; " +
		"the type must be NHS Number"
	numberSeveral = "must be one: ssd_linked_identifiers holds several of the person that are in force, and none is the latest"
)

// fill puts a person into a row.
func (p *person) fill(row *Row) {
	switch {
	case p == nil || !p.found:
		row.wrong(FieldRow, personUnknown, "")
		return
	case p.several:
		row.wrong(FieldRow, personTwice, "")
		return
	}
	row.Family, row.Given, row.DateOfBirth = p.family, p.given, p.born.String()
	row.wrong(FieldDateOfBirth, p.notBorn(), exampleBorn)
	number, problem := p.inForce()
	row.NHSNumber = number
	row.wrong(FieldNHSNumber, problem, exampleNumber)
}

// notBorn says why there is no date of birth.
func (p *person) notBorn() string {
	switch {
	case p.born != 0:
		return ""
	case p.bornProblem != "":
		return inColumn(tablePerson, "pers_dob", p.bornProblem)
	case p.expectedProblem != "":
		return inColumn(tablePerson, "pers_expected_dob", p.expectedProblem)
	case p.expected != 0:
		return bornExpected
	}
	return bornUnknown
}

// inForce returns the person's NHS number, or says why there is none.
func (p *person) inForce() (number, problem string) {
	switch {
	case p.numbers:
		return "", numberSeveral
	case p.number != "":
		return p.number, ""
	case p.numberProblem != "":
		return "", inColumn(tableIdentifiers, "link_identifier_value", p.numberProblem)
	case p.common != "":
		return p.common, ""
	case p.commonProblem != "":
		return "", inColumn(tablePerson, "pers_common_child_id or pers_single_unique_id", p.commonProblem)
	case p.oldNumber:
		return "", numberPast
	case p.strangeType:
		return "", numberStrange
	}
	return "", numberMissing
}
