package oversight_test

import (
	"encoding/base64"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/deploy/dev/traffic"
	"cpis/service/oversight"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// benchEntries says how many entries there are: TEST_REPORT_ENTRIES, of which ten
// million are what reports must be quick over. They need about 2 kB each on disk.
func benchEntries(b *testing.B) int64 {
	b.Helper()
	text := os.Getenv("TEST_REPORT_ENTRIES")
	if text == "" {
		return 20_000
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1000 {
		b.Fatalf("TEST_REPORT_ENTRIES is %q, and must be a number from 1000 on", text)
	}
	return n
}

// BenchmarkReports measures how long the first page of each report takes, how
// quickly the index is made, and how large it is.
func BenchmarkReports(b *testing.B) {
	n := benchEntries(b)
	f := &fixture{servicetest.New(b)}
	w := traffic.New(n, servicetest.Noon)
	f.load(b, w, n)
	f.makeIndex(b, n)
	for _, report := range everyReport {
		b.Run(string(report), func(b *testing.B) {
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				q := queryOf(w, report)
				began := time.Now()
				_, err := f.Reports.ListEntries(b.Context(), auditor, &oversight.ListRequest{Report: report, Query: q})
				if took = append(took, time.Since(began)); err != nil {
					b.Fatal(servicetest.Explain(err))
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

// queryOf asks for somebody else each time.
func queryOf(w *traffic.Traffic, report oversight.Report) oversight.Query {
	q := because(oversight.Query{})
	switch report {
	case oversight.Child:
		q.Subject = base64.RawURLEncoding.EncodeToString(w.Child())
	case oversight.Actor:
		q.Actor = w.Actor()
	case oversight.Organisation:
		q.Organised = w.Organisation()
	case oversight.Request:
		q.RequestID = w.LastRequest()
	}
	return q
}

// load writes the lines of a log, with the tree over them.
func (f *fixture) load(b *testing.B, w *traffic.Traffic, n int64) {
	b.Helper()
	log, err := f.DB.Logs.Find(b.Context(), dbtest.Origin)
	if err != nil {
		b.Fatal(err)
	}
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return w.Append(b.Context(), conn, int16(log.ID), audit.Tree{}, n)
	})
}

// makeIndex makes the index of what was loaded, and measures that.
func (f *fixture) makeIndex(b *testing.B, n int64) {
	b.Helper()
	began := time.Now()
	if _, err := f.admin(b).Rebuild(b.Context(), func(string, int64, int64) {}); err != nil {
		b.Fatal(err)
	}
	rate := float64(n) / time.Since(began).Seconds()
	f.Exec("ANALYZE cpis.entry_index")
	var index, entries int64
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(b.Context(), `
			SELECT pg_total_relation_size('cpis.entry_index'),
			       (SELECT sum(pg_total_relation_size(p.relid)) FROM pg_partition_tree('cpis.entry') AS p WHERE p.isleaf)::bigint`).
			Scan(&index, &entries)
	})
	b.Run("index", func(b *testing.B) {
		for b.Loop() { // it was made once, above
		}
		b.ReportMetric(rate, "entries/s")
		b.ReportMetric(float64(index)/float64(n), "B/entry")
		b.ReportMetric(float64(entries)/float64(n), "log-B/entry")
	})
}
