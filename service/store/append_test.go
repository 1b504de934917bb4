package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

func TestAppend(t *testing.T) {
	t.Parallel()

	t.Run("MakesTheLogOfTheLinesInOrder", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		var want [][]byte
		for _, n := range []int{1, 5, 64, 300} {
			group := lines(n)
			f.append(group, nil)
			want = append(want, group...)
			if got := f.verifyLog(); !slices.EqualFunc(got, want, slices.Equal) {
				t.Fatalf("after %d entries: stored lines differ from those appended", len(want))
			}
		}
	})

	t.Run("KeepsSubjectsBesideTheirEntries", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		tag := randomTag()
		f.append(lines(3), func(b *store.Batch) { b.Subjects[1] = tag[:] })
		if got := f.count(`SELECT idx::int FROM cpis.entry WHERE subject = $1`, tag[:]); got != 1 {
			t.Errorf("entry of the subject: got %d, want 1", got)
		}
		if got := f.count(`SELECT count(*) FROM cpis.entry WHERE subject IS NULL`); got != 2 {
			t.Errorf("entries without subject: got %d, want 2", got)
		}
	})

	t.Run("WritesNothingIfTheHeadHasMoved", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		from, err := f.db.Head(t.Context(), f.log)
		f.must(err)
		f.append(lines(2), nil)
		b := f.fullBatch()
		if err := f.db.Append(t.Context(), f.log, from, grow(from, b.Lines), b); !errors.Is(err, store.ErrHeadMoved) {
			t.Fatalf("appending to an old head: got %v, want %v", err, store.ErrHeadMoved)
		}
		f.verifyLog()
		if got := f.leftBehind(); got != 0 {
			t.Errorf("rows left behind: got %d, want none", got)
		}
	})

	t.Run("WritesNothingIfTheTreeIsAnotherOfTheSameSize", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.append(lines(3), nil)
		forged := grow(audit.Tree{}, lines(3))
		b := f.fullBatch()
		if err := f.db.Append(t.Context(), f.log, forged, grow(forged, b.Lines), b); !errors.Is(err, store.ErrHeadMoved) {
			t.Fatalf("appending to a forged tree: got %v, want %v", err, store.ErrHeadMoved)
		}
		f.verifyLog()
	})

	t.Run("MayBeRepeatedWithoutDoubling", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		from, err := f.db.Head(t.Context(), f.log)
		f.must(err)
		b := f.fullBatch()
		to := grow(from, b.Lines)
		f.must(f.db.Append(t.Context(), f.log, from, to, b))
		left := f.leftBehind()
		if err := f.db.Append(t.Context(), f.log, from, to, b); !errors.Is(err, store.ErrHeadMoved) {
			t.Errorf("appending again: got %v, want %v", err, store.ErrHeadMoved)
		}
		if got := f.leftBehind(); got != left {
			t.Errorf("rows left behind: got %d, want %d as after the first time", got, left)
		}
		f.verifyLog()
	})

	t.Run("RefusesTreesThatDoNotFitTheLines", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		var empty audit.Tree
		two := grow(empty, lines(2))
		for name, b := range map[string]*store.Batch{
			"none":     {},
			"too few":  {Lines: lines(1), Subjects: make([][]byte, 1)},
			"subjects": {Lines: lines(2), Subjects: make([][]byte, 1)},
		} {
			if err := f.db.Append(t.Context(), f.log, empty, two, b); err == nil || errors.Is(err, store.ErrHeadMoved) {
				t.Errorf("%s: got %v, want an error of its own", name, err)
			}
		}
	})

	t.Run("WritesNothingOnceItsContextIsOver", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var empty audit.Tree
		b := f.fullBatch()
		err := f.db.Append(ctx, f.log, empty, grow(empty, b.Lines), b)
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v because of %v", err, store.ErrUnavailable, context.Canceled)
		}
		if got := len(f.verifyLog()); got != 0 {
			t.Errorf("entries: got %d, want none", got)
		}
	})

	t.Run("KeepsWhatLookUpsLeaveBehind", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.append(lines(4), nil)
		b := f.fullBatch()
		f.must(appendBatch(t, f.db, f.log, b))

		history, err := f.db.Accesses.History(t.Context(), []uuid.UUID{b.Accesses[0].Person})
		f.must(err)
		wantAccess := b.Accesses[0]
		wantAccess.OrganisationName, wantAccess.Log, wantAccess.Entry = "LEEDS TEACHING HOSPITALS", f.log, 4+wantAccess.Entry
		if diff := cmp.Diff([]store.AccessRow{wantAccess}, history); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		notices, err := f.db.Notices.Newest(t.Context(), leeds, 10)
		f.must(err)
		wantNotice := b.Notices[0]
		wantNotice.Entry, wantNotice.Dedupe = 4+wantNotice.Entry, false
		wantNotice.Log, wantNotice.Version, wantNotice.OrganisationName = f.log, 1, "LEEDS TEACHING HOSPITALS"
		if diff := cmp.Diff([]store.NoticeRow{wantNotice}, notices); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		reviews, err := f.db.Reviews.Open(t.Context(), trust, 10)
		f.must(err)
		wantReview := b.Reviews[0]
		wantReview.Log, wantReview.Entry = f.log, 4+wantReview.Entry
		if diff := cmp.Diff([]store.ReviewRow{wantReview}, reviews); diff != "" {
			t.Errorf("reviews (-want +got):\n%s", diff)
		}
	})
}

// Two servers, groups and transactions: whatever the order, the log is dense
// and its tree is that of its entries.
func TestConcurrentAppendersMakeOneLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second := dbtest.Open(t, f.data)
	var (
		wg    sync.WaitGroup
		total int
	)
	for i := range 6 {
		db := []*store.DB{f.db, second}[i%2]
		const rounds = 25
		total += rounds * (1 + i)
		wg.Go(func() {
			for range rounds {
				b := store.Batch{Lines: lines(1 + i), Subjects: make([][]byte, 1+i)}
				if err := f.appendSomehow(db, i, &b); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(f.verifyLog()); got != total {
		t.Errorf("entries: got %d, want %d", got, total)
	}
}

// appendSomehow appends as a group of look-ups or in a transaction.
func (f *fixture) appendSomehow(db *store.DB, how int, b *store.Batch) error {
	if how%3 != 0 {
		return appendBatch(f.tb, db, f.log, b)
	}
	ctx := f.tb.Context()
	return db.Tx(ctx, func(tx *store.Tx) error {
		_, _, err := tx.Logs.Append(ctx, f.log, b.Lines, b.Subjects)
		return err
	})
}

func TestLogsAreIndependent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	owner := dbtest.OpenOwner(t, f.data)
	var made store.Log
	f.must(owner.Tx(t.Context(), func(tx *store.Tx) (err error) {
		made, err = tx.Logs.Create(t.Context(), "log.example/second")
		return err
	}))
	f.append(lines(3), nil)
	second := *f
	second.log = made.ID
	second.append(lines(7), nil)
	if got, want := len(f.verifyLog()), 3; got != want {
		t.Errorf("first log: got %d entries, want %d", got, want)
	}
	if got, want := len(second.verifyLog()), 7; got != want {
		t.Errorf("second log: got %d entries, want %d", got, want)
	}
	logs, err := f.db.Logs.All(t.Context())
	f.must(err)
	if diff := cmp.Diff([]store.Log{{ID: f.log, Origin: dbtest.Origin}, made}, logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
	err = owner.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Logs.Create(t.Context(), made.Origin)
		return err
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("making it again: got %v, want %v", err, store.ErrConflict)
	}
	if _, err := f.db.Logs.Find(t.Context(), "nowhere"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("finding none: got %v, want %v", err, store.ErrNotFound)
	}
	if _, err := f.db.Head(t.Context(), 99); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("head of none: got %v, want %v", err, store.ErrNotFound)
	}
}

// fullBatch is a group of two, of which the second leaves everything behind.
func (f *fixture) fullBatch() *store.Batch {
	person, encounter := newID(), randomTag()
	return &store.Batch{
		Lines: lines(2), Subjects: make([][]byte, 2),
		Accesses: []store.AccessRow{{
			ID: newID(), Person: person, At: f.now, Organisation: trust, Setting: "emergency_department",
			Encounter: encounter[:], Sealed: []byte("who"), Entry: 1,
		}},
		Notices: []store.NoticeRow{{
			ID: newID(), Person: person, Authority: leeds, Kind: "unscheduled", Priority: true, At: f.now,
			Organisation: trust, Setting: "emergency_department", Encounter: encounter[:], Dedupe: true, Entry: 1, Sealed: []byte("said"),
		}},
		Reviews: []store.ReviewRow{{
			ID: newID(), Kind: store.ReviewBreakGlass, Person: uuid.NullUUID{UUID: person, Valid: true}, Organisation: trust, Actor: "actor", At: f.now,
			Sealed: []byte("why"), WrappedKey: "wrapped", Entry: 1,
		}},
	}
}

func (f *fixture) leftBehind() int {
	f.tb.Helper()
	return f.count(`
		SELECT (SELECT count(*) FROM cpis.access) + (SELECT count(*) FROM cpis.notice) + (SELECT count(*) FROM cpis.review)`)
}
