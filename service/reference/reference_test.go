package reference_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
	"cpis/service/reference"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestOrganisations(t *testing.T) {
	t.Parallel()
	got, err := reference.Organisations()
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[policy.Class]int)
	for _, o := range got {
		count[o.Class]++
	}
	want := map[policy.Class]int{
		policy.AcuteTrust: 182, policy.Ambulance: 11, policy.MentalHealth: 5, policy.Community: 14,
		policy.GeneralPractice: 6527,
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("organisations by class (-want +got):\n%s", diff)
	}
	trusts := got[:212]
	if slices.ContainsFunc(trusts, func(o reference.Organisation) bool { return o.Class == policy.GeneralPractice }) {
		t.Error("trusts do not come first")
	}
	byCode := func(a, b reference.Organisation) int { return strings.Compare(a.Code, b.Code) }
	if !slices.IsSortedFunc(trusts, byCode) || !slices.IsSortedFunc(got[212:], byCode) {
		t.Error("organisations are not in the order of their codes")
	}
	first := reference.Organisation{
		Code: "R0A", Name: "MANCHESTER UNIVERSITY NHS FOUNDATION TRUST", Class: policy.AcuteTrust, Postcode: "M13 9WL",
	}
	if diff := cmp.Diff(first, got[0]); diff != "" {
		t.Errorf("first organisation (-want +got):\n%s", diff)
	}
}

func TestAuthorities(t *testing.T) {
	t.Parallel()
	got, err := reference.Authorities()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 153 {
		t.Errorf("%d authorities, want 153", len(got))
	}
	if !slices.IsSortedFunc(got, func(a, b reference.Authority) int { return strings.Compare(a.GSS, b.GSS) }) {
		t.Error("authorities are not in the order of their codes")
	}
	islington := reference.Authority{
		GSS: "E09000019", DfE: "206", Name: "Islington", Kind: "London Boroughs", Region: "E12000007",
	}
	if !slices.Contains(got, islington) {
		t.Errorf("%+v is missing", islington)
	}
}

// TestClassesOfTrusts keeps a list for people to read: every trust whose name
// gives it another class than acute trust.
func TestClassesOfTrusts(t *testing.T) {
	t.Parallel()
	all, err := reference.Organisations()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, o := range all {
		if o.Class != policy.AcuteTrust && o.Class != policy.GeneralPractice {
			fmt.Fprintf(&got, "%-13s  %s  %s\n", o.Class, o.Code, o.Name)
		}
	}
	const file = "testdata/trusts.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-file +data); if the change is meant, run with -update:\n%s", file, diff)
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, name string
		want       policy.Class
	}{
		{"gp_practice", "THE COMMUNITY SURGERY", policy.GeneralPractice},
		{"nhs_trust", "SOMEWHERE AMBULANCE SERVICE NHS TRUST", policy.Ambulance},
		{"nhs_trust", "SOMEWHERE MENTAL HEALTH AND COMMUNITY NHS TRUST", policy.MentalHealth},
		{"nhs_trust", "SOMEWHERE COMMUNITY HEALTH NHS TRUST", policy.Community},
		{"nhs_trust", "SOMEWHERE PARTNERSHIP NHS TRUST", policy.AcuteTrust},
		{"dental_practice", "SOMEWHERE", ""},
		{"", "", ""},
	} {
		if got := reference.ClassOf(tt.kind, tt.name); got != tt.want {
			t.Errorf("ClassOf(%q, %q): got %q, want %q", tt.kind, tt.name, got, tt.want)
		}
	}
}

func TestDamagedOrganisationsAreRefused(t *testing.T) {
	t.Parallel()
	const head, trust, practice = "ods_code,name,kind,postcode\n", "R0A,A TRUST,nhs_trust,M13 9WL\n", "A81001,A SURGERY,gp_practice,TS18 1HU\n"
	if got, err := reference.ParseOrganisations(strings.NewReader(head + trust + practice)); err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, text := range map[string]string{
		"Empty":              "",
		"OtherColumns":       "code,name,kind,postcode\n" + trust,
		"ColumnTooMany":      head + "R0A,A TRUST,nhs_trust,M13 9WL,\n",
		"ColumnMissing":      head + "R0A,A TRUST,nhs_trust\n",
		"CutOff":             head + "R0A,\"A TRU",
		"CodeTwice":          head + trust + trust,
		"TrustLikePractice":  head + "A81001,A TRUST,nhs_trust,M13 9WL\n",
		"PracticeLikeTrust":  head + "R0A,A SURGERY,gp_practice,M13 9WL\n",
		"LowerCaseCode":      head + "r0a,A TRUST,nhs_trust,M13 9WL\n",
		"UnknownKind":        head + "R0A,A TRUST,dental_practice,M13 9WL\n",
		"NoName":             head + "R0A,,nhs_trust,M13 9WL\n",
		"PaddedName":         head + "R0A,A TRUST ,nhs_trust,M13 9WL\n",
		"NameOverTwoLines":   head + "R0A,\"A\nTRUST\",nhs_trust,M13 9WL\n",
		"NoPostcode":         head + "R0A,A TRUST,nhs_trust,\n",
		"PostcodeUnspaced":   head + "R0A,A TRUST,nhs_trust,M139WL\n",
		"SecondLineIsBroken": head + trust + "A8100,A SURGERY,gp_practice,TS18 1HU\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := reference.ParseOrganisations(strings.NewReader(text)); err == nil || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestDamagedAuthoritiesAreRefused(t *testing.T) {
	t.Parallel()
	const head = "gss_code,dfe_code,name,kind,region_gss_code\n"
	const good = "E09000019,206,Islington,London Boroughs,E12000007\n"
	if got, err := reference.ParseAuthorities(strings.NewReader(head + good)); err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, text := range map[string]string{
		"Empty":        "",
		"OtherColumns": "gss,dfe_code,name,kind,region_gss_code\n" + good,
		"GSSTwice":     head + good + "E09000019,207,Elsewhere,London Boroughs,E12000007\n",
		"DfETwice":     head + good + "E09000020,206,Elsewhere,London Boroughs,E12000007\n",
		"NameTwice":    head + good + "E09000020,207,Islington,London Boroughs,E12000007\n",
		"WelshCode":    head + strings.Replace(good, "E0", "W0", 1),
		"ShortDfE":     head + strings.Replace(good, "206", "26", 1),
		"NoName":       head + strings.Replace(good, "Islington", "", 1),
		"UnknownKind":  head + strings.Replace(good, "London Boroughs", "Parishes", 1),
		"OtherKind":    head + strings.Replace(good, "London Boroughs", "Counties", 1),
		"NoRegion":     head + strings.Replace(good, "E12000007", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := reference.ParseAuthorities(strings.NewReader(text)); err == nil || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestAttributionNamesLicenceAndSources(t *testing.T) {
	t.Parallel()
	notice := reference.Attribution
	for _, words := range []string{
		"Open Government Licence v3.0", "Department for Education", "NHS Organisation Data Service",
	} {
		if !strings.Contains(notice, words) {
			t.Errorf("%q is missing", words)
		}
	}
}

// FuzzParse shows that whatever is accepted has codes that can be told apart,
// and that nothing makes a parser panic.
func FuzzParse(f *testing.F) {
	f.Add("ods_code,name,kind,postcode\nR0A,A TRUST,nhs_trust,M13 9WL\n")
	f.Add("gss_code,dfe_code,name,kind,region_gss_code\nE09000019,206,Islington,London Boroughs,E12000007\n")
	f.Fuzz(func(t *testing.T, text string) {
		seen := make(map[string]bool)
		organisations, _ := reference.ParseOrganisations(strings.NewReader(text))
		for _, o := range organisations {
			if _, ok := policy.ParseClass(string(o.Class)); !ok || o.Code == "" || seen[o.Code] {
				t.Errorf("accepted %+v", o)
			}
			seen[o.Code] = true
		}
		authorities, _ := reference.ParseAuthorities(strings.NewReader(text))
		for _, a := range authorities {
			if a.GSS == "" || seen[a.GSS] {
				t.Errorf("accepted %+v", a)
			}
			seen[a.GSS] = true
		}
	})
}
