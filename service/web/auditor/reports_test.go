package auditor_test

import (
	"archive/zip"
	"net/http"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

const (
	child = "9990000018"
	why   = "Complaint 2026-114 by the mother"
)

// lookedAt has somebody looked at by a nurse, and by break-glass by a GP.
func lookedAt(s *webtest.Site) {
	s.TB.Helper()
	s.MustLookUp(servicetest.Nurse, servicetest.Unscheduled(child))
	q := servicetest.Unscheduled(child)
	q.BreakGlass, q.Grounds = "collapsed in <script>the waiting room", domain.Emergency
	s.MustLookUp(servicetest.Gp, q)
	s.CatchUp()
}

// From the form to the file it is three pages: the form, the answer, the file.
func TestReports_WhoLookedAtThisPersonWithExport(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	lookedAt(s)
	b := s.As("auditor").Get("/reports/child").Want(http.StatusOK, "/reports/child", "Who looked at this person?")
	before := len(s.Entries())
	b.Submit("/reports/child", map[string]string{"nhs-number": "999 000 0018", "reason": "complaint", "words": why, "do": "run"})
	if b.Status != http.StatusOK || b.Doc.Find("tbody tr").Length() != 2 {
		t.Fatalf("got %d %s: %s", b.Status, b.At, strings.TrimSpace(b.Doc.Find("main").Text()))
	}
	s.WantEntries(before, "read_reports done")
	main := b.Doc.Find("main").Text()
	for _, want := range []string{"2 entries", "Looked up", "Break-glass", "Unexplained", "WHITTINGTON", "This is complete until"} {
		if !strings.Contains(main, want) {
			t.Errorf("the page lacks %q: %s", want, main)
		}
	}
	for _, secret := range []string{child, "999 000 0018", why} {
		if strings.Contains(b.Text, secret) || strings.Contains(b.At.String(), secret) {
			t.Errorf("the page, or its address, says %q", secret)
		}
	}
	b.Submit(b.At.Path, nil).Want(http.StatusOK, b.At.Path, "Your file is being made")
	s.Must(s.Sign(t.Context()))
	s.Must(s.Exports.MakeExports(t.Context()))
	b.Follow("Check again").Want(http.StatusOK, b.At.Path, "Your file is ready")
	file := b.Follow("Download the file").Text
	z, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
	if err != nil || len(z.File) < 5 || b.Header.Get("Content-Type") != "application/zip" {
		t.Fatalf("got %v, %v", b.Header, err)
	}
	s.WantEntries(before+1, "export_report done", "read_reports done", "read_reports done", "download_export done")
	b.Send(http.MethodGet, b.At.String(), nil, http.Header{"Range": {"bytes=100-"}})
	if b.Status != http.StatusPartialContent || b.Text != file[100:] {
		t.Errorf("got %d and %d bytes, want the rest of %d", b.Status, len(b.Text), len(file))
	}
	b.Get("/exports").Follow("Who looked at this person?")
	b.Submit(strings.TrimSuffix(b.At.Path, "/")+"/delete", nil).Want(http.StatusOK, "/exports", "Your files")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "You have no files") {
		t.Errorf("got %s", text)
	}
}

func TestReports_AreCountedFirst(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	lookedAt(s)
	b := s.As("privacy").Get("/reports/break_glass")
	b.Submit("/reports/break_glass", map[string]string{"reason": "routine", "do": "count"})
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "0 entries") { // the GP works elsewhere
		t.Errorf("got %s", text)
	}
	b.Follow("Change the question").Want(http.StatusOK, "/reports/break_glass", "Which break-glass look-ups were there?")
	b.Submit("/reports/break_glass", map[string]string{"reason": "routine", "do": "run"})
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "No entries were found") {
		t.Errorf("got %s", text)
	}
}

// Entries are sorted by when they were made, both ways, on the server: the head of the
// column is a plain link, which says how it is sorted and nothing else.
func TestReports_AreSortedByWhen(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for range 52 {
		s.MustLookUp(servicetest.Nurse, servicetest.Unscheduled(child))
	}
	lookedAt(s)
	b := s.As("auditor").Get("/reports/everything").Submit("/reports/everything", map[string]string{"reason": "routine", "action": "look_up"})
	glass := func() bool { return strings.Contains(b.Doc.Find("tbody").Text(), "Break-glass") }
	sorted := func(want, caption string) {
		t.Helper()
		head := b.Doc.Find(`th[aria-sort]`)
		if head.Length() != 1 || head.AttrOr("aria-sort", "") != want || strings.TrimSpace(head.Text()) != "When" || head.Find("a[href]").Length() != 1 {
			t.Errorf("the head of the column is %q, sorted %q, want %s", head.Text(), head.AttrOr("aria-sort", ""), want)
		}
		if got := b.Doc.Find("caption").Text(); !strings.Contains(got, caption) {
			t.Errorf("the caption is %q", got)
		}
	}
	if sorted("descending", "the newest first"); !glass() {
		t.Error("the newest entry is not on the first page")
	}
	b.Follow("When")
	if sorted("ascending", "the oldest first"); glass() || b.Doc.Find("tbody tr").Length() != 50 {
		t.Error("the newest entry is on the first page of the oldest")
	}
	if b.Follow("Next"); !glass() || b.Doc.Find("tbody tr").Length() != 4 {
		t.Errorf("the last page has %d entries: %s", b.Doc.Find("tbody tr").Length(), b.Doc.Find("main").Text())
	}
	sorted("ascending", "the oldest first")
	b.Follow("When") // on the first page again
	if sorted("descending", "the newest first"); !glass() || b.Doc.Find("tbody tr").Length() != 50 {
		t.Error("another order does not begin on the first page")
	}
}

// What is wrong is said beside the field, and what was typed is still there.
func TestReports_SayWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("auditor").Get("/reports/child")
	before := len(s.Entries())
	b.Submit("/reports/child", map[string]string{"nhs-number": "999 000 0019", "words": ".", "period": "other", "from[day]": "31", "from[month]": "2", "from[year]": "2026"})
	b.Want(http.StatusUnprocessableEntity, "/reports/child", "Who looked at this person?")
	if n := b.Doc.Find(".nhsuk-error-summary__list li").Length(); n != 1 { // the date, which is read first
		t.Errorf("got %d problems: %s", n, b.Doc.Find(".nhsuk-error-summary").Text())
	}
	b.Submit("/reports/child", map[string]string{"from[day]": "28"})
	if n := b.Doc.Find(".nhsuk-error-summary__list li").Length(); n != 2 {
		t.Errorf("got %d problems: %s", n, b.Doc.Find(".nhsuk-error-summary").Text())
	}
	if got := b.Doc.Find("#nhs-number").AttrOr("value", ""); got != "999 000 0019" {
		t.Errorf("typed was a number, and now %q is there", got)
	}
	s.WantEntries(before)
}

// An address holds the filter alone. Whoever gets it from a colleague is asked for
// the person again.
func TestReports_AddressesOfColleaguesNameNobody(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	lookedAt(s)
	b := s.As("privacy").Get("/reports/child")
	b.Submit("/reports/child", map[string]string{"nhs-number": child, "reason": "complaint", "words": why, "action": "look_up"})
	address := b.At.RequestURI()
	other := s.As("second-privacy")
	before := len(s.Entries())
	other.Get(address).Want(http.StatusOK, "/reports/child", "Who looked at this person?")
	if got := other.Doc.Find("#action option[selected]").AttrOr("value", ""); got != "look_up" {
		t.Errorf("the filter is %q", got)
	}
	s.WantEntries(before)
	if b.Get(strings.Replace(address, "look_up", "look%27up", 1)); b.Status != http.StatusNotFound {
		t.Errorf("got %d for a filter that there is not", b.Status)
	}
}

func TestReviews_AreOpenedWithAReasonAndClosedBySomebodyElse(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Review()
	b := s.As("practice-privacy").Get("/home").Follow("Break-glass look-ups that nobody has explained")
	b.Submit("/reports/break_glass", map[string]string{"reason": "routine"})
	b.Follow("Open the review")
	path := b.At.Path
	before := len(s.Entries())
	b.Submit(path, nil)
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "collapsed in <script>the waiting room") || strings.Contains(b.Text, "<script>the") {
		t.Errorf("got %s", text)
	}
	opened := b.At.Path
	b.Submit(opened, map[string]string{"found": "."}).Want(http.StatusUnprocessableEntity, opened, "Review of a look-up")
	b.Submit(opened, map[string]string{"outcome": "justified", "found": "Was this practice's patient"})
	b.Want(http.StatusOK, "/reviews", "Reviews")
	s.WantEntries(before, "read_reports done", "read_reports done", "review_access done", "read_reports done")
	s.CatchUp()
	b.Get("/reports/break_glass").Submit("/reports/break_glass", map[string]string{"reason": "routine"}).Follow("Justified")
	b.Submit(b.At.Path, nil)
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "Was this practice's patient") || b.Doc.Find("main form").Length() != 0 {
		t.Errorf("got %s", text)
	}
}

// Nobody but those who watch over others gets that far.
func TestReports_AreForWatchers(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for _, key := range []string{"nurse", "lead", "administrator"} {
		b := s.As(key)
		before := len(s.Entries())
		for _, path := range []string{"/reports", "/reports/child", "/exports", "/reviews/0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11"} {
			if b.Get(path); b.Status != http.StatusForbidden {
				t.Errorf("%s got %d of %s", key, b.Status, path)
			}
		}
		s.WantEntries(before)
	}
}
