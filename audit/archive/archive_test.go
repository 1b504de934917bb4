package archive_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/audit/archive"
)

// What was written verifies, of one log or of several, however many entries there
// are.
func TestVerify_AcceptsWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 5, 64, 700} {
		for _, each := range []int{1, 3} {
			l, other := newLog(origin, n), newLog("cpis.example/log/2", 30)
			file := mustWrite(t, sourceOf(l.part(t, 0, each), other.part(t, 2, 4)))
			r, err := verify(t, file, keysOf(t, origin, other.origin))
			if err != nil {
				t.Fatalf("%d entries, each %d: %v", n, each, err)
			}
			if want := int64((n+each-1)/each + 7); r.Entries != want || r.Manifest.Entries != want || r.Log != origin {
				t.Errorf("%d entries, each %d: got %+v, want %d", n, each, r, want)
			}
		}
	}
}

// A report with nothing in it is a file with headings.
func TestEmptyReport_HasHeadings(t *testing.T) {
	t.Parallel()
	file := mustWrite(t, sourceOf())
	if r, err := verify(t, file, keysOf(t, origin)); err != nil || r.Entries != 0 {
		t.Fatalf("got %+v, %v", r, err)
	}
	for _, m := range unpack(t, file) {
		switch m.name {
		case "entries.csv":
			if rows, err := csv.NewReader(bytes.NewReader(m.content)).ReadAll(); err != nil || len(rows) != 1 || rows[0][0] != "log" {
				t.Errorf("got %q, %v", rows, err)
			}
		case "manifest.txt":
			if !strings.Contains(string(m.content), "\"entries\": 0,") {
				t.Errorf("got %s", m.content)
			}
		}
	}
}

// The lines are the log's, byte for byte, but for those that are withheld or gone.
func TestLines_AreTheLogsOwn(t *testing.T) {
	t.Parallel()
	l := newLog(origin, 40)
	var want []byte
	for i, line := range l.lines {
		if i%10 != 5 && i%10 != 7 {
			want = append(append(want, line...), '\n')
		}
	}
	for _, m := range unpack(t, mustWrite(t, sourceOf(l.part(t, 0, 1)))) {
		if m.name == "log-1/entries.ndjson" && !bytes.Equal(m.content, want) {
			t.Errorf("got %s", m.content)
		}
		if m.name == "entries.csv" && (bytes.Contains(m.content, []byte("\n=")) || bytes.Contains(m.content, []byte(",=")) || bytes.Contains(m.content, []byte(`,"=`))) {
			t.Errorf("a cell is a formula: %s", m.content)
		}
	}
}

// tampering changes the files of an archive in some way.
type tampering struct {
	name string
	do   func([]member) []member
	want string // what is named first; "entry N" of a *audit.BadEntry
}

func find(all []member, name string) *member {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	panic(name)
}

// edit changes one file.
func edit(name string, change func([]byte) []byte) func([]member) []member {
	return func(all []member) []member {
		m := find(all, name)
		m.content = change(slices.Clone(m.content))
		return all
	}
}

// editLine changes a line of a file.
func editLine(name string, n int, change func(lines [][]byte) [][]byte) func([]member) []member {
	return edit(name, func(text []byte) []byte {
		lines := bytes.SplitAfter(text, []byte("\n"))
		return bytes.Join(slices.Concat(lines[:n], change(slices.Clone(lines[n:]))), nil)
	})
}

func replace(old, to string) func([]byte) []byte {
	return func(text []byte) []byte {
		if !bytes.Contains(text, []byte(old)) {
			panic(old)
		}
		return bytes.Replace(text, []byte(old), []byte(to), 1)
	}
}

// tamperings are what somebody may do to an archive who has no key.
func tamperings() []tampering {
	const lines = "log-1/entries.ndjson"
	all := []tampering{
		{"an entry is altered", editLine(lines, 2, func(l [][]byte) [][]byte {
			l[0] = bytes.Replace(l[0], []byte("555254240100"), []byte("555254240101"), 1)
			return l
		}), "entry 2: changed"},
		{"an entry is re-encoded", editLine(lines, 2, func(l [][]byte) [][]byte {
			l[0] = bytes.Replace(l[0], []byte(`,"actor"`), []byte(`, "actor"`), 1)
			return l
		}), "entry 2: changed"},
		{"an entry is deleted", editLine(lines, 4, func(l [][]byte) [][]byte { return l[1:] }), "entry 4: changed"},
		{"an entry is inserted", editLine(lines, 4, func(l [][]byte) [][]byte { return append([][]byte{l[2]}, l...) }), "entry 4: changed"},
		{"entries change places", editLine(lines, 0, func(l [][]byte) [][]byte { l[0], l[1] = l[1], l[0]; return l }), "entry 0: changed"},
		{"the last entries are cut off", editLine(lines, 10, func([][]byte) [][]byte { return nil }), "entry 12: missing"},
		{"a line is cut off", edit(lines, func(b []byte) []byte { return b[:len(b)-5] }), "entry 29: truncated"},
		{"a line is added", edit(lines, func(b []byte) []byte { return append(b, "x\n"...) }), "entry 30: inserted"},
		{"what is shown is altered", edit("log-1/beside.ndjson", replace(`"lead"`, `"leaf"`)), "entries.csv does not say what entry 5 says"},
		{"a review is invented", edit("log-1/beside.ndjson", replace("justified", "unfounded")), "entries.csv does not say what entry 3 says"},
		{"what is beside is deleted", editLine("log-1/beside.ndjson", 1, func(l [][]byte) [][]byte { return l[1:] }), "beside.ndjson does not say of entry 5"},
		{"what is beside is of no entry", edit("log-1/beside.ndjson", replace(`"index":3,`, `"index":4,`)), "entries.csv does not say what entry 3 says"},
		{"a cell is altered", edit("entries.csv", replace("555254240100", "555254240109")), "entries.csv does not say what entry 0 says"},
		{"a row is deleted", editLine("entries.csv", 3, func(l [][]byte) [][]byte { return l[1:] }), "entries.csv does not say what entry 2 says"},
		{"a row is added", edit("entries.csv", func(b []byte) []byte { return append(b, "x\n"...) }), "entries.csv does not end as its entries do"},
		{"an event is altered", edit("audit-events-balp.json", replace("no_flag_known", "flag_held")), "audit-events-balp.json does not say what entry 0 says"},
		{"an event of the other kind is", edit("audit-events-nhs.json", replace("RJ1", "RJ2")), "audit-events-nhs.json does not say what entry 0 says"},
		{"the proof says less", editLine("log-1/proof.txt", 1, func([][]byte) [][]byte { return nil }), "malformed subset proof"},
		{"the proof is of another log", edit("log-1/proof.txt", func([]byte) []byte { return []byte("cpis-subset-proof/v1\n") }), "malformed subset proof"},
		{"the count is edited", edit("manifest.txt", replace(`"entries": 30`, `"entries": 31`)), "manifest.txt"},
		{"who asked is edited", edit("manifest.txt", replace(`"actor": "auditor"`, `"actor": "editor"`)), "manifest.txt"},
		{"the query is edited", edit("manifest.txt", replace(`"report": "everything"`, `"report": "refusals"`)), "manifest.txt"},
		{"the manifest is a checkpoint", func(m []member) []member {
			find(m, "manifest.txt").content = find(m, "log-1/checkpoint.txt").content
			return m
		}, "manifest.txt"},
		{"the checkpoint is a manifest", func(m []member) []member {
			find(m, "log-1/checkpoint.txt").content = find(m, "manifest.txt").content
			return m
		}, "log-1/checkpoint.txt"},
		{"the instructions are edited", edit("README.txt", replace("someone other than", "")), "README.txt is not the file"},
		{"a file is added", func(m []member) []member { return append(m, member{name: "entries-corrected.csv"}) }, "is not in the manifest"},
		{"a file is there twice", func(m []member) []member { return append(m, *find(m, "entries.csv")) }, "is there twice"},
		{"files change places", func(m []member) []member { m[0], m[1] = m[1], m[0]; return m }, `"README.txt"`},
		{"the workbook is compressed", func(m []member) []member { find(m, "entries.xlsx").method = 8; return m }, "entries.xlsx"},
		{"the workbook is none", edit("entries.xlsx", func([]byte) []byte { return []byte("x") }), "entries.xlsx"},
	}
	for _, name := range []string{
		"README.txt", "manifest.txt", "entries.csv", "entries.xlsx", "audit-events-balp.json", "audit-events-nhs.json",
		"log-1/checkpoint.txt", "log-1/entries.ndjson", "log-1/proof.txt", "log-1/beside.ndjson",
	} {
		all = append(all, tampering{name + " is deleted", func(m []member) []member {
			return slices.DeleteFunc(m, func(m member) bool { return m.name == name })
		}, "missing"})
	}
	return all
}

// Everything that is done to an archive is found, and what is wrong first is named.
func TestTampering_IsFoundAndNamed(t *testing.T) {
	t.Parallel()
	files := unpack(t, mustWrite(t, sourceOf(newLog(origin, 30).part(t, 0, 1))))
	for _, tt := range tamperings() {
		_, err := verify(t, pack(t, tt.do(slices.Clone(files))), keysOf(t, origin))
		if !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Whatever byte is changed of whatever file, it is found.
func TestTampering_OfAnyByteIsFound(t *testing.T) {
	t.Parallel()
	files := unpack(t, mustWrite(t, sourceOf(newLog(origin, 12).part(t, 0, 1))))
	keys := keysOf(t, origin)
	tried := 0
	for i, m := range files {
		step := max(1, len(m.content)/40)
		for at := i % step; at < len(m.content); at += step {
			changed := slices.Clone(files)
			changed[i].content = slices.Clone(m.content)
			changed[i].content[at] ^= 1
			tried++
			if _, err := verify(t, pack(t, changed), keys); !errors.Is(err, audit.ErrBroken) {
				t.Fatalf("byte %d of %s: got %v", at, m.name, err)
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d bytes were changed", tried)
	}
}

// A file that did not arrive whole verifies as nothing.
func TestVerify_RefusesWhatIsCutOff(t *testing.T) {
	t.Parallel()
	file := mustWrite(t, sourceOf(newLog(origin, 12).part(t, 0, 1)))
	for end := 0; end < len(file); end += max(1, len(file)/200) {
		if _, err := verify(t, file[:end], keysOf(t, origin)); !errors.Is(err, audit.ErrBroken) {
			t.Fatalf("cut off at %d: got %v", end, err)
		}
	}
}

// Nobody else's signature counts, and none of another log.
func TestVerify_AsksForTheKeysOfTheLogs(t *testing.T) {
	t.Parallel()
	l, other := newLog(origin, 5), newLog("cpis.example/log/2", 5)
	file := mustWrite(t, sourceOf(l.part(t, 0, 1), other.part(t, 0, 1)))
	stranger, err := audit.NewVerifierKey(origin, public(signer(2)))
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]audit.VerifierKey{
		"a stranger's": {stranger}, "none": nil, "one log's": keysOf(t, origin), "the other's": keysOf(t, other.origin),
	} {
		if _, err := verify(t, file, keys); !errors.Is(err, audit.ErrSignature) || !errors.Is(err, audit.ErrBroken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// errDisk is what a disk says.
var errDisk = errors.New("disk")

type brokenDisk struct{ io.ReaderAt }

func (d brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	if off < 1000 {
		return 0, errDisk
	}
	return d.ReaderAt.ReadAt(p, off)
}

// What cannot be read is no evidence of anything.
func TestVerify_TellsWhatCannotBeReadFromWhatContradicts(t *testing.T) {
	t.Parallel()
	file := mustWrite(t, sourceOf(newLog(origin, 12).part(t, 0, 1)))
	_, err := archive.Verify(t.Context(), brokenDisk{bytes.NewReader(file)}, int64(len(file)), keysOf(t, origin))
	if !errors.Is(err, errDisk) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v", err)
	}
}

// Entries that are not those of the log are not written.
func TestWrite_RefusesWhatIsNotTheLogs(t *testing.T) {
	t.Parallel()
	l := newLog(origin, 20)
	l.lines[4] = bytes.Replace(l.lines[4], []byte("555254240100"), []byte("555254240101"), 1)
	if _, err := archive.Write(t.Context(), sourceOf(l.part(t, 0, 1)), &memory{}); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v", err)
	}
}

// No signature of the one kind is worth anything for the other.
func TestManifestAndCheckpoint_CannotBeTakenForEachOther(t *testing.T) {
	t.Parallel()
	m := archive.Manifest{ID: "1"}
	body, err := m.Body(origin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.ParseCheckpointBody(body); !errors.Is(err, audit.ErrMalformed) {
		t.Errorf("a manifest is read as a checkpoint: %v", err)
	}
	l := newLog(origin, 3)
	if _, _, err := archive.OpenManifest(l.signed(t), keysOf(t, origin)); !errors.Is(err, audit.ErrMalformed) {
		t.Errorf("a checkpoint is read as a manifest: %v", err)
	}
	if _, err := m.Body("cpis export v1 of x"); err == nil {
		t.Error("an origin with spaces was taken")
	}
}

// A manifest is read as it was written, whatever stands in the query.
func TestManifest_IsReadAsWritten(t *testing.T) {
	t.Parallel()
	m := sourceOf().Manifest
	m.Query = map[string]string{"actor": "a\n\n\u2014 b\u2028\U0001f600\x00\"<"}
	file := mustWrite(t, archive.Source{Manifest: m, Signer: origin, Sign: sourceOf().Sign, Scratch: sourceOf().Scratch})
	r, err := verify(t, file, keysOf(t, origin))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Query, r.Manifest.Query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	for _, m := range unpack(t, file) {
		if m.name == "manifest.txt" && bytes.ContainsFunc(m.content, func(r rune) bool { return r > 0x7e && r != '\u2014' }) {
			t.Errorf("got %q", m.content)
		}
	}
}

// FuzzVerify: nothing that is no archive is taken for one, and nothing ends the
// program.
func FuzzVerify(f *testing.F) {
	f.Add(mustWrite(f, sourceOf(newLog(origin, 3).part(f, 0, 1))))
	f.Add(mustWrite(f, sourceOf()))
	f.Fuzz(func(t *testing.T, file []byte) {
		if r, err := verify(t, file, keysOf(t, origin)); err == nil && r.Manifest.ID == "" {
			t.Error("an archive without a manifest verifies")
		} else if err != nil && !errors.Is(err, audit.ErrBroken) {
			t.Error(fmt.Sprint("got ", err))
		}
	})
}
