package files_test

import (
	"net/http"
	"strings"
	"testing"

	"cpis/service/servicetest"
	"cpis/service/upload"
	"cpis/service/web/webtest"
)

// Rules read "Never" until somebody makes some. What was typed wrong is said beside it.
func TestRules_AreReadAndChanged(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, second := s.As("lead").Get("/files").Follow("Which files that systems send"), s.As("second-lead")
	b.Want(http.StatusOK, "/files/rules", "Files that systems send")
	wantSaid(b, "Approved by themselvesNever", "Safety brake, in percent of plans in force5")
	second.Get("/files/rules/change").Walk(rulings())
	b.Follow("Change these rules")
	wrong := rulings()
	wrong["limits"] = map[string]string{"max_new": "many", "max_changed": "", "max_ending": "-1", "max_rejected_percent": "101"}
	b.Submit(b.At.Path, wrong["pass"]).Submit(b.At.Path, wrong["limits"])
	if n := b.Doc.Find(".nhsuk-error-summary li").Length(); b.Status != http.StatusUnprocessableEntity || n != 4 || b.Doc.Find("#max_new").AttrOr("value", "") != "many" {
		t.Errorf("%d, %d problems: %s", b.Status, n, said(b))
	}
	b.Walk(rulings())
	before := len(s.Entries())
	b.Submit(b.At.Path, nil).Want(http.StatusOK, b.At.Path, "Rules changed")
	s.WantEntries(before, "set_upload_rules done")
	b.Follow("See the rules")
	wantSaid(b, "Approved by themselvesSmall files", "New plans, at most1,000", "Plans that end, at most3")
	found, err := s.GetUploadRules(t.Context(), servicetest.Lead, &upload.GetRulesRequest{})
	s.Must(err)
	want := upload.Rules{ApproveSystems: true, MaxNew: 1000, MaxChanged: 20, MaxEnding: 3, MaxRejectedPercent: 2, BrakePercent: 4, Version: 1}
	if found.Rules != want {
		t.Errorf("got %+v, want %+v", found.Rules, want)
	}
	second.Submit(second.At.Path, nil).Want(http.StatusConflict, second.At.Path, "Somebody changed this while you were typing")
}

// Each cause leads to its rows, with what to do; one that is not there leads to all.
func TestRows_AreListedByTheirCause(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u := s.MustSend(servicetest.Lead, servicetest.Delta, header+row()+row("reference=AGAIN")+row(numberB, "nhs_number=999000026", "reference=SHORT")+row(numberC, "kind=none", "reference=KIND"))
	b := s.As("lead").Get("/files/" + u.ID)
	links := b.Doc.Find(`li a[href*="cause="]`)
	if links.Length() != 3 {
		t.Fatalf("%d causes: %s", links.Length(), said(b))
	}
	for text, want := range map[string]string{"repeats another line": "AGAIN", "nine digits": "SHORT", "Kind of plan": "KIND"} {
		b.Get("/files/" + u.ID)
		href := ""
		for i := range links.Length() {
			if link := links.Eq(i); strings.Contains(link.Text(), text) {
				href = link.AttrOr("href", "")
			}
		}
		b.Get(href).Want(http.StatusOK, "/files/"+u.ID+"/rows", "Rows of the file")
		if n := b.Doc.Find("tbody tr").Length(); n != 1 || !strings.Contains(b.Doc.Find("tbody").Text(), want) || !strings.Contains(b.Doc.Find(".nhsuk-inset-text").Text(), text) {
			t.Errorf("%s: %d rows: %s", text, n, said(b))
		}
	}
	for _, cause := range []string{"9", "-1", "x"} {
		if b.Get("/files/" + u.ID + "/rows?cause=" + cause); b.Status != http.StatusOK || b.Doc.Find("tbody tr").Length() != 4 {
			t.Errorf("cause %s: %d, %s", cause, b.Status, said(b))
		}
	}
}
