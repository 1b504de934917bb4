package archive_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"cpis/audit"
	"cpis/audit/archive"
)

// Lines are read ahead of those who judge them. More of them than are read ahead
// verify; where one is wrong the reading ends, wherever it is.
func TestVerify_ConcurrentReading(t *testing.T) {
	t.Parallel()
	src := sourceOf(newLog(origin, 1000).part(t, 0, 1))
	src.Manifest.Formats = []archive.Format{archive.CSV}
	file, keys := mustWrite(t, src), keysOf(t, origin)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if r, err := verify(t, file, keys); err != nil || r.Entries != 1000 {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
	for _, wrong := range []int64{0, 1, 700, 999} {
		all.Go(func() {
			_, err := verify(t, pack(t, changedAt(unpack(t, file), wrong)), keys)
			if bad, ok := errors.AsType[*audit.BadEntry](err); !ok || bad.Index != wrong {
				t.Errorf("line %d: got %v", wrong, err)
			}
		})
	}
	all.Wait()
}

// changedAt changes the line of an entry.
func changedAt(files []member, index int64) []member {
	for i, m := range files {
		if m.name != "log-1/entries.ndjson" {
			continue
		}
		lines := bytes.SplitAfter(bytes.Clone(m.content), []byte("\n"))
		lines[lineOf(index)][20] ^= 1
		files[i].content = bytes.Join(lines, nil)
	}
	return files
}

// lineOf returns the place of an entry's line among those that are there: two of
// ten are not.
func lineOf(index int64) (at int64) {
	for i := range index {
		if i%10 != 5 && i%10 != 7 {
			at++
		}
	}
	return at
}
