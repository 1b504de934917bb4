package demo_test

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/idp"
	"cpis/service/domain"
	"cpis/service/reference"
)

var today = time.Date(2026, time.November, 23, 17, 5, 6, 0, time.UTC)

// rows reads the files, without their headers.
func rows(t *testing.T) map[string][][]string {
	t.Helper()
	all := map[string][][]string{}
	for _, f := range demo.Files(today) {
		records, err := csv.NewReader(strings.NewReader(string(f.CSV))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		all[f.Authority.GSS] = records[1:]
	}
	return all
}

func TestFilesAreTheSameOnTheSameDay(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(demo.Files(today), demo.Files(today.Add(3*time.Hour)), cmp.AllowUnexported(demo.Authority{})); diff != "" {
		t.Errorf("Files (-once +again):\n%s", diff)
	}
}

func TestPeopleCannotBeReal(t *testing.T) {
	t.Parallel()
	count := 0
	for gss, records := range rows(t) {
		for _, r := range records {
			count++
			if _, problem := domain.ParseNHSNumber(r[0]); problem != "" || !strings.HasPrefix(r[0], "999 ") {
				t.Errorf("%s: NHS number %s is not a test number: %s", gss, r[0], problem)
			}
		}
	}
	if count < 200 || count > 500 {
		t.Errorf("got %d plans, want a few hundred", count)
	}
	if _, problem := domain.ParseNHSNumber(demo.NotHeld.NHSNumber); problem != "" {
		t.Errorf("NotHeld: %s", problem)
	}
}

func TestOnePersonIsTheSameInEveryFile(t *testing.T) {
	t.Parallel()
	type who struct{ family, given, born, restricted string }
	seen := map[string]who{}
	shared := 0
	for _, records := range rows(t) {
		for _, r := range records {
			is := who{r[1], r[2], r[3], r[10]}
			was, ok := seen[r[0]]
			if ok && was != is {
				t.Errorf("%s is %v and %v", r[0], was, is)
			}
			if ok {
				shared++
			}
			seen[r[0]] = is
		}
	}
	if shared < 5 {
		t.Errorf("got %d further plans of the same people, want several", shared)
	}
	if _, held := seen[demo.NotHeld.Spaced()]; held {
		t.Error("NotHeld has a plan")
	}
}

func TestEveryKindOfPlanIsThere(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for _, records := range rows(t) {
		for _, r := range records {
			found[r[4]]++
			if r[10] == "yes" {
				found["restricted"]++
			}
			end, err := time.Parse(time.DateOnly, r[6])
			switch {
			case err != nil:
				found["open"]++
			case today.Sub(end) <= 365*24*time.Hour:
				found["ended"]++
			default:
				found["expired"]++
			}
		}
	}
	for _, kind := range []string{"cpp", "lac", "ucpp", "restricted", "open", "ended", "expired"} {
		if found[kind] < 3 {
			t.Errorf("%s: got %d plans, want more; all: %v", kind, found[kind], found)
		}
	}
}

func TestAuthoritiesAreRealAndTheirNumbersAreNot(t *testing.T) {
	t.Parallel()
	register, err := reference.Authorities()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, a := range register {
		names[a.GSS] = a.Name
	}
	drama := regexp.MustCompile(`^(020 7946 0\d{3}|0117 496 0\d{3})$`)
	phones := []string{demo.HubPhone}
	for _, a := range demo.Authorities() {
		if names[a.GSS] != a.Name {
			t.Errorf("%s is %q in the register, and %q here", a.GSS, names[a.GSS], a.Name)
		}
		if _, err := domain.ParseHours(a.Hours); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
		phones = append(phones, a.Office, a.Duty)
	}
	for _, phone := range phones {
		if !drama.MatchString(phone) {
			t.Errorf("%s is not a number kept for drama", phone)
		}
	}
}

// What two authorities, or two people of one, do together can be tried out.
func TestLeadsCanSignInForBothSidesOfATransferAndForASecondOpinion(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	for _, p := range idp.People() {
		if p.JobTitle == "Safeguarding Lead" {
			names[p.Place] = append(names[p.Place], p.Name)
		}
	}
	from, to := demo.Transfer()
	if got := names[from.GSS]; len(got) == 0 || got[0] != from.Lead {
		t.Errorf("leads of %s: got %q, want %q", from.Name, got, from.Lead)
	}
	if got := names[to.GSS]; len(got) < 2 || got[0] != to.Lead {
		t.Errorf("leads of %s: got %q, want %q and another", to.Name, got, to.Lead)
	}
}

func TestQuestionsCanBeAsked(t *testing.T) {
	t.Parallel()
	people := map[string]bool{}
	for _, p := range idp.People() {
		people[p.Key] = true
	}
	for _, q := range demo.Questions() {
		if !json.Valid([]byte(q.Body)) || !people[q.As] || q.About == "" || q.Want == "" {
			t.Errorf("question: %+v", q)
		}
	}
}

func TestCommandsSurviveAShell(t *testing.T) {
	t.Parallel()
	q := demo.Question{Procedure: "a.B/C", Body: `{"x": "it's"}`}
	const want = "curl -s http://h/a.B/C \\\n" +
		"  -H @'/a b/nurse' -H 'Content-Type: application/json' \\\n" +
		`  -d '{"x": "it'\''s"}' | tr -s ' '`
	if got := q.Curl("http://h", "/a b/nurse"); got != want {
		t.Errorf("Curl: got\n%s\nwant\n%s", got, want)
	}
	const buf = "buf curl --schema . --protocol grpc --http2-prior-knowledge \\\n" +
		"  -H @t/nurse \\\n" +
		"  -d '{\"x\": \"it'\\''s\"}' \\\n" +
		"  http://h/a.B/C"
	if got := q.BufCurl("buf", ".", "http://h", "t/nurse"); got != buf {
		t.Errorf("BufCurl: got\n%s\nwant\n%s", got, buf)
	}
}
