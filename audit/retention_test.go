package audit_test

import (
	"errors"
	"testing"

	"cpis/audit"
)

// retaining returns a log of 700 entries in which one says that the lines before
// an index are removed.
func retaining(at int, first int64) *testLog {
	l := newLog(700).at(at)
	e := exampleEntry()
	e.SayRetained(first)
	l.append(e.AppendLine(nil))
	for _, line := range newLog(700).lines[at+1:] {
		l.append(line)
	}
	return l
}

// Whoever deletes the oldest lines deletes nothing that is missed, unless what
// was to be removed stands in the log.
func TestVerifyMissesLinesThatNoEntrySaysWereRemoved(t *testing.T) {
	t.Parallel()
	plain := newLog(700)
	for _, first := range []int{1, 256, 699, 700} {
		_, err := verify(t, mustExport(t, plain.source(t, first)))
		wantBad(t, err, audit.BadEntry{Index: 0, Last: int64(first - 1), Problem: audit.Removed, Other: -1})
		if _, err := verifyFrom(t, mustExport(t, plain.source(t, first)), first); err != nil {
			t.Errorf("known to begin with %d: %v", first, err)
		}
		_, err = verifyFrom(t, mustExport(t, plain.source(t, first)), 0)
		wantBad(t, err, audit.BadEntry{Index: 0, Last: int64(first - 1), Problem: audit.Removed, Other: -1})
		if _, err := verifyFrom(t, mustExport(t, plain.source(t, first)), first+1); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("known to begin with %d: got %v, want ErrBroken", first+1, err)
		}
	}
}

// Exactly what an entry of the log says was removed may be missing, or nothing.
func TestVerifyAcceptsWhatAnEntrySaysWasRemoved(t *testing.T) {
	t.Parallel()
	l := retaining(600, 512)
	for first, ok := range map[int]bool{0: true, 256: false, 511: false, 512: true, 513: false, 601: false, 700: false} {
		_, err := verify(t, mustExport(t, l.source(t, first)))
		if ok != (err == nil) {
			t.Errorf("lines from %d: got %v", first, err)
		}
		var bad *audit.BadEntry
		if !ok && (!errors.As(err, &bad) || bad.Problem != audit.Removed) {
			t.Errorf("lines from %d: got %v, want %q", first, err, audit.Removed)
		}
	}
}

func TestRetains(t *testing.T) {
	t.Parallel()
	said := exampleEntry()
	said.SayRetained(512)
	if first, ok := said.Retains(); !ok || first != 512 {
		t.Errorf("got %d %v", first, ok)
	}
	for name, change := range map[string]func(*audit.Entry){
		"look-up":     func(e *audit.Entry) { e.Action = "look_up" },
		"other rule":  func(e *audit.Entry) { e.Rule = "export_log" },
		"failed":      func(e *audit.Entry) { e.Outcome = "failed" },
		"no index":    func(e *audit.Entry) { e.Counts = nil },
		"nothing":     func(e *audit.Entry) { e.Counts = audit.Counts{"first": 0} },
		"other count": func(e *audit.Entry) { e.Counts = audit.Counts{"entries": 512} },
	} {
		e := said
		change(&e)
		if first, ok := e.Retains(); ok {
			t.Errorf("%s: removes lines before %d", name, first)
		}
	}
}
