package upload_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/upload"
)

// boldRules let pass whatever is not held for another reason than a threshold.
var boldRules = upload.Rules{
	ApproveSystems: true, MaxNew: 1000, MaxChanged: 1000, MaxEnding: 1000, MaxRejectedPercent: 100, BrakePercent: 5,
}

func warned(u *upload.Upload, text string) bool {
	return strings.Contains(strings.Join(u.Warnings, ";"), text)
}

// endedRows are rows that end plans of the first n of the people of manyRows.
func endedRows(n int) string {
	var rows []string
	for i := range n {
		rows = append(rows, ended(i))
	}
	return strings.Join(rows, "")
}

// A column that slipped ends as many plans as a list that lost half its rows.
func TestUpload_SafetyBrakeCountsWhatRowsEnd(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 50))
	f.MustSetRules(boldRules)
	if got := f.MustSend(lead, delta, sheetHeader+endedRows(10)); got.Brake || got.Counts.Closing != 10 {
		t.Errorf("ten may always end: %+v", got)
	}
	for name, sent := range map[string]*upload.Upload{
		"delta":      f.MustSend(laSystem, delta, sheetHeader+endedRows(11)),
		"whole list": f.MustSend(laSystem, whole, list(11, 50, endedRows(11))),
		"both":       f.MustSend(laSystem, whole, list(11, 50, endedRows(10))),
	} {
		if sent.State != upload.Waiting || !sent.Brake || !warned(sent, "11 of the 50") {
			t.Errorf("%s: got %+v", name, sent)
		}
		_, err := f.Approve(t.Context(), lead, sent, sent.Counts.Ending)
		if v := violationsOf(t, err); v[0].Field != "confirm_ending" || !strings.Contains(v[0].Problem, "11") {
			t.Errorf("%s: got %+v", name, v)
		}
	}
	last := f.MustSend(laSystem, whole, list(11, 50, endedRows(10)))
	if got, err := f.Approve(t.Context(), lead, last, 11); err != nil || got.State != upload.Applied {
		t.Errorf("got %+v, %s", got, explain(err))
	}
}

// Many small lists in a row do not end by rule what one large one must not.
func TestUpload_SafetyBrakeCountsADay(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 60))
	f.MustSetRules(boldRules)
	if got := f.MustSend(laSystem, whole, list(0, 54)); got.State != upload.Applied {
		t.Fatalf("got %+v", got)
	}
	for name, got := range map[string]*upload.Upload{
		"whole list": f.MustSend(laSystem, whole, list(0, 48)),
		"delta":      f.MustSend(laSystem, delta, sheetHeader+endedRows(6)),
	} {
		if got.State != upload.Waiting || got.Brake || !warned(got, "this file ends 6 plans, and others ended 6 within a day") {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got := f.MustSend(laSystem, delta, list(54, 61)); got.State != upload.Applied {
		t.Errorf("what ends nothing: %+v", got)
	}
	f.Clock.Advance(25 * time.Hour)
	if got := f.MustSend(laSystem, whole, list(0, 54)); got.State != upload.Applied || got.Counts.Ending != 7 {
		t.Errorf("the day after: %+v", got)
	}
}

// A plan that somebody removed does not come back because a system that knows
// nothing of that sends it every night. A person may take it back.
func TestUpload_RulesDoNotBringErrorsBack(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 2))
	registered := f.MustGet(lead, numberAt(1)).Plans[0]
	if _, err := f.RemovePlan(t.Context(), lead, &plan.RemovePlanRequest{PlanID: registered.ID, Version: registered.Version, Reason: "Wrong child"}); err != nil {
		t.Fatal(explain(err))
	}
	f.MustSetRules(boldRules)
	got := f.MustSend(laSystem, whole, list(0, 3))
	if got.State != upload.Waiting || got.Counts.New != 2 || !warned(got, "1 of the new plans was removed here as entered in error") {
		t.Fatalf("got %+v", got)
	}
	if got, err := f.Approve(t.Context(), lead, got, 0); err != nil || got.State != upload.Applied {
		t.Errorf("got %+v, %s", got, explain(err))
	}
	if got := f.MustSend(laSystem, whole, list(0, 3)); got.State != upload.Checked {
		t.Errorf("once it is back: %+v", got)
	}
}

// A list that was written before a plan was recorded here does not end it by
// rule.
func TestUpload_RulesDoNotEndWhatIsFresh(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 20))
	f.MustSetRules(boldRules)
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(30) }))
	got := f.MustSend(laSystem, whole, list(0, 20))
	if got.State != upload.Waiting || got.Counts.Ending != 1 || !warned(got, "1 of the plans that end") {
		t.Errorf("got %+v", got)
	}
	if got := f.MustSend(laSystem, whole, list(0, 19, sheetRow("nhs_number="+numberAt(30)))); got.State != upload.Applied {
		t.Errorf("what a list brought is not fresh: %+v", got)
	}
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(40) }))
	f.Clock.Advance(25 * time.Hour)
	if got := f.MustSend(laSystem, whole, list(0, 19, sheetRow("nhs_number="+numberAt(30)))); got.State != upload.Applied {
		t.Errorf("the day after: %+v", got)
	}
}

// Whoever reads why plans stay learns which lines to correct first.
func TestUpload_NamesTheRowsThatHoldEverythingBack(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 20))
	unread := sheetRow("nhs_number=9990000019", "reference=")
	got := f.MustSend(lead, whole, list(0, 18, unread, unread))
	if !warned(got, "2 plans are missing") || !warned(got, "Correct line 20, line 21: whom they are about cannot be known") {
		t.Errorf("got %q", got.Warnings)
	}
	got = f.MustSend(lead, whole, list(0, 18, strings.Repeat(unread, 7)))
	if !warned(got, "line 24, 2 more: whom") {
		t.Errorf("got %q", got.Warnings)
	}
	got = f.MustSend(lead, whole, list(0, 18, sheetRow("nhs_number="+numberAt(19), "start=")))
	if !warned(got, "1 plan is missing from the list and stays as it is") || warned(got, "Correct") {
		t.Errorf("of a row whose plan is known: %q", got.Warnings)
	}
}

// Each row about a person must fit all others about them, so there cannot be
// any number of them.
func TestUpload_AsManyRowsAboutOnePersonAsThereCanBe(t *testing.T) {
	t.Parallel()
	f := newService(t)
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	b.WriteString(sheetHeader)
	for range 103 {
		next := day.AddDate(0, 0, 7)
		b.WriteString(sheetRow("start="+day.Format(time.DateOnly), "end="+next.Format(time.DateOnly)))
		day = next
	}
	got := f.MustSend(lead, delta, b.String())
	if got.Counts.New != 100 || got.Counts.Rejected != 3 {
		t.Errorf("got %+v", got)
	}
	rows := lines(f.Rows(lead, got))
	if want := "102 rejected; row has the same NHS number as 100 rows before it: check the number"; !slices.Contains(rows, want) {
		t.Errorf("got %q, want %q", rows[100:], want)
	}
	if applied, err := f.Approve(t.Context(), lead, got, 0); err != nil || applied.State != upload.Applied {
		t.Errorf("got %+v, %s", applied, explain(err))
	}
}

// A row whose date of birth does not fit its number may be about somebody else,
// whose plan is missing then.
func TestUpload_WrongNumbersHoldBackWhomTheyMayBeAbout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		row            string
		ending, remain int
	}{
		{"a number of another authority's", sheetRow("date_of_birth=2018-01-01", "reference="), 0, 2},
		{"a number of another row", sheetRow("nhs_number="+numberAt(3), "date_of_birth=2018-01-01", "reference="), 0, 2},
		{"with the reference of a plan that is missing", sheetRow("date_of_birth=2018-01-01", "reference=CASE-19"), 1, 1},
		{"with the number of a plan that is missing", sheetRow("nhs_number="+numberAt(19), "date_of_birth=2018-01-01", "reference="), 1, 1},
		{"wrong otherwise", sheetRow("kind=lac"), 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000018" }))
			f.MustApply(lead, whole, list(10, 20, fmt.Sprint(sheetRow("nhs_number="+numberAt(3), "reference=CASE-3"))))
			got := f.MustSend(lead, whole, list(10, 18, sheetRow("nhs_number="+numberAt(3), "reference=CASE-3"), tt.row))
			if diff := cmp.Diff([]int{1, tt.ending, tt.remain}, []int{got.Counts.Rejected, got.Counts.Ending, got.Counts.HeldBack}); diff != "" {
				t.Errorf("rejected, ending, held back (-want +got):\n%s", diff)
			}
		})
	}
}
