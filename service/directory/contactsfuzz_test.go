package directory_test

import (
	"strings"
	"testing"
	"unicode"

	"cpis/service/directory"
)

// Whatever is taken for numbers can be dialled, and is taken again just so.
func FuzzContacts(f *testing.F) {
	for _, seed := range []directory.Numbers{
		newNumbers,
		{Duty: "+44 (0)20 7946 0102 ext. 12"},
		{Office: "0044 161 496 0123", Hours: "Mon-Thu 08:45-17:15; Fri 08:45-16:45", Duty: "07400123456"},
		{Office: "0906 123 4567", Hours: "Sat-Mon 10:00-12:00", Duty: "0800 FLOWERS"},
		{Office: "tel:020-7946-0102;ext=1", Hours: ";;", Duty: "٠٢٠٧٩٤٦٠١٠٢"},
	} {
		f.Add(seed.Office, seed.Hours, seed.Duty)
	}
	f.Fuzz(func(t *testing.T, office, hours, duty string) {
		right, err := directory.ReadContacts(directory.Numbers{Office: office, Hours: hours, Duty: duty})
		if err != nil {
			return
		}
		again, err := directory.ReadContacts(right)
		if err != nil || again != right {
			t.Errorf("%+v read again: got %+v, %v", right, again, err)
		}
		for _, phone := range []string{right.Office, right.Duty} {
			digits := strings.Map(func(r rune) rune {
				if unicode.IsDigit(r) {
					return r
				}
				return -1
			}, phone)
			if phone != "" && (len(digits) < 7 || len(phone) > 40 || !strings.HasPrefix(phone, "0")) {
				t.Errorf("taken for a number: %q", phone)
			}
		}
		if right.Duty == "" || (right.Office == "") != (right.Hours == "") && right.Office != "" {
			t.Errorf("taken for contacts: %+v", right)
		}
	})
}
