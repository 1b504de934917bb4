package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cpis/deploy/dev/demo"
)

// auditorAtWork does what docs/auditing.md says, line by line, as somebody does who
// copies it into a shell.
type auditorAtWork struct {
	*running

	dir, key, review string
	release          string
	ran              map[string]bool // by the name of the command
}

// testAuditingPage runs every command of docs/auditing.md. What there is to find
// in the demo, it finds.
func testAuditingPage(t *testing.T, d *running) {
	t.Helper()
	env := readSettings(t, filepath.Join(d.dir, "env"))
	a := &auditorAtWork{running: d, dir: t.TempDir(), ran: map[string]bool{}}
	a.key = strings.TrimSpace(withEnv(t, env, "audit", "key", "--log-origin", env["CPIS_LOG_ORIGIN"]).stdout)
	a.save(t, "last-months-checkpoint.txt", d.command(t, "", "audit", "checkpoint", "--as", "auditor").stdout)
	var glass struct{ Entries []struct{ ReviewID string } }
	found := d.command(t, "", "report", "break-glass", "--as", "auditor", "--reason", "routine", "--json")
	if json.Unmarshal([]byte(found.stdout), &glass) != nil || len(glass.Entries) == 0 {
		t.Fatalf("no break-glass look-up: %s%s", found.stdout, found.stderr)
	}
	a.review = glass.Entries[0].ReviewID
	for _, block := range blocks(document(t, "auditing.md"), "sh") {
		for line := range strings.Lines(block) {
			a.do(t, line)
		}
	}
	for _, name := range []string{
		"report child", "report actor", "report break-glass", "report reviews", "report review", "report close-review", "report subject-access",
		"report release", "report releases", "report decide-release", "report digest", "report board", "report check", "report rebuild",
		"audit proof", "audit export", "audit verify-proof", "audit verify", "audit consistency",
	} {
		if !a.ran[name] {
			t.Errorf("docs/auditing.md does not show cpis %s", name)
		}
	}
}

// words splits a line of the page as a shell does, without its comment.
func (a *auditorAtWork) words(line string) (words []string, to string) {
	for _, m := range regexp.MustCompile(`"([^"]*)"|'([^']*)'|(#.*)|([^\s"'#]+)`).FindAllStringSubmatch(line, -1) {
		if m[3] == "" {
			words = append(words, m[1]+m[2]+m[4])
		}
	}
	if i := slices.Index(words, ">"); i > 0 {
		return words[:i], words[i+1]
	}
	return words, ""
}

// do runs one line.
func (a *auditorAtWork) do(t *testing.T, line string) {
	t.Helper()
	words, to := a.words(line)
	if len(words) < 3 || words[0] != "cpis" {
		a.sed(t, line)
		return
	}
	name, args := words[1]+" "+words[2], a.args(words[1:])
	a.ran[name] = true
	var o outcome
	switch name {
	case "report check", "report rebuild", "audit export":
		o = a.administer(t, args...)
	case "audit verify", "audit verify-proof":
		o = command(t, "", args...)
	case "report close-review":
		o = a.command(t, "", append(args, "--as", "practice-privacy")...)
	case "report release", "report releases":
		o = a.command(t, demo.Flagged.NHSNumber+"\n", append(args, "--as", "privacy")...)
	case "report decide-release":
		o = a.command(t, "", append(args, "--as", "second-privacy")...)
	case "report digest":
		o = a.command(t, "", append(args, "--as", "privacy")...)
	default:
		o = a.command(t, demo.Flagged.NHSNumber+"\n", append(args, "--as", "auditor")...)
	}
	status, says := a.expects(name)
	o.want(t, status, says)
	if to != "" {
		a.save(t, to, o.stdout)
	}
	if id := regexp.MustCompile(`Release ID +(\S+)`).FindStringSubmatch(o.stdout); id != nil {
		a.release = id[1]
	}
}

// expects says how a command of the page ends in the demo, which has no week behind
// it.
func (a *auditorAtWork) expects(name string) (status int, says string) {
	if name == "report digest" {
		return 1, "not found"
	}
	return 0, map[string]string{
		"report review":         "Claim",
		"report subject-access": "Who looked at this record",
		"report releases":       "RELEASE ID",
		"report board":          "Look-ups that found a flag",
		"report check":          "as the log says",
		"audit verify":          "VERIFIED: ",
		"audit verify-proof":    "VERIFIED: ",
		"audit consistency":     "VERIFIED: ",
	}[name]
}

// args puts what is there in the place of what the page has as examples.
func (a *auditorAtWork) args(words []string) []string {
	args := slices.Clone(words)
	for i, word := range args {
		switch {
		case word == "4711":
			args[i] = "0"
		case word == "$KEY":
			args[i] = a.key
		case strings.HasPrefix(word, "0193596c-") && words[1] == "decide-release":
			args[i] = a.release
		case strings.HasPrefix(word, "0193596c-"):
			args[i] = a.review
		case strings.HasSuffix(word, ".txt"), strings.HasSuffix(word, ".json"), strings.HasSuffix(word, ".zip"), strings.HasSuffix(word, "-proof") && i > 1, strings.HasPrefix(word, "export-"):
			args[i] = filepath.Join(a.dir, word)
		}
	}
	return args
}

// sed takes the line of an entry out of an export, as the page does.
func (a *auditorAtWork) sed(t *testing.T, line string) {
	t.Helper()
	if m := regexp.MustCompile(`^sed -n (\d+)p (\S+) > (\S+)`).FindStringSubmatch(line); m != nil {
		first, _, _ := strings.Cut(readText(t, filepath.Join(a.dir, m[2])), "\n")
		a.save(t, m[3], first)
	}
}

func (a *auditorAtWork) save(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
