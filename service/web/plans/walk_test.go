package plans_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// answers are what somebody types, page by page.
type answers = webtest.Answers

// day is what somebody types into the parts of a date.
func day(field, text string) map[string]string {
	parts := strings.Split(text, "-")
	return map[string]string{field + "[year]": parts[0], field + "[month]": parts[1], field + "[day]": parts[2]}
}

// both are fields of one page.
func both(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, one := range all {
		maps.Copy(out, one)
	}
	return out
}

// send sends what was checked.
func send(b *webtest.Browser) *webtest.Browser {
	b.TB.Helper()
	return b.Submit(b.At.Path, nil)
}

// text is what the page says.
func text(b *webtest.Browser) string {
	return strings.Join(strings.Fields(b.Doc.Find("main").Text()), " ")
}

// rowsOf are the rows of the first summary list, each a key and a value.
func rowsOf(b *webtest.Browser) string {
	var all []string
	b.Doc.Find(".nhsuk-summary-list__row").Each(func(_ int, row *goquery.Selection) {
		all = append(all, row.Find("dt").Text()+" "+row.Find("dd").First().Text())
	})
	return strings.Join(all, "; ")
}

// says checks what the page says.
func says(b *webtest.Browser, all ...string) {
	b.TB.Helper()
	for _, one := range all {
		if !strings.Contains(text(b), one) {
			b.TB.Errorf("%s does not say %q: %s", b.At.Path, one, text(b))
		}
	}
}

// wrong checks what the error summary says, and that the title says so.
func wrong(b *webtest.Browser, want string) {
	b.TB.Helper()
	got := strings.Join(strings.Fields(b.Doc.Find(".nhsuk-error-summary li").Text()), " ")
	if got != want || !strings.HasPrefix(b.Doc.Find("title").Text(), "Error: ") {
		b.TB.Errorf("%s (%d): the summary says %q, want %q", b.At.Path, b.Status, got, want)
	}
}

// right are right answers to what a registration asks.
func right() answers {
	return answers{
		"kind":     {"kind": "cpp"},
		"whose":    both(map[string]string{"nhs_number": "999 000 0018"}, day("date_of_birth", "2019-04-30")),
		"name":     {"given_name": "Robin", "family_name": "Example"},
		"start":    both(map[string]string{"reference": "CASE-1042"}, day("start", "2026-09-01")),
		"basis":    {"legal_basis": "s20"},
		"expected": day("expected", "2027-02-01"),
		"hidden":   {"restricted": "no"},
	}
}

// unborn are right answers to what a registration for an unborn child asks.
func unborn() answers {
	a := right()
	a["kind"] = map[string]string{"kind": "ucpp"}
	a["whose"] = both(map[string]string{"nhs_number": "9990000026"}, day("date_of_birth", "1998-04-30"))
	return a
}

// planOf returns a plan as it is.
func planOf(s *webtest.Site, id string) *plan.Found {
	s.TB.Helper()
	found, err := s.GetPlan(s.TB.Context(), servicetest.Lead, &plan.GetPlanRequest{PlanID: id})
	s.Must(err)
	return found
}

// a registers a plan, and returns where its page is.
func a(s *webtest.Site, r *domain.Registration) string {
	s.TB.Helper()
	return "/plans/" + s.MustRegister(servicetest.Lead, r).PlanID
}

func mustHave(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
