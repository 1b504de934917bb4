package plans_test

import (
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// idle is longer than a session lasts without anything done.
const idle = 16 * time.Minute

func nameIs(name string) func(int, *goquery.Selection) bool {
	return func(_ int, in *goquery.Selection) bool { return in.AttrOr("name", "") == name }
}

// A plan is ended on four pages at most, its own the first.
func TestEnd_InFourPagesAtMost(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	at := a(s, servicetest.RightCPP())
	b := s.As("lead").Get(at).Follow("End this plan")
	says(b, "Robin Example. Child protection plan, started 1 September 2026.")
	typed := answers{"last-day": both(map[string]string{"reason": "Ended at <b>review</b>"}, day("end", "2026-11-20"))}
	b.Submit(b.At.Path, day("end", "2026-08-31"))
	wrong(b, "Say why, in a few words that a colleague will understand")
	b.Submit(b.At.Path, both(map[string]string{"reason": "..."}, day("end", "2026-08-31")))
	b.Submit(b.At.Path, both(map[string]string{"reason": "review"}, day("end", "2026-08-31")))
	wrong(b, "Last day must not be before the plan started")
	b.Submit(b.At.Path, both(map[string]string{"reason": "review"}, day("end", "2028-01-01")))
	wrong(b, "Last day must be within the next 12 months")
	pages := 1 + b.Walk(typed) + 1 // its own, and what happens next
	says(b, "as a plan that has ended, until 20 November 2027", "Ended at <b>review</b>")
	before := len(s.Entries())
	says(send(b), "Plan ended", "Shown to care staff until 20 November 2027")
	s.WantEntries(before, "end_plan done")
	if pages > 4 {
		t.Errorf("%d pages", pages)
	}
	b.Follow("See the plan")
	says(b, "Ended", "Ended at <b>review</b>")
	mustHave(t, "end", planOf(s, path.Base(at)).Plan.Details.End.String(), "2026-11-20")
	b.Get(at+"/end").Want(http.StatusConflict, at+"/end", "That is not possible any more")
}

// Of two who change the same plan, the second sees what changed, keeps what was typed,
// and takes over the rest.
func TestChange_ByTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	at := a(s, servicetest.RightCPP())
	first, second := s.As("lead"), s.As("second-lead")
	change := func(b *webtest.Browser, what, to string) {
		t.Helper()
		b.Get(at).Follow("Change this plan")
		b.Walk(answers{
			"what": {"what": what}, "name": {"given_name": to}, "reference": {"reference": to}, "reason": {"reason": "as " + to + " says"},
		})
	}
	change(first, "reference", "CASE-7")
	change(second, "name", "Robyn")
	says(second, "Robyn (was: Robin)")
	says(send(first), "Plan changed")
	send(second)
	if second.Status != http.StatusConflict {
		t.Fatalf("the second got %d: %s", second.Status, text(second))
	}
	says(second, "Somebody changed this while you were typing", "Plan changed by LINDQVIST Grace (Ms)", "as CASE-7 says", "CASE-1042", "CASE-7", "Robyn")
	second.Submit(strings.TrimSuffix(second.At.Path, "check")+"changed", nil)
	mustHave(t, "leads to", path.Base(second.At.Path), "check")
	says(second, "Robyn (was: Robin)")
	says(send(second), "Plan changed")
	found := planOf(s, path.Base(at))
	mustHave(t, "name", found.Person.Given, "Robyn")
	mustHave(t, "reference", found.Plan.Details.Reference, "CASE-7")
	second.Get(at)
	says(second, "as Robyn says", "as CASE-7 says", "BELLINGHAM Amos (Mr)")
}

// Everything that a plan of a kind says can be changed, and what another kind has is
// not asked.
func TestChange_OfEachPart(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	at := a(s, servicetest.RightUCPP())
	b := s.As("lead").Get(at).Follow("Change this plan")
	if b.Doc.Find(`input[value="basis"]`).Length() != 0 || b.Doc.Find(`input[value="expected"]`).Length() != 1 {
		t.Error("it offers what another kind has")
	}
	b.Submit(b.At.Path, nil)
	wrong(b, "Select what you want to change")
	for what, c := range map[string]struct {
		typed map[string]string
		got   func(*plan.Found) string
		want  string
	}{
		"name":      {map[string]string{"given_name": "", "family_name": "Quill"}, func(f *plan.Found) string { return f.Person.Given + f.Person.Family }, "Quill"},
		"born":      {day("date_of_birth", "1999-04-30"), func(f *plan.Found) string { return f.Person.DateOfBirth.String() }, "1999-04-30"},
		"start":     {day("start", "2026-09-02"), func(f *plan.Found) string { return f.Plan.Details.Start.String() }, "2026-09-02"},
		"expected":  {day("expected", "2027-02-02"), func(f *plan.Found) string { return f.Plan.Details.Expected.String() }, "2027-02-02"},
		"last-day":  {day("end", "2026-11-20"), func(f *plan.Found) string { return f.Plan.Details.End.String() }, "2026-11-20"},
		"reference": {map[string]string{"reference": "CASE-8"}, func(f *plan.Found) string { return f.Plan.Details.Reference }, "CASE-8"},
	} {
		b.Get(at + "/change")
		b.Walk(answers{"what": {"what": what}, what: c.typed, "reason": {"reason": "a slip"}})
		says(send(b), "Plan changed")
		mustHave(t, what, c.got(planOf(s, path.Base(at))), c.want)
	}
	b.Get(at + "/change")
	b.Walk(answers{"what": {"what": "last-day"}, "last-day": {"end[day]": "", "end[month]": "", "end[year]": ""}, "reason": {"reason": "it goes on"}})
	says(send(b), "Plan changed")
	mustHave(t, "reopened", planOf(s, path.Base(at)).Plan.Details.End.IsZero(), true)
	b.Get(at + "/change")
	b.Walk(answers{"what": {"what": "reference"}, "reference": {"reference": "CASE-8"}, "reason": {"reason": "the same"}})
	says(send(b), "Nothing was different")
}

func TestRemove_StopsOnceAndSaysThatTheFlagGoes(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	at := a(s, servicetest.RightCPP())
	b := s.As("lead").Get(at).Follow("Remove this plan")
	says(b, "If it was right and is over, end it")
	b.Walk(answers{"reason": {"reason": "the wrong child"}})
	if b.Doc.Find(".nhsuk-panel--interruption h1").Length() != 1 || b.Doc.Find(".nhsuk-button--warning").Length() != 1 {
		t.Error("nothing stops who removes a plan")
	}
	says(b, "Care staff stop seeing its flag at once")
	before := len(s.Entries())
	says(send(b), "Plan removed")
	s.WantEntries(before, "remove_plan done")
	b.Follow("See the plan")
	says(b, "Removed", "the wrong child")
	if b.Doc.Find(`a[href="`+at+`/end"]`).Length() != 0 {
		t.Error("a removed plan can be ended")
	}
	for _, way := range []string{"/remove", "/end", "/change", "/transfer"} {
		b.Get(at+way).Want(http.StatusConflict, at+way, "That is not possible any more")
	}
}

func TestBirth_EndsTheMothersPlanAndRegistersTheBabys(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for number, also := range map[string]string{"9990000026": "yes", "9990000042": "no"} {
		at := a(s, servicetest.With(servicetest.RightUCPP(), func(r *domain.Registration) { r.NHSNumber = number }))
		b := s.As("lead").Get(at).Follow("Record the birth")
		typed := answers{
			"born": day("born", "2026-11-22"), "also": {"also": also}, "number": {"nhs_number": number}, "name": {"given_name": "Baby", "family_name": "Quill"},
			"start": day("start", "2026-11-22"), "hidden": {"restricted": "no"},
		}
		b.Walk(typed)
		if also == "yes" {
			send(b)
			wrong(b, "This is the mother's NHS number. Enter the child's own")
			b.Follow("This is the mother's")
			b.Submit(b.At.Path, map[string]string{"nhs_number": "999 000 0018"})
		}
		before := len(s.Entries())
		says(send(b), "Birth recorded", "until 20 December 2026")
		s.WantEntries(before, "record_birth done")
		mustHave(t, "end", planOf(s, path.Base(at)).Plan.Details.End.String(), "2026-11-22")
		if also == "no" {
			says(b, "The baby has no flag")
			continue
		}
		b.Follow("See the baby's plan")
		says(b, "Child protection plan", "Baby Quill", "22 November 2026")
		if strings.Contains(text(b), "999 000 0026") || strings.Contains(text(b), "Alex") {
			t.Error("the baby's plan names the mother")
		}
	}
	at := a(s, servicetest.Under("9990000034"))
	s.As("lead").Get(at+"/birth").Want(http.StatusConflict, at+"/birth", "That is not possible any more")
}

// A plan is shown to its authority alone, and so is each way to change it.
func TestPlan_IsItsAuthoritysAlone(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	at := a(s, servicetest.With(servicetest.RightCPP(), func(r *domain.Registration) { r.Restricted, r.DateOfBirth = true, "2008-11-23" }))
	b := s.As("lead").Get(at).Want(http.StatusOK, at, "Child protection plan")
	says(b, "Where this person lives must not be revealed", "In force Over 18", "What was done with it", "Plan registered")
	b.Follow("What happened to this person").Want(http.StatusOK, b.At.Path, "Person").Follow("Open this plan").Want(http.StatusOK, at, "Child protection plan")
	other := s.As("camden-lead")
	for _, way := range []string{"", "/end", "/change", "/remove", "/birth", "/transfer"} {
		other.Get(at+way).Want(http.StatusNotFound, at+way, "Page not found")
	}
	s.As("auditor").Get(at).Want(http.StatusForbidden, at, "You cannot do this here")
	s.As("lead").Get("/plans/nonsense").Want(http.StatusNotFound, "/plans/nonsense", "Page not found")
}
