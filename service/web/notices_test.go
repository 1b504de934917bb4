package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
)

func TestNotices_AreReadAnsweredAndGivenToAColleague(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.as("lead").get("/notices").want(http.StatusOK, "/notices", "Notices")
	id := s.aNotice()
	s.as("second-lead").get("/notices") // is known as a colleague from now on
	b := s.as("lead").get("/notices?open=1").want(http.StatusOK, "/notices", "Notices")
	if text := b.doc.Find("table").Text(); !strings.Contains(text, "Seen in the emergency department") || !strings.Contains(text, "Not answered") {
		t.Errorf("the table says %q", text)
	}
	b.follow("Seen in").want(http.StatusOK, "/notices/"+id, "Seen in the emergency department")
	if text := b.doc.Find(".nhsuk-summary-list").Text(); !strings.Contains(text, "999 000 0018") || !strings.Contains(text, "WHITTINGTON") {
		t.Errorf("the notice says %q", text)
	}
	b.submit("/notices/"+id, map[string]string{"outcome": "other", "note": "  "}).want(http.StatusUnprocessableEntity, "/notices/"+id, "Seen in the emergency department")
	if got := b.doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(got, "Say what was done") || !strings.HasPrefix(b.doc.Find("title").Text(), "Error: ") {
		t.Errorf("the summary says %q", got)
	}
	if b.doc.Find(`input[value="other"][checked]`).Length() != 1 {
		t.Error("what was chosen is not chosen any more")
	}
	b.get("/notices/"+id).follow("Give this notice").want(http.StatusOK, "/notices/"+id+"/give", "Give this notice to a colleague")
	b.submit("/notices/"+id+"/give", nil).want(http.StatusUnprocessableEntity, "/notices/"+id+"/give", "Give this notice to a colleague")
	to := b.doc.Find("option").FilterFunction(func(_ int, o *goquery.Selection) bool { return strings.Contains(o.Text(), "BELLINGHAM") }).AttrOr("value", "")
	b.submit("/notices/"+id+"/give", map[string]string{"to": to}).want(http.StatusOK, "/notices/"+id, "Seen in the emergency department")
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "Given to BELLINGHAM Amos (Mr)") || b.doc.Find(".nhsuk-notification-banner--success").Length() != 1 {
		t.Errorf("the page says %q", text)
	}
	before := len(s.Entries())
	b.submit("/notices/"+id, map[string]string{"outcome": "setting_contacted", "note": "<script>alert(1)</script>"}).want(http.StatusOK, "/notices", "Notices")
	if got := s.actions(before)[0]; got != "answer_notice done" {
		t.Errorf("got entry %q", got)
	}
	if b.doc.Find("table").Length() != 0 {
		t.Error("an answered notice is among those not answered")
	}
	if b.get("/notices/" + id); strings.Contains(b.text, "<script>alert") || !strings.Contains(b.doc.Find(".timeline").Text(), "<script>alert(1)</script>") {
		t.Error("the note is not shown as it was typed, and inert")
	}
}

// Who was second sees that, and a reload of what was sent is the same act.
func TestNotice_OfAnOlderVersionIsNotAnswered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.aNotice()
	first, second := s.as("lead").get("/notices/"+id), s.as("second-lead").get("/notices/"+id)
	form := url.Values{"version": {"1"}, "outcome": {"no_action"}, "request": {uuid.NewString()}}
	for range 2 {
		first.send(http.MethodPost, "/notices/"+id, form, nil).want(http.StatusOK, "/notices", "Notices")
	}
	second.submit("/notices/"+id, map[string]string{"outcome": "escalated"})
	second.want(http.StatusConflict, "/notices/"+id, "Somebody changed this while you were typing")
	s.as("camden-lead").get("/notices/"+id).want(http.StatusNotFound, "/notices/"+id, "Page not found")
	first.get("/notices/nonsense").want(http.StatusNotFound, "/notices/nonsense", "Page not found")
}

func TestContacts_AreShownChangedAndConfirmed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("lead").get("/contacts").want(http.StatusOK, "/contacts", "Contacts")
	b.follow("Change the numbers").want(http.StatusOK, "/contacts/change", "Change your contact numbers")
	b.submit("/contacts/change", map[string]string{"office": "12345", "hours": "always", "duty": ""})
	b.want(http.StatusUnprocessableEntity, "/contacts/change", "Change your contact numbers")
	if got := b.doc.Find(".nhsuk-error-summary li").Length(); got != 3 || b.doc.Find("#office").AttrOr("value", "") != "12345" {
		t.Errorf("%d problems; the form says %q", got, b.doc.Find("#office").AttrOr("value", ""))
	}
	b.submit("/contacts/change", map[string]string{"office": "020 7527 7400", "hours": "Mon-Fri 09:00-17:00", "duty": "020 7226 0992"})
	b.want(http.StatusOK, "/contacts", "Contacts")
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "020 7527 7400") || !strings.Contains(text, "Care staff see these numbers now") {
		t.Errorf("the page says %q", text)
	}
	if b.get("/contacts"); strings.Contains(b.doc.Find("main").Text(), "Care staff see these numbers now") {
		t.Error("the banner is shown twice")
	}
	b.submit("/contacts/confirm", nil).want(http.StatusOK, "/contacts", "Contacts")
}
