package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// document reads one of the documents.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the fenced blocks of a language.
func blocks(text, language string) []string {
	var all []string
	for _, m := range regexp.MustCompile("(?s)```"+regexp.QuoteMeta(language)+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// testGuide makes the calls by curl that docs/api.md shows, as somebody who
// copies them into a shell does. What stands before them on the page is in the
// files that they name.
func testGuide(t *testing.T, d *running) {
	t.Helper()
	guide, dir := document(t, "api.md"), t.TempDir()
	for file, message := range map[string]string{"list.json": "LookUpManyRequest", "plan.json": "RegisterPlanRequest"} {
		example := blocks(guide, "json cpis.v1."+message)
		if len(example) == 0 {
			t.Fatalf("docs/api.md has no %s", message)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(example[0]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	calls := 0
	for _, block := range blocks(guide, "sh") {
		if strings.HasPrefix(block, "curl ") && !strings.Contains(block, "/log/") { // which is answered with files, not messages
			calls += d.call(t, dir, block)
		}
	}
	if calls != 5 {
		t.Errorf("docs/api.md: %d calls were answered, want 5", calls)
	}
}

// call runs commands of the guide, and returns how many answers came.
func (d *running) call(t *testing.T, dir, commands string) int {
	t.Helper()
	as := "nurse"
	switch {
	case strings.Contains(commands, "/log/1/"):
		as = "auditor"
	case strings.Contains(commands, "LookUpMany"):
		as = "gp"
	case strings.Contains(commands, "PlanService"):
		as = "lead"
	}
	token := command(t, "", "token", as, "--idp", d.idp)
	token.want(t, 0)
	commands = strings.NewReplacer("https://cpis.example.nhs.uk", d.url, `"123456"`, `"0"`).Replace(commands)
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", commands)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "TOKEN=" + strings.TrimSpace(token.stdout)}
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s\n%v", commands, err)
	}
	if as == "auditor" { // files of the log, and no JSON
		if !strings.Contains(string(out), "\n\n— ") {
			t.Errorf("%s\n%s", commands, out)
		}
		return 0
	}
	answers := json.NewDecoder(strings.NewReader(string(out)))
	for n := 0; ; n++ {
		var answer map[string]any
		if err := answers.Decode(&answer); errors.Is(err, io.EOF) {
			return n
		} else if err != nil || answer["code"] != nil || len(answer) == 0 {
			t.Fatalf("%s\n%v, %s", commands, err, out)
		}
	}
}

// testOperatorsSQL asks the database what docs/operations.md has operators ask
// it.
func testOperatorsSQL(t *testing.T, d *running) {
	t.Helper()
	conn := d.connect(t)
	questions := blocks(document(t, "operations.md"), "sql")
	for _, sql := range questions {
		if !strings.HasPrefix(sql, "-- As cpis_owner.") {
			t.Errorf("docs/operations.md does not say as whom to ask:\n%s", sql)
		}
		if _, err := conn.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Errorf("%v\n%s", err, sql)
		}
	}
	if len(questions) < 3 {
		t.Errorf("docs/operations.md has %d questions in SQL", len(questions))
	}
}
