package store_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// fixture is a fresh database with two authorities, a few organisations and an
// index key, opened as the service.
type fixture struct {
	tb    testing.TB
	data  *dbtest.Database
	db    *store.DB
	log   store.LogID
	now   time.Time
	admin *pgx.Conn // for looking at what is stored
}

const (
	leeds, york  = "E08000035", "E06000014"
	trust, other = "RR8", "RCB"
)

// today is the day it is in tests.
var today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	data := dbtest.New(tb)
	return fixtureIn(tb, data, dbtest.Open(tb, data))
}

func fixtureIn(tb testing.TB, data *dbtest.Database, db *store.DB) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, data: data, db: db, now: today.Add(10 * time.Hour), admin: connect(tb, data.Admin)}
	log, err := db.Logs.Find(tb.Context(), dbtest.Origin)
	f.must(err)
	f.log = log.ID
	owner := dbtest.OpenOwner(tb, data)
	f.must(owner.Tx(tb.Context(), func(tx *store.Tx) error {
		_, err := tx.Directory.LoadReference(tb.Context(), []store.OrganisationRow{
			{Code: trust, Name: "LEEDS TEACHING HOSPITALS", Class: "acute_trust", Postcode: "LS9 7TF"},
			{Code: other, Name: "YORK AND SCARBOROUGH", Class: "acute_trust", Postcode: "YO31 8HE"},
		}, []store.AuthorityRow{
			{GSS: leeds, DfE: "383", Name: "Leeds", Kind: "Metropolitan Districts", OfficePhone: "0113 496 0000", DutyPhone: "0113 496 0001"},
			{GSS: york, DfE: "816", ODS: "123", Name: "York", Kind: "Unitary Authorities"},
		})
		return err
	}))
	f.tx(func(tx *store.Tx) error {
		return tx.Keys.InsertIndex(tb.Context(), store.IndexKeyRow{Version: 1, Wrapped: "wrapped:1", At: f.now})
	})
	return f
}

func (f *fixture) must(err error) {
	f.tb.Helper()
	if err != nil {
		f.tb.Fatal(err)
	}
}

// tx runs fn in a transaction that must succeed.
func (f *fixture) tx(fn func(*store.Tx) error) {
	f.tb.Helper()
	f.must(f.db.Tx(f.tb.Context(), fn))
}

// change is tx with an entry.
func (f *fixture) change(fn func(*store.Tx) error) {
	f.tb.Helper()
	f.must(f.tryChange(fn))
}

func (f *fixture) tryChange(fn func(*store.Tx) error) error {
	f.tb.Helper()
	return f.db.Tx(f.tb.Context(), func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, _, err := tx.Logs.Append(f.tb.Context(), f.log, [][]byte{line()}, [][]byte{nil})
		return err
	})
}

// child makes a person with a tag, and one plan of Leeds for each of the last
// visible days (nil: it runs).
func (f *fixture) child(visibleUntil ...*time.Time) (store.TaggedPerson, []store.PlanRow) {
	f.tb.Helper()
	p := store.TaggedPerson{Tag: randomTag(), PersonRow: f.person()}
	var plans []store.PlanRow
	for _, until := range visibleUntil {
		plans = append(plans, f.plan(p.ID, until))
	}
	ctx := f.tb.Context()
	f.change(func(tx *store.Tx) error {
		return errors.Join(
			tx.People.Insert(ctx, []store.PersonRow{p.PersonRow}),
			tx.Tags.Insert(ctx, []store.TagRow{{Tag: p.Tag, Person: p.ID, IndexVersion: 1}}),
			tx.Plans.Insert(ctx, plans),
		)
	})
	return p, plans
}

func (f *fixture) person() store.PersonRow {
	return store.PersonRow{ID: newID(), WrappedKey: "wrapped", Version: 1, Sealed: []byte("sealed person"), At: f.now}
}

func (f *fixture) plan(person uuid.UUID, until *time.Time) store.PlanRow {
	return store.PlanRow{
		ID: newID(), Person: person, Version: 1, Authority: leeds,
		VisibleUntil: until, Sealed: []byte("sealed plan"), At: f.now,
	}
}

// append appends lines as a group of look-ups does, with what they leave
// behind, and tries again while the head moves.
func (f *fixture) append(lines [][]byte, fill func(*store.Batch)) {
	f.tb.Helper()
	b := store.Batch{Lines: lines, Subjects: make([][]byte, len(lines))}
	if fill != nil {
		fill(&b)
	}
	f.must(appendBatch(f.tb, f.db, f.log, &b))
}

func appendBatch(tb testing.TB, db *store.DB, log store.LogID, b *store.Batch) error {
	tb.Helper()
	for {
		from, err := db.Head(tb.Context(), log)
		if err != nil {
			return err
		}
		err = db.Append(tb.Context(), log, from, grow(from, b.Lines), b)
		if !errors.Is(err, store.ErrHeadMoved) {
			return err
		}
	}
}

// grow is a tree with lines added.
func grow(t audit.Tree, lines [][]byte) audit.Tree {
	for _, l := range lines {
		t.Append(audit.LeafHash(l))
	}
	return t
}

// verifyLog recomputes the tree from the stored entries and compares it with
// the head. It returns the lines.
func (f *fixture) verifyLog() [][]byte {
	f.tb.Helper()
	head, err := f.db.Head(f.tb.Context(), f.log)
	f.must(err)
	var lines [][]byte
	for e, err := range f.db.Logs.Entries(f.tb.Context(), f.log, 0, head.Size()) {
		f.must(err)
		lines = append(lines, e.Line)
	}
	if got := grow(audit.Tree{}, lines); got != head {
		f.tb.Fatalf("head of %d entries is not the tree of the %d stored", head.Size(), len(lines))
	}
	if got := f.count(`SELECT count(*) FROM cpis.entry WHERE log = $1`, f.log); got != len(lines) {
		f.tb.Fatalf("stored entries: got %d, want %d", got, len(lines))
	}
	return lines
}

// count runs a query that counts, as the superuser.
func (f *fixture) count(sql string, args ...any) int {
	f.tb.Helper()
	return query[int](f.tb, f.admin, sql, args...)
}

// query runs a query that returns one value.
func query[T any](tb testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	tb.Helper()
	var v T
	rows, err := conn.Query(tb.Context(), sql, args...)
	if err == nil {
		v, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	}
	if err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	return v
}

// connect opens a connection that is closed after the test.
func connect(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(tb.Context()) }) // the test's context is over: that closes it too
	return conn
}

// line makes an entry's line, as long as real ones are, and different from all
// others.
func line() []byte {
	return fmt.Appendf(nil, `{"v":1,"salt":%q,"pad":%q}`, rand.Text(), make([]byte, 60))
}

func lines(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = line()
	}
	return out
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func randomTag() store.Tag {
	var t store.Tag
	_, _ = rand.Read(t[:])
	return t
}

// tagNumber is the tag of the nth person of many.
func tagNumber(n int) store.Tag {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func date(offset int) *time.Time {
	d := today.AddDate(0, 0, offset)
	return &d
}
