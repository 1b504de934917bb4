package domain_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cpis/service/domain"
)

func TestParseNHSNumber(t *testing.T) {
	t.Parallel()
	const form, check, fake, marks = "ten digits", "check digit", "placeholder", "marks"
	tests := []struct {
		text string
		want string // the digits
		fail string // or a part of what is wrong
	}{
		// Numbers that are kept for tests and never issued.
		{text: "9990000018", want: "9990000018"},
		{text: "9990000026", want: "9990000026"},
		{text: "9990000034", want: "9990000034"},
		{text: "9990000042", want: "9990000042"},
		{text: "9990000050", want: "9990000050"},
		{text: "9990000069", want: "9990000069"},
		{text: "9990000077", want: "9990000077"},
		{text: "9990000085", want: "9990000085"},
		{text: "9990000093", want: "9990000093"},
		{text: "9990000107", want: "9990000107"},
		{text: "9434765919", want: "9434765919"},
		{text: "9000000009", want: "9000000009"},
		{text: "9990000220", want: "9990000220"},

		// The written forms.
		{text: "999 000 0018", want: "9990000018"},
		{text: "999-000-0018", want: "9990000018"},
		{text: "999 000-0018", fail: form},
		{text: "999-000 0018", fail: form},
		{text: "99 90000 018", fail: form},
		{text: "999  0000018", fail: form},
		{text: " 9990000018", want: "9990000018"},
		{text: "9990000018\n", want: "9990000018"},

		// What people do not see, and spaces and hyphens of other kinds.
		{text: "999\u00a0510\u00a00029", want: "9995100029"},
		{text: "999\u00a0\u200d510\u00a0\u200d0002", want: "9995100002"},
		{text: "999\u2009510\u20090037", want: "9995100037"},
		{text: "999\u202f510\u202f0045", want: "9995100045"},
		{text: "999\u200b510\u200b0053", want: "9995100053"},
		{text: "999\u2011510\u20110061", want: "9995100061"},
		{text: "999\u2013510\u20130088", want: "9995100088"},
		{text: "999\u00ad510\u00ad0096", want: "9995100096"},
		{text: "999\t510\t0118", want: "9995100118"},
		{text: "\ufeff9995100134", want: "9995100134"},
		{text: "\u202a9995100142\u202c", fail: marks},
		{text: "\u200e9995100150", fail: marks},
		{text: "9990000018\x00", fail: marks},
		{text: "\u200b", fail: form},

		// What is entered where no number is known. The check digit of most fits.
		{text: "0000000000", fail: fake},
		{text: "1111111111", fail: fake},
		{text: "444 444 4444", fail: fake},
		{text: "555-555-5555", fail: fake},
		{text: "999\u00a0999\u00a09999", fail: fake},
		{text: "0123456789", fail: fake},
		{text: "123 456 7890", fail: fake},
		{text: "1234567881", fail: fake},
		{text: "9876543210", fail: fake},
		{text: "0987654321", fail: fake},
		{text: "999.000.0018", fail: form},

		// Not numbers at all.
		{text: "", fail: form},
		{text: "999000001", fail: form},
		{text: "99900000180", fail: form},
		{text: "999000001X", fail: form},
		{text: "-990000018", fail: form},
		{text: "９９９０００００１８", fail: form},
		{text: "٩٩٩٠٠", fail: form}, // ten bytes, no digits
		{text: "999 000 001８", fail: form},

		// Numbers of literature and examples whose check digit does not fit.
		{text: "9991234560", fail: check},
		{text: "999 123 4560", fail: check},
		{text: "9912003899", fail: check},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			n, problem := domain.ParseNHSNumber(tt.text)
			if n.Reveal() != tt.want || n.IsZero() != (tt.want == "") {
				t.Errorf("digits: got %q, want %q", n.Reveal(), tt.want)
			}
			if (problem == "") != (tt.fail == "") || !strings.Contains(string(problem), tt.fail) {
				t.Errorf("problem: got %q, want one with %q", problem, tt.fail)
			}
		})
	}
}

// The remainder 10 is never issued: these nine digits have no check digit.
func TestParseNHSNumber_SomePrefixesHaveNoCheckDigit(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"999000000", "999000014", "999000028"} {
		for check := range 10 {
			if n, _ := domain.ParseNHSNumber(fmt.Sprintf("%s%d", prefix, check)); !n.IsZero() {
				t.Errorf("%s%d was accepted", prefix, check)
			}
		}
	}
}

// Every mistyped digit, and every pair of neighbours in the wrong order, is
// found: that is what modulus 11 is for.
func TestParseNHSNumber_FindsSlips(t *testing.T) {
	t.Parallel()
	const right = "9876543210"
	for i := range right {
		for d := '0'; d <= '9'; d++ {
			slip := right[:i] + string(d) + right[i+1:]
			if n, _ := domain.ParseNHSNumber(slip); slip != right && !n.IsZero() {
				t.Errorf("%s was accepted", slip)
			}
		}
	}
	for i := range len(right) - 1 {
		slip := right[:i] + right[i+1:i+2] + right[i:i+1] + right[i+2:]
		if n, _ := domain.ParseNHSNumber(slip); !n.IsZero() {
			t.Errorf("%s was accepted", slip)
		}
	}
}

func TestNHSNumber_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	n, _ := domain.ParseNHSNumber("9990000018")
	holder := struct {
		Public  domain.NHSNumber
		private domain.NHSNumber
		nested  struct{ deep domain.NHSNumber }
	}{Public: n, private: n}
	holder.nested.deep = n
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, n), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
	}
	texts = append(texts, string(encoded), fmt.Sprint(n, holder), fmt.Errorf("number %v", n).Error())
	for _, text := range texts {
		for _, trace := range []string{"9990000018", "39393930", "57 57 57 48"} { // text, hexadecimal, bytes
			if strings.Contains(text, trace) {
				t.Errorf("the number shows in %q", text)
			}
		}
	}
}

func FuzzParseNHSNumber(f *testing.F) {
	for _, seed := range []string{"9990000018", "999 000 0018", "999-000-0018", "9912003899", "", "999 000-0018", "９９９", "999 000\t0018", "999\u00a0510\u20110061"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, problem := domain.ParseNHSNumber(text)
		if n.IsZero() != (problem != "") {
			t.Fatalf("a number and a problem, or neither, for %q", text)
		}
		if problem != "" {
			return
		}
		digits := n.Reveal()
		if got := asciiDigits(text); got != digits {
			t.Fatalf("%q was read as %q", text, digits)
		}
		if !fitsModulus11(digits) {
			t.Fatalf("%q was accepted", digits)
		}
		for _, form := range []string{digits, digits[:3] + " " + digits[3:6] + " " + digits[6:]} {
			if again, _ := domain.ParseNHSNumber(form); again.Reveal() != digits {
				t.Fatalf("%q was read as %q", form, again.Reveal())
			}
		}
	})
}

// asciiDigits returns the digits of a text in their order: whatever stands
// between them, a number that is read has just these.
func asciiDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// fitsModulus11 is the check as the data dictionary writes it down, step by
// step.
func fitsModulus11(digits string) bool {
	total := 0
	for i, weight := range []int{10, 9, 8, 7, 6, 5, 4, 3, 2} {
		total += weight * int(digits[i]-'0')
	}
	check := 11 - total%11
	if check == 11 {
		check = 0
	}
	return check != 10 && check == int(digits[9]-'0')
}
