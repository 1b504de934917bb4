package upload_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/upload"
)

// list writes rows of a whole list about some of the people of manyRows.
func list(from, to int, more ...string) string {
	_, rows, _ := strings.Cut(string(manyRows(to-from, from)), "\n")
	return sheetHeader + rows + strings.Join(more, "")
}

// A whole list ends what it lacks, as of the day on which it was checked.
func TestUpload_AWholeListEndsWhatItLacks(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 40))
	other := f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(39) }))
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.NHSNumber, r.End = numberAt(3), "2026-11-01" }))
	sent := f.MustSend(lead, whole, list(0, 37))
	if c := sent.Counts; sent.State != upload.Waiting || c.Ending != 3 || c.Unchanged != 37 || c.InForce != 40 || sent.Brake {
		t.Errorf("got %+v", sent)
	}
	rows := f.Rows(lead, sent)
	if got := lines(rows[37:]); len(got) != 3 || got[0] != `0 ending; end "" to "2026-11-23"` || rows[37].Reference == "" {
		t.Errorf("got %q", got)
	}
	f.Clock.Advance(24 * time.Hour) // the day of the check counts
	if got, err := f.Approve(t.Context(), lead, sent, 0); err != nil || got.State != upload.Applied {
		t.Fatalf("got %+v, %s", got, explain(err))
	}
	p := f.MustGet(lead, numberAt(39)).Plans[0]
	if p.Details.End.String() != "2026-11-23" || p.Details.EndReason != "not in the list" || p.Version != 2 {
		t.Errorf("got %+v", p)
	}
	if p := f.MustGet(otherLead, numberAt(39)).Plans[0]; p.ID != other.PlanID || !p.Details.End.IsZero() {
		t.Errorf("another authority's plan: %+v", p)
	}
	// A delta ends nothing.
	if got := f.MustSend(lead, delta, list(0, 1)); got.State != upload.Checked || got.Counts.Ending != 0 {
		t.Errorf("got %+v", got)
	}
	// What comes back is opened again.
	if got := f.MustApply(lead, whole, list(0, 40)); got.Counts.Changed != 3 {
		t.Errorf("got %+v", got)
	}
	if p := f.MustGet(lead, numberAt(39)).Plans[0]; !p.Details.End.IsZero() || p.Details.EndReason != "" {
		t.Errorf("got %+v", p)
	}
}

// Whose row cannot be read is not taken for missing.
func TestUpload_WrongRowsProtectWhatTheyMayBeAbout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		rows           []string
		ending, remain int
	}{
		{"by their number", []string{sheetRow("nhs_number="+numberAt(19), "start=")}, 1, 1},
		{"by their reference", []string{sheetRow("nhs_number=1.2E+09", "reference=CASE-18")}, 1, 1},
		{"by both", []string{sheetRow("nhs_number="+numberAt(19), "start="), sheetRow("nhs_number=", "reference=CASE-18")}, 0, 2},
		{"of a person with another date of birth", []string{sheetRow("nhs_number="+numberAt(19), "date_of_birth=2018-01-01")}, 1, 1},
		{"a reference of nobody", []string{sheetRow("nhs_number=9990000019", "reference=CASE-X")}, 0, 2},
		{"no reference", []string{sheetRow("nhs_number=9990000019", "reference=")}, 0, 2},
		{"no cells", []string{"9990000019,\n"}, 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustApply(lead, whole, list(0, 20))
			got := f.MustSend(lead, whole, strings.Replace(list(0, 18), sheetHeader, sheetHeader+strings.Join(tt.rows, ""), 1))
			if c := got.Counts; c.Ending != tt.ending || c.HeldBack != tt.remain || c.Rejected != len(tt.rows) {
				t.Errorf("got %+v", got)
			}
			if tt.remain > 0 && !strings.Contains(strings.Join(got.Warnings, ";"), "from the list and stay") {
				t.Errorf("nobody is told: %q", got.Warnings)
			}
			if tt.ending == 0 && got.State != upload.Checked {
				t.Errorf("got %s", got.State)
			}
		})
	}
}

// A list that lacks a third of the plans is probably not whole.
func TestUpload_SafetyBrake(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 50))
	if got := f.MustSend(lead, whole, list(0, 40)); got.Brake || got.Counts.Ending != 10 {
		t.Errorf("ten may always end: %+v", got)
	}
	sent := f.MustSend(lead, whole, list(0, 35))
	if !sent.Brake || sent.Counts.Ending != 15 || !strings.Contains(sent.Warnings[0], "15 of the 50") {
		t.Errorf("got %+v", sent)
	}
	for _, confirm := range []int{0, 14} {
		_, err := f.Approve(t.Context(), lead, sent, confirm)
		if v := violationsOf(t, err); v[0].Field != "confirm_ending" || !strings.Contains(v[0].Problem, "15") {
			t.Errorf("got %+v", v)
		}
	}
	if p := f.MustGet(lead, numberAt(49)).Plans[0]; !p.Details.End.IsZero() {
		t.Errorf("got %+v", p)
	}
	if got, err := f.Approve(t.Context(), lead, sent, 15); err != nil || got.State != upload.Applied || got.Brake != true {
		t.Errorf("got %+v, %s", got, explain(err))
	}
	if p := f.MustGet(lead, numberAt(49)).Plans[0]; p.Details.End.IsZero() {
		t.Errorf("got %+v", p)
	}
}

func TestUpload_WrongAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for code, want := range map[string]upload.State{
		"": upload.Waiting, islington: upload.Waiting, "206": upload.Waiting,
		camden: upload.Rejected, "202": upload.Rejected, "X": upload.Rejected,
	} {
		q := delta
		q.Authority = code
		got := f.MustSend(lead, q, sheetHeader+sheetRow())
		if got.State != want || want == upload.Rejected && got.Problems[0].Field != "authority" {
			t.Errorf("%q: got %+v", code, got)
		}
	}
}

func TestUpload_RunningNumbers(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustSetRules(upload.Rules{ApproveSystems: true, MaxNew: 100, MaxChanged: 100, MaxEnding: 100, BrakePercent: 5})
	steps := []struct {
		name  string
		n     int64
		file  string
		state upload.State
		says  string
	}{
		{"the first may have any", 7, list(0, 1), upload.Applied, ""},
		{"the next", 8, list(0, 2), upload.Applied, ""},
		{"the same again", 8, list(0, 2), upload.Checked, ""},
		{"the same number with another file", 8, list(0, 3), upload.Rejected, "8 was applied already with another file"},
		{"a gap", 10, list(0, 3), upload.Waiting, "number 10 does not follow 8"},
		{"an older one", 5, list(0, 4), upload.Waiting, "number 5 is older than 8"},
		{"without", 0, list(0, 5), upload.Applied, ""},
	}
	for _, step := range steps {
		got := f.MustSend(laSystem, numbered(delta, step.n), step.file)
		said := fmt.Sprint(got.Warnings, got.Problems)
		if got.State != step.state || !strings.Contains(said, step.says) {
			t.Errorf("%s: got %+v", step.name, got)
		}
	}
}

// Files of systems are approved by rule, within the thresholds; those of people
// never are.
func TestUpload_ApprovalByRule(t *testing.T) {
	t.Parallel()
	rules := upload.Rules{ApproveSystems: true, MaxNew: 2, MaxChanged: 1, MaxEnding: 1, MaxRejectedPercent: 20, BrakePercent: 5}
	changed := func(i int) string {
		return sheetRow("nhs_number="+numberAt(i), "family_name=Other", fmt.Sprintf("reference=CASE-%d", i))
	}
	wrong := sheetRow("nhs_number="+numberAt(5), "kind=none")
	tests := []struct {
		name  string
		file  string
		state upload.State
		says  string
	}{
		{"within all", list(1, 11, changed(0)), upload.Applied, ""},
		{"too many new", list(0, 13), upload.Waiting, "new plans: 3"},
		{"too many changed", list(2, 10, changed(0), changed(1)), upload.Waiting, "changed plans: 2"},
		{"too many end", list(0, 8), upload.Waiting, "plans that end: 2"},
		{"too many end by their rows", list(2, 11, ended(0), ended(1)), upload.Waiting, "plans that end: 2"},
		{"too many rejected", list(0, 5, changed(6), wrong, wrong), upload.Waiting, "rejected rows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustApply(lead, whole, list(0, 10))
			if got := f.MustSend(laSystem, whole, list(0, 11)); got.State != upload.Waiting {
				t.Errorf("without rules: %+v", got)
			}
			f.MustSetRules(rules)
			if got := f.MustSend(lead, whole, list(0, 11)); got.State != upload.Waiting {
				t.Errorf("of a person: %+v", got)
			}
			got := f.MustSend(laSystem, whole, tt.file)
			if got.State != tt.state || !strings.Contains(strings.Join(got.Warnings, ";"), tt.says) {
				t.Errorf("got %+v", got)
			}
			if got.State == upload.Applied && got.Decided.Actor != "rule" {
				t.Errorf("decided by %+v", got.Decided)
			}
		})
	}
}

// ended is a row that ends the plan of one of the people of manyRows.
func ended(i int) string {
	return sheetRow("nhs_number="+numberAt(i), "end=2026-11-20", fmt.Sprintf("reference=CASE-%d", i))
}

// The safety brake holds what rules would let pass.
func TestUpload_RulesDoNotReleaseTheBrake(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 40))
	f.MustSetRules(upload.Rules{ApproveSystems: true, MaxNew: 1000, MaxChanged: 1000, MaxEnding: 1000, MaxRejectedPercent: 100, BrakePercent: 5})
	if got := f.MustSend(laSystem, whole, list(0, 20)); got.State != upload.Waiting || !got.Brake {
		t.Errorf("got %+v", got)
	}
	notices, err := f.DB.Notices.Newest(t.Context(), islington, 10)
	if err != nil || len(notices) != 1 || notices[0].Kind != "upload_waiting" {
		t.Errorf("%+v, %v", notices, err)
	}
}

func TestUploadRules_HaveVersions(t *testing.T) {
	t.Parallel()
	f := newService(t)
	got, err := f.GetUploadRules(t.Context(), laSystem, &upload.GetRulesRequest{})
	if err != nil || got.Rules != (upload.Rules{BrakePercent: 5}) {
		t.Errorf("got %+v, %s", got, explain(err))
	}
	rules := upload.Rules{ApproveSystems: true, MaxNew: 5, BrakePercent: 3}
	f.MustSetRules(rules)
	_, err = f.SetUploadRules(t.Context(), lead, &upload.SetRulesRequest{Rules: rules})
	stale, ok := errors.AsType[*guard.StaleError](err)
	if !ok || stale.Current != 1 {
		t.Errorf("got %v, want a *StaleError", err)
	}
	rules.Version, rules.MaxRejectedPercent, rules.MaxNew = 1, 101, -1
	_, err = f.SetUploadRules(t.Context(), lead, &upload.SetRulesRequest{Rules: rules})
	if v := violationsOf(t, err); len(v) != 2 {
		t.Errorf("got %+v", v)
	}
	if _, err = f.SetUploadRules(t.Context(), laSystem, &upload.SetRulesRequest{Rules: rules}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("got %v, want %v", err, guard.ErrDenied)
	}
	got, err = f.GetUploadRules(t.Context(), lead, &upload.GetRulesRequest{})
	want := upload.Rules{ApproveSystems: true, MaxNew: 5, BrakePercent: 3, Version: 1}
	if diff := cmp.Diff(want, got.Rules); diff != "" || err != nil {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// Where authorities hold plans of one kind about one person, both are told.
func TestUpload_Overlaps(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(otherLead, delta, list(0, 3))
	f.MustApply(lead, delta, list(2, 600))
	for gss, other := range map[string]string{islington: camden, camden: islington} {
		notices, err := f.DB.Notices.Newest(t.Context(), gss, 10)
		if err != nil || len(notices) != 1 || notices[0].Kind != "overlap" || notices[0].Organisation != other {
			t.Errorf("%s: %+v, %v", gss, notices, err)
		}
	}
}

func TestQualityReport(t *testing.T) {
	t.Parallel()
	f := newService(t)
	got, err := f.GetQualityReport(t.Context(), laSystem, &upload.QualityReportRequest{})
	if err != nil || got.ValidNumbersPercent != -1 || got.DaysSince != -1 || got.Active != 0 || got.ContactsDays != 0 {
		t.Errorf("nothing yet: %+v, %s", got, explain(err))
	}
	f.MustApply(lead, whole, list(0, 17,
		sheetRow("nhs_number=9990000019"),
		sheetRow("nhs_number="+numberAt(30), "kind=ucpp", "date_of_birth=1998-04-30", "start=2026-06-01", "expected=2026-11-10"),
		sheetRow("nhs_number="+numberAt(31), "date_of_birth=2009-01-10"),
	))
	f.Clock.Advance(60 * 24 * time.Hour)
	got, err = f.GetQualityReport(t.Context(), lead, &upload.QualityReportRequest{})
	if err != nil {
		t.Fatal(explain(err))
	}
	if got.ValidNumbersPercent != 95 || got.DaysSince != 60 || got.Overdue != 1 || got.Adults != 1 || got.Active != 18 || got.ContactsDays != 60 {
		t.Errorf("got %+v", got)
	}
	if len(got.Rejected) != 1 || got.Rejected[0].Field != "nhs_number" || got.Rejected[0].Code != "CPR04" {
		t.Errorf("got %+v", got.Rejected)
	}
}

// The tables of the dataset come as several files of one upload. They do not say
// who is restricted, and take it from nobody.
func TestUpload_TablesOfTheDataset(t *testing.T) {
	t.Parallel()
	f := newService(t)
	q := upload.Request{Format: upload.SSD, Extent: upload.Whole}
	sent := f.MustSendFiles(lead, q, "../planfile/testdata/ssd")
	if c := sent.Counts; sent.State != upload.Waiting || c.New == 0 || c.Rejected == 0 || len(sent.Warnings) == 0 {
		t.Fatalf("got %+v", sent)
	}
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) {
		r.NHSNumber, r.DateOfBirth, r.Restricted = "9990000018", "2014-06-03", true
	}))
	if got, err := f.Approve(t.Context(), lead, sent, 0); err != nil || got.State != upload.Applied {
		t.Fatalf("got %+v, %s", got, explain(err))
	}
	p := f.MustGet(lead, "9990000018")
	if !p.Restricted || p.Person.Family != "O’Neill" || p.Plans[0].Details.Reference != "CP7001" {
		t.Errorf("got %+v", p)
	}
	again := f.MustSendFiles(lead, q, "../planfile/testdata/ssd")
	if again.State != upload.Checked || again.Counts.Unchanged != sent.Counts.New {
		t.Errorf("again: %+v", again)
	}
	for _, r := range f.Rows(lead, again) {
		if r.File == "" || r.Line == 0 {
			t.Errorf("nobody can find the row: %+v", r)
		}
	}
}
