package lead_test

import (
	"net/http"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

func named(i int, given, family, born string) func(*domain.Registration) {
	return func(r *domain.Registration) {
		r.NHSNumber, r.Given, r.Family, r.DateOfBirth = servicetest.NumberAt(i), given, family, born
	}
}

// From the question to the person it is three pages, none with what was typed in its
// address.
func TestFind_LeadsFromANumberToThePerson(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Notice()
	b := s.As("lead").Get("/home").Follow("Find a person").Want(http.StatusOK, "/people", "Find a person")
	before := len(s.Entries())
	b.Submit("/people", map[string]string{"number": "999 000 0018"})
	if b.Status != http.StatusOK || !strings.HasPrefix(b.At.Path, "/people/") || b.Doc.Find("h1").Text() != "Person" {
		t.Fatalf("got %d %s: %s", b.Status, b.At, b.Doc.Find("main").Text())
	}
	s.WantEntries(before, "find_people done", "get_person done", "get_person done")
	text := b.Doc.Find("main").Text()
	for _, want := range []string{"999 000 0018", "Child protection plan", "In force", "Seen in the emergency department", "Plan registered"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	b.Follow("Open the notice").Want(http.StatusOK, b.At.Path, "Seen in the emergency department")
}

// Several people are a list; with their name and date of birth it is one.
func TestFind_ByName(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(named(1, "Robin", "Quill", "2019-04-30"))
	s.Register(named(2, "Wren", "Quill", "2021-01-02"))
	s.MustFill()
	s.Turn()
	b := s.As("lead").Get("/people").Submit("/people", map[string]string{"family": "QUILL"})
	if b.Doc.Find("tbody tr").Length() != 2 || b.Doc.Find("h1").Text() != "People found" || !strings.Contains(b.Doc.Find("main").Text(), "2 people") {
		t.Fatalf("got %d %s: %s", b.Status, b.At, b.Doc.Find("main").Text())
	}
	list := b.At.RequestURI()
	b.Follow("Change what you look for").Want(http.StatusOK, "/people", "Find a person")
	if got := b.Doc.Find("#family").AttrOr("value", ""); got != "QUILL" {
		t.Errorf("typed was a name, and now %q is there", got)
	}
	b.Submit("/people", map[string]string{"born[day]": "2", "born[month]": "1", "born[year]": "2021"})
	if text := b.Doc.Find("main").Text(); b.Doc.Find("h1").Text() != "Person" || !strings.Contains(text, "Wren Quill") {
		t.Errorf("got %s: %s", b.At, text)
	}
	b.Get(b.At.Path)
	id := strings.TrimPrefix(b.At.Path, "/people/")
	b.Get("/people").Submit("/people", map[string]string{"person": strings.ToUpper(id)})
	if b.At.Path != "/people/"+id {
		t.Errorf("the authority's own identifier led to %s", b.At)
	}
	s.As("second-lead").Get(list).Want(http.StatusOK, "/people", "Find a person")
	s.As("camden-lead").Get("/people/"+id).Want(http.StatusNotFound, "/people/"+id, "Page not found")
}

// That nobody is found is said so that nobody takes it for more than it is.
func TestFind_SaysThatNobodyIsFound(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.MustFill()
	s.Turn()
	b := s.As("lead")
	for _, fields := range []map[string]string{{"number": servicetest.NumberAt(5)}, {"family": "<script>alert(1)</script>Quill"}, {"given": "Robin"}} {
		b.Get("/people").Submit("/people", fields)
		text := b.Doc.Find("main").Text()
		if strings.Contains(b.Text, "<script>alert") {
			t.Errorf("%v: what was typed came back alive", fields)
		}
		if b.Status == http.StatusOK && !strings.Contains(text, "does not mean that another authority holds nothing") {
			t.Errorf("%v: the page says %s", fields, text)
		}
	}
}

func TestFind_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/people")
	before := len(s.Entries())
	for _, tt := range []struct {
		fields map[string]string
		want   string
	}{
		{nil, "Enter the NHS number, or a name"},
		{map[string]string{"number": "999 000 001"}, "10 digits"},
		{map[string]string{"number": "999 000 0018", "family": "Quill"}, "Enter the NHS number alone"},
		{map[string]string{"number": "", "family": "Quill", "born[day]": "31", "born[month]": "2", "born[year]": "2019"}, "must be a real date"},
		{map[string]string{"born[day]": "1", "born[year]": ""}, "must include a year"},
		{map[string]string{"born[year]": "2090"}, "today or in the past"},
		{map[string]string{"person": "12345"}, "Check the identifier"},
	} {
		b.Submit("/people", tt.fields).Want(http.StatusUnprocessableEntity, "/people", "Find a person")
		if got := b.Doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(got, tt.want) {
			t.Errorf("%v: the summary says %q, want %q", tt.fields, got, tt.want)
		}
		if tt.fields["family"] != "" && b.Doc.Find("#family").AttrOr("value", "") != tt.fields["family"] {
			t.Error("what was typed is gone")
		}
	}
	s.WantEntries(before)
}
