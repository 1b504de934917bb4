package planfile

import (
	"fmt"
	"strconv"
	"strings"

	"cpis/service/text"
)

// header is what a table's first line says beside where the columns stand.
type header struct {
	known   int            // columns that were found
	lacking []string       // columns that are required
	twice   []string       // columns that are there more than once
	unknown []int          // places, from 0, of names that mean nothing here
	near    map[int]string // columns that some of them may mean, by their place
}

// shownPlaces is how many names that are not known are told of.
const shownPlaces = 12

// problem says what is wrong with a header. It does not repeat unknown names:
// if the header is missing, they are somebody's.
func (h *header) problem() string {
	var problems []string
	for _, p := range []struct {
		text string
		of   []string
	}{
		{"the header lacks columns: ", h.lacking},
		{"the header has columns more than once: ", h.twice},
		{"the header has columns that are not known, by their place: ", h.places()},
	} {
		if len(p.of) > 0 {
			problems = append(problems, p.text+strings.Join(p.of, ", "))
		}
	}
	return strings.Join(problems, "; ")
}

// places returns where names stand that are not known, from 1, with what each
// may mean.
func (h *header) places() []string {
	var places []string
	for n, at := range h.unknown {
		if n == shownPlaces {
			return append(places, fmt.Sprintf("and %d more", len(h.unknown)-n))
		}
		place := strconv.Itoa(at + 1)
		if name := h.near[at]; name != "" {
			place += " (call it " + name + ")"
		}
		places = append(places, place)
	}
	return places
}

// otherNames are names by which people know the columns of a CSV file.
var otherNames = map[string]string{
	"nhs": FieldNHSNumber, "nhs_no": FieldNHSNumber, "nhs_no.": FieldNHSNumber, "nhs_num": FieldNHSNumber, "nhs_id": FieldNHSNumber,
	"surname": FieldFamily, "last_name": FieldFamily, "lastname": FieldFamily, "family": FieldFamily,
	"forename": FieldGiven, "forenames": FieldGiven, "first_name": FieldGiven, "firstname": FieldGiven, "given": FieldGiven,
	"given_names": FieldGiven, "christian_name": FieldGiven,
	"dob": FieldDateOfBirth, "d.o.b.": FieldDateOfBirth, "d.o.b": FieldDateOfBirth, "birth_date": FieldDateOfBirth,
	"birthdate": FieldDateOfBirth, "birthday": FieldDateOfBirth, "born": FieldDateOfBirth, "birth": FieldDateOfBirth,
	"plan": FieldKind, "plan_type": FieldKind, "type": FieldKind, "plan_kind": FieldKind, "type_of_plan": FieldKind,
	"kind_of_plan": FieldKind, "category": FieldKind,
	"start_date": FieldStart, "date_start": FieldStart, "plan_start": FieldStart, "plan_start_date": FieldStart, "from": FieldStart,
	"start_of_plan": FieldStart, "date_started": FieldStart,
	"end_date": FieldEnd, "date_end": FieldEnd, "plan_end": FieldEnd, "plan_end_date": FieldEnd, "to": FieldEnd, "ended": FieldEnd,
	"end_of_plan": FieldEnd, "date_ended": FieldEnd, "finish": FieldEnd,
	"edd": FieldExpected, "due_date": FieldExpected, "expected_date": FieldExpected, "expected_date_of_birth": FieldExpected,
	"expected_dob": FieldExpected, "expected_date_of_delivery": FieldExpected, "due": FieldExpected,
	"legal_status": FieldBasis, "basis": FieldBasis, "legal": FieldBasis, "section": FieldBasis,
	"ref": FieldReference, "case": FieldReference, "case_number": FieldReference, "case_no": FieldReference, "case_id": FieldReference,
	"id": FieldReference, "local_id": FieldReference, "case_reference": FieldReference, "your_reference": FieldReference,
	"sensitive": FieldRestricted, "confidential": FieldRestricted, "restriction": FieldRestricted, "restricted_flag": FieldRestricted,
	"is_restricted": FieldRestricted, "s_flag": FieldRestricted,
}

// slips is how many letters of a column's name may be mistyped.
const slips = 2

// near finds the column that a name may mean which is not quite a column's.
func (cs columns) near(name string) (int, bool) {
	if meant, ok := otherNames[name]; ok {
		return cs.find(meant)
	}
	for c := range cs {
		if len(cs[c].name) > 2*slips && text.Slips(cs[c].name, name) <= slips {
			return c, true
		}
	}
	return 0, false
}
