package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cpis/audit"
)

// The worked example of the log's specification.
const (
	exampleExport = "../../audit/testdata/export"
	exampleKey    = "../../audit/testdata/key.golden"
)

// exampleProof makes the proof of the example's second entry.
func exampleProof(t *testing.T) string {
	t.Helper()
	checkpoint := readText(t, filepath.Join(exampleExport, "checkpoint"))
	p, err := audit.Prove(t.Context(), audit.ExportedTiles(os.DirFS(exampleExport)), []byte(checkpoint), 1)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, "proof", string(p.Text()))
}

// written writes a file, and returns its name.
func written(tb testing.TB, name, text string) string {
	tb.Helper()
	name = filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// asMember returns an answer in JSON that has a file's text as a member.
func asMember(t *testing.T, member, name string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{member: readText(t, name)})
	if err != nil {
		t.Fatal(err)
	}
	return written(t, member+".json", string(text))
}

func TestAuditVerify_TellsWhatCannotBeReadFromWhatContradicts(t *testing.T) {
	t.Parallel()
	checkpoint := filepath.Join(exampleExport, "checkpoint")
	for _, tt := range []struct {
		name, kept string
		status     int
		want       string
	}{
		{"AsSigned", checkpoint, 0, "VERIFIED: 3 entries"},
		{"AsAnsweredInJSON", asMember(t, "checkpoint", checkpoint), 0, "VERIFIED: 3 entries"},
		{"JSONOfSomethingElse", written(t, "x.json", `{"proof": "x"}`), 1, "JSON without a checkpoint"},
		{"NoCheckpoint", written(t, "x", "hello\n"), 1, "kept checkpoint 1: malformed checkpoint"},
		{"SignatureThatDoesNotVerify", written(t, "x", strings.Replace(readText(t, checkpoint), "\n3\n", "\n2\n", 1)), exitBroken, "NOT VERIFIED: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			command(t, "", "audit", "verify", exampleExport, "--key", exampleKey, "--kept", tt.kept).want(t, tt.status, tt.want)
		})
	}
	command(t, "", "audit", "verify", t.TempDir(), "--key", exampleKey).want(t, 1, "holds no export")
	command(t, "", "audit", "verify", exampleExport, "--key", written(t, "key", "not a key\n")).want(t, 1, "public key")
}

func TestAuditVerifyProof(t *testing.T) {
	t.Parallel()
	proof := exampleProof(t)
	lines := strings.SplitAfter(readText(t, filepath.Join(exampleExport, "entries.ndjson")), "\n")
	leaf := audit.LeafHash([]byte(strings.TrimSuffix(lines[1], "\n"))).String()
	receipt := func(index string) string {
		return written(t, "answer.json", `{"answer": "ANSWER_FLAG_HELD", "receipt": {"log": "cpis.example/log/1", "index": "`+index+`", "leafHash": "`+leaf+`"}}`)
	}
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"ByItsLine", []string{proof, "--entry", written(t, "line", lines[1])}, 0, "VERIFIED: entry 1 is in the log cpis.example/log/1"},
		{"ByItsLeafHash", []string{proof, "--leaf-hash", leaf}, 0, "VERIFIED: entry 1"},
		{"ByItsReceipt", []string{proof, "--receipt", receipt("1")}, 0, "VERIFIED: entry 1"},
		{"AsAnsweredInJSON", []string{asMember(t, "proof", proof), "--leaf-hash", leaf}, 0, "VERIFIED: entry 1"},
		{"OfAnotherEntry", []string{proof, "--entry", written(t, "line", lines[0])}, exitBroken, "NOT VERIFIED: "},
		{"ForAReceiptOfAnotherEntry", []string{proof, "--receipt", receipt("2")}, exitBroken, "the receipt is for entry 2"},
		{"NoProof", []string{written(t, "x", "hello\n"), "--leaf-hash", leaf}, 1, "reading the proof: malformed proof"},
		{"NoReceipt", []string{proof, "--receipt", written(t, "x", "{}")}, 1, "holds no receipt"},
		{"NoLeafHash", []string{proof, "--leaf-hash", "AAAA"}, 1, "3 bytes long instead of 32"},
		{"NothingToCompareWith", []string{proof}, 1, "does not name its entry"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"audit", "verify-proof", "--key", exampleKey}, tt.args...)
			command(t, "", args...).want(t, tt.status, tt.want)
		})
	}
}

// A proof that was made of a receipt verifies with the public key alone, and one
// of a receipt that is not the log's is not made.
func TestAuditProve_MakesAProofThatNamesItsEntry(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(readText(t, filepath.Join(exampleExport, "entries.ndjson")), "\n")
	leaf := func(i int) string { return audit.LeafHash([]byte(strings.TrimSuffix(lines[i], "\n"))).String() }
	receipt := func(index, leaf string) string {
		return written(t, "answer.json", `{"receipt": {"log": "cpis.example/log/1", "index": "`+index+`", "leafHash": "`+leaf+`"}}`)
	}
	made := command(t, "", "audit", "prove", receipt("1", leaf(1)), "--export", exampleExport, "--log-key", exampleKey)
	made.want(t, 0, "c2sp.org/tlog-proof@v1\nextra "+leaf(1)+"\nindex 1\n")
	proof := written(t, "1.tlog-proof", made.stdout)
	verify := func(args ...string) outcome {
		return command(t, "", append([]string{"audit", "verify-proof", "--key", exampleKey}, args...)...)
	}
	verify(proof).want(t, 0, "VERIFIED: entry 1 is in the log cpis.example/log/1", leaf(1))
	verify(proof, "--receipt", receipt("1", leaf(1))).want(t, 0, "VERIFIED: entry 1")
	verify(proof, "--leaf-hash", leaf(2)).want(t, exitBroken, "NOT VERIFIED: ")
	lying := written(t, "lying", strings.Replace(made.stdout, leaf(1), leaf(2), 1))
	verify(lying).want(t, exitBroken, "NOT VERIFIED: ")
	verify(written(t, "short", strings.Replace(made.stdout, leaf(1), "AAAA", 1))).want(t, 1, "does not name its entry")

	prove := func(receipt string) outcome {
		return command(t, "", "audit", "prove", receipt, "--export", exampleExport)
	}
	prove(receipt("1", leaf(2))).want(t, exitBroken, "NOT PROVED: entry 1 of the log is another")
	prove(receipt("3", leaf(2))).want(t, 1, "only 3 entries are covered")
	prove(written(t, "x", "{}")).want(t, 1, "holds no receipt")
}
