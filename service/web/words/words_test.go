package words_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/web/words"
)

func TestEveryLanguageIsWhole(t *testing.T) {
	t.Parallel()
	if err := words.Check(); err != nil {
		t.Fatal(err)
	}
	if got := words.In(words.Welsh).LookUp.Title; got != "Chwilio am glaf" {
		t.Errorf("Welsh says %q", got)
	}
	if got := words.In(words.English).Language; got != words.English {
		t.Errorf("English says it is %q", got)
	}
}

func TestWhatIsWrongWithAFileIsSaid(t *testing.T) {
	t.Parallel()
	english, err := os.ReadFile("en.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"TextMissing", `"back": "Back",`, ``, "shell.back is missing"},
		{"TextUnknown", `"back": "Back",`, `"back": "Back", "backk": "Back",`, "shell.backk is unknown"},
		{"SectionUnknown", `"lookUp": {`, `"lokUp": {}, "lookUp": {`, "section lokUp is unknown"},
		{"SectionMissing", `"kinds": {`, `"kindz": {`, "section kinds is missing"},
		{"BlankMissing", `"until {time}"`, `"until then"`, `answer.until has the blanks [], not ["time"]`},
		{"BlankMisspelt", `"until {time}"`, `"until {tim}"`, `answer.until has the blanks ["tim"], not ["time"]`},
		{"BlankWhereNoneIs", `"Call now: {number}"`, `"Call {who} now: {number}"`, `not ["number"]`},
		{"BlankInAPlainText", `"Office"`, `"Office {time}"`, `answer.office has the blanks ["time"], not []`},
		{"Empty", `"back": "Back",`, `"back": " ",`, "shell.back says nothing"},
		{"NoText", `"back": "Back",`, `"back": 7,`, "shell.back is not a text"},
		{"Twice", `"back": "Back",`, `"back": "Back", "back": "Return",`, "back stands there twice"},
		{"FormOfAnotherLanguage", `"one": "{count} earlier visit"`, `"few": "{count} earlier visits", "one": "{count} earlier visit"`, "answer.visits has forms that English has not"},
		{"FormUnknown", `"one": "{count} earlier visit"`, `"zero": "none", "one": "{count} earlier visit"`, "answer.visits has other forms"},
		{"FormMissing", `"one": "{count} earlier visit", `, ``, "answer.visits lacks the form one"},
		{"NoJSON", `{`, ``, "invalid character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(string(english), tt.old, tt.new, 1)
			if changed == string(english) {
				t.Fatalf("there is no %s to change", tt.old)
			}
			_, err := words.ReadEnglish([]byte(changed))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestALanguageOffersWhatItHas(t *testing.T) {
	t.Parallel()
	if !words.Offers(words.Welsh, "Shell", "LookUp", "Answer", "Advice", "List", "BreakGlass", "WrongPatient", "Refused", "Identifiers", "Failures", "Kinds") {
		t.Error("the look-up page is not in Welsh")
	}
	if words.Offers(words.Welsh, "Shell", "Glossary") {
		t.Error("Welsh has a glossary, which this test does not know of")
	}
	if !words.Offers(words.English, "Shell", "Tags", "Glossary") {
		t.Error("English is not whole")
	}
	if got := words.In(words.Welsh).Tags.InForce; got != "In force" {
		t.Errorf("what Welsh lacks is %q, not English", got)
	}
}

// texts are all texts of a file.
func texts(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file any
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	collect(all, "", file)
	return all
}

func collect(all map[string]string, at string, v any) {
	switch v := v.(type) {
	case string:
		all[at] = v
	case map[string]any:
		for name, inner := range v {
			collect(all, at+"."+name, inner)
		}
	}
}

func TestTypographyIsThatOfPrint(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"en.json", "cy.json"} {
		for at, text := range texts(t, file) {
			switch {
			case strings.ContainsAny(text, `'"`):
				t.Errorf("%s %s has straight quotes: %s", file, at, text)
			case strings.Contains(text, "  ") || strings.TrimSpace(text) != text:
				t.Errorf("%s %s has spaces too many: %q", file, at, text)
			case strings.Contains(text, "\u00a0"):
				t.Errorf("%s %s has a space that does not break: %q", file, at, text)
			}
		}
	}
}

// forbidden are words that NHS pages do not say, and why.
var forbidden = map[string]string{
	`sign(ed)? (in|out|up)`: "log in, log out",
	`ring(s|ing)?`:          "call",
	`submit(ted)?`:          "say what the button does",
	`invalid`:               "say what to do",
	`forbidden`:             "say who may",
	`please`:                "say what to do",
	`click(ed)?`:            "some have no mouse",
	`users?`:                "you, people, colleagues",
	`sorry|oops`:            "say what to do",
	`illegal|abort(ed)?`:    "say what to do",
	`e\.g\.|i\.e\.|etc`:     "for example",
}

func TestPagesSpeakPlainly(t *testing.T) {
	t.Parallel()
	for at, text := range texts(t, "en.json") {
		for word, instead := range forbidden {
			if found := regexp.MustCompile(`(?i)\b(` + word + `)\b`).FindString(text); found != "" {
				t.Errorf("%s says %q: %s", at, found, instead)
			}
		}
		for sentence := range strings.SplitSeq(text, ". ") {
			if n := len(strings.Fields(sentence)); n > 25 {
				t.Errorf("%s has a sentence of %d words, more than 25: %s", at, n, sentence)
			}
		}
	}
}

func TestTagsAreShort(t *testing.T) {
	t.Parallel()
	for at, text := range texts(t, "en.json") {
		if strings.HasPrefix(at, ".tags.") && len(strings.Fields(text)) > 3 {
			t.Errorf("%s has more than three words: %s", at, text)
		}
	}
}

func TestBlanksAreFilled(t *testing.T) {
	t.Parallel()
	en, cy := words.In(words.English), words.In(words.Welsh)
	tests := []struct{ got, want string }{
		{en.Answer.Until.With("5pm"), "until 5pm"},
		{cy.Answer.Until.With("5pm"), "tan 5pm"},
		{en.Answer.Asked.With("999 000 0018", "30 April 2019"), "NHS number 999 000 0018, born 30 April 2019"},
		{en.Answer.Asked.With("{day}", "30 April 2019"), "NHS number {day}, born 30 April 2019"},
		{en.Identifiers.ReasonTooLong.With("500", "612"), "Reason must be 500 characters or fewer. You have used 612"},
		{en.Answer.Visits.Of(1), "1 earlier visit"},
		{en.Answer.Visits.Of(0), "0 earlier visits"},
		{en.Answer.Visits.Of(1234), "1,234 earlier visits"},
		{en.Failures.TooManyBody.Of(2), "Wait 2 seconds and try again."},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestWelshHasMorePluralsThanEnglish(t *testing.T) {
	t.Parallel()
	forms := `{"one":"one","two":"two","few":"few","many":"many","other":"other"}`
	want := map[int]string{0: "other", 1: "one", 2: "two", 3: "few", 4: "other", 5: "other", 6: "many", 7: "other", 11: "other", 16: "other", 100: "other"}
	got := map[int]string{}
	for n := range want {
		form, err := words.ReadCount(words.Welsh, []byte(forms), n)
		if err != nil {
			t.Fatal(err)
		}
		got[n] = form
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("forms (-want +got):\n%s", diff)
	}
}

// Pages say what the answer itself says.
func TestEnglishAdviceIsThatOfTheAnswer(t *testing.T) {
	t.Parallel()
	a := words.In(words.English).Advice
	for code, want := range map[lookup.AdviceCode]string{
		lookup.AdviceHeld: a.Held, lookup.AdviceDegraded: a.Degraded, lookup.AdviceUnproved: a.Degraded + " " + a.Unproved,
		lookup.AdviceHub: a.Hub, lookup.AdviceNone: a.None, lookup.AdviceMismatch: a.Mismatch, lookup.AdviceDamaged: a.Damaged,
	} {
		want = strings.ReplaceAll(want+" "+a.AbsenceNotNo, "’", "'")
		if got := code.Text(); got != want {
			t.Errorf("%s: the answer says\n%s\nand the page\n%s", code, got, want)
		}
	}
}

func day(t *testing.T, text string) domain.Date {
	t.Helper()
	d, err := domain.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDaysAreWrittenAsTheNHSDoes(t *testing.T) {
	t.Parallel()
	tests := []struct{ got, want string }{
		{words.English.Day(day(t, "2026-11-22")), "22 November 2026"},
		{words.Welsh.Day(day(t, "2026-11-02")), "2 Tachwedd 2026"},
		{words.English.Weekday(day(t, "2026-11-22")), "Sunday 22 November 2026"},
		{words.Welsh.Weekday(day(t, "2026-11-22")), "Dydd Sul 22 Tachwedd 2026"},
		{words.English.Days(day(t, "2026-09-01"), day(t, "2026-11-29")), "1 September to 29 November 2026"},
		{words.English.Days(day(t, "2026-11-01"), day(t, "2026-11-29")), "1 to 29 November 2026"},
		{words.English.Days(day(t, "2025-12-01"), day(t, "2026-01-02")), "1 December 2025 to 2 January 2026"},
		{words.English.Days(day(t, "2026-11-29"), day(t, "2026-11-29")), "29 November 2026"},
		{words.Welsh.Days(day(t, "2026-09-01"), day(t, "2026-11-29")), "1 Medi i 29 Tachwedd 2026"},
		{words.English.Day(domain.Date{}), ""},
		{words.English.Weekday(domain.Date{}), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestTimesAreThoseOfTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	tests := []struct{ utc, english, welsh string }{
		{"2026-11-22T17:00:00Z", "22 November 2026 at 5pm", "22 Tachwedd 2026 am 5pm"},
		{"2026-11-22T17:30:59Z", "22 November 2026 at 5:30pm", "22 Tachwedd 2026 am 5:30pm"},
		{"2026-11-22T12:00:00Z", "22 November 2026 at midday", "22 Tachwedd 2026 am hanner dydd"},
		{"2026-11-22T00:00:00Z", "22 November 2026 at midnight", "22 Tachwedd 2026 am hanner nos"},
		{"2026-11-22T00:05:00Z", "22 November 2026 at 12:05am", "22 Tachwedd 2026 am 12:05am"},
		{"2026-07-01T23:30:00Z", "2 July 2026 at 12:30am", "2 Gorffennaf 2026 am 12:30am"},
	}
	for _, tt := range tests {
		at, err := time.Parse(time.RFC3339, tt.utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := words.English.Moment(at); got != tt.english {
			t.Errorf("%s is %q, want %q", tt.utc, got, tt.english)
		}
		if got := words.Welsh.Moment(at); got != tt.welsh {
			t.Errorf("%s is %q, want %q", tt.utc, got, tt.welsh)
		}
	}
}

func TestNumbersAreWrittenAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	number, problem := domain.ParseNHSNumber("9990000018")
	if problem != "" {
		t.Fatal(problem)
	}
	tests := []struct{ got, want string }{
		{words.NHSNumber(number), "999 000 0018"},
		{words.NHSNumber(domain.NHSNumber{}), ""},
		{words.Number(0), "0"},
		{words.Number(999), "999"},
		{words.Number(1000), "1,000"},
		{words.Number(1234567), "1,234,567"},
		{words.Number(-999), "-999"},
		{words.Number(-1000), "-1,000"},
		{words.Phone("02075277400"), "020 7527 7400"},
		{words.Phone("+44 20 7527 7400"), "020 7527 7400"},
		{words.Phone("111"), "111"},
		{words.Tel("020 7527 7400"), "tel:+442075277400"},
		{words.Tel("+442075277400"), "tel:+442075277400"},
		{words.Tel("111"), "tel:111"},
		{words.Tel("not known"), ""},
		{words.Tel(""), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
