package planfile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"cpis/service/planfile"
)

// periodOf reads a child's only period of care, of which one episode ended on
// the tenth of November.
func periodOf(tb testing.TB, reason, legal string) *planfile.Row {
	tb.Helper()
	quoted := `"` + strings.ReplaceAll(reason, `"`, `""`) + `"`
	d := inCare([]string{`s,c,"` + legal + `",2026-01-01,`}, "e1,c,2026-01-01,2026-11-10,"+quoted+",k,")
	rows, _, err := read(tb, planfile.SSD, d.sources()...)
	if err != nil || len(rows) != 1 {
		tb.Fatalf("%d rows, %v", len(rows), err)
	}
	return &rows[0]
}

// Codes and words say the same, whole or cut off.
func TestReadSSD_UnderstandsWhyEpisodesCeased(t *testing.T) {
	t.Parallel()
	const (
		goesOn  = ""
		ended   = "2026-11-10"
		strange = "!end: is not understood: clae_cla_episode_ceased_reason in ssd_cla_episodes"
	)
	for _, tt := range []struct{ reason, want string }{
		{"X1", goesOn},
		{"x1", goesOn},
		{"X1 - Episode ceases, and new episode begins on same day, for any reason", goesOn},
		{"X1: Episode ceases, and new ep", goesOn},
		{"Episode ceases, and new episode begins on same day, for any reason", goesOn},
		{`"Episode ceases, and new episode begins on same day`, goesOn},
		{"EPISODE CEASES AND NEW EPISODE BEGINS", goesOn},
		{"E4A", ended},
		{"E4a Returned home", ended},
		{"E11: Adopted - application for an adoption order unopposed", ended},
		{"Adopted – consent dispensed with by the court", ended},
		{"Died", ended},
		{"Care taken over by another local authority in the UK", ended},
		{"Returned home to live with parent(s), relative(s), or other person(s)", ended},
		{"Left care to live with parent(s), relative(s), or other person(s) with no parental responsibility", ended},
		{"Special guardianship order made to former foster carer(s), who was/are a relative(s)", ended},
		{"Moved into independent living arrangement and no longer looked-after: supportive", ended},
		{"Period of being looked-after ceased for any other reason", ended},
		{"Sentenced to custody", ended},
		{"Aged 18 (or over) and remained with current carers", ended},
		{"", ended},
		{"E1", strange},
		{"E99", strange},
		{"X10", strange},
		{"Placement ended", strange},
		{"Died down", ended}, // of codes that are cut off, the words may go on
		{"E4A - Episode ceases, and new episode begins on same day", strange},
		{"X1 - Returned home to live with parent(s)", strange},
		{"No: episode ceases, and new episode begins", strange},
	} {
		row := periodOf(t, tt.reason, "C2")
		got := row.End
		if len(row.Problems) > 0 {
			got = "!" + onlyProblem(row)
		}
		if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%q: got %q, want %q", tt.reason, got, tt.want)
		}
	}
}

// What case systems write is taken for what it means, and for nothing else:
// sections of the Act do not make a legal basis of other words.
func TestReadSSD_UnderstandsLegalStatuses(t *testing.T) {
	t.Parallel()
	of := func(code string) string {
		return "!is not in scope: only the legal statuses C1, C2 and V2 are, not " + code
	}
	const strange = "!is not understood"
	for _, tt := range []struct{ legal, want string }{
		{"C2", "s31"},
		{"C2 Something of this authority", "s31"},
		{"Full Care Order (Section 31)", "s31"},
		{"Care order S.31(1)(a) CA 1989", "s31"},
		{"C1 - Interim care order", "s38"},
		{"INTERIM CARE ORDER SEC 38", "s38"},
		{"Care Order - Interim", "s38"},
		{"V2: Single period of accommodation under s.20", "s20"},
		{"Single placement acc. by LA S20(3) CA 16 & over", "s20"},
		{"Accommodated under Section 20", "s20"},
		{"S20", "s20"},
		{"Interim care order Sec. 31", strange},
		{"Care order Sec. 38", strange},
		{"Accommodated", strange},
		{"Interim supervision and care order", strange},
		{"Interim / Care Order", strange},
		{"Application for care order", strange},
		{"Care order discharged", strange},
		{"C2 - Interim care order", strange},
		{"C1 and C2", strange},
		{"Wardship", strange},
		{"Section 31", strange},
		{"E1", of("E1")},
		{"C2 / E1", of("E1")},
		{"Placement order granted", of("E1")},
		{"Child freed for adoption", of("D1")},
		{"Police protection power Sec.38(1)", of("L1")},
		{"Emergency protection order - LA", of("L2")},
		{"Child assessment order Sec. 43(1)", of("L3")},
		{"Remanded to LA accommodation S20", of("J1")},
		{"P.A.C.E Interview (CYP)", of("J2")},
		{"Regular occ. acc by LA S20(3) CA 16 & over", of("V4")},
		{"regular occ. acc. by LA S.20(1) CA under 16", of("V4")},
		{"Accommodated under an agreed series of short-term breaks, when individual episodes of care are recorded", of("V4")},
		{"V3: Accommodated under an agreed series of short-term breaks, when individual", of("V3")},
		{"V1", of("V1")},
		{"Supervision Order Sec. 31(1)(b)", "!is required"},
		{"Special Guardianship Order", "!is required"},
	} {
		row := periodOf(t, "", tt.legal)
		got := row.Basis
		if len(row.Problems) > 0 {
			got = "!" + strings.TrimPrefix(onlyProblem(row), "legal_basis: ")
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.legal, got, tt.want)
		}
	}
}

// A day ahead of today is one on which a child is expected, wherever it stands.
func TestReadSSD_TellsTheUnbornFromTheBorn(t *testing.T) {
	t.Parallel()
	const mother = "9990000034|Mother|Alex|1998-04-30|ucpp|2026-10-01||2027-02-01||p"
	const child = "9990000018|Sample|Sam|"
	for _, tt := range []struct{ name, person, want string }{
		{"both days ahead", "c,Sam,Sample,2027-02-01,2027-02-01,", mother},
		{"born ahead, and nothing expected", "c,Sam,Sample,2027-02-01,,", mother},
		{"born ahead, and whether age is estimated", "c,Sam,Sample,2027-02-01,Y,", mother},
		{"expected alone", "c,Sam,Sample,,2027-02-01,", mother},
		{"expected, and born ahead otherwise", "c,Sam,Sample,2027-02-03,2027-02-01,", mother},
		{"born, and whether age is estimated", "c,Sam,Sample,2019-04-30,N,", child + "2019-04-30|cpp|2026-10-01||||p"},
		{"born, and expected on the same day", "c,Sam,Sample,2019-04-30,2019-04-30,", child + "2019-04-30|cpp|2026-10-01||||p"},
		{"born today", "c,Sam,Sample,2026-11-23,,", child + "2026-11-23|cpp|2026-11-23||||p"},
		{"expected long ago", "c,Sam,Sample,,2015-01-01,", child + "|cpp|2026-10-01||||p!date_of_birth: is required: pers_dob is empty or ahead of today"},
		{"whether age is estimated, and nothing else", "c,Sam,Sample,,Y,", child + "|cpp|2026-10-01||||p!date_of_birth: is required: the person has neither"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			compareOnly(t, "ssd_cp_plans 2: "+tt.want, emptyDataset().
				with("ssd_cp_plans", "p,c,2026-10-01,,").
				with("ssd_person", tt.person, "m,Alex,Mother,1998-04-30,,").
				with("ssd_mother", "1,m,c").
				with("ssd_linked_identifiers", "1,m,NHS Number,9990000034,,", "2,c,NHS Number,9990000018,,"))
		})
	}
}

// Of one pregnancy there is one plan, however many children are expected.
func TestReadSSD_TakesTwinsTogether(t *testing.T) {
	t.Parallel()
	base := emptyDataset().
		with("ssd_person", "a,,One,,2027-02-01,", "b,,Two,2027-02-03,,", "m,Alex,Mother,1998-04-30,,", "n,Kim,Other,1997-04-30,,").
		with("ssd_linked_identifiers", "1,m,NHS Number,9990000034,,", "2,n,NHS Number,9990000026,,")
	for _, tt := range []struct {
		name    string
		plans   []string
		mothers []string
		want    []string // line: start|end|expected
	}{
		{"alike", []string{"p,a,2026-10-01,,", "q,b,2026-10-01,,"}, []string{"1,m,a", "2,m,b"}, []string{"2: 2026-10-01||2027-02-01"}},
		{
			"from another day on, one of them ended",
			[]string{"p,a,2026-10-08,2026-11-01,", "q,b,2026-10-01,,"},
			[]string{"1,m,a", "2,m,b"},
			[]string{"2: 2026-10-01||2027-02-01"},
		},
		{
			"both ended",
			[]string{"p,a,2026-10-01,2026-11-01,", "q,b,2026-10-01,2026-11-10,"},
			[]string{"1,m,a", "2,m,b"},
			[]string{"2: 2026-10-01|2026-11-10|2027-02-01"},
		},
		{
			"of two mothers",
			[]string{"p,a,2026-10-01,,", "q,b,2026-10-01,,"},
			[]string{"1,m,a", "2,n,b"},
			[]string{"2: 2026-10-01||2027-02-01", "3: 2026-10-01||2027-02-03"},
		},
		{
			"one after the other",
			[]string{"p,a,2026-10-01,2026-10-20,", "q,b,2026-11-01,,"},
			[]string{"1,m,a", "2,m,b"},
			[]string{"2: 2026-10-01|2026-10-20|2027-02-01", "3: 2026-11-01||2027-02-03"},
		},
		{
			"one of another authority",
			[]string{"p,a,2026-10-01,,Y", "q,b,2026-10-01,,"},
			[]string{"1,m,a", "2,m,b"},
			[]string{"3: 2026-10-01||2027-02-03"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, _, err := read(t, planfile.SSD, base.with("ssd_cp_plans", tt.plans...).with("ssd_mother", tt.mothers...).sources()...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, fmt.Sprintf("%d: %s|%s|%s", r.Line, r.Start, r.End, r.Expected))
				if len(r.Problems) > 0 || r.Kind != "ucpp" {
					t.Errorf("got %s", short(&r))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A pregnancy after another one is another plan.
func TestReadSSD_KeepsPregnanciesApart(t *testing.T) {
	t.Parallel()
	d := emptyDataset().
		with("ssd_person", "a,,One,2026-01-10,2026-01-05,", "b,,Two,,2027-02-01,", "m,Alex,Mother,1998-04-30,,").
		with("ssd_linked_identifiers", "1,m,NHS Number,9990000034,,").
		with("ssd_cp_plans", "p,a,2025-11-01,2026-01-10,", "q,b,2026-10-01,,").with("ssd_mother", "1,m,a", "2,m,b")
	rows, sum, err := read(t, planfile.SSD, d.sources()...)
	if err != nil || len(rows) != 2 || len(sum.Notes) != 0 {
		t.Errorf("got %d rows, notes %v, %v", len(rows), sum.Notes, err)
	}
}

// What may be an NHS number and is not understood is not passed over in silence.
func TestReadSSD_SaysWhatMayBeANumber(t *testing.T) {
	t.Parallel()
	const child = "ssd_cp_plans 2: |Example|Robin|2019-04-30|cpp|2026-09-01||||p!nhs_number: "
	plan := func(common string) dataset {
		return onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,2019-04-30,,"+common)
	}
	compareOnly(t, child+"is required: ssd_linked_identifiers holds identifiers of the person whose type is not understood",
		plan("").with("ssd_linked_identifiers", "1,c,NHS Number (unconfirmed),9990000018,,"))
	compareOnly(t, child+"was written like 1.2E+09 by a spreadsheet", plan("9.99E+09"))
	compareOnly(t, child+"is required: ssd_linked_identifiers holds none", plan("SSD_PH").with("ssd_linked_identifiers", "1,c,NHS Number,PLACEHOLDER_DATA,,"))
}

// One date anywhere in the tables that has its month first makes all those
// unsure that could have.
func TestReadSSD_JudgesTheOrderOfDaysByAllTables(t *testing.T) {
	t.Parallel()
	give := onlyPlan("p,c,03/04/2026 00:00,,", "c,Robin,Example,2019-04-30,,", "1,c,NHS Number,9990000018,,")
	const child = "ssd_cp_plans 2: 9990000018|Example|Robin|2019-04-30|cpp|"
	compareOnly(t, child+"2026-04-03||||p", give)
	compareOnly(t, child+"||||p!start: may have its month first", give.with("ssd_person", "x,Kim,Other,4/22/1990 12:00:00 AM,,"))
	compareOnly(t, child+"2026-03-03||||p", give.changed("ssd_cp_plans", "03/04", "03/03").with("ssd_person", "x,Kim,Other,4/22/1990,,"))
}

// Of a file that holds a day with its month first, no other one is guessed; days
// that can be read one way only are read.
func TestReadCSV_JudgesTheOrderOfDaysByTheFile(t *testing.T) {
	t.Parallel()
	rows, err := readCSV(t, sheetHeader+
		sheetRow("start=03/04/2026")+sheetRow("start=05/05/2026")+sheetRow("start=22/04/2026")+sheetRow("start=3 Apr 2026")+
		sheetRow("date_of_birth=04/22/2015"))
	if err != nil {
		t.Fatal(err)
	}
	if got := onlyProblem(&rows[0]); !strings.HasPrefix(got, "start: may have its month first, as another date of the file has") {
		t.Errorf("got %q", got)
	}
	for i, want := range []string{"2026-05-05", "2026-04-22", "2026-04-03"} {
		if r := rows[i+1]; r.Start != want || len(r.Problems) > 0 {
			t.Errorf("got %s", short(&r))
		}
	}
	if got := onlyProblem(&rows[4]); !strings.HasPrefix(got, "date_of_birth: has no such month") {
		t.Errorf("got %q", got)
	}
}

func TestReadCSV_SuggestsColumns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ header, want string }{
		{
			"NHS No,Surname,Forename,DOB,Type,Start date,Restricted",
			"line 1: the header lacks columns: nhs_number, family_name, given_name, date_of_birth, kind, start; " +
				"the header has columns that are not known, by their place: 1 (call it nhs_number), 2 (call it family_name), " +
				"3 (call it given_name), 4 (call it date_of_birth), 5 (call it kind), 6 (call it start)",
		},
		{
			"nhs_number,famly_name,given_nme,date_of_birth,kind,start,restricted,Robin",
			"line 1: the header lacks columns: family_name, given_name; " +
				"the header has columns that are not known, by their place: 2 (call it family_name), 3 (call it given_name), 8",
		},
		{ // nothing is suggested that is there
			"nhs_number,family_name,surname,given_name,date_of_birth,kind,start,restricted",
			"line 1: the header has columns that are not known, by their place: 3",
		},
		{"NHS No,Surname", "line 1: the header lacks columns: "},
		{"Robin,Example", "line 1: does not name the columns"},
		{strings.Repeat("x,", 20) + "kind", "line 1: the header lacks columns: nhs_number, family_name, given_name, date_of_birth, start, restricted; " +
			"the header has columns that are not known, by their place: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, and 8 more"},
	} {
		_, err := readCSV(t, tt.header+"\n")
		if got := broken(t, err).Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestReadCSV_SaysWhereATextHasNoColumn(t *testing.T) {
	t.Parallel()
	rows, err := readCSV(t, strings.TrimSpace(sheetHeader)+",,\n"+
		strings.TrimSpace(sheetRow())+",,\n"+strings.TrimSpace(sheetRow())+", ,yes\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows[0].Problems) > 0 {
		t.Errorf("got %s", short(&rows[0]))
	}
	if got := onlyProblem(&rows[1]); got != "row: has a text in a column without a name, the one at place 13: name the column, or empty it" {
		t.Errorf("got %q", got)
	}
}

// A file that was cut off has one short row at its end; a spreadsheet that left
// commas out made several.
func TestReadCSV_TellsACutFromCommasLeftOut(t *testing.T) {
	t.Parallel()
	short := strings.Replace(sheetRow(), ",no\n", "\n", 1)
	for _, tt := range []struct{ file, want string }{
		{sheetRow() + short, "line 3: the last row has fewer cells than the header: the file may have been cut off, or a spreadsheet"},
		{sheetRow() + short + short, "line 4: the last rows have fewer cells than the header, all of them equally many: a spreadsheet left out the commas"},
		{sheetRow() + short + "9990000018,Exam\n", "line 4: the last row has fewer cells than the header: the file may have been cut off"},
		{short + sheetRow() + short, "line 4: the last row has fewer cells than the header: the file may have been cut off"},
		{strings.Replace(sheetRow(), "Robin", "Robin,Sam", 1), "line 2: the last row has 12 cells where the header has 11: a text with a comma"},
	} {
		_, err := readCSV(t, sheetHeader+tt.file)
		if got := broken(t, err).Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	rows, err := readCSV(t, sheetHeader+short+short+sheetRow())
	if err != nil || !strings.HasPrefix(onlyProblem(&rows[0]), "row: has 10 cells where the header has 11: commas are missing") {
		t.Errorf("got %v, %v", rows, err)
	}
}

// What machines put into archives by themselves is neither read nor counted.
func TestReadSSD_DoesNotCountWhatMachinesAdd(t *testing.T) {
	t.Parallel()
	d := smallDataset()
	var names, contents []string
	add := func(name, content string) { names, contents = append(names, name), append(contents, content) }
	for _, name := range []string{
		"__MACOSX/", "__MACOSX/extract/", "extract/", ".DS_Store", "extract/.DS_Store", "__MACOSX/._.DS_Store", "Thumbs.db", "extract/desktop.ini",
	} {
		add(name, "")
	}
	for _, table := range slices.Sorted(maps.Keys(d)) {
		add("extract/"+table+".csv", d[table])
		for _, name := range []string{"__MACOSX/extract/._", "extract/._", "__MACOSX/extract/"} {
			add(name+table+".csv", "\x00\x05\x16\x07")
		}
	}
	if got := verdict(t, planfile.SSD, archive(packed(t, names, contents))); got != smallVerdict {
		t.Errorf("got %s", got)
	}
	for n := range 10 {
		add(fmt.Sprintf("more%d.csv", n), "")
	}
	if got := verdict(t, planfile.SSD, archive(packed(t, names, contents))); !strings.HasPrefix(got, "CPF01 holds more than 16 entries") {
		t.Errorf("of 17 entries that count: got %s", got)
	}
}

func TestHoldsTables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		give []planfile.Source
		want bool
	}{
		{"tables", smallDataset().sources(), true},
		{"an archive of tables", []planfile.Source{archive(zipped(t, smallDataset()))}, true},
		{"a sheet", []planfile.Source{source("plans.csv", sheetHeader+sheetRow())}, false},
		{"another archive", []planfile.Source{archive(zipped(t, dataset{"plans": sheetHeader}))}, false},
		{"no archive", []planfile.Source{archive([]byte("PK\x03\x04"))}, false},
		{"nothing", nil, false},
	} {
		if got := planfile.HoldsTables(tt.give); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
	_, _, err := read(t, planfile.CSV, archive(zipped(t, smallDataset())))
	if got := broken(t, err).Error(); !strings.HasPrefix(got, "is an archive with tables of the Standard Safeguarding Dataset") {
		t.Errorf("got %q", got)
	}
	_, _, err = read(t, planfile.SSD, archive(packed(t, []string{"[Content_Types].xml", "xl/workbook.xml"}, []string{"", ""})))
	if got := broken(t, err).Error(); !strings.HasPrefix(got, "is a workbook") {
		t.Errorf("got %q", got)
	}
}
