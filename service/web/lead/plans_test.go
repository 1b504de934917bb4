package lead_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// Plans are listed in an order that the address has, 50 on a page. The heads that
// sort are links whose names are theirs alone.
func TestPlans_AreOrderedFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for i := range 52 {
		s.Register(named(i+1, "Given", "Family"+string(rune('A'+i%26)), "2019-04-30"))
		s.Clock.Advance(time.Minute)
	}
	s.MustRegister(servicetest.Lead, servicetest.With(servicetest.RightUCPP(), func(r *domain.Registration) { r.NHSNumber = servicetest.NumberAt(70) }))
	b := s.As("lead").Get("/plans").Want(http.StatusOK, "/plans", "Plans")
	if n := b.Doc.Find("tbody tr").Length(); n != 50 {
		t.Errorf("the first page has %d plans", n)
	}
	if first := b.Doc.Find("tbody tr").First().Text(); !strings.Contains(first, "Unborn") {
		t.Errorf("the plan that changed last is not first: %s", first)
	}
	sorted := b.Doc.Find("th[aria-sort]")
	if sorted.Length() != 1 || sorted.AttrOr("aria-sort", "") != "descending" || strings.TrimSpace(sorted.Find("a").Text()) != "Last changed" {
		t.Errorf("sorted is %d, %q by %q", sorted.Length(), sorted.AttrOr("aria-sort", ""), sorted.Text())
	}
	if n := b.Follow("Next").Doc.Find("tbody tr").Length(); n != 3 {
		t.Errorf("the second page has %d plans", n)
	}
	if n := b.Follow("Previous").Doc.Find("tbody tr").Length(); n != 50 {
		t.Errorf("back on the first page are %d plans", n)
	}
	b.Follow("Last changed")
	if got := b.Doc.Find("th[aria-sort]").AttrOr("aria-sort", ""); got != "ascending" || b.At.RawQuery != "dir=reverse" {
		t.Errorf("the other order is %q at %s", got, b.At)
	}
	b.Follow("Shown until")
	if first := b.Doc.Find("tbody tr").First().Text(); !strings.Contains(first, "Unborn") || b.At.RawQuery != "sort=visible_until" {
		t.Errorf("the plan that is shown shortest is not first at %s: %s", b.At, first)
	}
	b.Get("/plans?kind=ucpp&sort=visible_until")
	if n := b.Doc.Find("tbody tr").Length(); n != 1 || !strings.Contains(b.Doc.Find("main").Text(), "Shown are only: Unborn child protection plans") {
		t.Errorf("got %d unborn children's plans", n)
	}
	b.Get("/plans?show=adult")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "No plans are like that") {
		t.Errorf("the page says %q", text)
	}
	b.Get("/plans?show=%27%3Bdrop&kind=x&sort=name&dir=up&page=nonsense").Want(http.StatusOK, "/plans", "Plans")
	if n := b.Doc.Find("tbody tr").Length(); n != 50 {
		t.Errorf("an address of nothing shows %d plans", n)
	}
	if text := s.As("camden-lead").Get("/plans").Doc.Find("main").Text(); !strings.Contains(text, "no plans here yet") {
		t.Errorf("another authority sees %q", text)
	}
}

// What a plan asks for stands beside it.
func TestPlans_ShowTheirState(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(r *domain.Registration) { r.Restricted = true })
	s.MustRegister(servicetest.Lead, servicetest.With(servicetest.RightUCPP(), overdue))
	b := s.As("lead").Get("/plans?show=overdue")
	if text := b.Doc.Find("tbody").Text(); !strings.Contains(text, "Past due date") {
		t.Errorf("the list says %q", text)
	}
	if text := b.Get("/plans").Doc.Find("tbody").Text(); !strings.Contains(text, "Restricted") {
		t.Errorf("the list says %q", text)
	}
	b.Follow("Robin").Want(http.StatusOK, b.At.Path, "Person")
}
