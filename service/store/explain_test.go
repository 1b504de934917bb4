package store_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"cpis/service/store"
)

// The statements of the hot path go through indexes, on a database that has
// never been analysed as on one that has, whatever their parameters.
func TestHotPathUsesIndexes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// An earlier test may have left statistics of its rows.
	for _, table := range []string{"person_tag", "person", "plan", "access", "access_mark", "notice"} {
		f.exec(`ALTER TABLE cpis.` + table + ` SET (autovacuum_enabled = off)`)
		f.exec(`TRUNCATE cpis.` + table + ` CASCADE`)
	}
	conn := f.connectAsService()
	statements := map[string]struct {
		sql     string
		indexes []string
	}{
		"flags": {store.FlagOf, []string{"person_tag_pkey", "person_pkey", "plan_person", "authority_pkey"}},
		"read":  {store.FlagsAndHistory, []string{"person_tag_pkey", "person_pkey", "plan_person", "authority_pkey", "access_person", "organisation_pkey", "access_mark_pkey"}},
		"lines": {store.AppendLines, []string{"log_head_pkey"}},
		"all":   {store.AppendAll, []string{"log_head_pkey", "access_person", "access_encounter", "access_mark_pkey", "notice_person", "notice_encounter", "notice_corrects"}},
		"watch": {store.NoticesAfter, []string{"notice_order", "notice_corrects"}},
		"inbox": {store.InboxPage, []string{"notice_inbox", "notice_corrects"}},
	}
	for name, s := range statements {
		_, err := conn.Exec(t.Context(), fmt.Sprintf("PREPARE %q AS %s", name, s.sql))
		f.must(err)
	}
	check := func(when string) {
		for name, s := range statements {
			plan := f.explain(conn, name, s.sql)
			if strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s, %s: reads a whole table:\n%s", name, when, plan)
			}
			for _, index := range s.indexes {
				if !strings.Contains(plan, index) {
					t.Errorf("%s, %s: does not use %s:\n%s", name, when, index, plan)
				}
			}
		}
	}
	check("empty")
	f.load(0, 2000)
	check("full, not analysed")
	// Of those that hold something: PostgreSQL does not analyse others by itself, and
	// knows of no index of an empty table that is better than another.
	f.exec(`ANALYZE cpis.person_tag, cpis.person, cpis.plan`)
	check("analysed")
}

// A plan that was made for few is not kept for many. How long a text is says
// nothing of rows.
func TestManyRowsArePlannedAnew(t *testing.T) {
	t.Parallel()
	tags, words := make([][]byte, 100), make([]string, 100)
	text := make([]byte, 1<<10)
	for name, c := range map[string]struct {
		args []any
		anew bool
	}{
		"None": {nil, false},
		"One":  {[]any{"E08000035", text, nil, today}, false},
		"Few":  {[]any{tags[:99], words[:1]}, false},
		"Many": {[]any{text, nil, today, words}, true},
		"Tags": {[]any{tags}, true},
	} {
		got := store.Planning(c.args...)
		anew := len(got) == len(c.args)+1 && got[0] == pgx.QueryExecModeCacheDescribe
		if anew != c.anew || len(got) < len(c.args) {
			t.Errorf("%s: runs with %d arguments, planned anew: %v; want %v", name, len(got), anew, c.anew)
		}
	}
}

// A range of entries is looked for in its own partition only.
func TestEntriesAreReadFromTheirPartition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	conn := f.connectAsService()
	_, err := conn.Exec(t.Context(), `PREPARE entries AS
		SELECT idx, line FROM cpis.entry WHERE log = $1 AND idx >= $2 AND idx < $3 ORDER BY idx`)
	f.must(err)
	plan := f.explained(conn, `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE entries (1, 100, 200)`)
	if !strings.Contains(plan, "entry_l1_p0000_pkey") || strings.Contains(plan, "entry_l1_p0001") {
		t.Errorf("other partitions are not left out:\n%s", plan)
	}
}

// What lies beyond the head is looked for each second, and not by reading what
// lies before it.
func TestBeyondHeadReadsNothingBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.append(lines(20), nil)
	conn := f.connectAsService()
	_, err := conn.Exec(t.Context(), "PREPARE beyond AS "+store.BeyondHead)
	f.must(err)
	plan := f.explained(conn, `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE beyond (1)`)
	if !regexp.MustCompile(`entry_l1_p0000_pkey on entry_l1_p0000 \S+ \(actual rows=0 loops=1\)\n *Index Cond: .*idx >= `).MatchString(plan) {
		t.Errorf("entries before the head are read:\n%s", plan)
	}
}

// connectAsService opens a connection with the settings of the service's pool.
func (f *fixture) connectAsService() *pgx.Conn {
	f.tb.Helper()
	settings := url.Values{}
	for name, value := range store.SessionSettings {
		settings.Set(name, value)
	}
	return connect(f.tb, f.data.App+"&"+settings.Encode())
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// explain returns the generic plan of a prepared statement.
func (f *fixture) explain(conn *pgx.Conn, name, sql string) string {
	f.tb.Helper()
	count := 0
	for _, m := range parameter.FindAllStringSubmatch(sql, -1) {
		var n int
		_, err := fmt.Sscan(m[1], &n)
		f.must(err)
		count = max(count, n)
	}
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", count), ", ")
	return f.explained(conn, fmt.Sprintf(`EXPLAIN (COSTS OFF) EXECUTE %q (%s)`, name, nulls))
}

func (f *fixture) explained(conn *pgx.Conn, sql string) string {
	f.tb.Helper()
	rows, err := conn.Query(f.tb.Context(), sql)
	f.must(err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	f.must(err)
	return strings.Join(out, "\n")
}
