package files_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"cpis/service/servicetest"
	"cpis/service/upload"
	"cpis/service/web/webtest"
)

const (
	header  = servicetest.SheetHeader
	numberB = servicetest.NumberB
	numberC = servicetest.NumberC
)

var row = servicetest.SheetRow

// send sends a file through the form.
func send(b *webtest.Browser, extent string, chosen ...webtest.File) *webtest.Browser {
	b.TB.Helper()
	b.Get("/files/new").Want(http.StatusOK, "/files/new", "Send a file of plans")
	act := b.Doc.Find(`form input[name="request"]`).AttrOr("value", "")
	return b.SendFiles("/files/new", url.Values{"request": {act}, "extent": {extent}}, chosen...)
}

func said(b *webtest.Browser) string {
	return strings.Join(strings.Fields(b.Doc.Find("main").Text()), " ")
}

// wantSaid checks what a page says.
func wantSaid(b *webtest.Browser, texts ...string) {
	b.TB.Helper()
	for _, text := range texts {
		if !strings.Contains(said(b), text) {
			b.TB.Errorf("%s does not say %q, but %q", b.At.Path, text, said(b))
		}
	}
}

func TestFile_IsSentLookedAtAndApproved(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/files").Want(http.StatusOK, "/files", "Files of plans")
	wantSaid(b, "You have sent no files yet")
	b.Follow("Download an empty file")
	if got := b.Header.Get("Content-Disposition"); b.Text != upload.Template() || got != `attachment; filename="plans.csv"` {
		t.Errorf("got %q, %q", b.Text, got)
	}
	send(b, "delta", webtest.File{Name: "Robin Example 9990000018.csv", Text: header + row() + row(numberB, "nhs_number=999000026") + row(numberC)})
	b.Want(http.StatusOK, b.At.Path, "Check what this file would do")
	file := b.At.Path
	wantSaid(b, "Changes, sent by", "3 rows", "Nothing has changed yet.", "New plans2", "1 row was rejected",
		"1 row: NHS number has nine digits", "Keep the column as text, and enter all 10 digits.", "Download your file with the results")
	if n := s.Held().Plans; n != 0 {
		t.Errorf("%d plans are held before anybody approved", n)
	}
	b.Follow("Show all rejected rows").Want(http.StatusOK, file+"/rows", "Rows of the file")
	wantSaid(b, "NHS number has nine digits", "CASE-1042")
	b.Get(file).Submit(file+"/approve", nil).Want(http.StatusOK, file, "The file was applied")
	wantSaid(b, "2 new, 0 changed, 0 ended", "Approved by", "What happens next", "You get a notice when", "It is there until")
	if n := s.Held().Plans; n != 2 {
		t.Errorf("%d plans are held", n)
	}
	b.Get("/files").Want(http.StatusOK, "/files", "Files of plans")
	if text := b.Doc.Find("tbody").Text(); !strings.Contains(text, "Applied") || !strings.Contains(text, "Changes only") {
		t.Errorf("the list says %q", text)
	}
	if b.Get(file); strings.Contains(b.Text, "Robin") {
		t.Errorf("the page names the file: %q", said(b))
	}
}

// The result goes out in the authority's columns, and comes back corrected.
func TestFile_ResultIsCorrectedAndSentAgain(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	send(b, "delta", webtest.File{Name: "plans.csv", Text: header + row(`family_name="=1+1"`) + row(numberB, "kind=none")})
	file := b.At.Path
	b.Follow("Download your file")
	id := strings.TrimPrefix(file, "/files/")
	if got := b.Header.Get("Content-Disposition"); got != `attachment; filename="result-`+id+`.csv"` || b.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %q, %v", got, b.Header)
	}
	if !strings.Contains(b.Text, "Line,Result,What to do,nhs_number") || !strings.Contains(b.Text, "'=1+1") {
		t.Errorf("the result is %q", b.Text)
	}
	send(b, "delta", webtest.File{Name: "result.csv", Text: strings.Replace(b.Text, ",none,", ",cpp,", 1)})
	wantSaid(b, "New plans2", "Rejected rows0")
	s.As("camden-lead").Get(file+"/result").Want(http.StatusNotFound, file+"/result", "Page not found")
}

// What would end children's flags is said first, and somebody repeats the number.
func TestFile_ThatEndsManyIsHeldByTheBrake(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.MustApply(servicetest.Lead, servicetest.Whole, string(servicetest.ManyRows(40, 0)))
	s.Clock.Advance(48 * 3600e9)
	b := s.As("lead")
	send(b, "whole", webtest.File{Name: "plans.csv", Text: string(servicetest.ManyRows(20, 0))})
	file := b.At.Path
	first := b.Doc.Find("main .nhsuk-card--warning")
	if !strings.Contains(first.Text(), "This file would end 20 of your 40 plans in force") || first.Length() != 1 {
		t.Errorf("the page says %q", said(b))
	}
	if b.Doc.Find(`form[action="`+file+`/approve"]`).Length() != 0 {
		t.Error("it can be approved without repeating the number")
	}
	b.Follow("Plans that end").Want(http.StatusOK, file+"/rows", "Rows of the file")
	if n := b.Doc.Find("tbody tr").Length(); n != 20 {
		t.Errorf("%d rows would end", n)
	}
	b.Get(file).Follow("Go on").Want(http.StatusOK, file+"/approve", "You are about to end 20 plans")
	b.Submit(file+"/approve", map[string]string{"confirm": "2"}).Want(http.StatusUnprocessableEntity, file+"/approve", "You are about to end 20 plans")
	if got := b.Doc.Find(".nhsuk-error-summary").Text(); !strings.Contains(got, "Type the number of plans that will end") || b.Doc.Find("#confirm").AttrOr("value", "") != "2" {
		t.Errorf("the summary says %q", got)
	}
	b.Submit(file+"/approve", map[string]string{"confirm": " 20 "}).Want(http.StatusOK, file, "The file was applied")
	wantSaid(b, "0 new, 0 changed, 20 ended")
}

// Of two who decide, the second hears that it is decided, and nothing happens twice.
func TestFile_IsDecidedOnce(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u := aFile(s)
	file := "/files/" + u.ID
	first, second := s.As("lead").Get(file), s.As("second-lead").Get(file)
	third := s.As("second-lead").Get(file + "/cancel")
	form := url.Values{"version": {"3"}, "request": {first.Doc.Find(`input[name="request"]`).AttrOr("value", "")}}
	for range 2 { // a double click
		first.Send(http.MethodPost, file+"/approve", form, nil).Want(http.StatusOK, file, "The file was applied")
	}
	if n := strings.Count(strings.Join(s.Actions(0), " "), "apply_upload done"); n != 1 {
		t.Errorf("it was applied %d times", n)
	}
	second.Submit(file+"/approve", nil).Want(http.StatusConflict, file+"/approve", "Somebody changed this while you were typing")
	third.Submit(file+"/cancel", map[string]string{"reason": "the wrong file"}).Want(http.StatusConflict, file+"/cancel", "Somebody changed this while you were typing")
	third.Get(file+"/approve").Want(http.StatusOK, file, "The file was applied")
	third.Get(file+"/cancel").Want(http.StatusOK, file, "The file was applied")
}

func TestFile_IsGivenUp(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u := aFile(s)
	file := "/files/" + u.ID
	b := s.As("lead").Get(file).Follow("Give this file up").Want(http.StatusOK, file+"/cancel", "Give this file up?")
	b.Submit(file+"/cancel", map[string]string{"reason": strings.Repeat("x", 501)}).Want(http.StatusUnprocessableEntity, file+"/cancel", "Give this file up?")
	b.Submit(file+"/cancel", map[string]string{"reason": "<script>alert(1)</script>"}).Want(http.StatusOK, "/files", "Files of plans")
	wantSaid(b, "The file was given up. Nothing has changed.", "Given up")
	b.Get(file).Want(http.StatusOK, file, "The file was given up")
	if strings.Contains(b.Text, "<script>alert") || !strings.Contains(said(b), "<script>alert(1)</script>") {
		t.Error("the reason is not shown as it was typed, and inert")
	}
	if b.Doc.Find(`a[href$="/result"]`).Length() != 0 {
		t.Error("a file that was given up is offered")
	}
}

// Hostile texts come back inert, in pages and in what is downloaded.
func TestFile_HostileTextsStayInert(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	send(b, "delta", webtest.File{Name: "a.csv", Text: header + row("kind=none", "reference=<img src=x onerror=alert(1)>", "family_name=@SUM(A1)")})
	b.Want(http.StatusOK, b.At.Path, "The file was not used")
	file := b.At.Path
	b.Get(file + "/rows")
	if strings.Contains(b.Text, "<img") || !strings.Contains(said(b), "<img src=x onerror=alert(1)>") {
		t.Errorf("a reference is not shown as it stands, and inert: %q", said(b))
	}
	if b.Get(file + "/result"); strings.Contains(b.Text, ",@SUM") || !strings.Contains(b.Text, ",'@SUM(A1)") {
		t.Errorf("the result is %q", b.Text)
	}
	if b.Get(file + "/rows?outcome=<script>&page='%22"); b.Status != http.StatusOK || b.Doc.Find("tbody tr").Length() != 1 {
		t.Errorf("got %d, %q", b.Status, said(b))
	}
}

func TestFile_FormSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	fine := webtest.File{Name: "plans.csv", Text: header + row()}
	for name, tt := range map[string]struct {
		extent string
		files  []webtest.File
		want   []string
	}{
		"nothing":        {"", []webtest.File{{}}, []string{"Select what is in the file", "Select a file"}},
		"no file":        {"delta", nil, []string{"Select a file"}},
		"no extent":      {"all", []webtest.File{fine}, []string{"Select what is in the file"}},
		"a workbook":     {"delta", []webtest.File{{Name: "plans.XLSX", Text: "PK"}}, []string{"The selected file is a workbook. In Excel, choose Save as, then CSV UTF-8, and send that file"}},
		"a picture":      {"whole", []webtest.File{{Name: "plans.png", Text: "x"}}, []string{"The selected file must be a CSV or a ZIP. In Excel, choose Save as, then CSV UTF-8"}},
		"one of several": {"whole", []webtest.File{fine, {Name: "b.doc", Text: "x"}}, []string{"The selected file must be a CSV or a ZIP. In Excel, choose Save as, then CSV UTF-8"}},
	} {
		send(b, tt.extent, tt.files...).Want(http.StatusUnprocessableEntity, "/files/new", "Send a file of plans")
		got := b.Doc.Find(".nhsuk-error-summary li").Map(func(_ int, li *goquery.Selection) string { return strings.TrimSpace(li.Text()) })
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", name, diff)
		}
		if tt.extent == "delta" && b.Doc.Find(`input[value="delta"][checked]`).Length() != 1 {
			t.Errorf("%s: what was chosen is not chosen any more", name)
		}
	}
	b.Send(http.MethodPost, "/files/new", url.Values{"extent": {"delta"}}, nil).Want(http.StatusUnprocessableEntity, "/files/new", "The form could not be read")
	send(b, "delta", webtest.File{Name: "plans.csv", Text: strings.Repeat("x", webtest.MaxFile)})
	b.Want(http.StatusRequestEntityTooLarge, "/files/new", "The file is too big")
	if n := s.Count("upload"); n != 0 {
		t.Errorf("%d files are kept", n)
	}
}

// A file that is broken gets an answer in words, and no preview.
func TestFile_ThatIsBrokenSaysWhy(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	send(b, "whole", webtest.File{Name: "plans.csv", Text: "PK\x03\x04 a workbook under another name"})
	b.Want(http.StatusOK, b.At.Path, "The file was not used")
	wantSaid(b, "The file line 1: is a workbook or an archive, not text: save the sheet as “CSV UTF-8”.", "Nothing has changed. Correct the file, and send it again.")
	if b.Doc.Find("table").Length() != 0 {
		t.Error("a file that was not read has counts")
	}
}

// The tables of the dataset come as several files, or as one archive.
func TestFile_OfTheDataset(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	send(b, "delta", webtest.File{Name: "ssd_person.csv", Text: "pers_person_id\n"}, webtest.File{Name: "ssd_mother.csv", Text: "moth_person_id\n"})
	b.Want(http.StatusOK, b.At.Path, "The file was not used")
	wantSaid(b, "lacks ssd_linked_identifiers, ssd_cp_plans, ssd_cla_episodes, ssd_legal_status", "Standard Safeguarding Dataset")
}

// A file that takes long goes on without whoever approved it, and a page says so.
func TestFile_OnItsWayHasAPage(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u := aFile(s)
	s.CrashApplying(servicetest.Lead, u)
	b := s.As("lead").Get("/files/"+u.ID).Want(http.StatusOK, "/files/"+u.ID, "The file is being applied")
	wantSaid(b, "You can leave this page")
	b.Follow("See how far it is").Want(http.StatusOK, "/files/"+u.ID, "The file is being applied")
	if b.Get("/files"); !strings.Contains(b.Doc.Find("tbody").Text(), "Being applied") {
		t.Errorf("the list says %q", said(b))
	}
	b.Get("/files/"+u.ID+"/approve").Want(http.StatusOK, "/files/"+u.ID, "The file is being applied")
}

func TestFile_IsTheAuthoritysAlone(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u := aFile(s)
	b := s.As("camden-lead")
	for _, path := range []string{"", "/rows", "/result", "/approve", "/cancel"} {
		b.Get("/files/"+u.ID+path).Want(http.StatusNotFound, "/files/"+u.ID+path, "Page not found")
	}
	b.Send(http.MethodPost, "/files/"+u.ID+"/approve", url.Values{"version": {"3"}}, nil).Want(http.StatusNotFound, "/files/"+u.ID+"/approve", "Page not found")
	if b.Get("/files"); strings.Contains(b.Text, u.ID) {
		t.Error("another authority's file is listed")
	}
}

// Wherever a file stands, it has a page.
func TestFile_HasAPageInEachState(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	u := aFile(s)
	b := s.As("lead")
	for state, heading := range map[upload.State]string{
		upload.Received: "The file is being checked", upload.Checked: "There is nothing to do", upload.Waiting: "Check what this file would do",
		upload.Applying: "The file is being applied", upload.Applied: "The file was applied", upload.Rejected: "The file was not used",
		upload.Cancelled: "The file was given up",
	} {
		s.Pretend(`UPDATE cpis.upload SET state = $2 WHERE id = $1`, u.ID, string(state))
		b.Get("/files/"+u.ID).Want(http.StatusOK, "/files/"+u.ID, heading)
		b.Get("/files").Want(http.StatusOK, "/files", "Files of plans")
	}
}
