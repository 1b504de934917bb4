package oversight_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
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
	w := newWorld()
	f.load(b, w, n)
	f.makeIndex(b, n)
	for _, report := range everyReport {
		b.Run(string(report), func(b *testing.B) {
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				q := w.query(report)
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

// world is who looks at whom: most children are looked at a few times, one very
// often.
type world struct {
	random   *rand.Rand
	children [][]byte
	began    time.Time
	last     string // request of the newest entry
}

func newWorld() *world {
	w := &world{random: rand.New(rand.NewPCG(7, 11)), began: servicetest.Noon.AddDate(-2, 0, 0)}
	for range 200_000 {
		tag := make([]byte, 32)
		for i := range 4 {
			v := w.random.Uint64()
			for j := range 8 {
				tag[8*i+j] = byte(v >> (8 * j))
			}
		}
		w.children = append(w.children, tag)
	}
	return w
}

func (w *world) actor() string        { return fmt.Sprintf("5552542%05d", w.random.IntN(20_000)) }
func (w *world) organisation() string { return fmt.Sprintf("R%03d", w.random.IntN(300)) }

func (w *world) child() []byte {
	if w.random.IntN(1000) == 0 {
		return w.children[0]
	}
	return w.children[w.random.IntN(len(w.children))]
}

// entry makes an entry as look-ups and others leave them.
func (w *world) entry(i, n int64) audit.Entry {
	id := uuid.UUID(w.children[w.random.IntN(len(w.children))][:16])
	e := audit.Entry{
		Version: audit.Version, Time: w.began.Add(time.Duration(i) * (2 * 365 * 24 * time.Hour / time.Duration(n))),
		Actor: w.actor(), Client: "ed-system-7", Issuer: "https://am.nhsidentity.example", Organisation: w.organisation(),
		Role: "clinician_unscheduled", Action: "look_up", Mode: "unscheduled", Purpose: "emergency_care", Subject: w.child(),
		Encounter: w.child(), Request: id.String(), Outcome: "no_flag_known", Rule: "U1",
	}
	switch k := w.random.IntN(1000); {
	case k < 10:
		e.Outcome, e.Rule = "denied", "no_rule"
	case k < 12:
		e.BreakGlass, e.Rule = true, "B1"
	case k < 20:
		e.Encounter = nil
	case k < 40:
		e.Action, e.Role, e.Mode, e.Outcome, e.Rule = "amend_plan", "safeguarding_lead", "", "done", "P10"
	case k < 42:
		e.Action, e.Role, e.Mode, e.Outcome, e.Subject = "set_contacts", "safeguarding_lead", "", "done", nil
	case k < 44:
		e.Action, e.Role, e.Mode, e.Outcome = "read_reports", "auditor", "", "done"
	case k < 90:
		e.Outcome = "flag_held"
	}
	w.last = e.Request
	return e
}

// query asks for somebody else each time.
func (w *world) query(report oversight.Report) oversight.Query {
	q := because(oversight.Query{})
	switch report {
	case oversight.Child:
		q.Subject = base64.RawURLEncoding.EncodeToString(w.child())
	case oversight.Actor:
		q.Actor = w.actor()
	case oversight.Organisation:
		q.Organised = w.organisation()
	case oversight.Request:
		q.RequestID = w.last
	}
	return q
}

// load writes the lines of a log, with the tree over them.
func (f *fixture) load(b *testing.B, w *world, n int64) {
	b.Helper()
	log, err := f.DB.Logs.Find(b.Context(), dbtest.Origin)
	if err != nil {
		b.Fatal(err)
	}
	var tree audit.Tree
	i := int64(-1)
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if i++; i == n {
			return nil, nil
		}
		e := w.entry(i, n)
		line := e.AppendLine(nil)
		tree.Append(audit.LeafHash(line))
		return []any{int16(log.ID), i, line, e.Subject}, nil
	})
	f.AsSuperuser(func(conn *pgx.Conn) error {
		if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"cpis", "entry"}, []string{"log", "idx", "line", "subject"}, rows); err != nil {
			return err
		}
		root := tree.Root()
		_, err := conn.Exec(b.Context(), `UPDATE cpis.log_head SET size = $2, frontier = $3, root = $4 WHERE log = $1`,
			int16(log.ID), n, tree.AppendFrontier(nil), root[:])
		return err
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
