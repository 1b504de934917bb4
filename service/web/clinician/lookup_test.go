package clinician_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// asked are the fields of a look-up of somebody born on 30 April 2019.
func asked(number string) map[string]string {
	return map[string]string{"number": number, "born[day]": "30", "born[month]": "4", "born[year]": "2019", "setting": "emergency_department"}
}

// lookUp looks somebody up, and returns the browser on the answer.
func lookUp(b *webtest.Browser, path, number string) *webtest.Browser {
	b.TB.Helper()
	b.Get(path)
	return b.Submit(path, asked(number))
}

const (
	flagged   = "9990000018"
	unflagged = "9990000077"
)

func TestLookUp_TheThreeAnswersAreUnmistakableAndAlike(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("nurse")

	before := len(s.Entries())
	flag := *lookUp(b, "/look-up", flagged)
	flag.Want(http.StatusOK, flag.At.Path, "A flag is held")
	s.WantEntries(before, "look_up flag_held")
	none := *lookUp(b, "/look-up", unflagged)
	none.Want(http.StatusOK, none.At.Path, "No flag is known")
	other := asked(flagged)
	other["born[day]"] = "1"
	unknown := *b.Get("/look-up").Submit("/look-up", other)
	unknown.Want(http.StatusOK, unknown.At.Path, "We cannot say")

	for name, page := range map[string]*webtest.Browser{"flag": &flag, "none": &none, "unknown": &unknown} {
		if len(page.Text) != len(flag.Text) {
			t.Errorf("the answer %s has %d bytes, a flag %d", name, len(page.Text), len(flag.Text))
		}
		if got := page.Header.Get("Cache-Control"); got != "no-store, no-transform" {
			t.Errorf("%s: Cache-Control is %q", name, got)
		}
		if page.Doc.Find(".answer--"+name+" svg[role=img]").Length() != 1 {
			t.Errorf("the answer %s has not its shape", name)
		}
		if !strings.HasPrefix(page.Doc.Find(".call a").First().AttrOr("href", ""), "tel:+44") {
			t.Errorf("the answer %s has no number to call first: %s", name, page.Doc.Find(".call").Text())
		}
		if !strings.Contains(page.Text, "The absence of a flag is not the absence of risk") {
			t.Errorf("the answer %s does not end in what a missing flag means", name)
		}
	}
	if !strings.Contains(flag.Text, "999 000 0018") || !strings.Contains(flag.Text, "30 April 2019") {
		t.Error("the answer does not repeat what was typed")
	}
	if strings.Contains(flag.Text, "Robin") {
		t.Error("the answer has a name")
	}
	if !strings.Contains(flag.Text, "Child protection plan") || !strings.Contains(flag.Text, "Islington") {
		t.Error("the answer does not show the plan")
	}
	if !strings.Contains(none.Text, "This does not mean there is no risk.") || !strings.Contains(unknown.Text, "Do not read this as no flag.") {
		t.Error("what an answer does not mean is not said")
	}
}

func TestLookUp_AReloadTellsNobodyTwice(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := lookUp(s.As("nurse"), "/look-up", flagged)
	b.Get(b.At.Path).Get(b.At.Path)
	rows, err := s.DB.Notices.Newest(t.Context(), servicetest.Islington, 10)
	s.Must(err)
	if len(rows) != 1 {
		t.Errorf("one attendance made %d notices", len(rows))
	}
}

func TestLookUp_RestrictedNamesNoAuthority(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(r *domain.Registration) { r.Restricted = true })
	b := lookUp(s.As("nurse"), "/look-up", flagged)
	b.Want(http.StatusOK, b.At.Path, "A flag is held")
	for _, secret := range []string{"Islington", "E09000019", "020 7527"} {
		if strings.Contains(b.Text, secret) {
			t.Errorf("the page of a restricted child says %q", secret)
		}
	}
	if !strings.Contains(b.Text, "Do not say that a flag is held to anybody who is with the patient.") {
		t.Error("it does not say to be silent")
	}
	if b.Doc.Find(".timeline").Length() != 0 {
		t.Error("it shows a history")
	}
}

func TestLookUp_WhatIsWrongIsSaidAndKept(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("nurse")
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
		b.Get("/look-up").Submit("/look-up", fields).Want(http.StatusUnprocessableEntity, "/look-up", "Look up a patient")
		if got := b.Doc.Find(".nhsuk-error-summary__list").Text(); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if got := b.Doc.Find(`[name="number"]`).AttrOr("value", ""); got != fields["number"] {
			t.Errorf("%s: what was typed became %q", tt.name, got)
		}
		if !strings.HasPrefix(b.Doc.Find("title").Text(), "Error: ") {
			t.Errorf("%s: the title is %q", tt.name, b.Doc.Find("title").Text())
		}
		if href := b.Doc.Find(".nhsuk-error-summary__list a").AttrOr("href", "#?"); b.Doc.Find(href).Length() != 1 {
			t.Errorf("%s: the summary leads to %s, which is not there", tt.name, href)
		}
	}
	s.WantEntries(before)
}

func TestLookUp_ThePlaceIsAskedOnce(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := lookUp(s.As("nurse"), "/look-up", unflagged)
	b.Get("/look-up")
	if got := b.Doc.Find(`[name="setting"] option[selected]`).AttrOr("value", ""); got != "emergency_department" {
		t.Errorf("the place is %q", got)
	}
}

func TestLookUp_BreakGlassIsSaidClaimedAndReviewed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("gp")
	fields := asked(flagged)
	fields["setting"], fields["unexpected"] = "general_practice", "1"
	before := len(s.Entries())
	b.Get("/look-up").Submit("/look-up", fields)
	b.Want(http.StatusForbidden, b.At.Path, "Your role does not let you look up this kind of visit")
	s.WantEntries(before, "look_up denied")

	if why := b.Doc.Find("details").Text(); !strings.Contains(why, "patients of the other kind only") {
		t.Errorf("why it was refused is %q", why)
	}
	answer := b.At.Path
	b.Follow("Look up all the same").Want(http.StatusOK, answer+"/break-glass", "Look up without the right to")
	if !strings.Contains(b.Text, "for 15 minutes, for you only") {
		t.Error("how long it counts is not said")
	}
	b.Submit(answer+"/break-glass", map[string]string{"reason": "."}).Want(http.StatusUnprocessableEntity, answer+"/break-glass", "Look up without the right to")
	if got := b.Doc.Find(".nhsuk-error-summary__list").Text(); !strings.Contains(got, "Select why you need to look") || !strings.Contains(got, "Say why, in a few words") {
		t.Errorf("the summary says %q", got)
	}
	before = len(s.Entries())
	b.Submit(answer+"/break-glass", map[string]string{"grounds": "emergency", "reason": "Child unconscious, no carer present"})
	b.Want(http.StatusOK, answer, "A flag is held")
	s.WantEntries(before, "look_up flag_held")
	if e := s.LastOf("look_up"); e.Grounds != "emergency" || !e.BreakGlass {
		t.Errorf("the entry has the grounds %q, break-glass %v", e.Grounds, e.BreakGlass)
	}
}

func TestLookUp_WrongPatientIsReported(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := lookUp(s.As("nurse"), "/look-up", flagged)
	answer := b.At.Path
	b.Follow("This is the wrong patient").Want(http.StatusOK, answer+"/wrong-patient", "This is the wrong patient")
	b.Submit(answer+"/wrong-patient", map[string]string{"reason": ""}).Want(http.StatusUnprocessableEntity, answer+"/wrong-patient", "This is the wrong patient")
	before := len(s.Entries())
	b.Submit(answer+"/wrong-patient", map[string]string{"reason": "Two patients with similar numbers"})
	b.Want(http.StatusOK, "/look-up", "Look up a patient")
	s.WantEntries(before, "report_wrong_patient done")
	if !strings.Contains(b.Doc.Find(".nhsuk-notification-banner").Text(), "marked as the wrong patient") {
		t.Error("what was done is not said")
	}
	b.Get(answer).Want(http.StatusOK, "/look-up", "Look up a patient") // the question is gone
}

func TestLookUp_AQuestionIsItsOwners(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	answer := lookUp(s.As("nurse"), "/look-up", flagged).At.Path
	before := len(s.Entries())
	s.As("gp").Get(answer).Want(http.StatusOK, "/look-up", "Look up a patient")
	for _, e := range s.Actions(before) {
		if strings.HasPrefix(e, "look_up") {
			t.Error("somebody else's question was answered")
		}
	}
}

func TestLookUp_SpeaksWelsh(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("nurse").Get("/look-up").Follow("Cymraeg")
	b.Want(http.StatusOK, "/cy/look-up", "Chwilio am glaf")
	b.Submit("/cy/look-up", map[string]string{"number": "1"}).Want(http.StatusUnprocessableEntity, "/cy/look-up", "Chwilio am glaf")
	if got := b.Doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(got, "Mae problem") || !strings.Contains(got, "Rhaid i’r rhif GIG gynnwys 10 digid") {
		t.Errorf("the summary says %q", got)
	}
	lookUp(b, "/cy/look-up", flagged)
	b.Want(http.StatusOK, b.At.Path, "Mae baner wedi’i chofnodi")
	if b.Doc.Find("html").AttrOr("lang", "") != "cy" || !strings.HasPrefix(b.At.Path, "/cy/look-up/") {
		t.Errorf("%s is in %q", b.At.Path, b.Doc.Find("html").AttrOr("lang", ""))
	}
	for _, english := range []string{"Call now", "What to do", "The absence of a flag", "Skip to main content", "Log out", "Print this page"} {
		if strings.Contains(b.Text, english) {
			t.Errorf("the Welsh answer says %q", english)
		}
	}
	if !strings.Contains(b.Text, "30 Ebrill 2019") {
		t.Error("the day is not in Welsh")
	}
}

// Who answers calls of NHS 111 names their safeguarding lead once, whom the local
// authority calls back.
func TestLookUp_OfNHS111NamesItsLead(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Register(func(*domain.Registration) {})
	b := s.As("call-handler").Get("/look-up")
	fields := asked(flagged)
	fields["setting"] = "nhs_111"
	b.Submit("/look-up", fields).Want(http.StatusUnprocessableEntity, "/look-up", "Look up a patient")
	if got := b.Doc.Find(".nhsuk-error-summary li").Length(); got != 3 {
		t.Errorf("%d problems: %s", got, b.Doc.Find(".nhsuk-error-summary").Text())
	}
	lead := map[string]string{"lead-name": "Ann <b>Ode", "lead-role": "Named nurse", "lead-phone": "020 7946 0123"}
	maps.Copy(fields, lead)
	b.Submit("/look-up", fields).Want(http.StatusOK, b.At.Path, "A flag is held")
	again := asked(flagged) // the lead, and the place, are known now
	delete(again, "setting")
	b.Get("/look-up").Submit("/look-up", again).Want(http.StatusOK, b.At.Path, "A flag is held")

	notices := s.As("lead").Get("/notices").Follow("Called NHS 111")
	if text := notices.Doc.Find(".nhsuk-summary-list").Text(); !strings.Contains(text, "Ann <b>Ode") || !strings.Contains(text, "020 7946 0123") {
		t.Errorf("the notice says %q", text)
	}
}
