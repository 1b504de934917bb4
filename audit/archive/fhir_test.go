package archive_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cpis/audit"
	"cpis/audit/archive"
)

var update = flag.Bool("update", false, "write golden files")

// words are those of a section of docs/audit-words.md: of the first column of its
// table, or of its text if it has none.
func words(tb testing.TB, section string) (all []string) {
	tb.Helper()
	page, err := os.ReadFile("../../docs/audit-words.md")
	if err != nil {
		tb.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	if column := regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllString(text, -1); column != nil {
		text = strings.Join(column, "\n")
	}
	for _, word := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(text, -1) {
		all = append(all, word[1])
	}
	if !found || len(all) < 5 {
		tb.Fatalf("%s: only %q", section, all)
	}
	return all
}

// plain is a look-up as most are, and full one whose entry says all that one can.
func plain() audit.Entry {
	e := entry(0)
	e.Version, e.Assurance, e.From, e.Policy = audit.Version, 3, "203.0.113.0/24", "0123456789abcdef"
	return e
}

func full() audit.Entry {
	e := entry(3)
	e.Version, e.Actor, e.Assurance, e.From = audit.Version, "555254240100", 3, "203.0.113.0/24"
	e.Procedure, e.Setting, e.Grounds, e.Policy = "LookUp", "emergency_department", "cover", "0123456789abcdef"
	e.History, e.Review = 4, audit.NewReview("01935970-2a4b-7a10-9d3e-6a5f1c2b3d4f", []byte("sealed"))
	e.Shown = []audit.Shown{{Kind: "notice", IDs: []string{"01935970-2a4b-7a10-9d3e-6a5f1c2b3d50", "01935970-2a4b-7a10-9d3e-6a5f1c2b3d51"}}}
	return e
}

// variants are entries of each kind that there is.
func variants(tb testing.TB) (all []audit.Entry) {
	tb.Helper()
	vary := func(e audit.Entry, change func(*audit.Entry)) {
		change(&e)
		all = append(all, e)
	}
	for _, action := range words(tb, "Actions") {
		vary(plain(), func(e *audit.Entry) { e.Action, e.Outcome = action, "done" })
	}
	for _, outcome := range words(tb, "Outcomes") {
		vary(full(), func(e *audit.Entry) { e.Outcome = outcome })
	}
	for _, reason := range words(tb, "Reasons") {
		vary(plain(), func(e *audit.Entry) { e.Action, e.Outcome, e.Reason = "decide_change", "refused", reason })
	}
	for _, grounds := range words(tb, "Grounds") {
		vary(plain(), func(e *audit.Entry) { e.BreakGlass, e.Grounds = true, grounds })
	}
	for _, kind := range words(tb, "Kinds of things") {
		vary(plain(), func(e *audit.Entry) {
			e.Action, e.Outcome, e.Role, e.Rule, e.Subject = "answer_notice", "denied", "", "no_rule", nil
			e.Target = audit.Thing{Kind: kind, ID: "01935970-2a4b-7a10-9d3e-6a5f1c2b3d52"}
			e.Shown = []audit.Shown{{Kind: kind, IDs: []string{"01935970-2a4b-7a10-9d3e-6a5f1c2b3d53"}}}
		})
	}
	all = append(all, oddities()...)
	for i := range all {
		all[i].Time, all[i].Salt[0] = noon.Add(time.Duration(i)*time.Minute), byte(i)
	}
	return all
}

// oddities are entries of programs, of the service itself, of nobody, with names
// that no field of FHIR takes, and of version 1.
func oddities() []audit.Entry {
	system, own, command, strange, bare := plain(), plain(), plain(), plain(), plain()
	system.Role, system.Actor, system.Responsible = "clinical_system", "system-7", []byte("somebody")
	own.Role, own.Actor, own.Action, own.Subject = "la_system", "system-8", "list_plans", nil
	command.Action, command.Client, command.Actor, command.Issuer, command.Recipient = "configure", "cpis-command", "a.smith as root", "", "RJ1"
	strange.Actor, strange.Client, strange.From = " =x\u200b\t<&>\u2028 ", "\u00a0", "2001:db8:7::/48"
	bare.Request, bare.From = "", ""
	all := []audit.Entry{
		system, own, command, strange, bare,
		{Version: audit.Version, Actor: "service", Action: "use_policy", Outcome: "done", PolicyText: "p, U1\np, U2\n"},
		{Version: audit.Version, Action: "unauthenticated", From: "other", Counts: audit.Counts{"calls": 7, "unchecked": 2}},
	}
	for _, n := range []int{0, 3, 5} {
		first := entry(n)
		first.Version = 1
		all = append(all, first)
	}
	return all
}

// withVariants is a log of all kinds of entries, some of which are without a line.
func withVariants(tb testing.TB) archive.Source {
	tb.Helper()
	l := &log{origin: origin}
	entries := variants(tb)
	for i := range entries {
		line := entries[i].AppendLine(nil)
		l.lines = append(l.lines, line)
		l.leaves = append(l.leaves, audit.LeafHash(line))
		l.tree.Append(l.leaves[i])
	}
	part := l.part(tb, 0, 1)
	part.Entries = withoutSome(l.lines, entries)
	src := sourceOf(part)
	src.Manifest.Formats = []archive.Format{archive.BALP, archive.NHS}
	return src
}

// withoutSome yields lines, a few of which are withheld, gone, or reviewed.
func withoutSome(lines [][]byte, entries []audit.Entry) iter.Seq2[*archive.Found, error] {
	return func(yield func(*archive.Found, error) bool) {
		for i, line := range lines {
			f := &archive.Found{Index: int64(i), Line: line}
			switch i % 20 {
			case 5:
				f.Without, f.Shown = archive.Withheld, &entries[i]
			case 6:
				f.Line, f.Without, f.Shown = nil, archive.Removed, &audit.Entry{Time: entries[i].Time, Action: entries[i].Action}
			case 7:
				f.Reviewed, f.ReviewOutcome = noon, "justified"
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// Events of entries of every kind are the golden ones, which `make fhir` has judged
// by the profiles themselves.
func TestEvents_AreTheOnesThatWereJudged(t *testing.T) {
	t.Parallel()
	for _, m := range unpack(t, mustWrite(t, withVariants(t))) {
		if !strings.HasPrefix(m.name, "audit-events-") {
			continue
		}
		golden := filepath.Join("testdata", m.name)
		if *update {
			if err := os.WriteFile(golden, m.content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.content, want) {
			t.Errorf("%s differs; if that is meant: go test ./audit/archive -run Events -update, and make fhir", m.name)
		}
	}
}

// Every event is there once, under an identifier of its own.
func TestEvents_AreEachThereOnce(t *testing.T) {
	t.Parallel()
	type bundle struct {
		Entry []struct {
			FullURL  string `json:"fullUrl"`
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
		} `json:"entry"`
	}
	want := len(variants(t))
	for _, m := range unpack(t, mustWrite(t, withVariants(t))) {
		if !strings.HasPrefix(m.name, "audit-events-") {
			continue
		}
		var b bundle
		if err := json.Unmarshal(m.content, &b); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range b.Entry {
			if e.FullURL != "urn:uuid:"+e.Resource.ID {
				t.Errorf("%s: %s is called %s", m.name, e.Resource.ID, e.FullURL)
			}
			seen[e.FullURL] = true
		}
		if len(seen) != want || len(b.Entry) != want {
			t.Errorf("%s: %d events, %d of which differ; want %d", m.name, len(b.Entry), len(seen), want)
		}
	}
}
