package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/store"
)

// release is one that is to be proposed.
func (f *fixture) release() *store.ReleaseRow {
	return &store.ReleaseRow{
		ID: newID(), Organisation: trust, Subject: []byte{7}, ProposedBy: "first", ProposedIssuer: "issuer", ProposedAt: f.now,
		Proposed: []byte("sealed"), WrappedKey: "wrapped",
	}
}

// A release counts when another person accepted it, and for a while.
func TestReleaseIsDecidedByAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	r := f.release()
	f.tx(func(tx *store.Tx) error { return tx.Releases.Insert(ctx, r) })
	decide := func(by, state string) error {
		row := *r
		row.State, row.DecidedBy, row.DecidedIssuer, row.DecidedAt, row.Decided = state, by, "issuer", f.now, []byte("why")
		return f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Releases.Decide(ctx, &row) })
	}
	if err := decide(" FIRST", "accepted"); err == nil {
		t.Error("accepting one's own: got no error")
	}
	accepted := func(since time.Time) []store.ReleaseRow {
		rows, err := f.db.Releases.Accepted(ctx, trust, [][]byte{{1}, {7}}, since)
		f.must(err)
		return rows
	}
	if got := accepted(time.Time{}); len(got) != 0 {
		t.Errorf("while it is open: got %+v", got)
	}
	f.must(decide("second", "accepted"))
	if err := decide("third", "declined"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deciding twice: got %v, want %v", err, store.ErrConflict)
	}
	want := *r
	want.State, want.DecidedBy, want.DecidedIssuer, want.DecidedAt, want.Decided = "accepted", "second", "issuer", f.now, []byte("why")
	want.Stood = []string{}
	if diff := cmp.Diff([]store.ReleaseRow{want}, accepted(f.now.Add(-time.Hour))); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	if got := accepted(f.now); len(got) != 0 {
		t.Errorf("when it is over: got %+v", got)
	}
	for open, want := range map[bool]int{true: 0, false: 1} {
		if rows, err := f.db.Releases.List(ctx, trust, open, uuid.Nil, 10); err != nil || len(rows) != want {
			t.Errorf("open only %t: got %d, %v; want %d", open, len(rows), err, want)
		}
	}
}
