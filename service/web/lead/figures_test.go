package lead_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// wereTold has Islington told of look-ups some weeks ago, each answered after an hour.
func wereTold(s *webtest.Site, weeks, often int, setting string) {
	s.TB.Helper()
	at := s.Clock.Now().AddDate(0, 0, -7*weeks)
	s.Exec(`INSERT INTO cpis.notice (id, authority, kind, priority, at, organisation, setting, log, entry, acknowledged_at, mac)
		SELECT gen_random_uuid(), $1, 'unscheduled_access', false, $2, 'RKE', $3, (SELECT min(id) FROM cpis.log), 1000000, $4, ''
		FROM generate_series(1, $5::integer)`, servicetest.Islington, at, setting, at.Add(time.Hour), often)
}

// Figures are charts with their tables, and a file; small numbers are in none of them.
func TestFigures_ShowNumbersThatSingleNobodyOut(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	before := len(s.Entries())
	b.Get("/figures").Want(http.StatusOK, "/figures", "Figures")
	s.WantEntries(before, "read_figures done")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "You were not told of any look-up in these weeks") {
		t.Errorf("of nothing the page says %q", text)
	}
	wereTold(s, 2, 23, "emergency_department")
	wereTold(s, 2, 3, "ambulance")
	wereTold(s, 3, 11, "maternity")
	wereTold(s, 30, 33, "maternity")
	b.Get("/figures")
	text := strings.Join(strings.Fields(b.Doc.Find("main").Text()), " ")
	for _, want := range []string{"Most were in the week from", "about 25", "Not shown", "Half of them were acknowledged within 60 minutes", "About 100%", "Emergency department"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	if n := b.Doc.Find("main svg.chart[aria-hidden=true]").Length(); n != 5 { // all, three settings, and how soon
		t.Errorf("there are %d charts", n)
	}
	if n := b.Doc.Find("main table").Length(); n != 3 {
		t.Errorf("there are %d tables", n)
	}
	b.Follow("Download these tables")
	records, err := csv.NewReader(strings.NewReader(b.Text)).ReadAll()
	if err != nil || len(records) != 14 || strings.Join(records[0], " ") != "week all ambulance emergency_department maternity median_hours ninth_hours" {
		t.Fatalf("the file is %v, %v", records, err)
	}
	if got := strings.Join(records[12][1:], " "); got != "25  25 0 1.0 1.0" {
		t.Errorf("the week before last is %q", got)
	}
	b.Get("/figures").Follow("Show 52 weeks").Want(http.StatusOK, "/figures", "Figures")
	if n := b.Doc.Find("main table").First().Find("tbody tr").Length(); n != 52 || b.At.RawQuery != "weeks=52" {
		t.Errorf("a year has %d weeks at %s", n, b.At)
	}
	b.Get("/figures?weeks=%27%3Bdrop").Want(http.StatusOK, "/figures", "Figures")
}

// What cannot be counted is an error page, and never shown as nothing.
func TestFigures_ThatCannotBeReadAreAnErrorPage(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Exec(`REVOKE SELECT ON cpis.notice FROM cpis_app`)
	b := s.As("lead").Get("/figures")
	if b.Status < 500 || strings.Contains(b.Text, "not told of any") {
		t.Errorf("the page answers %d: %s", b.Status, b.Doc.Find("main").Text())
	}
}
