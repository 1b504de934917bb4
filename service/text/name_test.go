package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"cpis/service/text"
)

func TestNameParts_AreComparedHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"Example", "example"},
		{"EXAMPLE", "example"},
		{" Robin \u00a0 Lee ", "robin|lee"},
		{"Smith-Jones", "smith|jones"},
		{"Smith\u2011Jones", "smith|jones"}, // a hyphen that does not break
		{"Smith \u2013 Jones", "smith|jones"},
		{"O'Brien", "obrien"},
		{"O\u2019Brien", "obrien"},
		{"O\u02bcBrien", "obrien"},
		{"OBrien", "obrien"},
		{"O Brien", "o|brien"},
		{"D'Arcy-O'Neil", "darcy|oneil"},
		{"Zoë", "zoe"},
		{"Zoe\u0308", "zoe"},
		{"Siân Łęcki", "sian|lecki"},
		{"Strauß", "strauss"},
		{"STRAUẞ", "strauss"},
		{"Øystein Ærø", "oystein|aero"},
		{"İpek Işık", "ipek|isik"},
		{"Ｆｕｌｌ", "full"},
		{"de la Cruz, Jr.", "de|la|cruz|jr"},
		{"An\u200bn", "ann"},
		{"王 小明", "王|小明"},
		{"", ""},
		{" - ' ", ""},
	} {
		if diff := cmp.Diff(tt.want, strings.Join(text.NameParts(tt.in), "|")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.in, diff)
		}
	}
}

// However a name is written by one who compares it, its parts have the same parts.
func FuzzNameParts(f *testing.F) {
	for _, s := range []string{"Zoë O'Brien-Łęcki", "İSTANBUL", "a\u0301\u0327b", "\xff", "ﬁn"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts := text.NameParts(s)
		again := text.NameParts(strings.Join(parts, " "))
		if utf8.ValidString(s) && !cmp.Equal(parts, again) {
			t.Errorf("%q: parts %q have the parts %q", s, parts, again)
		}
		for _, p := range parts {
			if p == "" || strings.ContainsRune(p, ' ') {
				t.Errorf("%q: part %q", s, p)
			}
		}
	})
}
