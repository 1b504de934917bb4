package upload_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/upload"
)

func TestUpload_NothingChangesBeforeApproval(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := sheetHeader +
		sheetRow() +
		sheetRow(numberB, "kind=ucpp", "date_of_birth=1998-04-30", "expected=2027-02-01", "family_name=\"Exam\nple\"") +
		sheetRow("kind=lac", "legal_basis=s20", "start=2026-10-01") +
		sheetRow(numberC, "restricted=yes", "end=2026-11-01")
	sent := f.MustSend(laSystem, delta, file)
	if sent.State != upload.Waiting || sent.Counts.Rows != 4 || sent.Counts.New != 4 || sent.Code != "" {
		t.Errorf("got %+v", sent)
	}
	if h := f.Held(); h.Persons != 0 || h.Plans != 0 {
		t.Errorf("before approval: %+v", h)
	}
	want := []string{"2 new", "3 new", "5 new", "6 new"}
	if diff := cmp.Diff(want, lines(f.Rows(laSystem, sent))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	applied, err := f.Approve(t.Context(), lead, sent, 0)
	if err != nil || applied.State != upload.Applied || applied.Code != "CPF02" {
		t.Fatalf("got %+v, %s", applied, explain(err))
	}
	rows := f.Rows(lead, applied)
	if diff := cmp.Diff(want, lines(rows)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i, want := range []struct{ number, kind string }{
		{"9990000018", "cpp"}, {"9990000026", "ucpp"}, {"9990000018", "lac"}, {"9990000034", "cpp"},
	} {
		var found bool
		for _, p := range f.MustGet(lead, want.number).Plans {
			found = found || p.ID == rows[i].PlanID && string(p.Details.Kind) == want.kind && p.Details.Reference == "CASE-1042"
		}
		if !found {
			t.Errorf("row %d: the plan %s is not held", i, rows[i].PlanID)
		}
	}
	if p := f.MustGet(lead, "9990000026").Person; p.Family != "Exam ple" {
		t.Errorf("family name %q", p.Family)
	}
	if !f.MustGet(lead, "9990000034").Restricted || f.MustGet(lead, "9990000018").Restricted {
		t.Error("not the right people are restricted")
	}
	if h := f.Held(); h.Persons != 3 || h.PersonVersions != 3 || h.Plans != 4 || h.PlanVersions != 4 {
		t.Errorf("%+v", h)
	}
}

func TestUpload_TheSameFileAgainChangesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := string(manyRows(1200, 0))
	f.MustApply(lead, whole, file)
	before := f.Held()
	again := f.MustSend(lead, whole, file)
	if again.State != upload.Checked || again.Counts.Unchanged != 1200 || again.Counts.New != 0 || again.Code != "CPF02" {
		t.Errorf("got %+v", again)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	if n := f.Count("upload_part"); n != 0 {
		t.Errorf("%d pieces of files are left", n)
	}
}

// Rows that are wrong keep nobody else from being flagged.
func TestUpload_AppliesTheRowsThatAreRight(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	held := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000042" }))
	file := sheetHeader +
		sheetRow(numberB) +
		sheetRow("nhs_number=9990000019", "kind=none", "start=2030-01-01") +
		sheetRow("date_of_birth=2018-04-30") +
		sheetRow("nhs_number=9990000042", "start=2026-10-01") +
		"9990000050,too,few\n" +
		sheetRow(numberC)
	sent := f.MustSend(lead, delta, file)
	if c := sent.Counts; sent.State != upload.Waiting || c.Rows != 6 || c.New != 2 || c.Rejected != 4 || c.ValidNumbers != 4 {
		t.Errorf("got %+v", sent)
	}
	rows := f.Rows(lead, sent)
	var codes []string
	for _, r := range rows {
		codes = append(codes, r.Code)
		if r.Outcome == upload.RowRejected && (len(r.Violations) == 0 || r.Violations[0].Problem == "") {
			t.Errorf("line %d: nothing is said to be wrong", r.Line)
		}
	}
	if diff := cmp.Diff([]string{"CPR06", "CPR04", "CPR03", "CPR07", "CPR07", "CPR06"}, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if v := rows[3].Violations; len(v) != 1 || !strings.Contains(v[0].Problem, held.PlanID) {
		t.Errorf("the plan that it overlaps with is not named: %+v", v)
	}
	applied, err := f.Approve(t.Context(), lead, sent, 0)
	if err != nil || applied.State != upload.Applied || applied.Code != "CPF03" {
		t.Errorf("got %+v, %s", applied, explain(err))
	}
	if h := f.Held(); h.Plans != 4 {
		t.Errorf("%+v", h)
	}
	sum := 0
	for _, r := range applied.Reasons {
		sum += r.Rows
		if strings.Contains(r.Problem, held.PlanID) {
			t.Errorf("a reason names one plan: %+v", r)
		}
	}
	if sum < 4 {
		t.Errorf("reasons %+v", applied.Reasons)
	}
}

func TestUpload_RowsOfOneFileMustFitTogether(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := sheetHeader +
		sheetRow() +
		sheetRow("start=01/09/2026") +
		sheetRow("start=2026-10-01") +
		sheetRow("kind=lac", "legal_basis=s20") +
		sheetRow("kind=lac", "legal_basis=s31", "date_of_birth=2019-05-01") +
		sheetRow("start=2020-01-01", "end=2020-05-01")
	want := []string{
		"2 new",
		"3 rejected; row repeats line 2",
		"4 rejected; start overlaps with the plan on line 2 of the same kind: end that one first, or correct the dates",
		"5 new",
		"6 rejected; date_of_birth differs from line 2, which has the same NHS number",
		"7 new",
	}
	if diff := cmp.Diff(want, lines(f.Rows(lead, f.MustSend(lead, delta, file)))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Whoever mends a file looks for what is wrong most often, whichever lines it is
// about.
func TestUpload_CountsRowsWithTheSameProblemTogether(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := sheetHeader
	for _, number := range []string{"nhs_number=9990000018", numberB} {
		file += sheetRow(number) + sheetRow(number) + sheetRow(number, "start=2026-10-01") +
			sheetRow(number, "kind=lac", "legal_basis=s31", "date_of_birth=2019-05-01")
	}
	want := map[string]int{
		"repeats another line": 2, "overlaps with another plan of the same kind": 2,
		"differs from another line, which has the same NHS number": 2,
	}
	got := map[string]int{}
	for _, r := range f.MustSend(lead, delta, file).Reasons {
		got[r.Problem] += r.Rows
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// A plan that ends and the one that follows it may come in one file, in either
// order.
func TestUpload_OrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	ends, begins := sheetRow("end=2026-10-31"), sheetRow("start=2026-10-31")
	for _, file := range []string{sheetHeader + ends + begins, sheetHeader + begins + ends} {
		f := newService(t)
		f.MustApply(lead, delta, sheetHeader+sheetRow())
		got := f.MustApply(lead, delta, file)
		if got.Counts.New != 1 || got.Counts.Changed != 1 || got.Counts.Closing != 1 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestUpload_SaysWhatChangesFieldByField(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustApply(lead, delta, sheetHeader+sheetRow("kind=lac", "legal_basis=s20"))
	held := f.Rows(lead, first)[0].PlanID
	file := sheetHeader + sheetRow("kind=lac", "legal_basis=s31", "end=2026-11-01", "family_name=Newname", "reference=", "restricted=yes")
	f.Clock.Advance(1)
	applied := f.MustApply(lead, delta, file)
	want := []string{`2 changed; family_name "Example" to "Newname"; end "" to "2026-11-01"; legal_basis "s20" to "s31"; ` +
		`reference "CASE-1042" to ""; restricted "no" to "yes"`}
	rows := f.Rows(lead, applied)
	if diff := cmp.Diff(want, lines(rows)); diff != "" || rows[0].PlanID != held {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	p := f.MustGet(lead, "9990000018")
	if !p.Restricted || p.Plans[0].Version != 2 || p.Plans[0].Details.End.String() != "2026-11-01" || p.Person.Family != "Newname" {
		t.Errorf("got %+v", p)
	}
	versions, err := f.ListVersions(t.Context(), lead, &plan.ListVersionsRequest{PlanID: held})
	if err != nil || len(versions.Versions) != 2 {
		t.Fatalf("%+v, %s", versions, explain(err))
	}
	if c := versions.Versions[0].Change; c.Act != "upload" || c.Actor != lead.ID || c.Reason != "upload "+applied.ID {
		t.Errorf("got %+v", c)
	}
	// Nothing in a file lifts a restriction.
	lifting := f.MustSend(lead, delta, strings.ReplaceAll(file, ",yes", ",no"))
	if got := lines(f.Rows(lead, lifting)); lifting.State != upload.Checked || got[0] != `2 unchanged; restricted "yes" to "no"` {
		t.Errorf("got %+v, %q", lifting, got)
	}
}

// What a file has no column for stays as it is held.
func TestUpload_MissingColumnsChangeNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, delta, sheetHeader+
		sheetRow("kind=lac", "legal_basis=s20", "end=2026-11-01")+
		sheetRow(numberB, "kind=ucpp", "date_of_birth=1998-04-30", "expected=2027-02-01"))
	const header = "nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n"
	got := f.MustSend(lead, delta, header+
		"9990000018,Example,Robin,2019-04-30,lac,2026-09-01,no\n"+
		"9990000026,Example,Robin,1998-04-30,ucpp,2026-09-01,no\n"+
		"9990000034,Example,Robin,2019-04-30,lac,2026-09-01,no\n")
	want := []string{"2 unchanged", "3 unchanged", "4 rejected; legal_basis is required of a looked-after child: s20, s31 or s38"}
	if diff := cmp.Diff(want, lines(f.Rows(lead, got))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Persons of many rows that are far apart are one person.
func TestUpload_PersonsMayComeAgainLater(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var file strings.Builder
	file.WriteString(string(manyRows(1100, 0)))
	for i := range 20 {
		file.WriteString(sheetRow("nhs_number="+numberAt(i), "kind=lac", "legal_basis=s20", "restricted=yes"))
	}
	got := f.MustApply(lead, delta, file.String())
	if h := f.Held(); got.Counts.New != 1120 || h.Persons != 1100 || h.Plans != 1120 {
		t.Errorf("got %+v, %+v", got.Counts, h)
	}
	if p := f.MustGet(lead, numberAt(19)); !p.Restricted || len(p.Plans) != 2 {
		t.Errorf("got %+v", p)
	}
}

func TestUpload_BrokenFilesAreRejected(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, string(manyRows(20, 0)))
	full := string(manyRows(20, 0))
	for name, tt := range map[string]struct {
		file string
		code string
	}{
		"empty":                 {"", "CPF01"},
		"header only":           {sheetHeader, "CPF01"},
		"binary":                {"\x00\x01\x02\xff\xfe\x00", "CPF01"},
		"cut in a row":          {full[:len(full)/2], "CPF01"},
		"cut at the end":        {strings.TrimSuffix(full, "\n"), "CPF01"},
		"no right row":          {sheetHeader + sheetRow("nhs_number=9990000019"), "CPF04"},
		"a line without an end": {sheetHeader + strings.Repeat("x", 1<<20), "CPF01"},
	} {
		got := f.MustSend(lead, whole, tt.file)
		if got.State != upload.Rejected || got.Code != tt.code || len(got.Problems) == 0 {
			t.Errorf("%s: got %+v", name, got)
		}
		if _, err := f.Approve(t.Context(), lead, got, 0); !errors.Is(err, guard.ErrState) {
			t.Errorf("%s: approving: got %v, want %v", name, err, guard.ErrState)
		}
	}
	if p := f.MustGet(lead, numberAt(3)).Plans[0]; !p.Details.End.IsZero() {
		t.Errorf("a broken file has ended a plan: %+v", p)
	}
}
