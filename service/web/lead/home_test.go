package lead_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// overdue is an unborn child whose expected date has passed.
func overdue(r *domain.Registration) {
	r.NHSNumber, r.Expected = servicetest.NumberAt(7), "2026-11-20"
}

// confirmedBefore has the numbers confirmed some time ago.
func confirmedBefore(s *webtest.Site, ago time.Duration) {
	s.TB.Helper()
	s.Clock.Advance(-ago)
	_, err := s.ConfirmContacts(s.TB.Context(), servicetest.Lead, &directory.ConfirmContactsRequest{Version: 1, Request: uuid.NewString()})
	s.Must(err)
	s.Clock.Advance(ago)
}

// A lead begins with what needs them, each a count that leads there.
func TestHome_SaysWhatNeedsALeadToday(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.MustFill()
	s.Turn()
	b := s.As("lead")
	before := len(s.Entries())
	b.Get("/home").Want(http.StatusOK, "/home", "What needs you today")
	s.WantEntries(before, "read_work done")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "Nothing needs you today") {
		t.Errorf("on a quiet day the page says %q", text)
	}
	s.Notice()
	s.MustRegister(servicetest.Lead, servicetest.With(servicetest.RightUCPP(), overdue))
	s.MustOffer(servicetest.OtherLead, s.MustRegister(servicetest.OtherLead, servicetest.Under(servicetest.NumberAt(2))).PlanID, servicetest.Islington)
	confirmedBefore(s, 91*24*time.Hour)
	s.Turn()
	b.Get("/home")
	text := b.Doc.Find("main").Text()
	for _, want := range []string{"1 baby past the expected date", "1 plan offered to you", "last confirmed 91 days ago", "that nobody has answered"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	if strings.Contains(text, "Nothing needs you") || strings.Contains(text, "\n0 ") {
		t.Errorf("the page says %q", text)
	}
	b.Follow("1 baby past").Want(http.StatusOK, "/plans", "Plans")
	if n := b.Doc.Find("tbody tr").Length(); n != 1 {
		t.Errorf("behind a count of 1 are %d plans", n)
	}
}

// What cannot be counted is said to be so, and never shown as none.
func TestHome_SaysWhatCannotBeCounted(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Exec(`REVOKE SELECT ON cpis.notice FROM cpis_app`)
	s.Exec(`REVOKE SELECT ON cpis.channel FROM cpis_app`)
	b := s.As("lead").Get("/home").Want(http.StatusOK, "/home", "What needs you today")
	text := b.Doc.Find("main").Text()
	for _, want := range []string{"We cannot count notices just now. That does not mean that there is nothing", "whether your channels work", "We cannot count plans that need checking"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	if strings.Contains(text, "Nothing needs you") {
		t.Errorf("the page says that nothing is to be done: %s", text)
	}
}
