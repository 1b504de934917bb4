package directory

import (
	"regexp"
	"slices"

	"github.com/nyaruka/phonenumbers"

	"cpis/service/domain"
)

// Right values, shown beside what is wrong.
const (
	exampleDuty  = "0300 123 4567"
	exampleHours = "Mon-Thu 08:45-17:15; Fri 08:45-16:45"
)

// writtenPhone is how a telephone number may be written. What reads it next is
// kinder than is safe here: it takes letters for the keys that they stand on.
var writtenPhone = regexp.MustCompile(`(?i)^\+?[0-9 ().-]+( ?(ext\.?|x) ?[0-9]{1,6})?$`)

// Kinds of numbers on which somebody may be reached from any telephone of a
// hospital or practice.
var (
	officePhones = []phonenumbers.PhoneNumberType{
		phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.UAN, phonenumbers.VOIP, phonenumbers.TOLL_FREE,
	}
	// dutyPhones: whoever is on duty at night may carry a mobile.
	dutyPhones = append(slices.Clone(officePhones), phonenumbers.MOBILE)
)

// readPhone reads a telephone number of the United Kingdom, and returns it as it
// is dialled there.
func readPhone(c *domain.Reader, field, text string, kinds []phonenumbers.PhoneNumberType, example string) string {
	text = c.Text(field, text, domain.MaxPhoneLength, example)
	if text == "" {
		return ""
	}
	n, err := phonenumbers.Parse(text, "GB")
	switch {
	case !writtenPhone.MatchString(text), err != nil, !phonenumbers.IsValidNumberForRegion(n, "GB"):
		c.Add(field, "is not a telephone number of the United Kingdom", example)
	case phonenumbers.GetNumberType(n) == phonenumbers.MOBILE && !slices.Contains(kinds, phonenumbers.MOBILE):
		c.Add(field, "must not be a mobile number", example)
	case !slices.Contains(kinds, phonenumbers.GetNumberType(n)):
		c.Add(field, "must not be a personal number, nor one for which callers pay extra", example)
	default:
		return phonenumbers.Format(n, phonenumbers.NATIONAL)
	}
	return ""
}

// exampleHub is a hub's name.
const exampleHub = "National safeguarding hub"

// ReadHub reads whom to ring if an authority must not be named, and returns
// what is wrong with it. The number must be one that can be dialled. It may be
// of any kind, and one that is kept free for examples.
func ReadHub(name, phone string) (domain.Hub, []domain.Violation) {
	var check domain.Reader
	h := domain.Hub{
		Name:  check.Text("name", name, maxHubName, exampleHub),
		Phone: check.Text("phone", phone, domain.MaxPhoneLength, exampleDuty),
	}
	n, err := phonenumbers.Parse(h.Phone, "GB")
	if h.Phone != "" && (!writtenPhone.MatchString(h.Phone) || err != nil || !phonenumbers.IsPossibleNumber(n)) {
		check.Add("phone", "is not a telephone number of the United Kingdom", exampleDuty)
	}
	return h, check.Violations
}

// maxHubName bounds a hub's name, in characters.
const maxHubName = 100
