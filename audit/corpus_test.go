package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"cpis/audit"
)

// How often each kind of tampering is tried, each time at another place: in
// every run, and in a soak.
const (
	triesOfTampering = 3
	soakOfTampering  = 25
)

// TestTamperedExportsAreFound does everything that can be done to an export, at
// places left to chance, and has "cpis audit verify" find it: the first bad entry
// by its index, or the first bad file by its name.
func TestTamperedExportsAreFound(t *testing.T) {
	t.Parallel()
	tamperExports(t, triesOfTampering)
}

// TestSoakTamperedExports does so a thousand times.
func TestSoakTamperedExports(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("TEST_SOAK is not set")
	}
	tamperExports(t, soakOfTampering)
}

func tamperExports(t *testing.T, tries int) {
	t.Helper()
	for _, kind := range exportTamperings {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for seed := range tries {
				c := newTampered(t, seed)
				kind.do(c)
				c.check(fmt.Sprintf("%d entries, try %d", len(c.lines), seed))
			}
		})
	}
}

// corpusLogs are what is tampered with: logs with one tile that is not full, with
// several that are, and with tiles of two levels and more. They are only read.
var corpusLogs = []func() *corpusLog{corpusLogOf(40), corpusLogOf(700), corpusLogOf(2600)}

// corpusLog is a log with its export.
type corpusLog struct {
	*testLog

	exported fstest.MapFS
}

func corpusLogOf(n int) func() *corpusLog {
	return sync.OnceValue(func() *corpusLog { return &corpusLog{testLog: newMixedLog(n)} })
}

// newMixedLog returns a log with entries of both versions.
func newMixedLog(n int) *testLog {
	l := &testLog{}
	for i, line := range newLog(n).lines {
		e, err := audit.ParseLine(line)
		if err != nil {
			panic(err) // never: newLog wrote it
		}
		e.Version = 1 + i%audit.Version
		l.append(e.AppendLine(nil))
	}
	return l
}

// tampered is an export that is tampered with, and what must be found.
type tampered struct {
	*testLog

	t      *testing.T
	rnd    *rand.Rand
	export fstest.MapFS
	kept   [][]byte // checkpoints that an auditor has
	entry  int64    // the first bad entry, or -1
	file   string   // the first bad file, if no entry is bad
	err    error    // or what is wrong as a whole
}

var exporting sync.Mutex

func newTampered(t *testing.T, seed int) *tampered {
	t.Helper()
	l := corpusLogs[seed%len(corpusLogs)]()
	exporting.Lock()
	defer exporting.Unlock()
	if l.exported == nil {
		l.exported = l.export(t)
	}
	return &tampered{
		testLog: l.testLog, t: t, rnd: rand.New(rand.NewPCG(8, uint64(seed))), export: maps.Clone(l.exported), entry: -1,
	}
}

// check fails unless the verifier finds what was done.
func (c *tampered) check(what string) {
	c.t.Helper()
	_, err := verify(c.t, c.export, c.kept...)
	entry, isEntry := errors.AsType[*audit.BadEntry](err)
	tile, isTile := errors.AsType[*audit.BadTile](err)
	switch {
	case !errors.Is(err, audit.ErrBroken):
		c.t.Errorf("%s: not found: %v", what, err)
	case c.err != nil && !errors.Is(err, c.err):
		c.t.Errorf("%s: got %v, want %v", what, err, c.err)
	case c.err != nil:
	case c.entry >= 0 && (!isEntry || entry.Index != c.entry):
		c.t.Errorf("%s: got %v, want entry %d named", what, err, c.entry)
	case c.file != "" && (!isTile || tile.Path != c.file):
		c.t.Errorf("%s: got %v, want the file %s named", what, err, c.file)
	}
}

// at is an index left to chance.
func (c *tampered) at() int { return c.rnd.IntN(len(c.lines)) }

// two are two indexes left to chance, in order.
func (c *tampered) two() (int, int) {
	i, j := c.at(), c.at()
	for i == j {
		j = c.at()
	}
	return min(i, j), max(i, j)
}

// write puts bytes in the place of the lines. The entry to be named is the one in
// which the first byte stands that differs.
func (c *tampered) write(data []byte) {
	was := ndjson(c.lines)
	c.export[entriesFile] = &fstest.MapFile{Data: data}
	same := 0
	for same < min(len(was), len(data)) && was[same] == data[same] {
		same++
	}
	c.entry = int64(bytes.Count(was[:same], []byte("\n")))
}

func (c *tampered) writeLines(lines [][]byte) { c.write(ndjson(lines)) }

// replace puts others in the place of the lines from one index up to another.
func (c *tampered) replace(from, to int, lines ...[]byte) {
	c.writeLines(slices.Replace(slices.Clone(c.lines), from, to, lines...))
}

// reword changes a line by a function.
func (c *tampered) reword(change func(line []byte) []byte) {
	i := c.at()
	c.replace(i, i+1, change(bytes.Clone(c.lines[i])))
}

// insert puts a line before another, left to chance.
func (c *tampered) insert(line []byte) {
	i := c.at()
	c.replace(i, i, line)
}

// tile is the path of a tile left to chance.
func (c *tampered) tile() string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(c.export)) {
		if strings.HasPrefix(name, "tile/") {
			paths = append(paths, name)
		}
	}
	return paths[c.rnd.IntN(len(paths))]
}

// spoil puts other bytes in the place of a file with hashes.
func (c *tampered) spoil(name string, change func(data []byte) []byte) {
	c.export[name] = &fstest.MapFile{Data: change(bytes.Clone(c.export[name].Data))}
	c.file = name
}

// past is an earlier state of the log, left to chance.
func (c *tampered) past() *testLog { return c.testLog.at(1 + c.rnd.IntN(len(c.lines)-1)) }

// rewritten is the log with one line changed, and all that follows from it.
func (c *tampered) rewritten() (*testLog, int) {
	at := c.at()
	forged := &testLog{}
	for i, line := range c.lines {
		if i == at {
			line = forge(line)
		}
		forged.append(line)
	}
	return forged, at
}

// signedBy exports a log that somebody signed, whoever that is.
func (c *tampered) signedBy(l *testLog, key byte) fstest.MapFS {
	src := l.source(c.t, 0)
	src.Checkpoint = mustSign(c.t, l.tree.Checkpoint(origin), signer(key))
	return mustExport(c.t, src)
}

// checkpoint puts a note in the place of the checkpoint.
func (c *tampered) checkpoint(note []byte, err error) {
	c.export["checkpoint"] = &fstest.MapFile{Data: note}
	c.err = err
}
