package text_test

import (
	"testing"

	"cpis/service/text"
)

func TestSlips_CountsWhatIsPutInTakenOutOrChanged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "dob", 3},
		{"end", "end", 0},
		{"end", "ends", 1},
		{"end", "nd", 1},
		{"end", "and", 1},
		{"surname", "sruname", 2}, // two letters that changed places
		{"kitten", "sitting", 3},
	} {
		if got := text.Slips(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := text.Slips(tt.b, tt.a); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
