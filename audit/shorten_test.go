package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"

	"cpis/audit"
)

// long returns an entry that discloses plans, and shows notices and transfers.
func long(plans, notices, transfers int) audit.Entry {
	e := secondEntry()
	e.Disclosed, e.Shown, e.Counts = nil, nil, audit.Counts{"shown": 7}
	for i := range plans {
		e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: fmt.Sprintf("01935970-2a4b-7a10-9d3e-%012d", i), Version: i})
	}
	for kind, n := range map[string]int{"notice": notices, "transfer": transfers} {
		shown := audit.Shown{Kind: kind}
		for i := range n {
			shown.IDs = append(shown.IDs, fmt.Sprintf("01935970-2a4b-7a10-9d3e-%012d", i))
		}
		if n > 0 {
			e.Shown = append(e.Shown, shown)
		}
	}
	return e
}

// However much an answer showed, its line is one that can be read: it says how much
// is left out, and a hash of all of it.
func TestAppendLine_ShortensListsThatAreTooLong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		plans, notices, transfers int
		disclosed, shown          int64 // left out
	}{
		{1100, 0, 0, 600, 0}, {5000, 3, 0, 4500, 0}, {0, 1700, 0, 0, 1450}, {600, 1000, 0, 100, 750}, {0, 900, 900, 0, 1550}, {100, 1700, 0, 0, 1450},
	} {
		e := long(tt.plans, tt.notices, tt.transfers)
		line := e.AppendLine([]byte("before "))[len("before "):]
		got, err := audit.ParseLine(line)
		if err != nil {
			t.Errorf("%+v: a line of %d bytes: %v", tt, len(line), err)
			continue
		}
		if got.Counts["disclosed_left_out"] != tt.disclosed || got.Counts["shown_left_out"] != tt.shown || got.Counts["shown"] != 7 {
			t.Errorf("%+v: counts are %v", tt, got.Counts)
		}
		whole := e
		whole.Counts = nil
		last := got.Shown[len(got.Shown)-1]
		if sum := sha256.Sum256(lists(&whole)); last.Kind != audit.LeftOut || last.IDs[0] != base64.RawURLEncoding.EncodeToString(sum[:]) {
			t.Errorf("%+v: the hash is %+v", tt, last)
		}
		if len(e.Counts) != 1 {
			t.Errorf("%+v: the entry itself was changed", tt)
		}
	}
}

// lists is what the line of an entry would say in its lists, taken from shorter lines.
func lists(e *audit.Entry) []byte {
	var all []byte
	for i, d := range e.Disclosed {
		one := audit.Entry{Disclosed: []audit.Disclosed{d}}
		_, text, _ := bytes.Cut(one.AppendLine(nil), []byte(`"disclosed":[`))
		all = append(append(all, separator(i, `,"disclosed":[`)...), bytes.TrimSuffix(text, []byte("]}"))...)
	}
	if len(e.Disclosed) > 0 {
		all = append(all, ']')
	}
	for i, s := range e.Shown {
		all = append(all, separator(i, `,"shown":[`)...)
		all = fmt.Appendf(all, `{"kind":%q,"ids":[`, s.Kind)
		for j, id := range s.IDs {
			all = fmt.Appendf(all, "%s%q", separator(j, ""), id)
		}
		all = append(all, "]}"...)
	}
	if len(e.Shown) > 0 {
		all = append(all, ']')
	}
	return all
}

func separator(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

// What fits stands in the line whole.
func TestAppendLine_KeepsListsThatFit(t *testing.T) {
	t.Parallel()
	e := long(700, 100, 0)
	line := e.AppendLine(nil)
	got, err := audit.ParseLine(line)
	if err != nil || len(got.Disclosed) != 700 || len(got.Shown) != 1 || len(got.Counts) != 1 {
		t.Errorf("%d bytes: %d plans, %d lists, counts %v, %v", len(line), len(got.Disclosed), len(got.Shown), got.Counts, err)
	}
}
