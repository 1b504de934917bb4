package administrator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

func TestPolicy_IsATableForEachRole(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As(key).Get("/home").Follow("Policy").Want(http.StatusOK, "/policy", "Who may do what")
	if n := b.Doc.Find("table").Length(); n != 9 {
		t.Errorf("%d tables, want one for each of 8 roles and one for all", n)
	}
	if n := b.Doc.Find("tbody tr").Length(); n != len(servicetest.Rules(t).Rules()) {
		t.Errorf("%d rows, want one for each rule", n)
	}
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, s.LastOf("explain_policy").Policy) {
		t.Error("the hash of the entry is not on the page")
	}
	b.Follow("Auditor").Want(http.StatusOK, "/policy", "Who may do what")
	if caption := b.Doc.Find("caption").First().Text(); b.Doc.Find("table").Length() != 2 || !strings.Contains(caption, "Auditor") {
		t.Errorf("the first table is of %q", caption)
	}
	b.Get("/policy?role="+url.QueryEscape("<script>alert(1)</script>")).Want(http.StatusOK, "/policy", "Who may do what")
	if strings.Contains(b.Text, "alert(1)") {
		t.Error("what was in the address is on the page")
	}
}

func TestPolicy_IsAskedAndAnswers(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As(key).Get("/policy").Follow("Ask about").Want(http.StatusOK, "/policy/ask", "May they do that?")
	before := len(s.Entries())
	b.Submit("/policy/ask", nil).Want(http.StatusUnprocessableEntity, "/policy/ask", "May they do that?")
	if n := b.Doc.Find(".nhsuk-error-summary li").Length(); n != 3 {
		t.Errorf("%d problems, want role, class and action", n)
	}
	s.WantEntries(before) // nothing was asked yet
	lead := map[string]string{"role": "safeguarding_lead", "class": "local_authority", "action": "end_plan", "level": "2"}
	b.Submit("/policy/ask", lead).Want(http.StatusOK, "/policy/answer", "They may not do that")
	s.WantEntries(before, "explain_policy done")
	text := b.Doc.Find("main").Text()
	for _, want := range []string{
		"No: at a local authority, a safeguarding lead may not end a plan.", "did not log in strongly enough", "Rule P2", "assurance_too_low", "Rule P7: At a local authority, a case system may end a plan",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the answer lacks %q:\n%s", want, text)
		}
	}
	b.Follow("Change the question").Want(http.StatusOK, "/policy/ask", "May they do that?")
	if b.Doc.Find(`#class option[value="local_authority"][selected]`).Length() != 1 || b.Doc.Find(`input[name="level"][value="2"][checked]`).Length() != 1 {
		t.Error("the question is not filled in any more")
	}
	lead["level"] = "3"
	b.Submit("/policy/ask", lead).Want(http.StatusOK, "/policy/answer", "They may do that")
	lead["also"] = "privacy_officer"
	b.Get("/policy/ask").Submit("/policy/ask", lead).Want(http.StatusOK, "/policy/answer", "They may not do that")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "Nobody may do both") {
		t.Errorf("two roles: the answer says\n%s", text)
	}
}

// What is typed goes nowhere but into the words of the policy: no address or page
// repeats it.
func TestPolicy_RepeatsNothingThatIsNoWord(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As(key).Get("/policy/ask")
	hostile := "<script>alert(1)</script>=1+1\u202e9990000018"
	b.Submit("/policy/ask", map[string]string{
		"role": hostile, "also": hostile, "class": hostile, "action": hostile, "mode": hostile, "whose": hostile, "level": hostile, "claim": hostile,
	}).Want(http.StatusUnprocessableEntity, "/policy/ask", "May they do that?")
	if strings.Contains(b.Text, "alert(1)") || strings.Contains(b.Text, "9990000018") {
		t.Error("the form repeats what was typed")
	}
	b.Submit("/policy/ask", map[string]string{
		"role": "auditor", "class": "oversight", "action": "read_log", "also": hostile, "mode": hostile, "whose": hostile, "level": hostile, "claim": hostile,
	})
	if b.At.RawQuery != "action=read_log&class=oversight&role=auditor" {
		t.Errorf("the address says %q", b.At.RawQuery)
	}
	b.Get("/policy/answer?role="+url.QueryEscape(hostile)).Want(http.StatusOK, "/policy/ask", "May they do that?")
}

// Administrators get to no page of anybody else's.
func TestAdministrators_SeeNoPageAboutPeople(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	id := s.Notice()
	b := s.As(key)
	for _, path := range []string{"/notices", "/notices/" + id, "/contacts", "/look-up", "/reports", "/exports"} {
		if b.Get(path); b.Status != http.StatusForbidden || strings.Contains(b.Text, "Robin") {
			t.Errorf("%s: got status %d", path, b.Status)
		}
	}
}
