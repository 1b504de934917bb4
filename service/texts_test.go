package service_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/person"
)

// Placeholders are nobody's numbers: whoever is asked for by one is not
// somebody else who was recorded under it.
func TestPlaceholdersAreNobody(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for _, number := range []string{"9999999999", "0000000000", "1111111111", "5555555555", "0123456789", "987 654 3210"} {
		before := f.Held()
		r := rightCPP()
		r.NHSNumber = number
		_, err := f.RegisterPlan(t.Context(), lead, r)
		f.ExpectInvalid(t, before, err, "person.nhs_number")
		_, err = f.LookUp(t.Context(), nurse, unscheduled(number))
		if v := violationsOf(t, err); v[0].Field != "nhs_number" {
			t.Errorf("%s is looked up: %v", number, err)
		}
	}
	f.MustRegister(lead, rightCPP())
	before := f.Held()
	_, err := f.ReplaceNHSNumber(t.Context(), lead, &person.ReplaceNHSNumberRequest{
		Old: "9990000018", New: "9999999999", DateOfBirth: "2019-04-30", Reason: "traced", Request: "request-9",
	})
	f.ExpectInvalid(t, before, err, "new_nhs_number")
}

func TestUpload_PlaceholdersAreRejected(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file, err := os.ReadFile("planfile/testdata/cases/c03_placeholders.csv")
	if err != nil {
		t.Fatal(err)
	}
	sent := f.MustSend(lead, delta, string(file))
	for _, row := range f.Rows(lead, sent) {
		if row.Code != "CPR04" || !strings.Contains(row.Violations[0].Problem, "placeholder") {
			t.Errorf("line %d: got %+v", row.Line, row)
		}
	}
	if sent.Counts.Rejected != 5 || f.Held().Persons != 0 {
		t.Errorf("got %+v, %+v", sent.Counts, f.Held())
	}
}

// A person with one name is recorded, one by one and in files.
func TestPeopleWithOneName(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := rightCPP()
	r.Family = "\u200b"
	f.MustRegister(lead, r)
	f.MustApply(lead, delta, sheetHeader+sheetRow(numberB, "given_name="))
	got := [][2]string{}
	for _, number := range []string{"9990000018", "9990000026"} {
		p := f.MustGet(lead, number).Person
		got = append(got, [2]string{p.Family, p.Given})
	}
	if diff := cmp.Diff([][2]string{{"", "Robin"}, {"Example", ""}}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// Encounters are the same that look the same, so that a report finds them.
func TestEncountersAreComparedAsPeopleSeeThem(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	for _, id := range []string{"ED-7001", "\u200bED-7001 ", "ED\u2060-7001\ufeff"} {
		q := attended(id)
		a, err := f.LookUp(t.Context(), nurse, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.History) != 1 && id != "ED-7001" {
			t.Errorf("%q is another encounter: %+v", id, a.History)
		}
	}
}

// Texts that go with a look-up are checked as those of a plan are.
func TestLookUp_TextsThatMayNotStand(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for field, change := range map[string]func(*lookup.Question){
		"encounter.id":             func(q *lookup.Question) { q.Encounter.ID = "ED\x1b[2J" },
		"responsible_person.name":  func(q *lookup.Question) { q.Responsible = domain.Responsible{Name: "A\u202eB", Role: "Nurse"} },
		"responsible_person.role":  func(q *lookup.Question) { q.Responsible = domain.Responsible{Name: "A", Role: "Nurse\nB"} },
		"responsible_person.phone": func(q *lookup.Question) { q.Responsible.Phone = "\x00" },
		"safeguarding_lead.name":   func(q *lookup.Question) { q.SafeguardingLead.Name = "x\u2028y" },
		"break_glass_reason":       func(q *lookup.Question) { q.BreakGlass = "Child unconscious\r\nno carer" },
	} {
		q := attended("ED-1")
		change(q)
		_, err := f.LookUp(t.Context(), nurse, q)
		if v := violationsOf(t, err); v[0].Field != field {
			t.Errorf("%s: got %+v", field, v)
		}
	}
}
