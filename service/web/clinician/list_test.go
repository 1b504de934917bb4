package clinician_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// lookUpList looks a list up, and returns the browser on the answers.
func lookUpList(b *webtest.Browser, path string, lines ...string) *webtest.Browser {
	b.TB.Helper()
	return b.Get(path).Submit(path, map[string]string{"patients": strings.Join(lines, "\n"), "setting": "general_practice"})
}

const (
	flaggedLine   = flagged + " 30/4/2019"
	unflaggedLine = unflagged + " 30/4/2019"
	mistakenLine  = flagged + " 1/4/2019"
)

// kinds are the shapes of the answers, in their order.
func kinds(b *webtest.Browser) []string {
	var all []string
	for _, one := range b.Doc.Find(".answer").EachIter() {
		all = append(all, strings.TrimPrefix(one.AttrOr("class", ""), "answer answer--"))
	}
	return all
}

func TestList_AnswersEachInTheOrderGiven(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("gp").Get("/home").Follow("Look up a clinic list")
	before := len(s.Entries())
	lookUpList(b, "/list", mistakenLine, unflaggedLine, flaggedLine)
	b.Want(http.StatusOK, b.At.Path, "Answers about 3 patients")
	got := s.Actions(before) // in the order in which they were committed
	slices.Sort(got)
	if want := []string{"look_up_many cannot_say", "look_up_many flag_held", "look_up_many no_flag_known"}; !slices.Equal(got, want) {
		t.Errorf("got entries %q, want %q", got, want)
	}
	if got := kinds(b); !slices.Equal(got, []string{"unknown", "none", "flag"}) {
		t.Errorf("the answers are %q", got)
	}
	for line, want := range map[int][]string{
		1: {"We cannot say", "Do not read this as no flag.", "Call now: 0300 000 0000", "999 000 0018"},
		2: {"No flag is known", "999 000 0077", "30 April 2019"},
		3: {"A flag is held", "Child protection plan", "Call now: ", "Islington"},
	} {
		text := b.Doc.Find(fmt.Sprintf("#line-%d", line)).Text()
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("line %d lacks %q: %s", line, part, text)
			}
		}
	}
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "A flag is held about 1 patient") || !strings.Contains(text, "The absence of a flag is not the absence of risk") || strings.Contains(text, "Robin") {
		t.Errorf("the page says %s", text)
	}
	if b.Doc.Find("#line-3 use[href='#shape-flag']").Length() != 1 || b.Doc.Find("#shape-flag path").Length() != 1 {
		t.Error("the flag has not its shape")
	}
	list, listed := b.At.Path, s.Entries()[before:]
	b.Get(b.Doc.Find("#line-3 a").Last().AttrOr("href", "")).Want(http.StatusOK, b.At.Path, "A flag is held")
	whole := s.LastOf("look_up")
	same := func(e audit.Entry) bool {
		return e.Outcome == "flag_held" && slices.Equal(e.Encounter, whole.Encounter)
	}
	if !slices.ContainsFunc(listed, same) || whole.Mode != "scheduled" {
		t.Error("a line and its whole answer are two encounters")
	}
	for _, nothing := range []string{"/0", "/4", "/x", "/-1"} {
		b.Get(list+nothing).Want(http.StatusNotFound, list+nothing, "Page not found")
	}
	rows, err := s.DB.Notices.Newest(t.Context(), servicetest.Islington, 10)
	if s.Must(err); len(rows) > 0 {
		t.Errorf("expected patients made %d notices", len(rows))
	}
}

// However many of them are flagged, a list of as many patients has one length, and asks
// for nothing else.
func TestList_AnswersAreAlike(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("gp")
	want := 0
	for _, lines := range [][]string{
		{flaggedLine, flaggedLine, flaggedLine}, {unflaggedLine, unflaggedLine, unflaggedLine}, {mistakenLine, mistakenLine, mistakenLine}, {flaggedLine, unflaggedLine, mistakenLine},
	} {
		lookUpList(b, "/list", lines...)
		if want == 0 {
			want = len(b.Text)
		}
		if len(b.Text) != want || b.Status != http.StatusOK {
			t.Errorf("%d bytes of %q, %d of others", len(b.Text), kinds(b), want)
		}
		if got := b.Header.Get("Cache-Control"); got != "no-store, no-transform" {
			t.Errorf("Cache-Control is %q", got)
		}
		if room := strings.TrimRight(b.Text, "\n"); len(room) > len(b.Text)-1000 {
			t.Errorf("%q: only %d bytes are left", kinds(b), len(b.Text)-len(room))
		}
	}
}

func TestList_OfRestrictedNamesNoAuthority(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(r *domain.Registration) { r.Restricted = true })
	b := lookUpList(s.As("gp"), "/list", flaggedLine)
	for _, secret := range []string{"Islington", "E09000019", "020 7527"} {
		if strings.Contains(b.Text, secret) {
			t.Errorf("the list says %q", secret)
		}
	}
	if text := b.Doc.Find("#line-1").Text(); !strings.Contains(text, "A flag is held") || !strings.Contains(text, "Do not say that a flag is held") || !strings.Contains(text, servicetest.HubPhone) {
		t.Errorf("the line says %s", text)
	}
}

// As many as the room takes; more are said to be too many, and nobody is looked up.
func TestList_TakesTwoHundred(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	var lines []string
	for i := range 201 {
		lines = append(lines, servicetest.NumberAt(1000+i)+" 1 1 2020")
	}
	b := s.As("gp")
	before := len(s.Entries())
	lookUpList(b, "/list", lines...).Want(http.StatusUnprocessableEntity, "/list", "Look up a clinic list")
	if text := b.Doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(text, "Enter 200 patients or fewer. You have entered 201") {
		t.Errorf("the summary says %q", text)
	}
	s.WantEntries(before)
	lookUpList(b, "/list", lines[1:]...).Want(http.StatusOK, b.At.Path, "Answers about 200 patients")
	if n := len(s.Entries()) - before; n != 200 || len(kinds(b)) != 200 {
		t.Errorf("%d entries and %d answers", n, len(kinds(b)))
	}
}

func TestList_WhatIsWrongIsSaidLineByLineAndKept(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("gp")
	before := len(s.Entries())
	typed := flaggedLine + "\n" + strings.Repeat("<script>alert(1)</script> 12\n", 12)
	lookUpList(b, "/list", typed).Want(http.StatusUnprocessableEntity, "/list", "Look up a clinic list")
	summary := b.Doc.Find(".nhsuk-error-summary__list").Text()
	for _, want := range []string{"Line 2: Enter an NHS number", "Line 11: ", "2 more lines have something wrong"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %q: %s", want, summary)
		}
	}
	if got := strings.TrimSpace(b.Doc.Find("#patients").Text()); got != strings.TrimSpace(typed) || b.Doc.Find("main script").Length() > 0 {
		t.Errorf("what was typed became %q", got)
	}
	b.Get("/list").Submit("/list", map[string]string{"setting": "emergency_department"}).Want(http.StatusUnprocessableEntity, "/list", "Look up a clinic list")
	if summary := b.Doc.Find(".nhsuk-error-summary__list").Text(); !strings.Contains(summary, "on each line") || !strings.Contains(summary, "Select where you are working") {
		t.Errorf("the summary says %s", summary)
	}
	s.WantEntries(before)
}

// The lines of a file are seen before anybody is looked up.
func TestList_ComesFromAFile(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("gp").Get("/list")
	before := len(s.Entries())
	b.SendFiles("/list/file", nil, webtest.File{Name: "clinic.csv", Text: "\ufeffNHS number,Date of birth\r\n" + unflagged + ",30/04/2019\r\n"})
	b.Want(http.StatusOK, "/list", "Look up a clinic list")
	s.WantEntries(before)
	b.Submit("/list", map[string]string{"setting": "community"}).Want(http.StatusOK, b.At.Path, "Answer about 1 patient")
	s.WantEntries(before, "look_up_many no_flag_known")
	for want, file := range map[string]webtest.File{
		"Select a file":             {Name: "empty.csv"},
		"must be smaller than":      {Name: "long.csv", Text: strings.Repeat(unflaggedLine+"\n", 2000)},
		"The selected file must be": {Name: "clinic.xlsx", Text: "PK\x03\x04\x00\x00"},
	} {
		b.SendFiles("/list/file", nil, file).Want(http.StatusUnprocessableEntity, "/list/file", "Look up a clinic list")
		if summary := b.Doc.Find(".nhsuk-error-summary__list").Text(); !strings.Contains(summary, want) {
			t.Errorf("%s: the summary says %q", file.Name, summary)
		}
	}
	if b.Send(http.MethodPost, "/list/file", url.Values{}, nil); b.Status != http.StatusUnprocessableEntity {
		t.Errorf("got %d for a form without a file", b.Status)
	}
}

func TestList_IsItsOwnersForAWhile(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := lookUpList(s.As("gp"), "/list", unflaggedLine)
	answers := b.At.Path
	before := len(s.Entries())
	for _, key := range []string{"nurse", "lead"} {
		somebody := s.As(key)
		if strings.Contains(somebody.Get("/home").Text, `href="/list"`) {
			t.Errorf("%s is offered clinic lists", key)
		}
		somebody.Get(answers).Want(http.StatusForbidden, answers, "You cannot do this here")
	}
	s.Clock.Advance(14 * time.Minute)
	b.Get("/home")
	s.Clock.Advance(2 * time.Minute)
	b.Get(answers+"/1").Want(http.StatusOK, "/list", "Look up a clinic list")
	b.Get(answers).Want(http.StatusOK, "/list", "Look up a clinic list")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "more than 15 minutes ago") {
		t.Errorf("the page says %s", text)
	}
	for _, e := range s.Actions(before) {
		if strings.HasPrefix(e, "look_up") {
			t.Errorf("there is an entry of %s", e)
		}
	}
}

func TestList_SpeaksWelsh(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("gp").Get("/list").Follow("Cymraeg").Want(http.StatusOK, "/cy/list", "Chwilio am restr glinig")
	lookUpList(b, "/cy/list", flaggedLine, mistakenLine).Want(http.StatusOK, b.At.Path, "Atebion am 2 glaf")
	for _, english := range []string{"Call now", "A flag is held", "We cannot say", "about patient", "recorded", "Print"} {
		if strings.Contains(b.Doc.Find("main").Text(), english) {
			t.Errorf("the Welsh answers say %q", english)
		}
	}
	b.Follow("Gweld yr ateb cyfan")
	if !strings.HasPrefix(b.At.Path, "/cy/look-up/") {
		t.Errorf("the whole answer is at %s", b.At.Path)
	}
}
