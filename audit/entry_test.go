package audit_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cpis/audit"
)

func TestEntryLineIsAsSpecified(t *testing.T) {
	t.Parallel()
	e := secondEntry()
	golden(t, "entry.golden", append(e.AppendLine(nil), '\n'))
	first := exampleEntry()
	golden(t, "entry-1.golden", append(first.AppendLine(nil), '\n'))
}

// What version 1 cannot say is never written as version 1.
func TestAppendLineWritesVersion1OnlyOfWhatItCanSay(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(*audit.Entry){
		"assurance":   func(e *audit.Entry) { e.Assurance = 1 },
		"from":        func(e *audit.Entry) { e.From = "x" },
		"procedure":   func(e *audit.Entry) { e.Procedure = "x" },
		"setting":     func(e *audit.Entry) { e.Setting = "x" },
		"grounds":     func(e *audit.Entry) { e.Grounds = "x" },
		"target":      func(e *audit.Entry) { e.Target.ID = "x" },
		"recipient":   func(e *audit.Entry) { e.Recipient = "x" },
		"policy":      func(e *audit.Entry) { e.Policy = "x" },
		"policy_text": func(e *audit.Entry) { e.PolicyText = "x" },
		"history":     func(e *audit.Entry) { e.History = 1 },
		"shown":       func(e *audit.Entry) { e.Shown = []audit.Shown{{Kind: "x"}} },
		"review":      func(e *audit.Entry) { e.Review.ID = "x" },
		"its reason":  func(e *audit.Entry) { e.Review.Reason = []byte{1} },
	} {
		e := exampleEntry()
		say(&e)
		line := e.AppendLine(nil)
		if got, err := audit.ParseLine(line); err != nil || got.Version != 2 {
			t.Errorf("%s: version %d, %v", name, got.Version, err)
		}
		old := bytes.Replace(line, []byte(`{"v":2`), []byte(`{"v":1`), 1)
		if _, err := audit.ParseLine(old); !errors.Is(err, audit.ErrMalformed) || audit.WellFormed(old) {
			t.Errorf("%s in version 1: got %v, want %v", name, err, audit.ErrMalformed)
		}
	}
}

func TestAppendLineOmitsWhatIsAbsent(t *testing.T) {
	t.Parallel()
	var e audit.Entry
	got := string(e.AppendLine([]byte("before ")))
	want := `before {"v":2,"time":"0001-01-01T00:00:00.000000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA"}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendLineKeepsToOneAlphabet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`plain <&> '`, `plain <&> '`},
		{`"quoted" \ back`, `\"quoted\" \\ back`},
		{"line\nfeed\r\x00\x1f\x7f", `line\u000afeed\u000d\u0000\u001f\u007f`},
		{"separators \u2028 \u2029 \u0085", `separators \u2028 \u2029 \u0085`},
		{"right-to-left \u202e", `right-to-left \u202e`},
		{"Zoë 中 𝄞", `Zo\u00eb \u4e2d \ud834\udd1e`},
		{"invalid \xff\xc3", `invalid \ufffd\ufffd`},
	} {
		e := audit.Entry{Actor: c.text}
		want := `"actor":"` + c.want + `"}`
		if got := string(e.AppendLine(nil)); !strings.HasSuffix(got, want) {
			t.Errorf("%q: got %s, want it to end in %s", c.text, got, want)
		}
	}
}

func TestAppendLineWritesTimes(t *testing.T) {
	t.Parallel()
	london := time.FixedZone("BST", 3600)
	for _, c := range []struct {
		time time.Time
		want string
	}{
		{time.Date(2026, 7, 1, 0, 30, 0, 0, london), "2026-06-30T23:30:00.000000Z"},
		{time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, time.UTC), "2026-01-02T03:04:05.999999Z"},
		{time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), "0000-01-01T00:00:00.000000Z"},
		{time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), "9999-12-31T23:59:59.999999Z"},
	} {
		e := audit.Entry{Time: c.time}
		line := e.AppendLine(nil)
		if !bytes.Contains(line, []byte(`"time":"`+c.want+`"`)) {
			t.Errorf("%v: got %s, want %s", c.time, line, c.want)
		}
		if _, err := audit.ParseLine(line); err != nil {
			t.Errorf("%v: %v", c.time, err)
		}
	}
}

func TestAppendLineAllocatesNothing(t *testing.T) {
	e := fullEntry()
	e.Counts = audit.Counts{"rows": 10000, "new": 17, "changed": 4}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendLine(buf[:0]) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// drawEntry draws any entry at all.
func drawEntry(t *rapid.T) audit.Entry {
	text := rapid.OneOf(rapid.Just(""), rapid.StringN(0, 12, -1), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }))
	tag := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 1, 33))
	e := audit.Entry{
		Version: rapid.IntRange(1, 2).Draw(t, "version"),
		Time:    time.UnixMicro(rapid.Int64Range(-62167219200_000_000, 253402300799_999_999).Draw(t, "time")).UTC(),
		Salt:    [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt")),
		Subject: tag.Draw(t, "subject"), Encounter: tag.Draw(t, "encounter"), Responsible: tag.Draw(t, "responsible"),
		BreakGlass: rapid.Bool().Draw(t, "glass"), Restricted: rapid.Bool().Draw(t, "restricted"), Degraded: rapid.Bool().Draw(t, "degraded"),
	}
	for _, s := range []*string{&e.Actor, &e.Client, &e.Issuer, &e.Organisation, &e.Role, &e.Action, &e.Mode, &e.Purpose, &e.Request, &e.Outcome, &e.Reason, &e.Rule} {
		*s = strings.ToValidUTF8(text.Draw(t, "text"), "\ufffd")
	}
	for range rapid.IntRange(0, 3).Draw(t, "plans") {
		e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: strings.ToValidUTF8(text.Draw(t, "plan"), "\ufffd"), Version: rapid.Int().Draw(t, "version")})
	}
	if e.Version == 2 {
		drawSecond(t, &e, func(label string) string { return strings.ToValidUTF8(text.Draw(t, label), "\ufffd") }, tag)
	}
	if counts := rapid.MapOfN(rapid.StringN(0, 5, -1), rapid.Int64(), 0, 20).Draw(t, "counts"); len(counts) > 0 {
		e.Counts = counts
	}
	return e
}

// drawSecond draws what came with version 2.
func drawSecond(t *rapid.T, e *audit.Entry, text func(label string) string, tag *rapid.Generator[[]byte]) {
	e.Assurance, e.History = rapid.Int().Draw(t, "assurance"), rapid.Int().Draw(t, "history")
	for _, s := range []*string{
		&e.From, &e.Procedure, &e.Setting, &e.Grounds, &e.Target.Kind, &e.Target.ID, &e.Recipient, &e.Policy, &e.PolicyText, &e.Review.ID,
	} {
		*s = text("more text")
	}
	e.Review.Reason = tag.Draw(t, "review")
	for range rapid.IntRange(0, 3).Draw(t, "shown") {
		s := audit.Shown{Kind: text("kind")}
		for range rapid.IntRange(0, 3).Draw(t, "ids") {
			s.IDs = append(s.IDs, text("id"))
		}
		e.Shown = append(e.Shown, s)
	}
}

func TestEveryEntryComesBackFromItsLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		line := e.AppendLine(nil)
		for _, c := range line {
			if c < ' ' || c > '~' {
				t.Fatalf("byte %#x in a line", c)
			}
		}
		got, err := audit.ParseLine(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// TestLineIsJSON reads a line as anybody would.
func TestLineIsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		var got struct {
			V         int
			Time      time.Time
			Salt      string
			Actor     string
			Subject   string
			Rule      string
			Degraded  bool
			Disclosed []struct {
				Plan    string
				Version int
			}
			Counts map[string]int64
		}
		if err := json.Unmarshal(e.AppendLine(nil), &got); err != nil {
			t.Fatal(err)
		}
		same := got.V == e.Version && got.Time.Equal(e.Time) && got.Actor == e.Actor && got.Rule == e.Rule &&
			got.Subject == base64.RawURLEncoding.EncodeToString(e.Subject) && got.Degraded == e.Degraded &&
			len(got.Disclosed) == len(e.Disclosed) && len(got.Counts) == len(e.Counts)
		for i := range got.Disclosed {
			same = same && audit.Disclosed(got.Disclosed[i]) == e.Disclosed[i]
		}
		for name, n := range e.Counts {
			same = same && got.Counts[name] == n
		}
		if !same {
			t.Fatalf("%+v became %+v", e, got)
		}
	})
}

func TestParseLineRefusesEveryOtherForm(t *testing.T) {
	t.Parallel()
	example := exampleEntry()
	good := string(example.AppendLine(nil))
	if _, err := audit.ParseLine([]byte(good)); err != nil {
		t.Fatal(err)
	}
	swap := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("no %s in the example", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	for name, c := range map[string]struct {
		line string
		want error
	}{
		"empty":               {"", audit.ErrMalformed},
		"not JSON":            {"look_up", audit.ErrMalformed},
		"later version":       {swap(`"v":1`, `"v":3`), audit.ErrVersion},
		"much later version":  {`{"v":17,"something":"else"}`, audit.ErrVersion},
		"version 0":           {swap(`"v":1`, `"v":0`), audit.ErrMalformed},
		"version 01":          {swap(`"v":1`, `"v":01`), audit.ErrMalformed},
		"version 10 of 1":     {swap(`"v":1`, `"v":1.0`), audit.ErrMalformed},
		"no version":          {swap(`"v":1,`, ``), audit.ErrMalformed},
		"unknown field":       {swap(`"outcome"`, `"note":"x","outcome"`), audit.ErrMalformed},
		"unknown field last":  {swap(`]}`, `],"note":"x"}`), audit.ErrMalformed},
		"repeated field":      {swap(`"org":"RJ1"`, `"org":"RJ1","org":"RJ2"`), audit.ErrMalformed},
		"displaced field":     {swap(`"org":"RJ1","role":"clinician_unscheduled"`, `"role":"clinician_unscheduled","org":"RJ1"`), audit.ErrMalformed},
		"name in capitals":    {swap(`"org"`, `"Org"`), audit.ErrMalformed},
		"empty field":         {swap(`"org":"RJ1"`, `"org":""`), audit.ErrMalformed},
		"null":                {swap(`"org":"RJ1"`, `"org":null`), audit.ErrMalformed},
		"false":               {swap(`,"disclosed"`, `,"restricted":false,"disclosed"`), audit.ErrMalformed},
		"empty list":          {swap(good[strings.Index(good, `[`)+1:strings.Index(good, `]`)], ``), audit.ErrMalformed},
		"empty counts":        {swap(`]}`, `],"counts":{}}`), audit.ErrMalformed},
		"unsorted counts":     {swap(`]}`, `],"counts":{"b":1,"a":2}}`), audit.ErrMalformed},
		"repeated count":      {swap(`]}`, `],"counts":{"a":1,"a":1}}`), audit.ErrMalformed},
		"count not whole":     {swap(`]}`, `],"counts":{"a":1.5}}`), audit.ErrMalformed},
		"count too large":     {swap(`]}`, `],"counts":{"a":9223372036854775808}}`), audit.ErrMalformed},
		"minus nought":        {swap(`]}`, `],"counts":{"a":-0}}`), audit.ErrMalformed},
		"leading nought":      {swap(`"version":3`, `"version":03`), audit.ErrMalformed},
		"no number":           {swap(`"version":3`, `"version":`), audit.ErrMalformed},
		"space":               {swap(`,"org"`, `, "org"`), audit.ErrMalformed},
		"line break":          {good + "\n", audit.ErrMalformed},
		"carriage return":     {good + "\r", audit.ErrMalformed},
		"byte order mark":     {"\ufeff" + good, audit.ErrMalformed},
		"two entries":         {good + good, audit.ErrMalformed},
		"needless escape":     {swap(`RJ1`, `R\u004a1`), audit.ErrMalformed},
		"short escape":        {swap(`RJ1`, `RJ\n1`), audit.ErrMalformed},
		"capital escape":      {swap(`RJ1`, `RJ\u00EB1`), audit.ErrMalformed},
		"lone surrogate":      {swap(`RJ1`, `RJ\ud8341`), audit.ErrMalformed},
		"escape cut off":      {swap(`"org":"RJ1"`, `"org":"RJ1\"`), audit.ErrMalformed},
		"not ASCII":           {swap(`RJ1`, `Zoë`), audit.ErrMalformed},
		"control character":   {swap(`RJ1`, "R\t1"), audit.ErrMalformed},
		"time to the second":  {swap(`06.123456Z`, `06Z`), audit.ErrMalformed},
		"time with offset":    {swap(`06.123456Z`, `06.12+01:00`), audit.ErrMalformed},
		"30 February":         {swap(`2026-11-23`, `2026-02-30`), audit.ErrMalformed},
		"letter in time":      {swap(`2026-11-23`, `2O26-11-23`), audit.ErrMalformed},
		"time cut off":        {`{"v":1,"time":"2026`, audit.ErrMalformed},
		"no time":             {`{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA"}`, audit.ErrMalformed},
		"no salt":             {`{"v":1,"time":"2026-11-23T17:05:06.123456Z"}`, audit.ErrMalformed},
		"short salt":          {swap(`c2l4dGVlbiBieXRlcyEhIQ`, `c2l4dGVlbiBieXRlcyEh`), audit.ErrMalformed},
		"long salt":           {swap(`c2l4dGVlbiBieXRlcyEhIQ`, `c2l4dGVlbiBieXRlcyEhISEh`), audit.ErrMalformed},
		"stray bits in salt":  {swap(`c2l4dGVlbiBieXRlcyEhIQ`, `c2l4dGVlbiBieXRlcyEhIR`), audit.ErrMalformed},
		"padded base64":       {swap(`c2l4dGVlbiBieXRlcyEhIQ`, `c2l4dGVlbiBieXRlcyEhIQ==`), audit.ErrMalformed},
		"base64 with a break": {swap(`c2l4dGVl`, "c2l4\ndGVl"), audit.ErrMalformed},
		"base64 not closed":   {`{"v":1,"time":"2026-11-23T17:05:06.123456Z","salt":"AAAA`, audit.ErrMalformed},
		"longer than allowed": {swap(`RJ1`, strings.Repeat("R", audit.MaxLine)), audit.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := audit.ParseLine([]byte(c.line))
			if audit.WellFormed([]byte(c.line)) {
				t.Errorf("the verifier accepts it")
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if diff := cmp.Diff(audit.Entry{}, got); diff != "" {
				t.Errorf("an entry came out: %s", diff)
			}
		})
	}
}

func TestParseLineRefusesEveryOtherFormOfVersion2(t *testing.T) {
	t.Parallel()
	example := fullEntry()
	good := string(example.AppendLine(nil))
	if got, err := audit.ParseLine([]byte(good)); err != nil || cmp.Diff(example, got) != "" {
		t.Fatalf("got %v, %s", err, cmp.Diff(example, got))
	}
	for name, c := range map[string][2]string{
		"assurance of nought":    {`"assurance":2`, `"assurance":0`},
		"assurance as a text":    {`"assurance":2`, `"assurance":"2"`},
		"empty source":           {`"from":"203.0.113.0/24"`, `"from":""`},
		"empty target":           {`"target":{"kind":"notice","id":"0193596c-7b20-7d01-9c44-51c02b7f3e09"}`, `"target":{"kind":"","id":""}`},
		"target without an id":   {`"target":{"kind":"notice","id":"0193596c-7b20-7d01-9c44-51c02b7f3e09"}`, `"target":{"kind":"notice"}`},
		"target's id first":      {`{"kind":"notice","id":"0193596c-7b20-7d01-9c44-51c02b7f3e09"}`, `{"id":"x","kind":"notice"}`},
		"more about the target":  {`3e09"}`, `3e09","name":"x"}`},
		"history of nought":      {`"history":3`, `"history":0`},
		"nothing shown":          {`"shown":[{"kind":"notice","ids":["a","b"]},{"kind":"transfer","ids":[]}]`, `"shown":[]`},
		"shown without ids":      {`{"kind":"transfer","ids":[]}`, `{"kind":"transfer"}`},
		"comma after the last":   {`["a","b"]`, `["a","b",]`},
		"space between ids":      {`["a","b"]`, `["a", "b"]`},
		"number as an id":        {`["a","b"]`, `["a",1]`},
		"review without reason":  {`,"reason":"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo"}`, `}`},
		"review of nothing":      {`{"id":"0193596c-7b20-7d01-9c44-51c02b7f3e08","reason":"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo"}`, `{"id":"","reason":""}`},
		"displaced field":        {`"history":3,"shown":`, `"shown":`},
		"later field in version": {`{"v":2`, `{"v":1`},
	} {
		if !strings.Contains(good, c[0]) {
			t.Fatalf("%s: no %s in the example", name, c[0])
		}
		line := strings.Replace(good, c[0], c[1], 1)
		if name == "displaced field" {
			line = strings.Replace(line, `,"counts"`, `,"history":3,"counts"`, 1)
		}
		if _, err := audit.ParseLine([]byte(line)); !errors.Is(err, audit.ErrMalformed) || audit.WellFormed([]byte(line)) {
			t.Errorf("%s: got %v, want %v", name, err, audit.ErrMalformed)
		}
	}
}

func TestParseLineRefusesEveryBeginning(t *testing.T) {
	t.Parallel()
	e := fullEntry()
	e.Counts = audit.Counts{"rows": math.MinInt64}
	e.Purpose = "with \"escapes\""
	line := e.AppendLine(nil)
	for n := range line {
		if _, err := audit.ParseLine(line[:n]); !errors.Is(err, audit.ErrMalformed) {
			t.Errorf("the first %d bytes: got %v", n, err)
		}
	}
}

func TestErrorsNeverQuoteTheLine(t *testing.T) {
	t.Parallel()
	const canary = "9991234567"
	for _, line := range []string{
		canary,
		`{"v":1,"time":"` + canary + `"}`,
		`{"v":1,"time":"2026-11-23T17:05:06.123456Z","salt":"` + canary + `"}`,
		`{"v":1,"time":"2026-11-23T17:05:06.123456Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","` + canary + `":"x"}`,
		`{"v":1,"time":"2026-11-23T17:05:06.123456Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","actor":"\u00zz` + canary + `"}`,
		`{"v":1,"time":"2026-11-23T17:05:06.123456Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","counts":{"a":` + canary + canary + canary + `}}`,
	} {
		_, err := audit.ParseLine([]byte(line))
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	e := exampleEntry()
	f.Add(e.AppendLine(nil))
	e = audit.Entry{Actor: "\u2028\"\\", BreakGlass: true, Restricted: true, Degraded: true, Counts: audit.Counts{"": -1, "z": 2}}
	f.Add(e.AppendLine(nil))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":3}`))
	e = fullEntry()
	f.Add(e.AppendLine(nil))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := audit.ParseLine(line)
		if audit.WellFormed(line) != (err == nil) {
			t.Fatalf("%q: the verifier disagrees with ParseLine: %v", line, err)
		}
		if err != nil {
			if !errors.Is(err, audit.ErrMalformed) && !errors.Is(err, audit.ErrVersion) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if again := e.AppendLine(nil); !bytes.Equal(again, line) {
			t.Fatalf("%q was accepted, but is written %q", line, again)
		}
		if !json.Valid(line) || !utf8.Valid(line) || bytes.ContainsAny(line, "\r\n") {
			t.Fatalf("%q was accepted", line)
		}
	})
}
