package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cpis/service/store"
)

func TestCountsAreShownForAWhileAndNeverWhenOld(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 23, 17, 0, 0, 0, time.UTC)
	var counted int
	var err error
	c := &counts{log: "log.example/2", now: func() time.Time { return now }, count: func() (store.Counts, error) {
		counted++
		return store.Counts{
			Persons: 3, Plans: 4, OpenReviews: 5, Room: 6, Pending: 7, Undelivered: 8, Unindexed: 9,
			Heads: map[string]int64{"log.example/1": 7, "log.example/2": int64(counted)},
		}, err
	}}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	shows := func(size string) {
		t.Helper()
		want := ""
		if size != "" {
			want = `# HELP cpis_deliveries_oldest When the notice that waits longest came to its channel, in seconds since 1970; 0 if none waits.
# TYPE cpis_deliveries_oldest gauge
cpis_deliveries_oldest 0
# HELP cpis_deliveries_pending Notices that wait on channels to be delivered.
# TYPE cpis_deliveries_pending gauge
cpis_deliveries_pending 7
# HELP cpis_deliveries_undelivered Deliveries of notices that channels gave up.
# TYPE cpis_deliveries_undelivered gauge
cpis_deliveries_undelivered 8
# HELP cpis_log_room Entries that the log can take before its partitions run out.
# TYPE cpis_log_room gauge
cpis_log_room 6
# HELP cpis_log_size Entries of the log.
# TYPE cpis_log_size gauge
cpis_log_size ` + size + `
# HELP cpis_persons Persons held, as the database estimates.
# TYPE cpis_persons gauge
cpis_persons 3
# HELP cpis_plans Plans held, as the database estimates.
# TYPE cpis_plans gauge
cpis_plans 4
# HELP cpis_reports_behind Entries of the logs that reports do not find yet.
# TYPE cpis_reports_behind gauge
cpis_reports_behind 9
# HELP cpis_reviews_open Look-ups that wait for review.
# TYPE cpis_reviews_open gauge
cpis_reviews_open 5
`
		}
		page := httptest.NewRecorder()
		handler.ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		if diff := cmp.Diff(want, page.Body.String()); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
	}
	shows("1")
	now = now.Add(countFor - 1)
	shows("1")
	now = now.Add(1)
	shows("2")
	now, err = now.Add(countFor), errors.New("database is away")
	shows("")
	err = nil
	shows("") // not asked again so soon
	now = now.Add(countFor)
	shows("4")
}

// testMetrics looks at what a running demo shows to operators.
func testMetrics(t *testing.T, d *running) {
	t.Helper()
	page := d.metrics(t)
	for name, least := range map[string]float64{
		"cpis_log_room": 1 << 29, "cpis_log_size": 10, "cpis_reviews_open": 1, "cpis_persons": 0, "cpis_plans": 0,
	} {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(page)
		if m == nil {
			t.Errorf("metrics lack %s", name)
			continue
		}
		if got, err := strconv.ParseFloat(m[1], 64); err != nil || got < least {
			t.Errorf("%s: got %s, want at least %v", name, m[1], least)
		}
	}
}

func (d *running) metrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The alerts on the log's room name what is shown.
func TestAlertsKnowTheLogsRoom(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/dashboards/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "min(cpis_log_room) <") {
		t.Error("no alert watches cpis_log_room")
	}
}
