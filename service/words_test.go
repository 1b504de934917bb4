package service_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
)

var update = flag.Bool("update", false, "write the table of rules in docs/audit-words.md anew")

// wordsPage is what auditors read about the words of entries.
const wordsPage = "../docs/audit-words.md"

// rulesMark is where the table of rules begins.
const rulesMark = "<!-- rules: written by go test ./service -run AuditWords -update -->\n"

// An auditor finds every word of an entry explained, and none that no entry has.
func TestAuditWords(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(wordsPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	actions := []string{}
	for _, a := range policy.AllActions() {
		actions = append(actions, string(a))
	}
	own := sources(t, `action[A-Z]\w* += "(\w+)"`)
	commands := sources(t, `(?:Do|record)\(ctx, "(\w+)"`)
	commands = append(commands, string(policy.ExportLog))
	for section, want := range map[string][]string{
		"Actions":         append(actions, own...),
		"Reasons":         sources(t, `(?m)^\t[rR]eason[A-Z]\w* += "(\w+)"`, "guard/reasons.go"),
		"Grounds":         sources(t, `(?m)^\t\w+ +Grounds = "(\w+)"`, "domain/encounter.go"),
		"Kinds of things": sources(t, `(?m)^\tKind[A-Z]\w* += "(\w+)"`, "guard/thing.go"),
		"Commands":        commands,
	} {
		if diff := cmp.Diff(sorted(want), explained(page, section)); diff != "" {
			t.Errorf("%s (-program +page):\n%s", section, diff)
		}
	}
	for _, reason := range []string{policy.NoRule, policy.ModeNotHeld, policy.ConflictingRoles, policy.NotOwn, policy.AssuranceTooLow} {
		if !strings.Contains(page, "`"+reason+"` (") {
			t.Errorf("the page does not explain the rule %s", reason)
		}
	}
	checkRules(t, page)
}

// Reports know the words for what the service does by itself, each of them.
func TestReportsKnowWhatTheServiceDoesByItself(t *testing.T) {
	t.Parallel()
	own := sources(t, `action[A-Z]\w* += "(\w+)"`)
	known := sources(t, `"(\w+)": +store\.Topic`, "oversight/derive.go")
	for _, name := range sources(t, `(action[A-Z]\w*): +store\.Topic`, "oversight/derive.go") {
		known = append(known, sources(t, name+` += "(\w+)"`)...)
	}
	if diff := cmp.Diff(sorted(own), sorted(known)); diff != "" {
		t.Errorf("acts of the service (-rooms +topics of reports):\n%s", diff)
	}
	for _, word := range sources(t, `(?m)^\t"(\w+)": +"`, "oversight/letter.go") {
		if !slices.Contains(own, word) {
			t.Errorf("a letter tells of %s, which nothing does", word)
		}
	}
}

// checkRules compares the table of rules, which is long, with the policy's.
func checkRules(t *testing.T, page string) {
	t.Helper()
	before, got, found := strings.Cut(page, rulesMark)
	if !found {
		t.Fatal("no place for the table of rules")
	}
	enforcer, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	want := "| rule | role | at | may | mode | |\n|---|---|---|---|---|---|\n"
	for _, r := range enforcer.Rules() {
		want += ruleRow(&r)
	}
	if *update {
		if err := os.WriteFile(wordsPage, []byte(before+rulesMark+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-program +page):\n%s", diff)
	}
}

func ruleRow(r *policy.Rule) string {
	role, limits := r.Role.String(), []string{}
	if r.Role == 0 {
		role = "any"
	}
	if r.Own {
		limits = append(limits, "its own only")
	}
	if r.Claimed {
		limits = append(limits, "by break-glass")
	}
	return fmt.Sprintf("| `%s` | %s | %s | `%s` | %s | %s |\n", r.ID, role, r.Class, r.Action, r.Mode, strings.Join(limits, ", "))
}

// explained returns the words in the first column of a section's table.
func explained(page, section string) []string {
	_, text, _ := strings.Cut(page, "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var words []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(text, -1) {
		for _, word := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
			words = append(words, word[1])
		}
	}
	return sorted(words)
}

// sources returns what a pattern finds in the sources of the rooms, or in some of
// their files.
func sources(t *testing.T, pattern string, only ...string) []string {
	t.Helper()
	find := regexp.MustCompile(pattern)
	var words []string
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		skip := d == nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go")
		if err != nil || skip || len(only) > 0 && !slices.Contains(only, filepath.ToSlash(path)) {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range find.FindAllStringSubmatch(string(text), -1) {
			words = append(words, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func sorted(words []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(words)))
}
