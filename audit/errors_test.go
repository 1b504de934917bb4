package audit_test

import (
	"testing"

	"cpis/audit"
)

// TestFindingsReadAsSentences, because auditors read them.
func TestFindingsReadAsSentences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{&audit.BadEntry{Index: 5, Last: 5, Problem: audit.Changed, Other: -1}, "entry 5: changed"},
		{&audit.BadEntry{Index: 5, Last: 5, Problem: audit.OutOfOrder, Other: 9}, "entry 5: out of order (entry 9 stands there)"},
		{&audit.BadEntry{Index: 5, Last: 8, Problem: audit.Missing, Other: 9}, "entries 5 to 8: missing (entry 9 stands there)"},
		{&audit.BadEntry{Index: 0, Last: 255, Problem: audit.Unlocated, Other: -1}, "entries 0 to 255: not as signed, and their tile is damaged too"},
		{&audit.BadTile{Path: "tile/0/000", Count: 2}, "all entries verify, but 2 of the files with their hashes are damaged or missing, first tile/0/000"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
