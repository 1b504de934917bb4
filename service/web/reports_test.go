package web_test

import (
	"archive/zip"
	"net/http"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/servicetest"
)

const (
	child = "9990000018"
	why   = "Complaint 2026-114 by the mother"
)

// follow brings the index of reports up to the log.
func (s *site) index() {
	s.tb.Helper()
	s.must(s.Index.Follow(s.tb.Context()))
}

// lookedAt has somebody looked at by a nurse, and by break-glass by a GP.
func (s *site) lookedAt() {
	s.tb.Helper()
	s.MustLookUp(servicetest.Nurse, servicetest.Unscheduled(child))
	q := servicetest.Unscheduled(child)
	q.BreakGlass, q.Grounds = "collapsed in <script>the waiting room", domain.Emergency
	s.MustLookUp(servicetest.Gp, q)
	s.index()
}

// From the form to the file it is three pages: the form, the answer, the file.
func TestReports_WhoLookedAtThisPersonWithExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.lookedAt()
	b := s.as("auditor").get("/reports/child").want(http.StatusOK, "/reports/child", "Who looked at this person?")
	before := len(s.Entries())
	b.submit("/reports/child", map[string]string{"nhs-number": "999 000 0018", "reason": "complaint", "words": why, "do": "run"})
	if b.status != http.StatusOK || b.doc.Find("tbody tr").Length() != 2 {
		t.Fatalf("got %d %s: %s", b.status, b.at, strings.TrimSpace(b.doc.Find("main").Text()))
	}
	s.wantEntries(before, "read_reports done")
	main := b.doc.Find("main").Text()
	for _, want := range []string{"2 entries", "Looked up", "Break-glass", "Unexplained", "WHITTINGTON", "This is complete until"} {
		if !strings.Contains(main, want) {
			t.Errorf("the page lacks %q: %s", want, main)
		}
	}
	for _, secret := range []string{child, "999 000 0018", why} {
		if strings.Contains(b.text, secret) || strings.Contains(b.at.String(), secret) {
			t.Errorf("the page, or its address, says %q", secret)
		}
	}
	b.submit(b.at.Path, nil).want(http.StatusOK, b.at.Path, "Your file is being made")
	s.must(s.Sign(t.Context()))
	s.must(s.Exports.MakeExports(t.Context()))
	b.follow("Check again").want(http.StatusOK, b.at.Path, "Your file is ready")
	file := b.follow("Download the file").text
	z, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
	if err != nil || len(z.File) < 5 || b.header.Get("Content-Type") != "application/zip" {
		t.Fatalf("got %v, %v", b.header, err)
	}
	s.wantEntries(before+1, "export_report done", "read_reports done", "read_reports done", "download_export done")
	b.send(http.MethodGet, b.at.String(), nil, http.Header{"Range": {"bytes=100-"}})
	if b.status != http.StatusPartialContent || b.text != file[100:] {
		t.Errorf("got %d and %d bytes, want the rest of %d", b.status, len(b.text), len(file))
	}
	b.get("/exports").follow("Who looked at this person?")
	b.submit(strings.TrimSuffix(b.at.Path, "/")+"/delete", nil).want(http.StatusOK, "/exports", "Your files")
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "You have no files") {
		t.Errorf("got %s", text)
	}
}

func TestReports_AreCountedFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.lookedAt()
	b := s.as("privacy").get("/reports/break_glass")
	b.submit("/reports/break_glass", map[string]string{"reason": "routine", "do": "count"})
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "0 entries") { // the GP works elsewhere
		t.Errorf("got %s", text)
	}
	b.follow("Change the question").want(http.StatusOK, "/reports/break_glass", "Which break-glass look-ups were there?")
	b.submit("/reports/break_glass", map[string]string{"reason": "routine", "do": "run"})
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "No entries were found") {
		t.Errorf("got %s", text)
	}
}

// What is wrong is said beside the field, and what was typed is still there.
func TestReports_SayWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("auditor").get("/reports/child")
	before := len(s.Entries())
	b.submit("/reports/child", map[string]string{"nhs-number": "999 000 0019", "words": ".", "period": "other", "from[day]": "31", "from[month]": "2", "from[year]": "2026"})
	b.want(http.StatusUnprocessableEntity, "/reports/child", "Who looked at this person?")
	if n := b.doc.Find(".nhsuk-error-summary__list li").Length(); n != 1 { // the date, which is read first
		t.Errorf("got %d problems: %s", n, b.doc.Find(".nhsuk-error-summary").Text())
	}
	b.submit("/reports/child", map[string]string{"from[day]": "28"})
	if n := b.doc.Find(".nhsuk-error-summary__list li").Length(); n != 2 {
		t.Errorf("got %d problems: %s", n, b.doc.Find(".nhsuk-error-summary").Text())
	}
	if got := b.doc.Find("#nhs-number").AttrOr("value", ""); got != "999 000 0019" {
		t.Errorf("typed was a number, and now %q is there", got)
	}
	s.wantEntries(before)
}

// An address holds the filter alone. Whoever gets it from a colleague is asked for
// the person again.
func TestReports_AddressesOfColleaguesNameNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.lookedAt()
	b := s.as("privacy").get("/reports/child")
	b.submit("/reports/child", map[string]string{"nhs-number": child, "reason": "complaint", "words": why, "action": "look_up"})
	address := b.at.RequestURI()
	other := s.as("second-privacy")
	before := len(s.Entries())
	other.get(address).want(http.StatusOK, "/reports/child", "Who looked at this person?")
	if got := other.doc.Find("#action option[selected]").AttrOr("value", ""); got != "look_up" {
		t.Errorf("the filter is %q", got)
	}
	s.wantEntries(before)
	if b.get(strings.Replace(address, "look_up", "look%27up", 1)); b.status != http.StatusNotFound {
		t.Errorf("got %d for a filter that there is not", b.status)
	}
}

func TestReviews_AreOpenedWithAReasonAndClosedBySomebodyElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.aReview()
	b := s.as("practice-privacy").get("/home").follow("Break-glass look-ups that nobody has explained")
	b.submit("/reports/break_glass", map[string]string{"reason": "routine"})
	b.follow("Open the review")
	path := b.at.Path
	before := len(s.Entries())
	b.submit(path, nil)
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "collapsed in <script>the waiting room") || strings.Contains(b.text, "<script>the") {
		t.Errorf("got %s", text)
	}
	opened := b.at.Path
	b.submit(opened, map[string]string{"found": "."}).want(http.StatusUnprocessableEntity, opened, "Review of a break-glass look-up")
	b.submit(opened, map[string]string{"outcome": "justified", "found": "Was this practice's patient"})
	b.want(http.StatusOK, "/reports/break_glass", "Which break-glass look-ups were there?")
	s.wantEntries(before, "read_reports done", "read_reports done", "review_access done")
	s.index()
	b.submit("/reports/break_glass", map[string]string{"reason": "routine"}).follow("Justified")
	b.submit(b.at.Path, nil)
	if text := b.doc.Find("main").Text(); !strings.Contains(text, "Was this practice's patient") || b.doc.Find("main form").Length() != 0 {
		t.Errorf("got %s", text)
	}
}

// Nobody but those who watch over others gets that far.
func TestReports_AreForWatchers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := len(s.Entries())
	for _, key := range []string{"nurse", "lead", "administrator"} {
		b := s.as(key)
		for _, path := range []string{"/reports", "/reports/child", "/exports", "/reviews/0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11"} {
			if b.get(path); b.status != http.StatusForbidden {
				t.Errorf("%s got %d of %s", key, b.status, path)
			}
		}
	}
	s.wantEntries(before, "log_in done", "log_in done", "log_in done")
}
