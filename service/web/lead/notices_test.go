package lead_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"cpis/service/web/webtest"
)

func TestNotices_AreReadAnsweredAndGivenToAColleague(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.As("lead").Get("/notices").Want(http.StatusOK, "/notices", "Notices")
	id := s.Notice()
	s.As("second-lead").Get("/notices") // is known as a colleague from now on
	b := s.As("lead").Get("/notices?open=1").Want(http.StatusOK, "/notices", "Notices")
	if text := b.Doc.Find("table").Text(); !strings.Contains(text, "Seen in the emergency department") || !strings.Contains(text, "Not answered") {
		t.Errorf("the table says %q", text)
	}
	b.Follow("Seen in").Want(http.StatusOK, "/notices/"+id, "Seen in the emergency department")
	if text := b.Doc.Find(".nhsuk-summary-list").Text(); !strings.Contains(text, "999 000 0018") || !strings.Contains(text, "WHITTINGTON") {
		t.Errorf("the notice says %q", text)
	}
	b.Submit("/notices/"+id, map[string]string{"outcome": "other", "note": "  "}).Want(http.StatusUnprocessableEntity, "/notices/"+id, "Seen in the emergency department")
	if got := b.Doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(got, "Say what was done") || !strings.HasPrefix(b.Doc.Find("title").Text(), "Error: ") {
		t.Errorf("the summary says %q", got)
	}
	if b.Doc.Find(`input[value="other"][checked]`).Length() != 1 {
		t.Error("what was chosen is not chosen any more")
	}
	b.Get("/notices/"+id).Follow("Give this notice").Want(http.StatusOK, "/notices/"+id+"/give", "Give this notice to a colleague")
	b.Submit("/notices/"+id+"/give", nil).Want(http.StatusUnprocessableEntity, "/notices/"+id+"/give", "Give this notice to a colleague")
	to := b.Doc.Find("option").FilterFunction(func(_ int, o *goquery.Selection) bool { return strings.Contains(o.Text(), "BELLINGHAM") }).AttrOr("value", "")
	b.Submit("/notices/"+id+"/give", map[string]string{"to": to}).Want(http.StatusOK, "/notices/"+id, "Seen in the emergency department")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "Given to BELLINGHAM Amos (Mr)") || b.Doc.Find(".nhsuk-notification-banner--success").Length() != 1 {
		t.Errorf("the page says %q", text)
	}
	before := len(s.Entries())
	b.Submit("/notices/"+id, map[string]string{"outcome": "setting_contacted", "note": "<script>alert(1)</script>"}).Want(http.StatusOK, "/notices", "Notices")
	if got := s.Actions(before)[0]; got != "answer_notice done" {
		t.Errorf("got entry %q", got)
	}
	if b.Doc.Find("table").Length() != 0 {
		t.Error("an answered notice is among those not answered")
	}
	if b.Get("/notices/" + id); strings.Contains(b.Text, "<script>alert") || !strings.Contains(b.Doc.Find(".timeline").Text(), "<script>alert(1)</script>") {
		t.Error("the note is not shown as it was typed, and inert")
	}
}

// Who was second sees that, and a reload of what was sent is the same act.
func TestNotice_OfAnOlderVersionIsNotAnswered(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	id := s.Notice()
	first, second := s.As("lead").Get("/notices/"+id), s.As("second-lead").Get("/notices/"+id)
	form := url.Values{"version": {"1"}, "outcome": {"no_action"}, "request": {uuid.NewString()}}
	for range 2 {
		first.Send(http.MethodPost, "/notices/"+id, form, nil).Want(http.StatusOK, "/notices", "Notices")
	}
	second.Submit("/notices/"+id, map[string]string{"outcome": "escalated"})
	second.Want(http.StatusConflict, "/notices/"+id, "Somebody changed this while you were typing")
	s.As("camden-lead").Get("/notices/"+id).Want(http.StatusNotFound, "/notices/"+id, "Page not found")
	first.Get("/notices/nonsense").Want(http.StatusNotFound, "/notices/nonsense", "Page not found")
}

func TestContacts_AreShownChangedAndConfirmed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/contacts").Want(http.StatusOK, "/contacts", "Contacts")
	b.Follow("Change the numbers").Want(http.StatusOK, "/contacts/change", "Change your contact numbers")
	b.Submit("/contacts/change", map[string]string{"office": "12345", "hours": "always", "duty": ""})
	b.Want(http.StatusUnprocessableEntity, "/contacts/change", "Change your contact numbers")
	if got := b.Doc.Find(".nhsuk-error-summary li").Length(); got != 3 || b.Doc.Find("#office").AttrOr("value", "") != "12345" {
		t.Errorf("%d problems; the form says %q", got, b.Doc.Find("#office").AttrOr("value", ""))
	}
	b.Submit("/contacts/change", map[string]string{"office": "020 7527 7400", "hours": "Mon-Fri 09:00-17:00", "duty": "020 7226 0992"})
	b.Want(http.StatusOK, "/contacts", "Contacts")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "020 7527 7400") || !strings.Contains(text, "Care staff see these numbers now") {
		t.Errorf("the page says %q", text)
	}
	if b.Get("/contacts"); strings.Contains(b.Doc.Find("main").Text(), "Care staff see these numbers now") {
		t.Error("the banner is shown twice")
	}
	b.Submit("/contacts/confirm", nil).Want(http.StatusOK, "/contacts", "Contacts")
}
