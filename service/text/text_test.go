package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"cpis/service/text"
)

func TestFold_LeavesWhatPeopleSee(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"nothing to do", "Ann O'Example-Smith", "Ann O'Example-Smith"},
		{"letters of all scripts", "Siân Łęcki 王", "Siân Łęcki 王"},
		{"space around", " \t Ann\r\n", "Ann"},
		{"spaces within stay", "Ann  B", "Ann  B"},
		{"no-break space", "Ann\u00a0B", "Ann B"},
		{"thin, narrow, ideographic spaces", "a\u2009b\u202fc\u3000d", "a b c d"},
		{"zero width", "\ufeffA\u200bn\u200cn\u200d\u2060", "Ann"},
		{"soft hyphen", "An\u00adn", "Ann"},
		{"variation selector", "Ann\ufe0f", "Ann"},
		{"tag characters", "Ann\U000e0041\U000e007f", "Ann"},
		{"fillers", "\u3164\u115f\u2800", ""},
		{"nothing but hidden and spaces", "\u200b \u00a0\u200b", ""},
		{"hidden before a space", "\u200b Ann \u200b", "Ann"},
		{"dashes of names stay", "Ann\u2011B", "Ann\u2011B"},
		{"control stays to be refused", "a\x1b[2Jb", "a\x1b[2Jb"},
		{"NUL stays to be refused", "a\x00", "a\x00"},
		{"override stays to be refused", "a\u202eb", "a\u202eb"},
		{"broken stays to be refused", "a\xff", "a\ufffd"},
	} {
		if got := text.Fold(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPlain_MachinesReadOneSpaceAndOneHyphen(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"999-510-0061", "999\u2011510\u20110061", "999\u2013510\u20130061", "999\u2212510\u22120061", "\ufeff999\uff0d510\u2010\u200b0061\n",
	} {
		if got := text.Plain(in); got != "999-510-0061" {
			t.Errorf("%q: got %q", in, got)
		}
	}
	for _, in := range []string{"999 510 0118", "999\t510\t0118", "999\u00a0510\u202f0118", "999\u00a0\u200d510\u00a0\u200d0118"} {
		if got := text.Plain(in); got != "999 510 0118" {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestFit_RefusesWhatSteersBreaksOrTurns(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"\x00", "\x1b", "\n", "\r", "\t", "\x7f", "\u0085", "\u009b", "\u2028", "\u2029",
		"\u200e", "\u200f", "\u061c", "\u202a", "\u202d", "\u202e", "\u2066", "\u2069", "\ufffd", "\uffff", "\xff", "\xed\xa0\x80",
	} {
		if text.Fit("a" + bad + "b") {
			t.Errorf("%q is taken", bad)
		}
		if folded := text.Fold("a" + bad + "b"); text.Fit(folded) {
			t.Errorf("%q is taken once folded to %q", bad, folded)
		}
	}
	for _, good := range []string{"", "Ann", "Siân Łęcki 王", "O’Example", "a–b", "£5 (½)", "\u0600"} {
		if !text.Fit(good) || text.Fold(good) != good {
			t.Errorf("%q is refused or changed", good)
		}
	}
}

// surrounded reports whether white space stands around what is seen of a text.
// Folding takes it away, whatever it is.
func surrounded(s string) bool {
	seen := strings.Map(func(r rune) rune {
		if text.Hidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	return strings.TrimSpace(seen) != seen
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"0\v\u200d", "", "Ann", " a\u200b ", "\u200b\u00a0", "9\u20119", "\xff\xfe", "a\x00\u202e\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded, plain := text.Fold(s), text.Plain(s)
		if text.Fold(folded) != folded || text.Plain(plain) != plain {
			t.Errorf("%q: folding %q or %q again changes it", s, folded, plain)
		}
		if text.Plain(folded) != plain {
			t.Errorf("%q: it matters whether it was folded first", s)
		}
		if strings.TrimSpace(folded) != folded || strings.ContainsFunc(folded, text.Hidden) || !utf8.ValidString(folded) {
			t.Errorf("%q: %q is not as people see it", s, folded)
		}
		if text.Blank(s) != (folded == "") {
			t.Errorf("%q: blank, and not folded to nothing", s)
		}
		if !surrounded(s) && text.Fit(s) != text.Fit(folded) {
			t.Errorf("%q: folding hides what is refused", s)
		}
		if len(folded) > 3*len(s) {
			t.Errorf("%q: grew to %q", s, folded)
		}
	})
}
