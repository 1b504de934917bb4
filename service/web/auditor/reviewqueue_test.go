package auditor_test

import (
	"net/http"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// curious has a nurse look a restricted person up, so often, and brings the queue of
// reviews up to it.
func curious(s *webtest.Site, times int) {
	s.TB.Helper()
	s.Register(func(r *domain.Registration) { r.Restricted = true })
	for range times {
		s.MustLookUp(servicetest.Nurse, servicetest.Unscheduled(child))
	}
	s.CatchUp()
	s.Must(s.Reports.RaiseReviews(s.TB.Context()))
}

// The queue says why there is a review, and nobody's name. Misuse is found by two.
func TestReviews_OfRestrictedPeopleFindMisuseByTwo(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	curious(s, 1)
	b := s.As("privacy").Get("/home").Follow("Look-ups that wait for review")
	b.Want(http.StatusOK, "/reviews", "Reviews")
	list := b.Doc.Find("main").Text()
	if !strings.Contains(list, "Restricted person") || !strings.Contains(list, "Waiting") || strings.Contains(list, "nurse") {
		t.Errorf("the list: %s", list)
	}
	review := b.Doc.Find("tbody a").AttrOr("href", "")
	before := len(s.Entries())
	b.Get(review).Submit(review, map[string]string{"reason": "routine"})
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "nurse") || b.Doc.Find("input[value=not_justified][checked]").Length() != 1 {
		t.Errorf("opened: %s", text)
	}
	b.Submit(b.At.Path, map[string]string{"outcome": "misuse", "found": "<script>her neighbour's child"})
	b.Want(http.StatusOK, "/reviews", "Reviews")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "Needs a second look") {
		t.Errorf("afterwards: %s", text)
	}
	b.Get(review).Submit(review, map[string]string{"reason": "routine"})
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "another privacy officer must look") || b.Doc.Find("main form").Length() != 0 {
		t.Errorf("who found it: %s", text)
	}
	second := s.As("second-privacy").Get(review)
	second.Submit(review, map[string]string{"reason": "routine"})
	if text := second.Doc.Find("main").Text(); !strings.Contains(text, "<script>her neighbour's child") || strings.Contains(second.Text, "<script>her") {
		t.Errorf("the second: %s", text)
	}
	second.Submit(second.At.Path, map[string]string{"outcome": "misuse", "found": "She says so herself"})
	second.Want(http.StatusOK, "/reviews", "Reviews")
	if text := second.Doc.Find("main").Text(); !strings.Contains(text, "No review waits") {
		t.Errorf("closed: %s", text)
	}
	s.WantEntries(before, "read_reports done", "review_access done", "read_reports done", "read_reports done", "log_in done", "read_reports done", "review_access done", "read_reports done")
	second.Follow("Those that are closed")
	if text := second.Doc.Find("tbody").Text(); !strings.Contains(text, "Misuse") {
		t.Errorf("the list of those that are closed: %s", text)
	}
}

// A long queue has pages, and is narrowed by why there are reviews.
func TestReviews_HavePagesAndKinds(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	curious(s, 51)
	b := s.As("privacy").Get("/reviews?kind=restricted")
	if n := b.Doc.Find("tbody tr").Length(); n != 50 {
		t.Errorf("the first page has %d", n)
	}
	b.Follow("Next")
	if n := b.Doc.Find("tbody tr").Length(); n != 1 || b.At.Query().Get("kind") != "restricted" {
		t.Errorf("the second page, %s, has %d", b.At, n)
	}
	b.Get("/reviews?kind=sample").Want(http.StatusOK, "/reviews", "Reviews")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "No review waits") {
		t.Errorf("drawn by lot: %s", text)
	}
	if b.Get("/reviews?kind=all"); b.Status != http.StatusNotFound {
		t.Errorf("a kind that there is not: got %d", b.Status)
	}
	for _, key := range []string{"nurse", "lead", "administrator"} {
		if c := s.As(key).Get("/reviews"); c.Status != http.StatusForbidden {
			t.Errorf("%s got %d", key, c.Status)
		}
	}
}
