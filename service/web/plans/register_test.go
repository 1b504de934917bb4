package plans_test

import (
	"net/http"
	"path"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// A plan of each kind is registered on eight pages at most, from home to what happens
// next.
func TestRegister_InEightPagesAtMost(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	lac, secret := right(), right()
	lac["kind"], secret["kind"] = map[string]string{"kind": "lac"}, map[string]string{"kind": "cpp"}
	lac["start"] = day("start", "2026-10-01")
	secret["whose"] = both(map[string]string{"nhs_number": "999 000 0034"}, day("date_of_birth", "2019-04-30"))
	secret["hidden"] = map[string]string{"restricted": "yes"}
	for _, c := range []struct {
		name  string
		typed answers
		says  []string
	}{
		{"cpp", right(), []string{"see the flag and your numbers now", "You get a notice"}},
		{"lac", lac, []string{"see the flag and your numbers now"}},
		{"ucpp", unborn(), []string{"Care staff who look up the mother"}},
		{"hidden", secret, []string{"They do not see your authority"}},
	} {
		b := s.As("lead").Get("/home").Follow("Register a plan")
		pages := b.Walk(c.typed) + 1 // what happens next
		says(b, "Care staff in England see this flag as soon as you register it")
		before := len(s.Entries())
		send(b)
		s.WantEntries(before, "register_plan done")
		says(b, c.says...)
		says(b, "Plan registered", "What happens next", "Receipt")
		if pages > 8 || b.Status != http.StatusOK || path.Base(b.At.Path) != "done" {
			t.Errorf("%s: %d pages, and then %d %s", c.name, pages, b.Status, b.At.Path)
		}
		t.Logf("%s: %d pages", c.name, pages)
		receipt := b.Doc.Find(".break-anywhere dd").First().Text()
		b.Follow("See the plan")
		says(b, "In force", "Plan registered", "LINDQVIST Grace (Ms)")
		s.Must(s.Sign(t.Context()))
		b.Get("/log").Submit("/log", map[string]string{"receipt": receipt}).Want(http.StatusOK, b.At.Path, "This entry is in the log")
	}
}

// What was registered is what was checked, in each field.
func TestRegister_RecordsWhatWasChecked(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/plans/new")
	b.Walk(unborn())
	rows := rowsOf(b)
	for _, want := range []string{
		"Kind of plan Unborn child protection plan", "NHS number 999 000 0026", "Date of birth 30 April 1998", "Given names Robin", "Family name Example",
		"Start date 1 September 2026", "Your reference CASE-1042", "Due date 1 February 2027", "Keep hidden where they live No",
	} {
		if !strings.Contains(rows, want) {
			t.Errorf("the check page lacks %q: %s", want, rows)
		}
	}
	if strings.Contains(rows, "Legal basis") {
		t.Error("it asks for what another kind of plan has")
	}
	send(b).Follow("See the plan")
	found := planOf(s, path.Base(b.At.Path))
	d := found.Plan.Details
	mustHave(t, "kind", d.Kind, domain.UCPP)
	mustHave(t, "start", d.Start.String(), "2026-09-01")
	mustHave(t, "expected", d.Expected.String(), "2027-02-01")
	mustHave(t, "reference", d.Reference, "CASE-1042")
	mustHave(t, "number", found.Person.NHSNumber.Reveal(), "9990000026")
	mustHave(t, "name", found.Person.Given+" "+found.Person.Family, "Robin Example")
}

// Each mistake says what to do, beside the field; what was typed is still there.
func TestRegister_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	a(s, servicetest.Under("9990000034"))
	b := s.As("lead")
	for _, c := range []struct {
		page  string
		typed map[string]string
		want  string
	}{
		{"kind", map[string]string{}, "Select what kind of plan it is"},
		{"kind", map[string]string{"kind": "other"}, "Select what kind of plan it is"},
		{"whose", day("date_of_birth", "2019-04-30"), "Enter the NHS number"},
		{"whose", both(map[string]string{"nhs_number": "999 000 0019"}, day("date_of_birth", "2019-04-30")), "Check the NHS number: one of the digits is not right"},
		{"whose", map[string]string{"nhs_number": "9990000018"}, "Enter the date of birth"},
		{"whose", both(map[string]string{"nhs_number": "9990000018"}, day("date_of_birth", "2019--30")), "Date of birth must include a month"},
		{"whose", both(map[string]string{"nhs_number": "9990000018"}, day("date_of_birth", "2019-02-30")), "Date of birth must be a real date, like 1 9 2026"},
		{"whose", both(map[string]string{"nhs_number": "9990000018"}, day("date_of_birth", "2027-02-01")), "Date of birth must be today or in the past"},
		{"whose", both(map[string]string{"nhs_number": "9990000034"}, day("date_of_birth", "2018-04-30")), "We hold another date of birth for this NHS number. Check both with whoever gave them to you"},
		{"name", map[string]string{}, "Enter a given name or a family name"},
		{"name", map[string]string{"given_name": "Ro\u202ebin"}, "Given names must not hold control characters"},
		{"start", map[string]string{}, "Enter the start date"},
		{"start", day("start", "2026-11-24"), "Start date must be today or in the past"},
		{"start", day("start", "2019-04-29"), "Start date must be the date of birth or later. For a baby who is not born yet, register an unborn child protection plan"},
		{"basis", map[string]string{}, "Select the legal basis"},
		{"hidden", map[string]string{}, "Select yes if where they live must be kept hidden"},
	} {
		typed := right()
		typed["kind"] = map[string]string{"kind": "lac"}
		b.Get("/plans/new")
		for path.Base(b.At.Path) != c.page {
			b.Submit(b.At.Path, typed[path.Base(b.At.Path)])
		}
		b.Submit(b.At.Path, c.typed)
		if b.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s %v: status %d", c.page, c.typed, b.Status)
		}
		if got := strings.TrimSpace(b.Doc.Find(".nhsuk-error-summary li").First().Text()); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %v: says %q, want %q", c.page, c.typed, got, c.want)
		}
		link := b.Doc.Find(".nhsuk-error-summary li a").AttrOr("href", "")
		if link == "" || b.Doc.Find(link).Length() != 1 {
			t.Errorf("%s %v: %q leads to no field", c.page, c.typed, link)
		}
		for name, value := range c.typed {
			if in := b.Doc.Find(`input[type="text"]`).FilterFunction(nameIs(name)); in.Length() == 1 && in.AttrOr("value", "") != value {
				t.Errorf("%s: %q was typed into %s, which says %q", c.page, value, name, in.AttrOr("value", ""))
			}
		}
	}
}

// Whom the authority knows already is said to be known, by the name that it holds.
func TestRegister_SaysWhoIsKnownAlready(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	held := planOf(s, path.Base(a(s, servicetest.RightLAC())))
	b := s.As("lead").Get("/plans/new")
	typed := right()
	b.Submit(b.At.Path, typed["kind"])
	before := len(s.Entries())
	b.Submit(b.At.Path, typed["whose"])
	s.WantEntries(before, "get_person done")
	says(b, "You have plans about this person already", "Looked-after child, started 1 September 2026 (in force)", "Change it if it is wrong")
	mustHave(t, "given name", b.Doc.Find("#given_name").AttrOr("value", ""), "Robin")
	at := strings.TrimSuffix(b.At.Path, "name")
	b.Get(at+"whose").Submit(at+"whose", both(map[string]string{"nhs_number": "999 000 0042"}, day("date_of_birth", "2019-04-30")))
	mustHave(t, "somebody else's name", b.Doc.Find("#given_name").AttrOr("value", ""), "")
	b.Get("/plans/new?person="+held.PersonID).Submit(b.At.Path, typed["kind"])
	if path.Base(b.At.Path) != "name" {
		t.Errorf("whom it is about is asked for again: %s", b.At.Path)
	}
	delete(typed, "whose")
	b.Walk(typed)
	says(b, "999 000 0018", "30 April 2019", "You have plans about this person already")
	s.As("camden-lead").Get("/plans/new?person="+held.PersonID).Want(http.StatusNotFound, "/plans/new", "Page not found")
}

// Where the room refuses, the check page says why, and leads to the page that asks for
// it.
func TestRegister_ThatTheRoomRefuses(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	a(s, servicetest.RightCPP())
	b := s.As("lead").Get("/plans/new")
	b.Walk(right())
	send(b)
	wrong(b, "You have registered a plan of this kind with this start date already. Change that plan instead")
	b.Follow("You have registered a plan")
	mustHave(t, "it leads to", path.Base(b.At.Path), "start")
	b.Submit(b.At.Path, both(map[string]string{"reference": ""}, day("start", "2026-10-01")))
	send(b)
	wrong(b, "You have a plan of this kind for the same time. Change that plan instead")
	other := right()
	other["whose"] = both(map[string]string{"nhs_number": "999 000 0034"}, day("date_of_birth", "2018-01-01"))
	s.MustRegister(servicetest.OtherLead, servicetest.Under("9990000034"))
	b.Get("/plans/new")
	b.Walk(other)
	send(b)
	wrong(b, "We hold another date of birth for this NHS number. Check both with whoever gave them to you")
}

// A kind that is changed at last asks what that kind has, and says nothing of the other.
func TestRegister_AnswersCanBeChangedBeforeTheAct(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/plans/new")
	typed := right()
	typed["kind"] = map[string]string{"kind": "lac"}
	b.Walk(typed)
	at := strings.TrimSuffix(b.At.Path, "check")
	b.Get(at+"kind").Submit(at+"kind", map[string]string{"kind": "cpp"})
	mustHave(t, "back at", path.Base(b.At.Path), "check")
	if strings.Contains(text(b), "Legal basis") {
		t.Error("the legal basis is still there")
	}
	send(b).Follow("See the plan")
	mustHave(t, "basis", planOf(s, path.Base(b.At.Path)).Plan.Details.Basis, domain.NoBasis)
}

// Going back, another tab, a double click, a stranger: nothing is done twice, and
// nothing that was not checked.
func TestRegister_IsDoneOnceAndAsItWasChecked(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, tab := s.As("lead"), s.As("lead")
	b.Get("/plans/new")
	early := strings.TrimSuffix(b.At.Path, "kind")
	mustHave(t, "asked for too early", path.Base(b.Get(early+"check").At.Path), "kind")
	mustHave(t, "a page that is none", path.Base(b.Get(early+"nothing").At.Path), "kind")
	b.Walk(right())
	form := map[string]string{"request": b.Doc.Find(`input[name="request"]`).AttrOr("value", "")}
	tab.Get(early+"name").Submit(early+"name", map[string]string{"given_name": "Robyn", "family_name": "Example"})
	send(b)
	wrong(b, "Your answers have changed since this page was shown. Check them again")
	says(b, "Robyn")
	mustHave(t, "plans", s.Count("plan"), 0)
	b.Submit(b.At.Path, form)
	mustHave(t, "plans", s.Count("plan"), 0)
	send(b.Get(early + "check"))
	says(b, "Plan registered")
	for _, page := range []string{"kind", "check", "done"} {
		mustHave(t, page+" leads to", path.Base(b.Get(early+page).At.Path), "done")
	}
	b.Send(http.MethodPost, early+"check", nil, nil)
	mustHave(t, "plans", s.Count("plan"), 1)
	s.As("second-lead").Get(early+"done").Want(http.StatusNotFound, early+"done", "This form is not kept any more")
}

// What people write comes back as they wrote it, and does nothing.
func TestRegister_HostileTextIsInert(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	typed := right()
	typed["name"] = map[string]string{"given_name": `<script>alert(1)</script>`, "family_name": `"><img src=x onerror=alert(1)>`}
	typed["start"] = both(map[string]string{"reference": `=cmd|' /C calc'!A0`}, day("start", "2026-09-01"))
	b := s.As("lead").Get("/plans/new")
	b.Walk(typed)
	inert := func() {
		t.Helper()
		says(b, `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `=cmd|' /C calc'!A0`)
		if b.Doc.Find("main script, main img").Length() != 0 {
			t.Errorf("%s has elements that somebody typed", b.At.Path)
		}
	}
	inert()
	send(b).Follow("See the plan")
	inert()
}

// A session that ends in the middle of a form keeps what was typed, for who typed it.
func TestRegister_KeepsWhatWasTypedWhenTheSessionEnds(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/plans/new")
	typed := right()
	b.Submit(b.At.Path, typed["kind"]).Submit(b.At.Path, typed["whose"])
	at := b.At.Path
	s.Clock.Advance(idle)
	b.Submit(at, typed["name"])
	b.LogIn("lead")
	if b.At.Path != at || b.Doc.Find("#given_name").AttrOr("value", "") != "Robin" {
		t.Errorf("at %s, which says %q", b.At.Path, b.Doc.Find("#given_name").AttrOr("value", ""))
	}
	b.Walk(typed)
	says(send(b), "Plan registered")
}
