package web_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
)

// asked are the fields of a look-up of somebody born on 30 April 2019.
func asked(number string) map[string]string {
	return map[string]string{"number": number, "born[day]": "30", "born[month]": "4", "born[year]": "2019", "setting": "emergency_department"}
}

// lookUp looks somebody up, and returns the browser on the answer.
func (b *browser) lookUp(path, number string) *browser {
	b.tb.Helper()
	b.get(path)
	return b.submit(path, asked(number))
}

// register registers a plan of the person that tests look up.
func (s *site) register(change func(*domain.Registration)) {
	s.tb.Helper()
	r := servicetest.RightCPP()
	change(r)
	s.MustRegister(servicetest.Lead, r)
}

const (
	flagged   = "9990000018"
	unflagged = "9990000077"
)

func TestLookUp_TheThreeAnswersAreUnmistakableAndAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(*domain.Registration) {})
	b := s.as("nurse")

	before := len(s.Entries())
	flag := *b.lookUp("/look-up", flagged)
	flag.want(http.StatusOK, flag.at.Path, "A flag is held")
	s.wantEntries(before, "look_up flag_held")
	none := *b.lookUp("/look-up", unflagged)
	none.want(http.StatusOK, none.at.Path, "No flag is known")
	other := asked(flagged)
	other["born[day]"] = "1"
	unknown := *b.get("/look-up").submit("/look-up", other)
	unknown.want(http.StatusOK, unknown.at.Path, "We cannot say")

	for name, page := range map[string]*browser{"flag": &flag, "none": &none, "unknown": &unknown} {
		if len(page.text) != len(flag.text) {
			t.Errorf("the answer %s has %d bytes, a flag %d", name, len(page.text), len(flag.text))
		}
		if got := page.header.Get("Cache-Control"); got != "no-store, no-transform" {
			t.Errorf("%s: Cache-Control is %q", name, got)
		}
		if page.doc.Find(".answer--"+name+" svg[role=img]").Length() != 1 {
			t.Errorf("the answer %s has not its shape", name)
		}
		if !strings.HasPrefix(page.doc.Find(".call a").First().AttrOr("href", ""), "tel:+44") {
			t.Errorf("the answer %s has no number to call first: %s", name, page.doc.Find(".call").Text())
		}
		if !strings.Contains(page.text, "The absence of a flag is not the absence of risk") {
			t.Errorf("the answer %s does not end in what a missing flag means", name)
		}
	}
	if !strings.Contains(flag.text, "999 000 0018") || !strings.Contains(flag.text, "30 April 2019") {
		t.Error("the answer does not repeat what was typed")
	}
	if strings.Contains(flag.text, "Robin") {
		t.Error("the answer has a name")
	}
	if !strings.Contains(flag.text, "Child protection plan") || !strings.Contains(flag.text, "Islington") {
		t.Error("the answer does not show the plan")
	}
	if !strings.Contains(none.text, "This does not mean there is no risk.") || !strings.Contains(unknown.text, "Do not read this as no flag.") {
		t.Error("what an answer does not mean is not said")
	}
}

func TestLookUp_AReloadTellsNobodyTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(*domain.Registration) {})
	b := s.as("nurse").lookUp("/look-up", flagged)
	b.get(b.at.Path).get(b.at.Path)
	rows, err := s.DB.Notices.Newest(t.Context(), servicetest.Islington, 10)
	s.must(err)
	if len(rows) != 1 {
		t.Errorf("one attendance made %d notices", len(rows))
	}
}

func TestLookUp_RestrictedNamesNoAuthority(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(r *domain.Registration) { r.Restricted = true })
	b := s.as("nurse").lookUp("/look-up", flagged)
	b.want(http.StatusOK, b.at.Path, "A flag is held")
	for _, secret := range []string{"Islington", "E09000019", "020 7527"} {
		if strings.Contains(b.text, secret) {
			t.Errorf("the page of a restricted child says %q", secret)
		}
	}
	if !strings.Contains(b.text, "Do not say that a flag is held to anybody who is with the patient.") {
		t.Error("it does not say to be silent")
	}
	if b.doc.Find(".timeline").Length() != 0 {
		t.Error("it shows a history")
	}
}

func TestLookUp_WhatIsWrongIsSaidAndKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("nurse")
	tests := []struct {
		name   string
		change map[string]string
		want   string
	}{
		{"Empty", map[string]string{"number": ""}, "Enter the NHS number"},
		{"Letters", map[string]string{"number": "99900000I8"}, "Take out the letters"},
		{"Short", map[string]string{"number": "999 000 001"}, "You have entered 9"},
		{"CheckDigit", map[string]string{"number": "9990000019"}, "one of the digits is not right"},
		{"Insurance", map[string]string{"number": "QQ 12 34 56 C"}, "This is a National Insurance number"},
		{"Placeholder", map[string]string{"number": "9999999999"}, "which is nobody’s number"},
		{"NoDate", map[string]string{"born[day]": "", "born[month]": "", "born[year]": ""}, "Enter the date of birth"},
		{"NoYear", map[string]string{"born[year]": ""}, "Date of birth must include a year"},
		{"NoDay", map[string]string{"born[day]": ""}, "Date of birth must include a day"},
		{"NotReal", map[string]string{"born[day]": "31"}, "Date of birth must be a real date"},
		{"Words", map[string]string{"born[month]": "April"}, "Date of birth must be a real date"},
		{"Future", map[string]string{"born[year]": "2099"}, "Date of birth must be today or in the past"},
		{"NoPlace", map[string]string{"setting": ""}, "Select where you are working"},
		{"ForeignPlace", map[string]string{"setting": "general_practice"}, "Select where you are working"},
		{"Hostile", map[string]string{"number": `"><script>alert(1)</script>`}, "Take out the letters"},
	}
	before := len(s.Entries())
	for _, tt := range tests {
		fields := asked(flagged)
		maps.Copy(fields, tt.change)
		b.get("/look-up").submit("/look-up", fields).want(http.StatusUnprocessableEntity, "/look-up", "Look up a patient")
		if got := b.doc.Find(".nhsuk-error-summary__list").Text(); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if got := b.doc.Find(`[name="number"]`).AttrOr("value", ""); got != fields["number"] {
			t.Errorf("%s: what was typed became %q", tt.name, got)
		}
		if !strings.HasPrefix(b.doc.Find("title").Text(), "Error: ") {
			t.Errorf("%s: the title is %q", tt.name, b.doc.Find("title").Text())
		}
		if href := b.doc.Find(".nhsuk-error-summary__list a").AttrOr("href", "#?"); b.doc.Find(href).Length() != 1 {
			t.Errorf("%s: the summary leads to %s, which is not there", tt.name, href)
		}
	}
	s.wantEntries(before)
}

func TestLookUp_ThePlaceIsAskedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("nurse").lookUp("/look-up", unflagged)
	b.get("/look-up")
	if got := b.doc.Find(`[name="setting"] option[selected]`).AttrOr("value", ""); got != "emergency_department" {
		t.Errorf("the place is %q", got)
	}
}

func TestLookUp_BreakGlassIsSaidClaimedAndReviewed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(*domain.Registration) {})
	b := s.as("gp")
	fields := asked(flagged)
	fields["setting"], fields["unexpected"] = "general_practice", "1"
	before := len(s.Entries())
	b.get("/look-up").submit("/look-up", fields)
	b.want(http.StatusForbidden, b.at.Path, "Your role does not let you look up this kind of visit")
	s.wantEntries(before, "look_up denied")

	answer := b.at.Path
	b.follow("Look up all the same").want(http.StatusOK, answer+"/break-glass", "Look up without the right to")
	if !strings.Contains(b.text, "for 15 minutes, for you only") {
		t.Error("how long it counts is not said")
	}
	b.submit(answer+"/break-glass", map[string]string{"reason": "."}).want(http.StatusUnprocessableEntity, answer+"/break-glass", "Look up without the right to")
	if got := b.doc.Find(".nhsuk-error-summary__list").Text(); !strings.Contains(got, "Select why you need to look") || !strings.Contains(got, "Say why, in a few words") {
		t.Errorf("the summary says %q", got)
	}
	before = len(s.Entries())
	b.submit(answer+"/break-glass", map[string]string{"grounds": "emergency", "reason": "Child unconscious, no carer present"})
	b.want(http.StatusOK, answer, "A flag is held")
	s.wantEntries(before, "look_up flag_held")
	if e := s.lastOf("look_up"); e.Grounds != "emergency" || !e.BreakGlass {
		t.Errorf("the entry has the grounds %q, break-glass %v", e.Grounds, e.BreakGlass)
	}
}

func TestLookUp_WrongPatientIsReported(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(*domain.Registration) {})
	b := s.as("nurse").lookUp("/look-up", flagged)
	answer := b.at.Path
	b.follow("This is the wrong patient").want(http.StatusOK, answer+"/wrong-patient", "This is the wrong patient")
	b.submit(answer+"/wrong-patient", map[string]string{"reason": ""}).want(http.StatusUnprocessableEntity, answer+"/wrong-patient", "This is the wrong patient")
	before := len(s.Entries())
	b.submit(answer+"/wrong-patient", map[string]string{"reason": "Two patients with similar numbers"})
	b.want(http.StatusOK, "/look-up", "Look up a patient")
	s.wantEntries(before, "report_wrong_patient done")
	if !strings.Contains(b.doc.Find(".nhsuk-notification-banner").Text(), "marked as the wrong patient") {
		t.Error("what was done is not said")
	}
	b.get(answer).want(http.StatusOK, "/look-up", "Look up a patient") // the question is gone
}

func TestLookUp_AQuestionIsItsOwners(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(*domain.Registration) {})
	answer := s.as("nurse").lookUp("/look-up", flagged).at.Path
	before := len(s.Entries())
	s.as("gp").get(answer).want(http.StatusOK, "/look-up", "Look up a patient")
	for _, e := range s.actions(before) {
		if strings.HasPrefix(e, "look_up") {
			t.Error("somebody else's question was answered")
		}
	}
}

func TestLookUp_SpeaksWelsh(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(func(*domain.Registration) {})
	b := s.as("nurse").get("/look-up").follow("Cymraeg")
	b.want(http.StatusOK, "/cy/look-up", "Chwilio am glaf")
	b.submit("/cy/look-up", map[string]string{"number": "1"}).want(http.StatusUnprocessableEntity, "/cy/look-up", "Chwilio am glaf")
	if got := b.doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(got, "Mae problem") || !strings.Contains(got, "Rhaid i’r rhif GIG gynnwys 10 digid") {
		t.Errorf("the summary says %q", got)
	}
	b.lookUp("/cy/look-up", flagged)
	b.want(http.StatusOK, b.at.Path, "Mae baner wedi’i chofnodi")
	if b.doc.Find("html").AttrOr("lang", "") != "cy" || !strings.HasPrefix(b.at.Path, "/cy/look-up/") {
		t.Errorf("%s is in %q", b.at.Path, b.doc.Find("html").AttrOr("lang", ""))
	}
	for _, english := range []string{"Call now", "What to do", "The absence of a flag", "Skip to main content", "Log out", "Print this page"} {
		if strings.Contains(b.text, english) {
			t.Errorf("the Welsh answer says %q", english)
		}
	}
	if !strings.Contains(b.text, "30 Ebrill 2019") {
		t.Error("the day is not in Welsh")
	}
}
