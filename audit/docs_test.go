package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
)

// specification returns the document that auditors read.
func specification(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/audit-format.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSpecificationShowsTheRealThing compares what the document shows with the
// files it names, which other tests make anew.
func TestSpecificationShowsTheRealThing(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?s)<!-- audit/(\\S+) -->\n```\\w+\n(.*?)```").FindAllStringSubmatch(specification(t), -1)
	if len(shown) != 5 {
		t.Errorf("%d files shown, want 5", len(shown))
	}
	for _, match := range shown {
		want, err := os.ReadFile(filepath.FromSlash(match[1]))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), match[2]); diff != "" {
			t.Errorf("%s (-file +document):\n%s", match[1], diff)
		}
	}
}

// TestSpecificationCanBeFollowed runs the commands of the document on the
// example, and compares what they print with what it says.
func TestSpecificationCanBeFollowed(t *testing.T) {
	t.Parallel()
	steps := regexp.MustCompile("(?s)```sh\n(.*?)```\n\nprints[^\n]*\n\n```text\n(.*?)```").FindAllStringSubmatch(specification(t), -1)
	if len(steps) != 3 {
		t.Fatalf("%d worked examples, want 3", len(steps))
	}
	for _, step := range steps {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/export")); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", step[1])
		cmd.Dir = dir
		got, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s\n%s\n%v", step[1], got, err)
		}
		if diff := cmp.Diff(step[2], string(got)); diff != "" {
			t.Errorf("%s\n(-document +printed):\n%s", step[1], diff)
		}
	}
}

// TestSpecificationFitsKeysWithAPlus: in base64 it is a letter like others.
func TestSpecificationFitsKeysWithAPlus(t *testing.T) {
	t.Parallel()
	l := newLog(3)
	key, signed := keyWithPlus(t, l)
	steps := regexp.MustCompile("(?s)```sh\n(key=.*?)```").FindStringSubmatch(specification(t))
	if steps == nil {
		t.Fatal("no recipe for OpenSSL")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), signed, 0o600); err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(steps[1], "\n")
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", "key='"+string(key)+"'\n"+recipe)
	cmd.Dir = dir
	if got, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(got), "Verified Successfully") {
		t.Errorf("key %s: got %s, %v", key, got, err)
	}
}

// keyWithPlus returns a key that has a plus sign within, and a checkpoint that
// it signed.
func keyWithPlus(t *testing.T, l *testLog) (audit.VerifierKey, []byte) {
	t.Helper()
	for seed := range byte(255) {
		priv := signer(seed)
		key, err := audit.NewVerifierKey(origin, public(priv))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(key), "+") > 2 {
			return key, mustSign(t, l.tree.Checkpoint(origin), priv)
		}
	}
	t.Fatal("no key has a plus sign")
	return "", nil
}

// TestTheGuideShowsAProofThatHolds, for the leaf hash beside it.
func TestTheGuideShowsAProofThatHolds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Proof    string
		LeafHash []byte
	}
	match := regexp.MustCompile("(?s)```json cpis.v1.GetInclusionProofResponse\n(.*?)```").FindSubmatch(text)
	if match == nil || json.Unmarshal(match[1], &shown) != nil || len(shown.LeafHash) != 32 {
		t.Fatal("no proof in the guide")
	}
	if _, _, err := audit.VerifyProof([]byte(shown.Proof), audit.Hash(shown.LeafHash), origin, logKeys(t)); err != nil {
		t.Error(err)
	}
}

// TestDocumentsShowOneLog: no two checkpoints in them contradict each other, for
// a fork is what the reader is to learn to recognise.
func TestDocumentsShowOneLog(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := specification(t) + strings.ReplaceAll(string(guide), `\n`, "\n")
	shown := regexp.MustCompile(`(?m)^(?:.*")?(`+regexp.QuoteMeta(origin)+`)\n(\d+)\n(\S{44})$`).FindAllStringSubmatch(text, -1)
	if len(shown) < 4 {
		t.Errorf("%d checkpoints shown, want 4 at least", len(shown))
	}
	roots := map[string]string{}
	for _, c := range shown {
		if root, ok := roots[c[2]]; ok && root != c[3] {
			t.Errorf("two checkpoints of %s entries have the roots %s and %s", c[2], root, c[3])
		}
		roots[c[2]] = c[3]
	}
}

// TestSpecificationNamesEveryField, in the order in which they are written.
func TestSpecificationNamesEveryField(t *testing.T) {
	t.Parallel()
	e := fullEntry()
	want := topLevel(t, e.AppendLine(nil))

	_, table, _ := strings.Cut(specification(t), "| field | always |")
	table, _, _ = strings.Cut(table, "\n\n")
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		got = append(got, row[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +document):\n%s", diff)
	}
}

// topLevel returns the names of an object's fields in their order.
func topLevel(t *testing.T, line []byte) []string {
	t.Helper()
	var names []string
	dec := json.NewDecoder(strings.NewReader(string(line)))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(name))
	}
	return names
}

func TestSpecificationNamesEveryFinding(t *testing.T) {
	t.Parallel()
	text := specification(t)
	findings := []string{audit.ErrForked.Error(), audit.ErrRolledBack.Error()}
	for _, p := range []audit.Problem{
		audit.Changed, audit.Missing, audit.Inserted, audit.OutOfOrder, audit.Truncated, audit.Extra, audit.Unlocated, audit.Removed, audit.NotAnEntry,
	} {
		findings = append(findings, "| "+string(p)+" |")
	}
	for _, finding := range slices.Sorted(slices.Values(findings)) {
		if !strings.Contains(text, finding) {
			t.Errorf("the document does not explain %q", finding)
		}
	}
}
