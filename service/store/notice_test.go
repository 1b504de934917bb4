package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/store"
)

// tell writes notices in a transaction of their own, and returns them as they are
// read back.
func (f *fixture) tell(rows ...store.NoticeRow) []store.NoticeRow {
	f.tb.Helper()
	f.change(func(tx *store.Tx) error {
		tx.Notices.Notify(rows...)
		return nil
	})
	out := make([]store.NoticeRow, len(rows))
	for i, r := range rows {
		var err error
		out[i], err = f.db.Notices.Get(f.tb.Context(), r.ID)
		f.must(err)
	}
	return out
}

// notice is a notice to Leeds about somebody.
func (f *fixture) notice(at time.Time) store.NoticeRow {
	return store.NoticeRow{
		ID: newID(), Person: newID(), Authority: leeds, Kind: "overlap", At: at, Organisation: trust,
		Encounter: []byte("encounter"), Sealed: []byte("said"),
	}
}

func ids(rows []store.NoticeRow) []uuid.UUID {
	out := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		out[i] = r.ID
	}
	return out
}

func TestNoticesAreWrittenWithTheEntry(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.append(lines(3), nil)
	about := f.notice(f.now)
	about.Setting, about.Reference, about.Corrects = "dental", "a transfer", newID()
	nobody := store.NoticeRow{ID: newID(), Authority: york, Kind: "upload_waiting", Priority: true, At: f.now}
	got := f.tell(about, nobody)
	about.Log, about.Entry, about.Version, about.OrganisationName = f.log, 3, 1, "LEEDS TEACHING HOSPITALS"
	nobody.Log, nobody.Entry, nobody.Version = f.log, 3, 1
	if diff := cmp.Diff([]store.NoticeRow{about, nobody}, got); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	f.tell() // none is no error
	if _, err := f.db.Notices.Get(t.Context(), newID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such notice: got %v, want %v", err, store.ErrNotFound)
	}
}

func TestInboxPagesAndFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	var want []uuid.UUID // the newest first
	for i := range 7 {
		n := f.notice(f.now.Add(time.Duration(i/2) * time.Minute)) // some at the same moment
		n.Priority = i == 3
		f.tell(n)
		want = append([]uuid.UUID{n.ID}, want...)
	}
	foreign := f.notice(f.now)
	foreign.Authority = york
	f.tell(foreign)
	var got []uuid.UUID
	in := store.Inbox{Authority: leeds}
	for {
		page, err := f.db.Notices.Inbox(ctx, &in, 2)
		f.must(err)
		if len(page) == 0 {
			break
		}
		got = append(got, ids(page)...)
		in.BeforeAt, in.BeforeID = page[len(page)-1].At, page[len(page)-1].ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	f.must(f.act(store.NoticeActRow{Notice: want[0], Version: 2, Act: "acknowledge", Outcome: "escalated", Actor: "a", At: f.now}))
	f.must(f.act(store.NoticeActRow{Notice: want[1], Version: 2, Act: "assign", AssignedTo: "b", Actor: "a", At: f.now}))
	f.giveUp(want[2])
	for name, c := range map[string]struct {
		in   store.Inbox
		want []uuid.UUID
	}{
		"open":        {store.Inbox{Open: true}, want[1:]},
		"priority":    {store.Inbox{Priority: true}, want[3:4]},
		"assigned":    {store.Inbox{AssignedTo: []string{"b"}}, want[1:2]},
		"undelivered": {store.Inbox{Undelivered: true}, want[2:3]},
		"kind":        {store.Inbox{Kind: "overlap"}, want},
		"other kind":  {store.Inbox{Kind: "merged"}, []uuid.UUID{}},
	} {
		c.in.Authority = leeds
		rows, err := f.db.Notices.Inbox(ctx, &c.in, 100)
		f.must(err)
		if diff := cmp.Diff(c.want, ids(rows)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// act does something with a notice.
func (f *fixture) act(r store.NoticeActRow) error {
	f.tb.Helper()
	ctx := f.tb.Context()
	return f.db.Tx(ctx, func(tx *store.Tx) error {
		n, err := tx.Notices.Lock(ctx, r.Notice)
		if err != nil {
			return err
		}
		return tx.Notices.Act(ctx, &n, &r)
	})
}

// giveUp has the only channel of Leeds not deliver a notice.
func (f *fixture) giveUp(notice uuid.UUID) {
	f.tb.Helper()
	c := f.channel(9)
	f.dispatch(100)
	f.tx(func(tx *store.Tx) error {
		waiting, err := tx.Deliveries.Claim(f.tb.Context(), c.ID, f.now, f.now, 100)
		if err != nil {
			return err
		}
		var given []store.DeliveryRow
		for _, w := range waiting {
			w.State = store.DeliveryDelivered
			if w.Notice == notice {
				w.State = store.DeliveryUndelivered
			}
			given = append(given, w.DeliveryRow)
		}
		return tx.Deliveries.Settle(f.tb.Context(), given, f.now)
	})
}

// Notices of one entry are told apart by their ids, those of several by the
// entry, whatever their times say.
func TestNoticesAfterGoOnWithoutGaps(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	var want []uuid.UUID
	for i := range 4 {
		rows := []store.NoticeRow{f.notice(f.now.Add(-time.Duration(i) * time.Hour)), f.notice(f.now)}
		want = append(want, ids(f.tell(rows...))...)
	}
	var got []uuid.UUID
	entry, id := int64(-1), uuid.Nil
	for {
		page, err := f.db.Notices.After(ctx, leeds, f.log, entry, id, 3)
		f.must(err)
		if len(page) == 0 {
			break
		}
		got = append(got, ids(page)...)
		last := page[len(page)-1]
		entry, id = int64(last.Entry), last.ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read one after the other (-want +got):\n%s", diff)
	}
	if rows, err := f.db.Notices.After(ctx, leeds, f.log+1, -1, uuid.Nil, 10); err != nil || len(rows) != 0 {
		t.Errorf("another log: got %d, %v; want none", len(rows), err)
	}
}

func TestActsOnNoticesAreVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	n := f.tell(f.notice(f.now))[0]
	acts := []store.NoticeActRow{
		{Notice: n.ID, Version: 2, Act: "assign", AssignedTo: "b", Actor: "a", At: f.now, Sealed: []byte("note")},
		{Notice: n.ID, Version: 3, Act: "acknowledge", Outcome: "no_action", Actor: "b", At: f.now.Add(time.Hour)},
		{Notice: n.ID, Version: 4, Act: "acknowledge", Outcome: "escalated", Actor: "b", At: f.now.Add(2 * time.Hour)},
	}
	for i := range acts {
		f.must(f.act(acts[i]))
		if err := f.act(acts[i]); !errors.Is(err, store.ErrConflict) {
			t.Errorf("version %d again: got %v, want %v", acts[i].Version, err, store.ErrConflict)
		}
	}
	got, err := f.db.Notices.Acts(ctx, &n)
	f.must(err)
	if diff := cmp.Diff(acts, got); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
	after, err := f.db.Notices.Get(ctx, n.ID)
	f.must(err)
	n.Version, n.AssignedTo, n.AcknowledgedAt = 4, "b", &acts[1].At
	if diff := cmp.Diff(n, after); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
}

func TestAccessesAreMarkedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	b := f.fullBatch()
	f.must(appendBatch(t, f.db, f.log, b))
	a, n := b.Accesses[0], b.Notices[0]
	mark := func(organisation string, encounters ...[]byte) (marked int64) {
		f.must(f.db.Tx(ctx, func(tx *store.Tx) (err error) {
			marked, err = tx.Accesses.Mark(ctx, &store.Encounter{Person: a.Person, Organisation: organisation, Hashes: encounters}, f.now)
			return err
		}))
		return marked
	}
	for name, c := range map[string]int64{
		"another organisation": mark(other, a.Encounter),
		"another encounter":    mark(trust, []byte("another")),
		"no encounter":         mark(trust),
	} {
		if c != 0 {
			t.Errorf("%s: marked %d", name, c)
		}
	}
	if got := mark(trust, []byte("another"), a.Encounter); got != 1 {
		t.Errorf("marked %d, want 1", got)
	}
	if got := mark(trust, a.Encounter); got != 0 {
		t.Errorf("marked %d again", got)
	}
	history, err := f.db.Accesses.History(ctx, []uuid.UUID{a.Person})
	f.must(err)
	if len(history) != 1 || !history[0].WrongPatient() {
		t.Errorf("got %+v, want one access that is marked", history)
	}
	encounter := &store.Encounter{Person: a.Person, Organisation: trust, Hashes: [][]byte{a.Encounter}}
	found, err := f.db.Notices.OfEncounter(ctx, encounter, f.now.Add(-time.Hour), "")
	f.must(err)
	if len(found) != 1 || found[0].ID != n.ID || found[0].CorrectedBy != uuid.Nil {
		t.Fatalf("got %+v, want the notice of the encounter", found)
	}
	correction := store.NoticeRow{ID: newID(), Person: a.Person, Authority: leeds, Kind: "correction", At: f.now, Corrects: n.ID, Encounter: a.Encounter, Organisation: trust}
	f.tell(correction)
	found, err = f.db.Notices.OfEncounter(ctx, encounter, f.now.Add(-time.Hour), "")
	f.must(err)
	if len(found) != 1 || found[0].CorrectedBy != correction.ID {
		t.Errorf("got %+v, want it once, corrected", found)
	}
}
