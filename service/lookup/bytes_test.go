package lookup_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// An entry takes little more room in the database than its line and its hash:
// what PostgreSQL adds, the index of the log's order, and the tiles.
func TestLookUp_BytesInTheDatabase(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const entries = 2048
	held := func(relations string) (bytes int64) {
		t.Helper()
		f.AsSuperuser(func(conn *pgx.Conn) error {
			return conn.QueryRow(t.Context(), `
				WITH r (relid) AS (`+relations+`), toasted AS (SELECT reltoastrelid FROM pg_class JOIN r ON oid = relid)
				SELECT sum(pg_relation_size(oid)) -- and not their maps of free room, which do not grow with them
				FROM pg_class
				WHERE oid IN (SELECT relid FROM r UNION ALL SELECT * FROM toasted UNION ALL
				              SELECT indexrelid FROM pg_index WHERE indrelid IN (SELECT relid FROM r UNION ALL SELECT * FROM toasted))`).Scan(&bytes)
		})
		return bytes
	}
	const log, index = `SELECT relid::oid FROM pg_partition_tree('cpis.entry') WHERE isleaf UNION ALL SELECT 'cpis.tile'::regclass::oid`, `SELECT 'cpis.entry_index'::regclass::oid`
	logBefore, indexBefore := held(log), held(index)
	c := *nurse
	c.Call = identity.Call{From: "203.0.113.0/24", Procedure: "LookUp"}
	var all sync.WaitGroup
	for i := range entries {
		all.Go(func() { f.MustLookUp(&c, attended(strconv.Itoa(i))) })
	}
	all.Wait()
	if err := f.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Index.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wanted int64
	for row, err := range f.DB.Logs.Entries(t.Context(), logID(t, f), 0, entries) {
		if err != nil {
			t.Fatal(err)
		}
		wanted += int64(len(row.Line)) + 32
	}
	inLog, inIndex := held(log)-logBefore, held(index)-indexBefore
	t.Logf("line and hash %d bytes, log %d (%.2f of it), index of reports %d (%.2f)", wanted/entries, inLog/entries,
		float64(inLog)/float64(wanted), inIndex/entries, float64(inIndex)/float64(wanted))
	if float64(inLog) > 1.3*float64(wanted) {
		t.Errorf("%d bytes for each look-up, of which line and hash are %d", inLog/entries, wanted/entries)
	}
}

func logID(tb testing.TB, f *fixture) store.LogID {
	tb.Helper()
	log, err := f.DB.Logs.Find(tb.Context(), dbtest.Origin)
	if err != nil {
		tb.Fatal(err)
	}
	return log.ID
}
