package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cpis/deploy/dev/demo"
)

// testReadme compares the look-up that README.md shows with the one that a
// real demo prints, and its answer with the real one.
func testReadme(t *testing.T, d *running) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	q := demo.Questions()[0]
	curl := q.Curl("http://127.0.0.1:8443", ".tmp/dev/tokens/"+q.As)
	if !strings.Contains(string(text), "\n"+curl+"\n") {
		t.Errorf("README.md does not show what the demo prints:\n%s", curl)
	}
	printed := strings.ReplaceAll(d.text, d.dir, ".tmp/dev")
	commands := regexp.MustCompile(`(?m)^\.tmp/bin/cpis (.*)$`).FindAllStringSubmatch(string(text), -1)
	for _, c := range commands {
		if !strings.Contains(printed, " "+c[1]+"\n") {
			t.Errorf("README.md shows a command that the demo does not print: %s", c[1])
		}
	}
	if len(commands) < 2 {
		t.Errorf("README.md shows only %d commands", len(commands))
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md shows no answer")
	}
	var shown, held any
	if err := json.Unmarshal(block[1], &shown); err != nil {
		t.Fatalf("the answer in README.md: %v", err)
	}
	if err := json.Unmarshal([]byte(d.ask(t, q)), &held); err != nil {
		t.Fatal(err)
	}
	checkShown(t, "answer", shown, held)
}

// varies names what is another at each look-up.
var varies = map[string]bool{
	"id": true, "number": true, "who": true, "until": true, "index": true, "treeSize": true, "leafHash": true,
}

// checkShown checks that all that is shown is there in reality. An ellipsis
// stands for the rest of a text.
func checkShown(t *testing.T, at string, shown, held any) {
	t.Helper()
	switch shown := shown.(type) {
	case map[string]any:
		object, _ := held.(map[string]any)
		for name, value := range shown {
			member, ok := object[name]
			switch {
			case !ok:
				t.Errorf("%s.%s is in README.md and not in the answer", at, name)
			case !varies[name]:
				checkShown(t, at+"."+name, value, member)
			}
		}
	case []any:
		list, _ := held.([]any)
		if len(shown) != len(list) {
			t.Errorf("%s has %d elements in README.md and %d in the answer", at, len(shown), len(list))
			return
		}
		for i := range shown {
			checkShown(t, at, shown[i], list[i])
		}
	case string:
		text, _ := held.(string)
		if begin, short := strings.CutSuffix(shown, "…"); shown != text && (!short || !strings.HasPrefix(text, begin)) {
			t.Errorf("%s is %q in README.md and %q in the answer", at, shown, text)
		}
	default:
		if shown != held {
			t.Errorf("%s is %v in README.md and %v in the answer", at, shown, held)
		}
	}
}

// A machine with the Go that Linux packages is told which one is needed before
// anything is installed or built.
func TestOldGoIsToldWhichOneIsNeeded(t *testing.T) {
	t.Parallel()
	const root = "../../"
	module, err := os.ReadFile(root + "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	need := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(module)
	readme, err := os.ReadFile(root + "README.md")
	if need == nil || err != nil || !strings.Contains(string(readme), string(need[1])+" or newer") {
		t.Fatalf("README.md does not say that Go %s is needed", need)
	}
	old := filepath.Join(t.TempDir(), "go")
	script := "#!/bin/sh\n[ $1 = version ] && exec echo go version go1.19.8 linux/amd64\nexit 1\n"
	if err := os.WriteFile(old, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), root+"deploy/dev/install/go")
	cmd.Env = []string{"PATH=" + filepath.Dir(old) + ":/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if said := string(out); err == nil || !strings.Contains(said, string(need[1])+" or newer") || !strings.Contains(said, "here is go1.19.8") {
		t.Errorf("got %v, %s", err, said)
	}
}

func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	t.Parallel()
	const root = "../.."
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	documents := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != root && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		documents++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
		return nil
	})
	if err != nil || documents < 10 {
		t.Errorf("looked at %d documents: %v", documents, err)
	}
}
