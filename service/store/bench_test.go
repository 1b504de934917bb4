package store_test

import (
	"fmt"
	"testing"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// BenchmarkFlags measures the read of a group of 64 look-ups, of which one is
// of a flagged person, among many flagged persons.
func BenchmarkFlags(b *testing.B) {
	f := newFixture(b)
	loaded := 0
	for _, persons := range []int{10_000, 100_000} {
		f.load(loaded, persons)
		loaded = persons
		tags := make([]store.Tag, 64)
		for i := range tags {
			tags[i] = randomTag()
		}
		tags[17] = tagNumber(persons / 2)
		b.Run(fmt.Sprintf("Flags/persons=%d", persons), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rows, err := f.db.Plans.Flags(b.Context(), tags, today)
				if err != nil || len(rows) != 1 {
					b.Fatalf("got %d rows, %v; want one", len(rows), err)
				}
			}
		})
		b.Run(fmt.Sprintf("Read/persons=%d", persons), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rows, _, err := f.db.Read(b.Context(), tags, today)
				if err != nil || len(rows) != 1 {
					b.Fatalf("got %d rows, %v; want one", len(rows), err)
				}
			}
		})
	}
}

// BenchmarkAppend measures durable appends by one appender.
func BenchmarkAppend(b *testing.B) {
	_, data := dbtest.Installed(b, pgdev.Options{Settings: map[string]string{"shared_buffers": "256MB", "max_wal_size": "4GB"}})
	f := fixtureIn(b, data, dbtest.OpenURL(b, data.App, store.Options{}))
	for _, n := range []int{1, 64, 256} {
		batch := store.Batch{Lines: lines(n), Subjects: make([][]byte, n)}
		b.Run(fmt.Sprintf("lines=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			head, err := f.db.Head(b.Context(), f.log)
			f.must(err)
			for b.Loop() {
				for i := range batch.Subjects {
					tag := randomTag()
					batch.Subjects[i] = tag[:]
				}
				to := grow(head, batch.Lines)
				if err := f.db.Append(b.Context(), f.log, head, to, &batch); err != nil {
					b.Fatal(err)
				}
				head = to
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
	// One hit among 64, with its access and notice.
	person := newID()
	batch := store.Batch{Lines: lines(64), Subjects: make([][]byte, 64)}
	b.Run("lines=64/hits=1", func(b *testing.B) {
		b.ReportAllocs()
		head, err := f.db.Head(b.Context(), f.log)
		f.must(err)
		for b.Loop() {
			tag := randomTag()
			batch.Accesses = []store.AccessRow{{ID: newID(), Person: person, At: f.now, Organisation: trust, Encounter: tag[:], Entry: 3}}
			batch.Notices = []store.NoticeRow{{ID: newID(), Person: person, Authority: leeds, Kind: "seen", At: f.now, Organisation: trust, Encounter: tag[:], Dedupe: true, Entry: 3}}
			to := grow(head, batch.Lines)
			if err := f.db.Append(b.Context(), f.log, head, to, &batch); err != nil {
				b.Fatal(err)
			}
			head = to
		}
	})
}

// load makes persons with a tag and a plan each, up to a number.
func (f *fixture) load(from, to int) {
	f.tb.Helper()
	const chunk = 10_000
	ctx := f.tb.Context()
	for ; from < to; from += chunk {
		n := min(chunk, to-from)
		persons, tags, plans := make([]store.PersonRow, n), make([]store.TagRow, n), make([]store.PlanRow, n)
		for i := range n {
			persons[i] = f.person()
			tags[i] = store.TagRow{Tag: tagNumber(from + i), Person: persons[i].ID, IndexVersion: 1}
			plans[i] = f.plan(persons[i].ID, nil)
		}
		f.change(func(tx *store.Tx) error {
			if err := tx.People.Insert(ctx, persons); err != nil {
				return err
			}
			if err := tx.Tags.Insert(ctx, tags); err != nil {
				return err
			}
			return tx.Plans.Insert(ctx, plans)
		})
	}
}
