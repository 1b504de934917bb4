package planfile_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/planfile"
)

var tableNames = []string{
	"ssd_person", "ssd_linked_identifiers", "ssd_cp_plans", "ssd_cla_episodes", "ssd_legal_status", "ssd_mother",
}

// dataset is the tables of a small authority, by their names.
type dataset map[string]string

// emptyDataset is the headers of all tables.
func emptyDataset() dataset {
	return dataset{
		"ssd_person":             "pers_person_id,pers_forename,pers_surname,pers_dob,pers_expected_dob,pers_common_child_id\n",
		"ssd_linked_identifiers": "link_table_id,link_person_id,link_identifier_type,link_identifier_value,link_valid_from_date,link_valid_to_date\n",
		"ssd_cp_plans":           "cppl_cp_plan_id,cppl_person_id,cppl_cp_plan_start_date,cppl_cp_plan_end_date,cppl_cp_plan_ola\n",
		"ssd_cla_episodes": "clae_cla_episode_id,clae_person_id,clae_cla_episode_start_date,clae_cla_episode_ceased_date," +
			"clae_cla_episode_ceased_reason,clae_cla_id,clae_entered_care_date\n",
		"ssd_legal_status": "lega_legal_status_id,lega_person_id,lega_legal_status,lega_legal_status_start_date,lega_legal_status_end_date\n",
		"ssd_mother":       "moth_table_id,moth_person_id,moth_childs_person_id\n",
	}
}

// smallDataset is a child with a plan, one that is looked after, and one that
// is not born.
func smallDataset() dataset {
	return emptyDataset().
		with("ssd_person", "c1,Robin,Example,2019-04-30,,", "c2,Sam,Sample,2015-02-14,,", "u1,,Unborn,,2027-02-01,", "m1,Alex,Mother,1998-04-30,,").
		with("ssd_linked_identifiers",
			"1,c1,NHS Number,9990000018,,", "2,c2,NHS Number,9990000026,,", "3,m1,NHS Number,9990000034,,", "4,c1,Unique Pupil Number,A123,,").
		with("ssd_cp_plans", "p1,c1,2026-09-01,,N", "p2,u1,2026-10-01,,").
		with("ssd_cla_episodes", "e1,c2,2026-03-01,,,k1,2026-03-01").
		with("ssd_legal_status", "s1,c2,C2,2026-03-01,").
		with("ssd_mother", "1,m1,u1")
}

// with adds lines to a table.
func (d dataset) with(table string, lines ...string) dataset {
	out := maps.Clone(d)
	for _, line := range lines {
		out[table] += line + "\n"
	}
	return out
}

// changed replaces a text in a table.
func (d dataset) changed(table, old, text string) dataset {
	out := maps.Clone(d)
	if !strings.Contains(out[table], old) {
		panic("no such text: " + old)
	}
	out[table] = strings.ReplaceAll(out[table], old, text)
	return out
}

// sources returns the tables as files.
func (d dataset) sources() []planfile.Source {
	var out []planfile.Source
	for _, name := range slices.Sorted(maps.Keys(d)) {
		out = append(out, source(name+".csv", d[name]))
	}
	return out
}

const smallVerdict = `ssd_cp_plans 2: 9990000018|Example|Robin|2019-04-30|cpp|2026-09-01||||p1
ssd_cp_plans 3: 9990000034|Mother|Alex|1998-04-30|ucpp|2026-10-01||2027-02-01||p2
ssd_cla_episodes 2: 9990000026|Sample|Sam|2015-02-14|lac|2026-03-01|||s31|k1
absent: restricted
`

func TestReadSSD_ReadsTables(t *testing.T) {
	t.Parallel()
	renamed := smallDataset().sources()
	for i := range renamed {
		renamed[i].Name = "Export/dbo." + strings.ToUpper(renamed[i].Name)
	}
	other := append(smallDataset().sources(), source("ssd_address.csv", ""), source("readme.txt", "\x00"))
	for name, sources := range map[string][]planfile.Source{
		"as they are":          smallDataset().sources(),
		"named otherwise":      renamed,
		"with files of others": other,
	} {
		if diff := cmp.Diff(smallVerdict, verdict(t, planfile.SSD, sources...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The tables in testdata are those of an invented authority, written by
// different programs.
func TestReadSSD_TablesOfAnAuthority(t *testing.T) {
	t.Parallel()
	var sources []planfile.Source
	for _, table := range tableNames {
		content, err := os.ReadFile(filepath.Join("testdata/ssd", table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, source(table+".csv", string(content)))
	}
	golden(t, "testdata/ssd.want", verdict(t, planfile.SSD, sources...))
}

// Restricted is not a column of the dataset, and all others are.
func TestReadSSD_SaysNothingOfRestrictions(t *testing.T) {
	t.Parallel()
	rows, _, err := read(t, planfile.SSD, smallDataset().sources()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Restricted || r.Has(planfile.FieldRestricted) || !r.Has(planfile.FieldEnd) || !r.Has(planfile.FieldReference) {
			t.Errorf("got %+v", r)
		}
	}
}

// onlyPlan is a dataset with one child protection plan.
func onlyPlan(plan, person string, identifiers ...string) dataset {
	return emptyDataset().with("ssd_cp_plans", plan).with("ssd_person", person).with("ssd_linked_identifiers", identifiers...)
}

func TestReadSSD_ReadsPlans(t *testing.T) {
	t.Parallel()
	const number = "1,c,NHS Number,9990000018,,"
	unborn := onlyPlan("p,c,2026-09-01,,", "c,,Baby,,2027-02-01,").
		with("ssd_person", "m,Alex,Mother,1998-04-30,,").
		with("ssd_linked_identifiers", "2,m,NHS Number,9990000034,,")
	withMother := unborn.with("ssd_mother", "1,m,c", "2,x,y")
	const (
		child  = "9990000018|Example|Robin|"
		mother = "9990000034|Mother|Alex|1998-04-30|"
	)
	tests := []struct {
		name string
		give dataset
		want string
	}{
		{
			"times of day mean nothing",
			onlyPlan("p,c,2026-09-01T09:30:00,2026-11-22 00:00:00.000,n", "c,Robin,Example,2019-04-30 00:00:00.0000000,NULL,NULL", number),
			child + "2019-04-30|cpp|2026-09-01|2026-11-22|||p",
		},
		{
			"days as people write them, with a time",
			onlyPlan("p,c,1/9/2026 00:00,NULL,0", "c,Robin,Example,30/04/2019 00:00:00,,", number),
			child + "2019-04-30|cpp|2026-09-01||||p",
		},
		{
			"a last day that stands for none",
			onlyPlan("p,c,2026-09-01,9999-12-31 00:00:00,", "c,Robin,Example,2019-04-30,,", number),
			child + "2019-04-30|cpp|2026-09-01||||p",
		},
		{
			"an unborn child's is the mother's", withMother,
			mother + "ucpp|2026-09-01||2027-02-01||p",
		},
		{
			"one that was made before birth is the child's from birth on",
			onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,2026-10-12,2026-10-10,", number),
			child + "2026-10-12|cpp|2026-10-12||||p",
		},
		{
			"one that ended with birth is the mother's",
			withMother.changed("ssd_person", "c,,Baby,,2027-02-01", "c,Robin,Example,2026-10-12,2026-10-10").
				changed("ssd_cp_plans", "2026-09-01,", "2026-09-01,2026-10-12"),
			mother + "ucpp|2026-09-01|2026-10-12|2026-10-10||p",
		},
		{
			"and its expected day is that of birth, where no other is known",
			withMother.changed("ssd_person", "c,,Baby,,2027-02-01", "c,Robin,Example,2026-10-12,").
				changed("ssd_cp_plans", "2026-09-01,", "2026-09-01,2026-10-01"),
			mother + "ucpp|2026-09-01|2026-10-01|2026-10-12||p",
		},
		{
			"the mother is not known", unborn,
			"||||ucpp|2026-09-01||2027-02-01||p!row: is about an unborn child whose mother",
		},
		{
			"there are two mothers", withMother.with("ssd_mother", "3,m2,c"),
			"||||ucpp|2026-09-01||2027-02-01||p!row: is about an unborn child of whom",
		},
		{
			"the same mother twice", withMother.with("ssd_mother", "3,m,c"),
			mother + "ucpp|2026-09-01||2027-02-01||p",
		},
		{
			"the mother is not among the persons", unborn.with("ssd_mother", "1,m2,c"),
			"||||ucpp|2026-09-01||2027-02-01||p!row: is about a person whom ssd_person does not hold",
		},
		{
			"the child is not among the persons", onlyPlan("p,c2,2026-09-01,,", "c,Robin,Example,2019-04-30,,", number),
			"||||cpp|2026-09-01||||p!row: is about a person whom ssd_person does not hold",
		},
		{
			"the child is there twice", onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,2019-04-30,,", number).
				with("ssd_person", "c,Robin,Example,2019-04-03,,"),
			"||||cpp|2026-09-01||||p!row: is about a person whom ssd_person holds twice",
		},
		{
			"the child is there twice, but alike", onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,2019-04-30,,", number).
				with("ssd_person", "c,Robin,Example,2019-04-30,,"),
			child + "2019-04-30|cpp|2026-09-01||||p",
		},
		{
			"no date of birth", onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,,,", number),
			child + "|cpp|2026-09-01||||p!date_of_birth: is required",
		},
		{
			"no right date of birth", onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,30.4.2019,2027-02-01,", number),
			child + "|cpp|2026-09-01||||p!date_of_birth: has dots or hyphens where slashes must be",
		},
		{
			"no right expected day", onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,,soon,", number),
			child + "|cpp|2026-09-01||||p!date_of_birth: must be a date of the form 2026-11-22 or 22/11/2026 (pers_expected_dob in ssd_person)",
		},
		{
			"no right start", onlyPlan("p,c,46266,,", "c,Robin,Example,2019-04-30,,", number),
			child + "2019-04-30|cpp|||||p!start: is the number by which",
		},
		{
			"a day in some time zone", onlyPlan("p,c,2026-09-01,2026-09-30T23:00:00Z,", "c,Robin,Example,2019-04-30,,", number),
			child + "2019-04-30|cpp|2026-09-01||||p!end: must be a date, with or without a time of day",
		},
		{
			"whose plan it is, is not known", onlyPlan("p,c,2026-09-01,,?", "c,Robin,Example,2019-04-30,,", number),
			child + "2019-04-30|cpp|2026-09-01||||p!row: must say Y or N in cppl_cp_plan_ola",
		},
		{
			"a last day before the first is to be seen", onlyPlan("p,c,2026-09-01,1900-01-01,", "c,Robin,Example,2019-04-30,,", number),
			child + "2019-04-30|cpp|2026-09-01|1900-01-01|||p",
		},
		{
			"without columns that older versions lack",
			onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,2019-04-30,,", number).
				changed("ssd_cp_plans", "cppl_cp_plan_ola", "cppl_other").changed("ssd_person", "pers_common_child_id", "pers_other"),
			child + "2019-04-30|cpp|2026-09-01||||p",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			compareOnly(t, "ssd_cp_plans 2: "+tt.want, tt.give)
		})
	}
}

// compareOnly compares the only row of a dataset: what it says, and after an
// exclamation mark how the only problem begins.
func compareOnly(t *testing.T, want string, give dataset) {
	t.Helper()
	rows, _, err := read(t, planfile.SSD, give.sources()...)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Fatalf("got %d rows", len(rows))
	}
	text, problem, wrong := strings.Cut(want, "!")
	if wrong {
		if got := onlyProblem(&rows[0]); !strings.HasPrefix(got, problem) {
			t.Errorf("got %q, want %q", got, problem)
		}
		rows[0].Problems = nil
	}
	if got := short(&rows[0]); got != text {
		t.Errorf("\ngot  %s\nwant %s", got, text)
	}
}

func TestReadSSD_FindsTheNumberInForce(t *testing.T) {
	t.Parallel()
	type list []string
	tests := []struct {
		name   string
		common string
		give   list // type, value, from, to
		want   string
	}{
		{"one", "", list{"NHS Number,9990000018,,"}, "9990000018"},
		{"written in groups", "", list{"NHS Number,999 000 0018,,"}, "9990000018"},
		{"the type in capitals", "", list{"NHS NUMBER,9990000018,,"}, "9990000018"},
		{"the type short", "", list{"NHS No.,9990000018,,"}, "9990000018"},
		{"the type in one word", "", list{"nhs_number,9990000018,,"}, "9990000018"},
		{"the type shorter", "", list{"NHS,9990000018,,"}, "9990000018"},
		{"another type", "", list{"Case Number,9990000018,,"}, "!nhs_number: is required: ssd_linked_identifiers holds none"},
		{"none", "", nil, "!nhs_number: is required: ssd_linked_identifiers holds none"},
		{"none that says anything", "", list{"NHS Number,NULL,,"}, "!nhs_number: is required"},
		{"the latest of two", "", list{"NHS Number,9990000026,2026-01-01,", "NHS Number,9990000018,2020-01-01,"}, "9990000026"},
		{"the latest of two, in the other order", "", list{"NHS Number,9990000018,2020-01-01,", "NHS Number,9990000026,2026-01-01,"}, "9990000026"},
		{"the one that has a day", "", list{"NHS Number,9990000018,,", "NHS Number,9990000026,2026-01-01,"}, "9990000026"},
		{"the one that is in force", "", list{"NHS Number,9990000018,,", "NHS Number,9990000026,2026-01-01,2026-11-22"}, "9990000018"},
		{"until a day to come", "", list{"NHS Number,9990000018,,2027-01-01"}, "9990000018"},
		{"two alike", "", list{"NHS Number,9990000018,,", "NHS number,999-000-0018,,"}, "9990000018"},
		{"two unlike", "", list{"NHS Number,9990000018,,", "NHS Number,9990000026,,"}, "!nhs_number: must be one"},
		{"two unlike, and a later one", "", list{"NHS Number,9990000018,,", "NHS Number,9990000026,,", "NHS Number,9990000034,2020-01-01,"}, "9990000034"},
		{"only one of the past", "", list{"NHS Number,9990000018,,2026-01-01"}, "!nhs_number: is required: ssd_linked_identifiers holds only one"},
		{"only one of the future", "", list{"NHS Number,9990000018,2027-01-01,"}, "!nhs_number: is required: ssd_linked_identifiers holds only one"},
		{"from nobody knows when", "", list{"NHS Number,9990000018,long ago,"}, "!nhs_number: is required: ssd_linked_identifiers holds only one"},
		{"damaged", "", list{"NHS Number,9.99E+09,,"}, "!nhs_number: was written like 1.2E+09 by a spreadsheet"},
		{"damaged, and a right one", "", list{"NHS Number,9.99E+09,,", "NHS Number,9990000018,,"}, "!nhs_number: must be one"},
		{"in the table of persons", "9990000018", nil, "9990000018"},
		{"in the table of persons, beside an old one", "9990000018", list{"NHS Number,9990000026,,2026-01-01"}, "9990000018"},
		{"in the table of persons, but not in force", "9990000018", list{"NHS Number,9990000026,,"}, "9990000026"},
		{"something else in the table of persons", "CC-17", nil, "!nhs_number: is required: ssd_linked_identifiers holds none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := onlyPlan("p,c,2026-09-01,,", "c,Robin,Example,2019-04-30,,"+tt.common)
			for i, line := range tt.give {
				d = d.with("ssd_linked_identifiers", fmt.Sprintf("%d,c,%s", i, line))
			}
			number, problem, wrong := strings.Cut(tt.want, "!")
			want := "ssd_cp_plans 2: " + number + "|Example|Robin|2019-04-30|cpp|2026-09-01||||p"
			if wrong {
				want += "!" + problem
			}
			compareOnly(t, want, d)
			compareOnly(t, want, d.changed("ssd_person", "pers_common_child_id", "pers_single_unique_id"))
		})
	}
}

// inCare is a dataset with a child c in care.
func inCare(statuses []string, episodes ...string) dataset {
	return emptyDataset().with("ssd_person", "c,Robin,Example,2019-04-30,,").
		with("ssd_linked_identifiers", "1,c,NHS Number,9990000018,,").
		with("ssd_cla_episodes", episodes...).with("ssd_legal_status", statuses...)
}

func TestReadSSD_PutsEpisodesTogether(t *testing.T) {
	t.Parallel()
	type list []string
	tests := []struct {
		name string
		give list   // id, person, start, ceased, reason, period, entered, and why it began where that matters
		want string // line: start|end|reference, for each period
	}{
		{"one that goes on", list{"e1,c,2026-01-01,,,k,2025-12-30"}, "2: 2025-12-30||k"},
		{"several of one period", list{
			"e1,c,2026-01-01,2026-02-01,X1,k,2026-01-01", "e2,c,2026-02-01,2026-03-01,X1,k,2026-01-01", "e3,c,2026-03-01,,,k,2026-01-01",
		}, "2: 2026-01-01||k"},
		{"several in another order", list{
			"e3,c,2026-03-01,2026-04-01,E4A,k,2026-01-01", "e1,c,2026-01-01,2026-02-01,X1,k,2026-01-01", "e2,c,2026-02-01,2026-03-01,X1,k,2026-01-01",
		}, "2: 2026-01-01|2026-04-01|k"},
		{"the day of entering care is not known", list{
			"e2,c,2026-02-01,,,k,", "e1,c,2026-01-01,2026-02-01,X1,k,",
		}, "2: 2026-01-01||k"},
		{"two periods", list{
			"e1,c,2026-01-01,2026-02-01,E4A,k1,2026-01-01", "e2,c,2026-02-01,,,k2,2026-02-01",
		}, "2: 2026-01-01|2026-02-01|k1; 3: 2026-02-01||k2"},
		{"the last ended because another follows, which is not there yet", list{
			"e1,c,2026-01-01,2026-10-23,X1 Episode ceases,k,",
		}, "2: 2026-01-01||k"},
		{"without an id, beside one that has one", list{
			"e1,c,2026-01-01,2026-02-01,E4A,k,", "e2,c,2026-02-01,,,,",
		}, "2: 2026-01-01|2026-02-01|k; 3: 2026-02-01||e2"},
		{"ended, and nobody says why", list{"e1,c,2026-01-01,2026-02-01,,k,"}, "2: 2026-01-01|2026-02-01|k"},
		{"periods without ids, one after the other", list{
			"e1,c,2026-01-01,2026-02-01,X1,,", "e2,c,2026-02-01,,,,", "e0,c,2025-11-01,2025-12-01,E4A,,",
		}, "2: 2026-01-01||e1; 4: 2025-11-01|2025-12-01|e0"},
		{"periods without ids, one on the last day of the other", list{
			"e1,c,2026-01-01,2026-02-01,E13,,", "e2,c,2026-02-01,,,,",
		}, "2: 2026-01-01|2026-02-01|e1; 3: 2026-02-01||e2"},
		{"periods without ids, where only a placement ended", list{
			"e1,c,2026-01-01,2026-02-01,E4A,,,S", "e2,c,2026-02-01,,,,,L",
		}, "2: 2026-01-01||e1"},
		{"the same, in words", list{
			"e1,c,2026-01-01,2026-02-01,Sentenced to custody,,,Started to be looked after", "e2,c,2026-02-01,,,,,Change of placement and carer(s) only",
		}, "2: 2026-01-01||e1"},
		{"periods without ids, where nobody understands why one ended", list{
			"e1,c,2026-01-01,2026-02-01,Placement ended,,,", "e2,c,2026-02-01,,,,,S",
		}, "2: 2026-01-01||e1"},
		{"X1, although it has not ended", list{"e1,c,2026-01-01,,X1,k,,"}, "2: 2026-01-01||k"},
		{"periods without ids, with a gap", list{
			"e1,c,2026-01-01,2026-11-01,X1,,", "e2,c,2026-11-03,,,,",
		}, "2: 2026-01-01||e1; 3: 2026-11-03||e2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := inCare([]string{"s,c,C2,2019-05-01,"}, padded(tt.give, 8)...).
				changed("ssd_cla_episodes", "clae_entered_care_date\n", "clae_entered_care_date,clae_cla_episode_start_reason\n")
			rows, _, err := read(t, planfile.SSD, d.sources()...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, fmt.Sprintf("%d: %s|%s|%s", r.Line, r.Start, r.End, r.Reference))
				if len(r.Problems) > 0 || r.Kind != "lac" || r.Basis != "s31" {
					t.Errorf("got %s", short(&r))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// padded adds empty cells to lines that have fewer.
func padded(lines []string, cells int) []string {
	out := slices.Clone(lines)
	for i, line := range out {
		out[i] += strings.Repeat(",", cells-1-strings.Count(line, ","))
	}
	return out
}

func TestReadSSD_NamesWrongEpisodes(t *testing.T) {
	t.Parallel()
	const child = "ssd_cla_episodes 2: 9990000018|Example|Robin|2019-04-30|lac|"
	status := []string{"s,c,C2,2019-05-01,"}
	compareOnly(t, child+"|||s31|k!start: is the number by which", inCare(status, "e1,c,46266,,,k,"))
	compareOnly(t, child+"2026-01-01|||s31|k!start: has no such month", inCare(status, "e1,c,2026-01-01,,,k,09/22/2026"))
	compareOnly(t, child+"2026-01-01|||s31|k!end: must have a year", inCare(status, "e1,c,2026-01-01,01/02/26,,k,"))
	compareOnly(t, child+"2026-01-01|||s31|k!end: is required: the last episode ceased with X1", inCare(status, "e1,c,2026-01-01,2026-10-22,X1,k,"))
	compareOnly(t, "ssd_cla_episodes 2: ||||lac|2026-01-01||||k!row: is about a person", inCare(status, "e1,x,2026-01-01,,,k,"))
	compareOnly(t, "ssd_cla_episodes 2: ||||lac|2026-01-01||||k!row: is about a person", inCare(status, "e1,,2026-01-01,,,k,"))
}

func TestReadSSD_FindsTheLegalBasis(t *testing.T) {
	t.Parallel()
	type list []string
	const (
		open  = ""
		ended = "2026-06-30"
	)
	tests := []struct {
		name string
		end  string
		give list // status, start, end
		want string
	}{
		{"a care order", open, list{"C2,2026-01-01,"}, "s31"},
		{"an interim one", open, list{"C1,2026-01-01,"}, "s38"},
		{"an agreement", open, list{"V2,2026-01-01,"}, "s20"},
		{"with what it means", open, list{"C2 - Full care order,2026-01-01,"}, "s31"},
		{"what it means alone, of a full one", open, list{"Full care order,2026-01-01,"}, "s31"},
		{"what it means alone", open, list{"Interim Care Order,2026-01-01,"}, "s38"},
		{"what it means alone, with a section", open, list{`"Single period of accommodation under section 20 (Children Act 1989)",2026-01-01,`}, "s20"},
		{"the latest", open, list{"C2,2026-05-01,", "V2,2026-01-01,2026-03-01", "C1,2026-03-01,2026-05-01"}, "s31"},
		{"the latest where none was ended", open, list{"C2,2026-05-01,", "V2,2026-01-01,", "C1,2026-03-01,"}, "s31"},
		{"the strongest of one day", open, list{"C1,2026-01-01,", "C2,2026-01-01,", "V2,2026-01-01,"}, "s31"},
		{"that at the end, where care ended", ended, list{"C1,2026-01-01,2026-06-30", "C2,2026-07-01,"}, "s38"},
		{"one that goes on after care ended", ended, list{"C2,2026-01-01,"}, "s31"},
		{"an order that ran out, and none after it yet", open, list{"V2,2026-01-01,2026-02-01", "C1,2026-02-01,2026-11-01"}, "s38"},
		{"from before care", open, list{"C2,2025-01-01,2025-06-01"}, "!is required: ssd_legal_status holds no"},
		{"none", open, nil, "!is required: ssd_legal_status holds no"},
		{"nothing that concerns care", open, list{"Special Guardianship Order,2026-01-01,", "Care Leaver,2026-01-01,", ",2026-01-01,"}, "!is required"},
		{"something that nobody understands", open, list{"X9,2026-01-01,"}, "!is not understood: ssd_legal_status words"},
		{"that, beside an order in force", open, list{"C2,2026-01-01,", "X9,2026-03-01,"}, "s31"},
		{"that, after an agreement that is over", open, list{"V2,2026-01-01,2026-03-01", "X9,2026-03-01,"}, "!is not understood: ssd_legal_status words"},
		{"that, which is over too", open, list{"V2,2026-01-01,2026-03-01", "X9,2026-03-01,2026-06-01"}, "!is not understood: ssd_legal_status words"},
		{"a placement order that is over, after an interim order", open, list{"C1,2026-01-01,2026-03-01", "E1,2026-03-01,2026-06-01"}, "!is not in scope"},
		{"when, is not known", open, list{"C2,long ago,"}, "!is not understood: ssd_legal_status holds a legal status with a day"},
		{"when, is not known of one", open, list{"C2,long ago,", "C1,2026-01-01,"}, "s38"},
		{"a placement order", open, list{"C2,2026-01-01,2026-03-01", "E1,2026-03-01,"}, "!is not in scope: only the legal statuses C1, C2 and V2 are, not E1 (placement order)"},
		{"a placement order beside a care order", open, list{"C2,2026-01-01,", "E1,2026-03-01,"}, "s31"},
		{"short breaks", open, list{"V4,2026-01-01,"}, "!is not in scope: only the legal statuses C1, C2 and V2 are, not V4 (series of short breaks)"},
		{"short breaks that are over", open, list{"V3,2026-01-01,2026-02-01"}, "!is not in scope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var statuses []string
			for i, line := range tt.give {
				statuses = append(statuses, fmt.Sprintf("%d,c,%s", i, line))
			}
			basis, problem, wrong := strings.Cut(tt.want, "!")
			want := fmt.Sprintf("ssd_cla_episodes 2: 9990000018|Example|Robin|2019-04-30|lac|2026-01-01|%s||%s|k", tt.end, basis)
			if wrong {
				want += "!legal_basis: " + problem
			}
			reason := ""
			if tt.end != "" {
				reason = "E4A"
			}
			compareOnly(t, want, inCare(statuses, "e1,c,2026-01-01,"+tt.end+","+reason+",k,"))
		})
	}
}

func TestReadSSD_LeavesOut(t *testing.T) {
	t.Parallel()
	d := smallDataset().
		with("ssd_cp_plans", "p3,c1,2026-09-01,,Y", "p4,c1,2026-09-01,,y", "p5,c1,2020-01-01,2025-10-18,", "p6,c1,2020-01-01,2025-10-19,").
		with("ssd_cla_episodes", "e2,c1,2020-01-01,2020-05-01,X1,k2,", "e3,c1,2020-05-01,2020-06-01,E4A,k2,",
			"e4,c1,2021-05-01,2021-06-01,X1,k3,")
	_, sum, err := read(t, planfile.SSD, d.sources()...)
	want := planfile.Summary{Rows: 4, Absent: []string{"restricted"}, Notes: []planfile.Note{
		{2, "child protection plans of other authorities (cppl_cp_plan_ola)"},
		{3, "plans and periods of care that ended more than 400 days ago"},
	}}
	if diff := cmp.Diff(want, sum); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestReadSSD_RefusesBrokenTables(t *testing.T) {
	t.Parallel()
	without := smallDataset()
	delete(without, "ssd_cla_episodes")
	delete(without, "ssd_mother")
	tests := []struct {
		name string
		give []planfile.Source
		want string
	}{
		{"nothing", nil, "holds none of the tables: they are CSV files named ssd_person"},
		{"a sheet", []planfile.Source{source("plans.csv", sheetHeader+sheetRow())}, "holds none of the tables"},
		{"tables missing", without.sources(), "lacks ssd_cla_episodes, ssd_mother: all tables must be there"},
		{"a table twice", append(smallDataset().sources(), source("SSD_PERSON.CSV", "")), "ssd_person: is there twice"},
		{"no plans", emptyDataset().sources(), "holds no plan and no period of care"},
		{
			"only plans of others", emptyDataset().with("ssd_cp_plans", "p1,c1,2026-09-01,,Y").sources(),
			"holds no plan and no period of care",
		},
		{"no header", smallDataset().changed("ssd_mother", "moth_table_id,moth_person_id,moth_childs_person_id\n", "").sources(), "ssd_mother, line 1: does not name the columns"},
		{"an empty table", smallDataset().changed("ssd_mother", emptyDataset()["ssd_mother"]+"1,m1,u1\n", "").sources(), "ssd_mother, line 1: is empty"},
		{"a column missing", smallDataset().changed("ssd_person", "pers_dob", "birthday").sources(), "ssd_person, line 1: the header lacks columns: pers_dob"},
		{"semicolons", smallDataset().changed("ssd_person", ",", ";").sources(), "ssd_person, line 1: is separated by semicolons"},
		{"too many cells", smallDataset().changed("ssd_person", "Sample", "Sample, née Example").sources(), "ssd_person, line 3: has not as many cells"},
		{"cut off in a row", smallDataset().changed("ssd_legal_status", ",2026-03-01,\n", "\n").sources(), "ssd_legal_status, line 2: has not as many cells"},
		{"cut off in a cell", smallDataset().changed("ssd_mother", "1,m1,u1\n", "1,m1,u").sources(), "ssd_mother, line 2: has no line break"},
		{"a workbook", smallDataset().changed("ssd_mother", "moth_table_id", "PK\x03\x04").sources(), "is an archive beside other files"},
		{"binary", smallDataset().changed("ssd_mother", "1,m1", "\x00,m1").sources(), "ssd_mother, line 2: holds bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, planfile.SSD, tt.give...)
			got := broken(t, err).Error()
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if strings.Contains(got, "Sample") || strings.Contains(got, "m1") {
				t.Errorf("the file is quoted: %q", got)
			}
		})
	}
}

// Wherever a table is cut, all tables are refused, but between two rows.
func TestReadSSD_RefusesEveryCutTable(t *testing.T) {
	t.Parallel()
	for _, table := range tableNames {
		whole := smallDataset()[table]
		for i := range whole {
			if i > 0 && whole[i-1] == '\n' {
				continue
			}
			cut := smallDataset()
			cut[table] = whole[:i]
			if _, _, err := read(t, planfile.SSD, cut.sources()...); err == nil {
				t.Errorf("%s cut after %q was read", table, whole[:i])
			}
		}
	}
}

// Of a large table of persons only those are held whom plans are about.
func TestReadSSD_HoldsOnlyWhomPlansAreAbout(t *testing.T) {
	sources := smallDataset().sources()
	const rows = 50_000
	header := smallDataset()["ssd_person"]
	for i := range sources {
		if sources[i].Name == "ssd_person.csv" {
			sources[i] = repeated{header, "x" + strings.Repeat("9", 30) + ",Robin,Example,2019-04-30,,\n"}.source(rows)
			sources[i].Name = "ssd_person.csv"
		}
	}
	before := heapInUse()
	n := 0
	_, err := planfile.Read(t.Context(), planfile.SSD, today, sources, func(*planfile.Row) error {
		if n++; n == 1 {
			if grown := heapInUse() - before; grown > 1<<20 {
				t.Errorf("%d bytes are held", grown)
			}
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestReadSSD_RefusesTooMuch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		table, row string
		rows       int
		want       string
	}{
		{"ssd_cp_plans", "p1,c1,2026-09-01,,N\n", planfile.MaxRows - 2, "ssd_cla_episodes, line 2: is beyond the 50000 plans"},
		{"ssd_cp_plans", "p1,c1,2026-09-01,,N\n", planfile.MaxRows - 1, "ssd_cp_plans, line 50002: is beyond the 50000 plans"},
		{"ssd_cla_episodes", "e1,c2,2026-03-01,,,k1,2026-03-01\n", 200_000, "ssd_cla_episodes, line 200002: is beyond the number"},
		{"ssd_legal_status", "s1,c2,C2,2026-03-01,\n", 200_000, "ssd_legal_status, line 200002: is beyond the number"},
		{"ssd_address", "x,y,z,and more of it\n", 4_000_000, ""},
		{"ssd_person", "c9,Robin,Example,2019-04-30,,\n", 4_000_000, "is more than 64 MiB of tables"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			d := smallDataset()
			file := repeated{d[tt.table], tt.row}.source(tt.rows)
			file.Name = tt.table + ".csv"
			delete(d, tt.table)
			_, _, err := read(t, planfile.SSD, append(d.sources(), file)...)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if got := broken(t, err).Error(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
