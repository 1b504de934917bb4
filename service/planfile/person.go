package planfile

import (
	"context"
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
	persBorn:     {name: "pers_dob"},
	persExpected: {name: "pers_expected_dob"},
	// The NHS number, where an authority fills it; the later name is that of
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
	linkFrom:   {name: "link_valid_from_date", optional: true},
	linkTo:     {name: "link_valid_to_date", optional: true},
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

	firstEnd day // the earliest end of a plan, to see whether it ended before birth

	number        string // in force
	numberFrom    day
	numberProblem string
	numbers       bool // two are in force
	oldNumber     bool // there is one that is not in force

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
			p.read(t)
		}
		return nil
	})
	for _, p := range sought {
		p.sought++
	}
	return err
}

// read takes what the table says of a person.
func (p *person) read(t *table) {
	var read person
	read.family, read.given = oneLine(t.texts[persSurname]), oneLine(t.texts[persForename])
	read.born, read.bornProblem = parseDatasetDay(t.texts[persBorn])
	read.expected, read.expectedProblem = parseDatasetDay(t.texts[persExpected])
	read.common, _ = parseNumber(t.texts[persCommon])
	if read.common == "" {
		read.common, _ = parseNumber(t.texts[persUnique])
	}
	if p.found && (p.family != read.family || p.given != read.given || p.born != read.born) {
		p.several = true
		return
	}
	p.found = true
	p.family, p.given, p.common = read.family, read.given, read.common
	p.born, p.bornProblem = read.born, read.bornProblem
	p.expected, p.expectedProblem = read.expected, read.expectedProblem
}

// unborn says whether a plan whose last day is given was about an unborn child
// all the time. The plan of a child that was born since is one of the child, but
// for one that ended with its birth, or before.
func (p *person) unborn(end day) bool {
	if p.born != 0 {
		return end != 0 && end <= p.born
	}
	return p.expected != 0 && p.bornProblem == ""
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
		if p == nil || t.texts[linkValue] == "" || !namesNumber(t.texts[linkType]) {
			return nil
		}
		from, fromProblem := parseDatasetDay(t.texts[linkFrom])
		to, toProblem := parseDatasetDay(t.texts[linkTo])
		if fromProblem != "" || toProblem != "" || from > d.today || (to != 0 && to <= d.today) {
			p.oldNumber = true
			return nil
		}
		p.takeNumber(t.texts[linkValue], from)
		return nil
	})
}

// takeNumber takes an NHS number that is in force. Where there are several, it
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

// namesNumber says whether a type of identifier is the NHS number. Authorities
// write it in several ways.
func namesNumber(kind string) bool {
	switch lettersOnly(kind) {
	case "nhs", "nhsno", "nhsnum", "nhsnumber", "nhsid", "nationalhealthservicenumber":
		return true
	}
	return false
}

// lettersOnly gives the letters of a text, all small.
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

	numberMissing = "is required: ssd_linked_identifiers holds none of the person"
	numberPast    = "is required: ssd_linked_identifiers holds only one that is not in force"
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
	row.wrong(FieldDateOfBirth, inColumn(tablePerson, "pers_dob", p.bornProblem), exampleBorn)
	number, problem := p.inForce()
	row.NHSNumber = number
	row.wrong(FieldNHSNumber, problem, exampleNumber)
}

// inForce gives the person's NHS number, or says why there is none.
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
	case p.oldNumber:
		return "", numberPast
	}
	return "", numberMissing
}
