package store_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/store"
)

func TestIdempotentAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	row := store.IdempotentRow{Organisation: leeds, Key: "key", Fingerprint: []byte("print"), Response: []byte("answer"), At: f.now}
	if _, err := f.db.Answers.Find(ctx, leeds, "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before the first: got %v, want %v", err, store.ErrNotFound)
	}
	f.change(func(tx *store.Tx) error { return nil })
	f.tx(func(tx *store.Tx) error {
		if _, _, err := tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1)); err != nil {
			return err
		}
		return tx.Answers.Keep(ctx, row) // its answer tells where the entry is
	})
	got, err := f.db.Answers.Find(ctx, leeds, "key")
	f.must(err)
	if diff := cmp.Diff(row, got); diff != "" {
		t.Errorf("kept answer (-want +got):\n%s", diff)
	}
	if _, err := f.db.Answers.Find(ctx, york, "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another organisation's: got %v, want %v", err, store.ErrNotFound)
	}
	for before, want := range map[time.Time]int64{f.now: 0, f.now.Add(time.Second): 1} {
		f.tx(func(tx *store.Tx) error {
			n, err := tx.Answers.Expire(ctx, before, 10)
			if n != want {
				t.Errorf("expired before %v: got %d, want %d", before, n, want)
			}
			return err
		})
	}
}

// The same request arrives many times at once: it is done once, and all get
// the answer of that.
func TestRequestsWithOneKeyAreDoneOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			err := f.db.Tx(ctx, func(tx *store.Tx) error {
				if _, err := tx.Answers.Find(ctx, leeds, "key"); !errors.Is(err, store.ErrNotFound) {
					return err
				}
				if err := tx.People.Insert(ctx, []store.PersonRow{f.person()}); err != nil {
					return err
				}
				if _, _, err := tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1)); err != nil {
					return err
				}
				return tx.Answers.Keep(ctx, store.IdempotentRow{Organisation: leeds, Key: "key", Response: []byte("done"), Fingerprint: []byte{1}, At: f.now})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := f.count(`SELECT count(*) FROM cpis.person`); got != 1 {
		t.Errorf("done: got %d times, want once", got)
	}
	if got := len(f.verifyLog()); got != 1 {
		t.Errorf("entries: got %d, want one", got)
	}
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	if _, err := f.db.Checkpoints.Latest(ctx, f.log); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before the first: got %v, want %v", err, store.ErrNotFound)
	}
	var kept []store.CheckpointRow
	for range 3 {
		f.append(lines(5), nil)
		head, err := f.db.Head(ctx, f.log)
		f.must(err)
		c := store.CheckpointRow{Log: f.log, Tree: head, Note: "note", At: f.now}
		f.tx(func(tx *store.Tx) error { return tx.Checkpoints.Insert(ctx, c) })
		kept = append(kept, c)
		err = f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Checkpoints.Insert(ctx, c) })
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("a second of the same size: got %v, want %v", err, store.ErrConflict)
		}
	}
	latest, err := f.db.Checkpoints.Latest(ctx, f.log)
	f.must(err)
	if latest != kept[2] {
		t.Errorf("latest: got size %d, want %d", latest.Tree.Size(), kept[2].Tree.Size())
	}
	for entry, want := range map[int64]int64{0: 5, 4: 5, 5: 10, 14: 15} {
		c, err := f.db.Checkpoints.For(ctx, f.log, entry)
		if err != nil || c.Tree.Size() != want {
			t.Errorf("for entry %d: got size %d, %v; want %d", entry, c.Tree.Size(), err, want)
		}
	}
	if _, err := f.db.Checkpoints.For(ctx, f.log, 15); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("for an entry not covered yet: got %v, want %v", err, store.ErrNotFound)
	}
}

func TestTiles(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	var tiles []store.TileRow
	for i := range int64(3) {
		tiles = append(tiles, store.TileRow{Level: 0, Index: i, Hashes: bytes.Repeat([]byte{byte(i)}, 8192)})
	}
	for range 2 { // making them again changes nothing
		if differ := f.keepTiles(tiles); len(differ) > 0 {
			t.Errorf("%d tiles are said to differ", len(differ))
		}
	}
	planted := tiles[1]
	forged := store.TileRow{Level: 0, Index: 1, Hashes: bytes.Repeat([]byte{9}, 8192)}
	if diff := cmp.Diff([]store.TileRow{planted}, f.keepTiles([]store.TileRow{tiles[0], forged, tiles[2]})); diff != "" {
		t.Errorf("what is kept instead of another tile (-want +got):\n%s", diff)
	}
	got, err := f.db.Tiles.Get(ctx, f.log, []store.TileID{{Index: 2}, {Index: 0}, {Level: 1}, {Index: 7}})
	f.must(err)
	if diff := cmp.Diff([]store.TileRow{tiles[0], tiles[2]}, got); diff != "" {
		t.Errorf("tiles (-want +got):\n%s", diff)
	}
	for level, want := range []int64{3, 0} {
		if n, err := f.db.Tiles.Count(ctx, f.log, level); err != nil || n != want {
			t.Errorf("tiles at level %d: got %d, %v; want %d", level, n, err, want)
		}
	}
	short := []store.TileRow{{Index: 9, Hashes: []byte("short")}}
	err = f.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Tiles.Insert(ctx, f.log, short)
		return err
	})
	if err == nil {
		t.Error("a tile that is not full: got no error")
	}
}

// keepTiles keeps tiles, and returns those that are kept instead.
func (f *fixture) keepTiles(tiles []store.TileRow) (differ []store.TileRow) {
	f.tb.Helper()
	f.tx(func(tx *store.Tx) (err error) {
		differ, err = tx.Tiles.Insert(f.tb.Context(), f.log, tiles)
		return err
	})
	return differ
}

func TestReviewIsClosedByAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	b := f.fullBatch()
	f.must(appendBatch(t, f.db, f.log, b))
	r := b.Reviews[0]
	closeBy := func(who string) error {
		return f.db.Tx(ctx, func(tx *store.Tx) error {
			row, err := tx.Reviews.Lock(ctx, r.ID)
			if err != nil {
				return err
			}
			row.ClosedAt, row.ClosedBy, row.Outcome, row.Closing = &f.now, who, "justified", []byte{7}
			return tx.Reviews.Close(ctx, &row)
		})
	}
	if err := closeBy(r.Actor); !errors.Is(err, store.ErrConflict) {
		t.Errorf("closing one's own: got %v, want %v", err, store.ErrConflict)
	}
	f.must(closeBy("officer"))
	if err := closeBy("second"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("closing it twice: got %v, want %v", err, store.ErrConflict)
	}
	open, err := f.db.Reviews.Open(ctx, trust, 10)
	if err != nil || len(open) != 0 {
		t.Errorf("open reviews: got %d, %v; want none", len(open), err)
	}
	got, err := f.db.Reviews.Get(ctx, r.ID)
	f.must(err)
	want := r
	want.Log = f.log
	want.ClosedAt, want.ClosedBy, want.Outcome, want.Closing = &f.now, "officer", "justified", []byte{7}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("closed review (-want +got):\n%s", diff)
	}
}

func TestEntriesAreReadInOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := lines(4500) // three pages
	f.append(all, nil)
	next := int64(10)
	for e, err := range f.db.Logs.Entries(t.Context(), f.log, 10, 4500) {
		if err != nil || e.Index != next || !bytes.Equal(e.Line, all[next]) {
			t.Fatalf("entry %d: got index %d, %v, or another line", next, e.Index, err)
		}
		if next++; next == 4490 {
			break
		}
	}
	if next != 4490 {
		t.Errorf("ended before %d, want 4490", next)
	}
	if _, err := f.db.Logs.Entry(t.Context(), f.log, 9999); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no entry: got %v, want %v", err, store.ErrNotFound)
	}
}

func TestEntriesSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.append(lines(4500), nil)
	if got, want := f.readUntilMissing(0, 4600), int64(4500); got != want {
		t.Errorf("beyond the end: read %d, want %d", got, want)
	}
	f.exec(`DELETE FROM cpis.entry WHERE idx = 2500`)
	if got, want := f.readUntilMissing(100, 4500), int64(2400); got != want {
		t.Errorf("with a gap: read %d, want %d", got, want)
	}
	stored := 0
	for e, err := range f.db.Logs.StoredEntries(t.Context(), f.log, 0, 4600) {
		f.must(err)
		if e.Index == 2500 {
			t.Error("an entry that is not stored was read")
		}
		stored++
	}
	if stored != 4499 {
		t.Errorf("stored entries: got %d, want 4499", stored)
	}
}

// readUntilMissing counts the entries before one that is missing.
func (f *fixture) readUntilMissing(from, to int64) (n int64) {
	f.tb.Helper()
	for _, err := range f.db.Logs.Entries(f.tb.Context(), f.log, from, to) {
		if err != nil {
			expectOneOf(f.tb, err, store.ErrNotFound)
			return n
		}
		n++
	}
	f.tb.Error("nothing was said to be missing")
	return n
}

func TestCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.child(nil)
	f.must(appendBatch(t, f.db, f.log, f.fullBatch()))
	f.exec(`ANALYZE cpis.person, cpis.plan`)
	got, err := f.db.Counts(t.Context())
	f.must(err)
	if got.Room <= 1<<29 || got.Room >= 1<<30 {
		t.Errorf("room: got %d, want a little less than nine partitions", got.Room)
	}
	got.Room = 0
	want := store.Counts{Persons: 1, Plans: 1, OpenReviews: 1, Unindexed: 3, Heads: map[string]int64{"log.example/test": 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// A head that someone changed is not a tree, or not that of the entries.
func TestBrokenHeadIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.append(lines(3), nil)
	head, err := f.db.Head(t.Context(), f.log)
	f.must(err)
	f.exec(`UPDATE cpis.log_head SET root = sha256('forged')`)
	if err := f.tryChange(func(*store.Tx) error { return nil }); err == nil {
		t.Error("appending to a forged head in a transaction: got no error")
	}
	if _, err := f.db.Head(t.Context(), f.log); !errors.Is(err, audit.ErrMalformed) {
		t.Errorf("reading a forged head: got %v, want %v", err, audit.ErrMalformed)
	}
	b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
	if err := f.db.Append(t.Context(), f.log, head, grow(head, b.Lines), &b); !errors.Is(err, store.ErrHeadMoved) {
		t.Errorf("appending to a forged head: got %v, want %v", err, store.ErrHeadMoved)
	}
}

// What a round put into the queue comes once, and how far it was is moved by one.
func TestReviewsAreQueuedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	row := store.ReviewRow{
		ID: newID(), Kind: store.ReviewRestricted, Organisation: trust, Actor: "actor", At: f.now, Sealed: []byte("none"), WrappedKey: "wrapped",
		Log: f.log, Entry: 7,
	}
	again := row
	again.ID = newID()
	for _, rows := range [][]store.ReviewRow{{row}, {again}} {
		f.tx(func(tx *store.Tx) error { return tx.Reviews.Insert(ctx, rows) })
	}
	got, err := f.db.Reviews.List(ctx, &store.ReviewFilter{Organisation: trust, Kind: store.ReviewRestricted}, 10)
	if diff := cmp.Diff([]store.ReviewRow{row}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for i, step := range []struct {
		from, to int64
		moved    bool
	}{{0, 5, true}, {0, 5, false}, {5, 9, true}, {5, 8, false}} {
		f.tx(func(tx *store.Tx) error {
			moved, err := tx.Reviews.MovePlace(ctx, f.log, step.from, step.to)
			if err != nil || moved != step.moved {
				t.Errorf("step %d: got %t, %v", i, moved, err)
			}
			return err
		})
	}
	if next, err := f.db.Reviews.Place(ctx, f.log); err != nil || next != 9 {
		t.Errorf("got %d, %v; want 9", next, err)
	}
}

// Misuse is kept until another closes the review, and not by who looked or found it.
func TestMisuseIsConfirmedByAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	b := f.fullBatch()
	f.must(appendBatch(t, f.db, f.log, b))
	do := func(change func(*store.Tx, *store.ReviewRow) error) error {
		return f.db.Tx(ctx, func(tx *store.Tx) error {
			row, err := tx.Reviews.Lock(ctx, b.Reviews[0].ID)
			if err != nil {
				return err
			}
			return change(tx, &row)
		})
	}
	find := func(who string) error {
		return do(func(tx *store.Tx, r *store.ReviewRow) error {
			r.FirstAt, r.FirstBy, r.FirstWords = &f.now, who, []byte{7}
			return tx.Reviews.FindMisuse(ctx, r)
		})
	}
	closeBy := func(who string) error {
		return do(func(tx *store.Tx, r *store.ReviewRow) error {
			r.ClosedAt, r.ClosedBy, r.Outcome, r.Closing = &f.now, who, "misuse", []byte{8}
			return tx.Reviews.Close(ctx, r)
		})
	}
	if err := find("actor"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("of one's own: got %v", err)
	}
	f.must(find("officer"))
	if err := find("second"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("found twice: got %v", err)
	}
	if err := closeBy("Officer "); !errors.Is(err, store.ErrConflict) {
		t.Errorf("closed by who found it: got %v", err)
	}
	f.must(closeBy("second"))
	got, err := f.db.Reviews.Get(ctx, b.Reviews[0].ID)
	if err != nil || got.FirstBy != "officer" || got.ClosedBy != "second" || got.Outcome != "misuse" {
		t.Errorf("got %+v, %v", got, err)
	}
}
