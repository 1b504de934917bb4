package clinician_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/web/clinician"
)

var today, _ = domain.ParseDate("2026-11-23")

// People paste what their systems have: each of these lines is the same patient.
func TestReadList_TakesWhatPeoplePaste(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"9990000018 2019-04-30", "999 000 0018, 30 4 2019", "999-000-0018;30/04/2019", "30.4.2019\t9990000018", "999 000 0018 30 April 2019",
		"999 000 0018 30th Apr 2019", "999\u00a0000\u00a00018\t30\u201304\u20132019", `"9990000018","30/4/2019","QUILL, Robin"`, "QUILL Robin 9990000018 30-APR-2019 09:30",
		"9990000018,20190430", "9990000018|30042019", "1, 9990000018, 30/4/2019, room 12", "\u200b9990000018 30/4/2019\u200b", "NHS number 9990000018, born 30 4 2019.",
	} {
		patients, wrong := clinician.ReadList(line, today)
		if len(wrong) > 0 || len(patients) != 1 || strings.NewReplacer(" ", "", "-", "").Replace(patients[0][0]) != "9990000018" || patients[0][1] != "2019-04-30" {
			t.Errorf("%q: got %q, %q", line, patients, wrong)
		}
	}
}

func TestReadList_GuessesNothing(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"9990000018":                       "Line 1: Enter the date of birth with all four digits of the year, like 31 3 2019",
		"9990000018 30/4/19":               "Line 1: Enter the date of birth with all four digits of the year, like 31 3 2019",
		"30/4/2019":                        "Line 1: Enter an NHS number, which has 10 digits",
		"999000001 30/4/2019":              "Line 1: Enter an NHS number, which has 10 digits",
		"999,000,0018,30/4/2019":           "Line 1: Enter an NHS number, which has 10 digits",
		"9990000019 30/4/2019":             "Line 1: Check the NHS number: one of the digits is not right",
		"9990000018 9990000077 30/4/2019":  "Line 1: Leave one NHS number only",
		"9990000018 30/4/2019 23/11/2026":  "Line 1: Leave one date only, the date of birth",
		"9990000018 4/30/2019":             "Line 1: Date of birth must be a real date, like 31 3 2019",
		"9990000018 31/4/2019":             "Line 1: Date of birth must be a real date, like 31 3 2019",
		"9990000018 24/11/2026":            "Line 1: Date of birth must be today or in the past",
		"9990000018 30/4/1819":             "Line 1: Date of birth must be a real date, like 31 3 2019",
		"9990000018 <script>alert(1)":      "Line 1: Enter the date of birth with all four digits of the year, like 31 3 2019",
		"\n\n9990000018 30/4/2019\n\n12":   "Line 5: Enter an NHS number, which has 10 digits",
		"9990000018 30/4/2019\nno patient": "Line 2: Enter an NHS number, which has 10 digits",
	} {
		if _, wrong := clinician.ReadList(line, today); !cmp.Equal(wrong, []string{want}) {
			t.Errorf("%q: got %q, want %q", line, wrong, want)
		}
	}
}

func TestReadList_PassesOverHeadsAndEmptyLines(t *testing.T) {
	t.Parallel()
	patients, wrong := clinician.ReadList("NHS number;Date of birth\r\n\r\n9990000018;30/4/2019\r;;\r9990000077;1/1/2020\r\n \t\n", today)
	if want := [][2]string{{"9990000018", "2019-04-30"}, {"9990000077", "2020-01-01"}}; !cmp.Equal(patients, want) || len(wrong) > 0 {
		t.Errorf("got %q, %q", patients, wrong)
	}
}

// Whatever is pasted, who is read has a number that can be asked about and a date of
// birth in the past, and no line is more than one patient.
func FuzzReadList(f *testing.F) {
	f.Add("9990000018 2019-04-30\n999 000 0077\t30 April 2019")
	f.Add("NHS number,Date of birth\r9990000018,20190430")
	f.Fuzz(func(t *testing.T, pasted string) {
		patients, wrong := clinician.ReadList(pasted, today)
		if lines := strings.Count(pasted, "\n") + strings.Count(pasted, "\r") + 1; len(patients)+len(wrong) > lines {
			t.Fatalf("%d lines are %d patients and %d problems", lines, len(patients), len(wrong))
		}
		for _, one := range patients {
			born, err := domain.ParseDate(one[1])
			if _, problem := domain.ParseNHSNumber(one[0]); problem != "" || err != nil || born.After(today) {
				t.Fatalf("%q is no patient", one)
			}
		}
	})
}
