package domain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/text"
)

// testToday is the day on which registrations are checked.
const testToday = "2026-11-23"

func TestRegistration_RightOnes(t *testing.T) {
	t.Parallel()
	tests := map[string]*domain.Registration{
		"cpp":  rightCPP(),
		"lac":  rightLAC(),
		"ucpp": rightUCPP(),

		"born today":                 with(rightCPP(), func(r *domain.Registration) { r.DateOfBirth, r.Start = testToday, testToday }),
		"the day before adulthood":   with(rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "2008-09-02" }),
		"ended on its first day":     with(rightCPP(), func(r *domain.Registration) { r.End = r.Start }),
		"ends in a year":             with(rightCPP(), func(r *domain.Registration) { r.End = "2027-11-24" }),
		"names of 140 characters":    with(rightCPP(), func(r *domain.Registration) { r.Family = strings.Repeat("ë", 140) }),
		"names with white space":     with(rightCPP(), func(r *domain.Registration) { r.Given = "  Anna  Maria " }),
		"names of all scripts":       with(rightCPP(), func(r *domain.Registration) { r.Family, r.Given = "O’Neill-Ó Súilleabháin", "محمد 王" }),
		"no reference":               with(rightCPP(), func(r *domain.Registration) { r.Reference = "" }),
		"legal basis 31":             with(rightLAC(), func(r *domain.Registration) { r.Basis = domain.S31 }),
		"legal basis 38":             with(rightLAC(), func(r *domain.Registration) { r.Basis = domain.S38 }),
		"expected in 44 weeks":       with(rightUCPP(), func(r *domain.Registration) { r.Expected = "2027-07-06" }),
		"three weeks overdue":        with(rightUCPP(), func(r *domain.Registration) { r.Expected = "2026-08-11" }),
		"ended after 48 weeks":       with(rightUCPP(), func(r *domain.Registration) { r.End = "2027-08-03" }),
		"a mother of nine":           with(rightUCPP(), func(r *domain.Registration) { r.DateOfBirth = "2017-09-01" }),
		"a mother of sixty":          with(rightUCPP(), func(r *domain.Registration) { r.DateOfBirth = "1965-09-02" }),
		"a mother who is in care":    with(rightLAC(), func(r *domain.Registration) { r.DateOfBirth = "2010-01-01" }),
		"born on a leap day, not 18": with(rightCPP(), func(r *domain.Registration) { r.DateOfBirth, r.Start = "2008-02-29", "2026-02-28" }),
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if v := domain.CheckRegistration(r, day(t, testToday)); len(v) > 0 {
				t.Errorf("got %+v, want nothing wrong", v)
			}
		})
	}
}

func TestRegistration_WrongOnes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		from   *domain.Registration
		change func(*domain.Registration)
		want   string // field: part of the problem
	}{
		{"no number", rightCPP(), func(r *domain.Registration) { r.NHSNumber = "" }, "nhs_number: ten digits"},
		{"a mistyped number", rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000019" }, "nhs_number: check digit"},
		{"a placeholder", rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9999999999" }, "nhs_number: placeholder"},
		{"no name", rightCPP(), func(r *domain.Registration) { r.Family, r.Given = " ", "" }, "family_name: is required"},
		{"names of nothing that is seen", rightCPP(), func(r *domain.Registration) { r.Family, r.Given = "\u200b", "\u00a0\u2060" }, "family_name: is required"},
		{"a name too long", rightCPP(), func(r *domain.Registration) { r.Family = strings.Repeat("ë", 141) }, "family_name: longer than 140"},
		{"a name with a line break", rightCPP(), func(r *domain.Registration) { r.Given = "Ro\nbin" }, "given_name: control"},
		{"a name with a NUL", rightCPP(), func(r *domain.Registration) { r.Given = "Ro\x00bin" }, "given_name: control"},
		{"a name with an escape", rightCPP(), func(r *domain.Registration) { r.Given = "\x1b[31mRobin" }, "given_name: control"},
		{"a name that turns around", rightCPP(), func(r *domain.Registration) { r.Given = "\u202eniboR" }, "given_name: control"},
		{"a name with broken bytes", rightCPP(), func(r *domain.Registration) { r.Given = "Zo\xeb" }, "given_name: broken"},
		{"a name that was broken before", rightCPP(), func(r *domain.Registration) { r.Given = "Zo\ufffd" }, "given_name: broken"},
		{"a name with a line separator", rightCPP(), func(r *domain.Registration) { r.Given = "Ro\u2028bin" }, "given_name: line breaks"},
		{"no date of birth", rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "" }, "date_of_birth: is required"},
		{"born tomorrow", rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "2026-11-24" }, "date_of_birth: future"},
		{"born long ago", rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "1899-12-31" }, "date_of_birth: before 1900"},
		{"born on no day", rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "2019-02-30" }, "date_of_birth: YYYY-MM-DD"},
		{"a date as files have it", rightCPP(), func(r *domain.Registration) { r.Start = "01/09/2026" }, "start: YYYY-MM-DD"},
		{"no kind", rightCPP(), func(r *domain.Registration) { r.Kind = "" }, "kind: cpp, lac or ucpp"},
		{"another kind", rightCPP(), func(r *domain.Registration) { r.Kind = "cin" }, "kind: cpp, lac or ucpp"},
		{"no start", rightCPP(), func(r *domain.Registration) { r.Start = "" }, "start: is required"},
		{"starts tomorrow", rightCPP(), func(r *domain.Registration) { r.Start = "2026-11-24" }, "start: future"},
		{"starts before birth", rightCPP(), func(r *domain.Registration) { r.Start = "2019-04-29" }, "start: before the date of birth"},
		{"starts on the 18th birthday", rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "2008-09-01" }, "start: 18th"},
		{"LAC on the 18th birthday", rightLAC(), func(r *domain.Registration) { r.DateOfBirth = "2008-09-01" }, "start: 18th"},
		{"leap day, on 1 March", rightCPP(), func(r *domain.Registration) { r.DateOfBirth, r.Start = "2008-02-29", "2026-03-01" }, "start: 18th"},
		{"ends before its start", rightCPP(), func(r *domain.Registration) { r.End = "2026-08-31" }, "end: before the start"},
		{"ends far ahead", rightCPP(), func(r *domain.Registration) { r.End = "2027-11-25" }, "end: a year ahead"},
		{"expected of a born child", rightCPP(), func(r *domain.Registration) { r.Expected = "2026-12-01" }, "expected: unborn children only"},
		{"legal basis of a CPP", rightCPP(), func(r *domain.Registration) { r.Basis = domain.S20 }, "legal_basis: looked-after children only"},
		{"legal basis of a UCPP", rightUCPP(), func(r *domain.Registration) { r.Basis = domain.S31 }, "legal_basis: looked-after children only"},
		{"no legal basis", rightLAC(), func(r *domain.Registration) { r.Basis = "" }, "legal_basis: required"},
		{"another legal basis", rightLAC(), func(r *domain.Registration) { r.Basis = "s25" }, "legal_basis: not in scope"},
		{"a reference too long", rightCPP(), func(r *domain.Registration) { r.Reference = strings.Repeat("1", 65) }, "reference: longer than 64"},
		{"no expected date", rightUCPP(), func(r *domain.Registration) { r.Expected = "" }, "expected: is required"},
		{"an expected date that is none", rightUCPP(), func(r *domain.Registration) { r.Expected = "soon" }, "expected: YYYY-MM-DD"},
		{"expected too late", rightUCPP(), func(r *domain.Registration) { r.Expected = "2027-07-07" }, "expected: 44 weeks"},
		{"expected too early", rightUCPP(), func(r *domain.Registration) { r.Expected = "2026-08-10" }, "expected: 3 weeks"},
		{"a UCPP that ends too late", rightUCPP(), func(r *domain.Registration) { r.End = "2027-08-04" }, "end: 48 weeks"},
		{"a mother of eight", rightUCPP(), func(r *domain.Registration) { r.DateOfBirth = "2017-09-02" }, "date_of_birth: mother"},
		{"a mother of sixty-one", rightUCPP(), func(r *domain.Registration) { r.DateOfBirth = "1965-09-01" }, "date_of_birth: mother"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.change(tt.from)
			v := domain.CheckRegistration(tt.from, day(t, testToday))
			field, problem, _ := strings.Cut(tt.want, ": ")
			if len(v) != 1 || v[0].Field != field || !strings.Contains(v[0].Problem, problem) {
				t.Errorf("got %+v, want only %q", v, tt.want)
			}
		})
	}
}

func TestRegistration_SaysAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	r := &domain.Registration{
		NHSNumber: "9990000019", Family: "", Given: "\x00", DateOfBirth: "30/04/2019",
		Kind: domain.LAC, Start: "2030-01-01", End: "never", Expected: "2027-01-01", Reference: strings.Repeat("x", 65),
	}
	var got []string
	for _, v := range domain.CheckRegistration(r, day(t, testToday)) {
		got = append(got, v.Field)
	}
	want := []string{
		"nhs_number", "given_name", "date_of_birth", "start", "end", "legal_basis", "reference", "expected",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// FuzzRegistration: whatever is sent, nothing of it comes back in what is wrong.
func FuzzRegistration(f *testing.F) {
	f.Add("9990000018", "Example", "Robin", "2019-04-30", "cpp", "2026-09-01", "", "", "", "CASE-1042")
	f.Add("9990000026", "Example", "Alex", "1998-04-30", "ucpp", "2026-09-01", "", "2027-02-01", "", "")
	f.Add("999QZX0018", "\x00QZX", "QZX\u202e", "QZX-04-30", "QZX", "QZX", "QZX", "QZX", "QZX", strings.Repeat("QZX", 22))
	today, err := domain.ParseDate(testToday)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, number, family, given, born, kind, start, end, expected, basis, reference string) {
		r := &domain.Registration{
			NHSNumber: number, Family: family, Given: given, DateOfBirth: born, Kind: domain.Kind(kind), Start: start,
			End: end, Expected: expected, Basis: domain.Basis(basis), Reference: reference,
		}
		for _, v := range domain.CheckRegistration(r, today) {
			if v.Field == "" || v.Problem == "" {
				t.Fatalf("something is wrong and nobody knows what: %+v", v)
			}
			for _, sent := range []string{number, family, given, born, start, end, expected, reference} {
				if len(sent) > 6 && strings.Contains(v.Problem, sent) && !strings.Contains(fixedTexts, sent) {
					t.Fatalf("the problem repeats %q", sent)
				}
			}
		}
	})
}

// fixedTexts are words of the problems themselves, which a fuzzer finds.
const fixedTexts = text.Unfit
