package lead_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

const child = "9990000018"

// titles are the headings of what happened, in their order.
func titles(b *webtest.Browser) []string {
	return b.Doc.Find(".timeline__title").Map(func(_ int, h *goquery.Selection) string {
		return strings.Join(strings.Fields(h.Text()), " ")
	})
}

// Who changed what, when and why; who looked; what the authority was told: newest
// first, and a look-up with its notice once.
func TestPerson_ShowsWhatHappened(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	held := s.MustRegister(servicetest.Lead, servicetest.RightCPP())
	s.Clock.Advance(time.Hour)
	s.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	s.Clock.Advance(time.Hour)
	q := servicetest.Amendment(held, servicetest.RightCPP())
	q.Reference, q.Reason = "CASE-<script>alert(1)</script>", "=1+1 the reference was wrong"
	s.MustAmend(servicetest.Lead, q)
	b := s.As("lead")
	id := s.MustGet(servicetest.Lead, child).ID
	b.Get("/people/"+id).Want(http.StatusOK, "/people/"+id, "Person")
	if n := b.Doc.Find(`a[href="/plans/` + held.PlanID + `"]`).Length(); n != 1 {
		t.Errorf("%d links lead to the plan", n)
	}
	for _, way := range []string{"/plans/new?person=" + id, "/people/" + id + "/restrict", "/people/" + id + "/number", "/people/" + id + "/merge", "/proposals?all=1"} {
		if n := b.Doc.Find(`a[href="` + way + `"]`).Length(); n != 1 {
			t.Errorf("%d links lead to %s", n, way)
		}
	}
	want := []string{"Plan changed", "Seen in the emergency department Not answered", "Plan registered"}
	if got := titles(b); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	text := b.Doc.Find(".timeline").Text()
	for _, want := range []string{"Your reference changed from", "to CASE-<script>alert(1)</script>", "Reason: =1+1 the reference was wrong", "WHITTINGTON"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	if strings.Contains(b.Text, "<script>alert") {
		t.Error("what somebody typed came back alive")
	}
	for show, n := range map[string]int{"plan": 2, "access": 1, "notice": 1, "correction": 0, "nonsense": 3} {
		if got := titles(b.Get("/people/" + id + "?show=" + show)); len(got) != n {
			t.Errorf("%s: got %q, want %d", show, got, n)
		}
	}
}

// A mistake stays where it was, and says that it was one.
func TestPerson_SaysThatItWasAnotherPatient(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Notice()
	s.Clock.Advance(time.Minute)
	s.MustReportWrong(servicetest.Nurse, servicetest.WrongPatient("ED-1"))
	b := s.As("lead").Get("/people/" + s.MustGet(servicetest.Lead, child).ID + "?show=correction")
	want := []string{"An earlier notice was wrong Not answered", "Seen in the emergency department Wrong patient Not answered Corrected"}
	if got := titles(b); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if text := b.Doc.Find(".timeline").Text(); !strings.Contains(text, "This was another patient. That was reported on 23 November 2026 at 12:01pm") {
		t.Errorf("the page says %q", text)
	}
}

// A long history has pages, forward and back, and a bookmark of one that is none is
// the first.
func TestPerson_HasPages(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	held := s.MustRegister(servicetest.Lead, servicetest.RightCPP())
	for i := range 60 {
		q := servicetest.Amendment(held, servicetest.RightCPP())
		q.Version, q.Reference = i+1, "CASE-"+time.Duration(i).String()
		s.MustAmend(servicetest.Lead, q)
		s.Clock.Advance(time.Minute)
	}
	b := s.As("lead")
	first := "/people/" + s.MustGet(servicetest.Lead, child).ID
	if got := titles(b.Get(first)); len(got) != 50 {
		t.Errorf("the first page has %d", len(got))
	}
	if got := titles(b.Follow("Next")); len(got) != 11 || got[10] != "Plan registered" {
		t.Errorf("the second page has %q", got)
	}
	if got := titles(b.Follow("Previous")); len(got) != 50 {
		t.Errorf("back on the first page are %d", len(got))
	}
	if got := titles(b.Get(first + "?page=nonsense")); len(got) != 50 {
		t.Errorf("a bookmark of no page shows %d", len(got))
	}
}

// A restricted person is said to be so; what cannot be read is not nothing.
func TestPerson_SaysWhatIsRestrictedAndWhatCannotBeShown(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(r *domain.Registration) { r.Restricted = true })
	s.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	id := s.MustGet(servicetest.Lead, child).ID
	b := s.As("lead").Get("/people/" + id)
	if text := b.Doc.Find(".nhsuk-card--warning").Text(); !strings.Contains(text, "must not be revealed") {
		t.Errorf("the page says %q", text)
	}
	if lift, restrict := b.Doc.Find(`a[href$="/lift"]`).Length(), b.Doc.Find(`a[href$="/restrict"]`).Length(); lift != 1 || restrict != 0 {
		t.Errorf("%d links lift the restriction, %d make one", lift, restrict)
	}
	s.Exec(`UPDATE cpis.access SET organisation = 'X'`)
	if text := b.Get("/people/" + id).Doc.Find("main").Text(); !strings.Contains(text, "A look-up that cannot be shown") {
		t.Errorf("of a look-up that was tampered with the page says %q", text)
	}
	s.Exec(`REVOKE SELECT ON cpis.access FROM cpis_app`)
	b.Get("/people/"+id).Want(http.StatusOK, "/people/"+id, "Person")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "We cannot show what happened just now") || !strings.Contains(text, "Child protection plan") {
		t.Errorf("the page says %q", text)
	}
}
