package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"cpis/audit"
)

const entriesFile = "entries.ndjson"

// withLines returns an export whose lines were replaced.
func withLines(export fstest.MapFS, lines [][]byte) fstest.MapFS {
	changed := maps.Clone(export)
	changed[entriesFile] = &fstest.MapFile{Data: ndjson(lines)}
	return changed
}

func ndjson(lines [][]byte) []byte {
	var data []byte
	for _, line := range lines {
		data = append(append(data, line...), '\n')
	}
	return data
}

// forge returns a line that the log does not contain.
func forge(line []byte) []byte {
	return bytes.Replace(line, []byte("no_flag_known"), []byte("denied"), 1)
}

// TestEveryChangeOfOneByteIsFound tries every bit of every entry of a small
// log. The entry named must be the one that the byte belongs to.
func TestEveryChangeOfOneByteIsFound(t *testing.T) {
	t.Parallel()
	export := newLog(3).export(t)
	data := export[entriesFile].Data
	for i := range data {
		entry := int64(bytes.Count(data[:i], []byte("\n")))
		for bit := range 8 {
			changed := bytes.Clone(data)
			changed[i] ^= 1 << bit
			broken := maps.Clone(export)
			broken[entriesFile] = &fstest.MapFile{Data: changed}
			wantFirstBad(t, broken, entry, fmt.Sprintf("bit %d of byte %d", bit, i))
		}
	}
}

// TestEveryLostOrAddedByteIsFound does the same with bytes taken out, put in,
// and with the file cut short.
func TestEveryLostOrAddedByteIsFound(t *testing.T) {
	t.Parallel()
	export := newLog(3).export(t)
	data := export[entriesFile].Data
	for i := range data {
		entry := int64(bytes.Count(data[:i], []byte("\n")))
		for name, changed := range map[string][]byte{
			"lost":                slices.Delete(bytes.Clone(data), i, i+1),
			"doubled":             slices.Insert(bytes.Clone(data), i, data[i]),
			"behind a line break": slices.Insert(bytes.Clone(data), i, '\n'),
			"cut off":             data[:i],
		} {
			broken := maps.Clone(export)
			broken[entriesFile] = &fstest.MapFile{Data: changed}
			want := entry
			if data[i] == '\n' && len(changed) > len(data) {
				want++ // it is an empty line that was put in after the entry
			}
			wantFirstBad(t, broken, want, fmt.Sprintf("byte %d %s", i, name))
		}
	}
}

// wantFirstBad fails unless the first bad entry is the one given.
func wantFirstBad(tb testing.TB, export fstest.MapFS, entry int64, what string) {
	tb.Helper()
	_, err := verify(tb, export)
	var bad *audit.BadEntry
	if !errors.As(err, &bad) || !errors.Is(err, audit.ErrBroken) {
		tb.Fatalf("%s: got %v, want entry %d", what, err, entry)
	}
	if bad.Index != entry {
		tb.Fatalf("%s: got %v, want entry %d", what, bad, entry)
	}
}

// TestBreakTable is what can be done to the lines of a log, and what must be
// said about it.
func TestBreakTable(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	export := l.export(t)
	at := func(i int, lines ...[]byte) [][]byte { return slices.Insert(slices.Clone(l.lines), i, lines...) }
	without := func(from, to int) [][]byte { return slices.Delete(slices.Clone(l.lines), from, to) }
	with := func(i int, line []byte) [][]byte {
		lines := slices.Clone(l.lines)
		lines[i] = line
		return lines
	}
	swapped := func(i, j int) [][]byte {
		lines := slices.Clone(l.lines)
		lines[i], lines[j] = lines[j], lines[i]
		return lines
	}
	moved := func(from, to int) [][]byte { return slices.Insert(without(from, from+1), to, l.lines[from]) }
	reversed := slices.Clone(l.lines)
	slices.Reverse(reversed)
	bad := func(index, last int64, problem audit.Problem, other int64) audit.BadEntry {
		return audit.BadEntry{Index: index, Last: last, Problem: problem, Other: other}
	}

	for name, c := range map[string]struct {
		lines [][]byte
		want  audit.BadEntry
	}{
		"first changed":              {with(0, forge(l.lines[0])), bad(0, 0, audit.Changed, -1)},
		"one changed":                {with(300, forge(l.lines[300])), bad(300, 300, audit.Changed, -1)},
		"last of a tile changed":     {with(255, forge(l.lines[255])), bad(255, 255, audit.Changed, -1)},
		"first of a tile changed":    {with(256, forge(l.lines[256])), bad(256, 256, audit.Changed, -1)},
		"one in the rest changed":    {with(520, forge(l.lines[520])), bad(520, 520, audit.Changed, -1)},
		"last changed":               {with(599, forge(l.lines[599])), bad(599, 599, audit.Changed, -1)},
		"emptied":                    {with(300, nil), bad(300, 300, audit.Changed, -1)},
		"made endless":               {with(300, bytes.Repeat([]byte("x"), 400_000)), bad(300, 300, audit.Changed, -1)},
		"carriage return added":      {with(300, append(bytes.Clone(l.lines[300]), '\r')), bad(300, 300, audit.Changed, -1)},
		"split in two":               {with(300, []byte(`{"v":1`+"\n"+`}`)), bad(300, 300, audit.Changed, -1)},
		"replaced by one before":     {with(300, l.lines[10]), bad(300, 300, audit.Changed, 10)},
		"replaced by one after":      {with(300, l.lines[310]), bad(300, 300, audit.Changed, 310)},
		"replaced by another log's":  {with(300, newLog(601).lines[300]), bad(300, 300, audit.Changed, -1)},
		"first missing":              {without(0, 1), bad(0, 0, audit.Missing, 1)},
		"one missing":                {without(300, 301), bad(300, 300, audit.Missing, 301)},
		"last of a tile missing":     {without(255, 256), bad(255, 255, audit.Missing, 256)},
		"several missing":            {without(300, 310), bad(300, 309, audit.Missing, 310)},
		"a tile missing":             {without(256, 512), bad(256, 511, audit.Missing, 512)},
		"last missing":               {without(599, 600), bad(599, 599, audit.Missing, -1)},
		"end missing":                {without(100, 600), bad(100, 599, audit.Missing, -1)},
		"all missing":                {nil, bad(0, 599, audit.Missing, -1)},
		"forged one put in":          {at(300, forge(l.lines[300])), bad(300, 300, audit.Inserted, -1)},
		"several put in":             {at(300, forge(l.lines[1]), forge(l.lines[2])), bad(300, 300, audit.Inserted, -1)},
		"empty line put in":          {at(300, []byte{}), bad(300, 300, audit.Inserted, -1)},
		"put in before all":          {at(0, forge(l.lines[0])), bad(0, 0, audit.Inserted, -1)},
		"put in between tiles":       {at(256, forge(l.lines[0])), bad(256, 256, audit.Inserted, -1)},
		"doubled":                    {at(300, l.lines[299]), bad(300, 300, audit.Inserted, 299)},
		"earlier one again":          {at(300, l.lines[5]), bad(300, 300, audit.Inserted, 5)},
		"later one too early":        {at(300, l.lines[400]), bad(300, 300, audit.Inserted, 400)},
		"neighbours swapped":         {swapped(300, 301), bad(300, 300, audit.OutOfOrder, 301)},
		"far ones swapped":           {swapped(3, 597), bad(3, 3, audit.OutOfOrder, 597)},
		"swapped across tiles":       {swapped(255, 256), bad(255, 255, audit.OutOfOrder, 256)},
		"moved down":                 {moved(300, 500), bad(300, 300, audit.OutOfOrder, 301)},
		"moved up":                   {moved(500, 300), bad(300, 300, audit.OutOfOrder, 500)},
		"moved to the end":           {moved(0, 599), bad(0, 0, audit.OutOfOrder, 1)},
		"reversed":                   {reversed, bad(0, 0, audit.OutOfOrder, 599)},
		"forged one at the end":      {at(600, forge(l.lines[0])), bad(600, 600, audit.Extra, -1)},
		"last one doubled":           {at(600, l.lines[599]), bad(600, 600, audit.Extra, -1)},
		"empty line at the end":      {at(600, []byte{}), bad(600, 600, audit.Extra, -1)},
		"one missing, one at end":    {append(without(300, 301), forge(l.lines[0])), bad(300, 300, audit.Missing, 301)},
		"changed, and one missing":   {slices.Delete(with(300, forge(l.lines[300])), 400, 401), bad(300, 300, audit.Changed, -1)},
		"two changed":                {slices.Replace(with(300, forge(l.lines[300])), 10, 11, forge(l.lines[10])), bad(10, 10, audit.Changed, -1)},
		"all of another log":         {newLog(601).lines[:600], bad(0, 0, audit.Changed, -1)},
		"log of later entries only":  {l.lines[300:], bad(0, 299, audit.Missing, 300)},
		"entries that went too soon": {append(slices.Clone(l.lines), newLog(5).lines...), bad(600, 600, audit.Extra, -1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verify(t, withLines(export, c.lines))
			wantBad(t, err, c.want)
		})
	}
}

func TestVerifyNamesAFileThatWasCutOff(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	export := l.export(t)
	data := export[entriesFile].Data
	end := func(entry int) int { return len(bytes.Join(l.lines[:entry+1], []byte("\n"))) }
	for name, c := range map[string]struct {
		length int
		want   audit.BadEntry
	}{
		"last line feed":      {len(data) - 1, audit.BadEntry{Index: 599, Last: 599, Problem: audit.Truncated, Other: -1}},
		"within a line":       {end(300) - 7, audit.BadEntry{Index: 300, Last: 599, Problem: audit.Truncated, Other: -1}},
		"within the first":    {7, audit.BadEntry{Index: 0, Last: 599, Problem: audit.Truncated, Other: -1}},
		"between two lines":   {end(300) + 1, audit.BadEntry{Index: 301, Last: 599, Problem: audit.Missing, Other: -1}},
		"before a line feed":  {end(255), audit.BadEntry{Index: 255, Last: 599, Problem: audit.Truncated, Other: -1}},
		"between two tiles":   {end(255) + 1, audit.BadEntry{Index: 256, Last: 599, Problem: audit.Missing, Other: -1}},
		"everything":          {0, audit.BadEntry{Index: 0, Last: 599, Problem: audit.Missing, Other: -1}},
		"the file is missing": {-1, audit.BadEntry{Index: 0, Last: 599, Problem: audit.Missing, Other: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := maps.Clone(export)
			if c.length < 0 {
				delete(broken, entriesFile)
			} else {
				broken[entriesFile] = &fstest.MapFile{Data: data[:c.length]}
			}
			_, err := verify(t, broken)
			wantBad(t, err, c.want)
		})
	}
	long := withLines(export, l.lines[:300])
	long[entriesFile].Data = append(long[entriesFile].Data, bytes.Repeat([]byte("x"), 400_000)...)
	_, err := verify(t, long)
	wantBad(t, err, audit.BadEntry{Index: 300, Last: 599, Problem: audit.Truncated, Other: -1})
}

// TestAnyManipulationIsFound applies one to three random manipulations to a log
// with three levels of tiles. The entry named must be the first whose line is
// not the right one.
func TestAnyManipulationIsFound(t *testing.T) {
	t.Parallel()
	l := newLog(3000)
	export, keys := l.export(t), logKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		lines := slices.Clone(l.lines)
		for range rapid.IntRange(1, 3).Draw(t, "manipulations") {
			lines = manipulate(t, lines)
		}
		first := 0
		for first < min(len(lines), len(l.lines)) && bytes.Equal(lines[first], l.lines[first]) {
			first++
		}
		got, err := audit.Verify(t.Context(), withLines(export, lines), origin, keys)
		if slices.EqualFunc(lines, l.lines, bytes.Equal) {
			if err != nil {
				t.Fatalf("nothing was changed in effect: %v", err)
			}
			return
		}
		var bad *audit.BadEntry
		if !errors.As(err, &bad) || bad.Index != int64(first) {
			t.Fatalf("got %+v, %v, want entry %d", got, err, first)
		}
	})
}

// manipulate does something random to the lines of a log.
func manipulate(t *rapid.T, lines [][]byte) [][]byte {
	i := rapid.IntRange(0, len(lines)-1).Draw(t, "at")
	j := rapid.IntRange(0, len(lines)-1).Draw(t, "other")
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0:
		lines[i] = append([]byte{'x'}, lines[i]...)
	case 1:
		lines[i], lines[j] = lines[j], lines[i]
	case 2:
		lines = slices.Delete(lines, i, min(i+1+j%5, len(lines)))
	case 3:
		lines = slices.Insert(lines, i, lines[j])
	case 4:
		lines = slices.Insert(lines, i, forge(lines[j]))
	case 5:
		lines = lines[:i]
	}
	if len(lines) == 0 {
		lines = [][]byte{{}}
	}
	return lines
}

// TestManipulationsOfALogShortenedByRetention must be found as well, above all
// the pretence that more was removed.
func TestManipulationsOfALogShortenedByRetention(t *testing.T) {
	t.Parallel()
	l := newLog(1000)
	for _, first := range []int{100, 255, 256, 300} {
		export := mustExport(t, l.source(t, first))
		rest := l.lines[first:]
		changed := slices.Clone(rest)
		changed[7] = forge(changed[7])
		_, err := verifyFrom(t, withLines(export, changed), first)
		wantBad(t, err, audit.BadEntry{Index: int64(first + 7), Last: int64(first + 7), Problem: audit.Changed, Other: -1})

		_, err = verifyFrom(t, withLines(export, rest[1:]), first)
		wantBad(t, err, audit.BadEntry{Index: int64(first), Last: int64(first), Problem: audit.Missing, Other: int64(first + 1)})

		_, err = verifyFrom(t, withLines(export, l.lines), first)
		wantBad(t, err, audit.BadEntry{Index: int64(first), Last: int64(first), Problem: audit.Inserted, Other: 0})

		for name, text := range map[string]string{
			"more": fmt.Sprintf("%d\n", first+1), "less": fmt.Sprintf("%d\n", first-1), "nought": "0\n",
			"beyond": "1001\n", "negative": "-1\n", "not a number": "x\n", "without line feed": fmt.Sprint(first), "long": strings.Repeat("0", 100),
		} {
			lying := maps.Clone(export)
			lying["first"] = &fstest.MapFile{Data: []byte(text)}
			if _, err := verify(t, lying); !errors.Is(err, audit.ErrBroken) {
				t.Errorf("first line said to be %s: got %v, want ErrBroken", name, err)
			}
			if _, err := verifyFrom(t, lying, first); !errors.Is(err, audit.ErrBroken) {
				t.Errorf("first line said to be %s, and known: got %v, want ErrBroken", name, err)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	l := newLog(20)
	export := l.export(f)
	keys := logKeys(f)
	short := mustExport(f, l.source(f, 7))
	signed, err := audit.OpenCheckpoint(export["checkpoint"].Data, origin, keys)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(export[entriesFile].Data, export["checkpoint"].Data, export["frontier"].Data, export["tile/0/000.p/20"].Data, []byte(nil))
	f.Add(short[entriesFile].Data, short["checkpoint"].Data, short["frontier"].Data, short["tile/0/000.p/20"].Data, short["first"].Data)
	f.Fuzz(func(t *testing.T, entries, checkpoint, frontier, tile, first []byte) {
		files := fstest.MapFS{}
		for name, data := range map[string][]byte{
			entriesFile: entries, "checkpoint": checkpoint, "frontier": frontier, "tile/0/000.p/20": tile, "first": first,
		} {
			if len(data) > 0 {
				files[name] = &fstest.MapFile{Data: data}
			}
		}
		got, err := audit.Verify(t.Context(), files, origin, keys)
		var tiles *audit.BadTile
		if err != nil && !errors.As(err, &tiles) {
			if !errors.Is(err, audit.ErrBroken) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if got.Checkpoint != signed {
			return // the fuzzer keeps logs that earlier versions of this test have signed
		}
		// The only lines that can be accepted are the last of those signed.
		want := ndjson(l.lines[got.First:])
		if !bytes.Equal(entries, want) {
			t.Fatalf("a forgery was accepted: %+v, %v", got, err)
		}
	})
}
