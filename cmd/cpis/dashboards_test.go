package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Panels and alerts ask for metrics that an operator can read about, and those
// on which the safety of notices and log hangs have a panel.
func TestDashboardsShowDocumentedMetrics(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("../../docs/operations.md")
	dashboard := read("../../deploy/dashboards/cpis.json")
	metric := regexp.MustCompile(`cpis_[a-z_]+`)
	histogram := regexp.MustCompile(`_(bucket|sum|count)$`)
	for _, name := range metric.FindAllString(dashboard+read("../../deploy/dashboards/alerts.yml"), -1) {
		if name = histogram.ReplaceAllString(name, ""); !strings.Contains(page, "`"+name) {
			t.Errorf("%s is asked for, and docs/operations.md does not explain it", name)
		}
	}
	shown := metric.FindAllString(dashboard, -1)
	for _, name := range []string{
		"cpis_deliveries_total", "cpis_deliveries_pending", "cpis_deliveries_oldest", "cpis_deliveries_undelivered",
		"cpis_log_size", "cpis_checkpoint_size", "cpis_unsigned_total", "cpis_plans", "cpis_persons", "cpis_issuers_unknown",
		"cpis_reports_behind",
	} {
		if !slices.Contains(shown, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}
