package oversight_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/service/guard"
	"cpis/service/oversight"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// A report says how far the index is behind the log, and until when it is
// complete.
func TestIndex_SaysHowFarItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.index()
	f.Clock.Advance(time.Minute)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	p, err := f.Reports.ListEntries(t.Context(), auditor, &oversight.ListRequest{Report: oversight.Everything, Query: because(oversight.Query{})})
	if err != nil || p.Behind != 1 || !p.CompleteUntil.Equal(servicetest.Noon) || len(p.Entries) != 1 {
		t.Errorf("behind: got %+v, %v", p, err)
	}
	f.index()
	f.Clock.Advance(time.Minute)
	p, err = f.Reports.ListEntries(t.Context(), auditor, &oversight.ListRequest{Report: oversight.Everything, Query: because(oversight.Query{})})
	if err != nil || p.Behind != 0 || !p.CompleteUntil.Equal(f.Clock.Now()) || len(p.Entries) != 3 {
		t.Errorf("up to date: got %+v, %v", p, err)
	}
}

// The index lets a crowd of look-ups pass, but is not behind for longer than half
// a minute.
func TestIndex_LetsACrowdPass(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var submitted uint64
	index := oversight.NewIndex(oversight.IndexConfig{
		DB: f.DB, Clock: f.Clock.Now, Submitted: func() uint64 { return submitted },
	})
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	for _, round := range []struct {
		came    uint64
		after   time.Duration
		indexed bool
	}{
		{came: 10_000, indexed: true}, // nothing was indexed before
		{came: 10_000, after: 29 * time.Second},
		{came: 10_000, after: time.Second, indexed: true},
		{came: 501, after: time.Second},
		{came: 500, after: time.Second, indexed: true},
	} {
		f.Clock.Advance(round.after)
		f.MustLookUp(nurse, servicetest.Unscheduled(child))
		submitted += round.came
		if err := index.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		states, err := f.DB.Index.States(t.Context())
		if err != nil || (states[0].Next == states[0].Size) != round.indexed {
			t.Errorf("%d look-ups, after %v: got %+v, %v", round.came, round.after, states, err)
		}
	}
}

// Two servers index side by side, and each entry stands there once.
func TestIndex_IsSharedByServers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Grow(40)
	other := f.Another()
	errs := servicetest.AtOnce(
		func() error { return f.Index.Follow(t.Context()) },
		func() error { return other.Index.Follow(t.Context()) },
	)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := len(f.list(auditor, oversight.Everything, oversight.Query{Action: "look_up"}).Entries); got != 40 {
		t.Errorf("got %d entries, want 40", got)
	}
}

// Whatever the index says that the log does not say, and whatever it leaves out,
// is found: nobody is answered from it until it is made again.
func TestIndex_ThatSaysSomethingElseIsDamage(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"subject taken away": "UPDATE cpis.entry_index SET subject = NULL WHERE idx = 3",
		"entry left out":     "DELETE FROM cpis.entry_index WHERE idx = 3",
		"last left out":      "DELETE FROM cpis.entry_index WHERE idx = 9",
		"another's":          "UPDATE cpis.entry_index SET actor = 'somebody' WHERE idx = 3",
		"another time":       "UPDATE cpis.entry_index SET at = at - interval '1 year' WHERE idx = 3",
		"another request":    "UPDATE cpis.entry_index SET request = gen_random_uuid() WHERE idx = 3",
		"no break-glass":     "UPDATE cpis.entry_index SET break_glass = NOT break_glass WHERE idx = 3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Grow(10)
			f.index()
			if err := f.Index.Check(t.Context()); err != nil || f.Damaged.Load() != 0 {
				t.Fatalf("CheckIndex of an index that is right: %v, %d times damaged", err, f.Damaged.Load())
			}
			f.Exec(sql)
			for range 2 { // to its end, and from the beginning
				if err := f.Index.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if f.Damaged.Load() == 0 {
				t.Error("nobody was woken")
			}
			f.wantDamaged(t)
			f.rebuild(t)
			if got := len(f.list(auditor, oversight.Everything, oversight.Query{Action: "look_up"}).Entries); got != 10 {
				t.Errorf("made again: got %d entries, want 10", got)
			}
		})
	}
}

// wantDamaged asks for a report, and wants none.
func (f *fixture) wantDamaged(t *testing.T) {
	t.Helper()
	_, err := f.Reports.ListEntries(t.Context(), auditor, &oversight.ListRequest{Report: oversight.Everything, Query: because(oversight.Query{})})
	if !errors.Is(err, guard.ErrDamaged) || f.LastEntry().Outcome != "failed" {
		t.Errorf("report from a damaged index: got %v and an entry %s", err, f.LastEntry().Outcome)
	}
}

// admin administers the index as its owner.
func (f *fixture) admin(tb testing.TB) *oversight.Admin {
	tb.Helper()
	owner := dbtest.OpenOwner(tb, f.Database)
	log, err := owner.Logs.Find(tb.Context(), dbtest.Origin)
	if err != nil {
		tb.Fatal(err)
	}
	return &oversight.Admin{Command: guard.Command{DB: owner, Log: log, Now: f.Clock.Now, Operator: "tester"}}
}

// rebuild makes the index again, and wants it to be right then.
func (f *fixture) rebuild(t *testing.T) {
	t.Helper()
	admin := f.admin(t)
	checked, err := admin.Rebuild(t.Context(), func(string, int64, int64) {})
	if err != nil || len(checked) != 1 || checked[0].Indexed != checked[0].Size {
		t.Errorf("Rebuild: got %+v, %v", checked, err)
	}
	if checked, err = admin.Check(t.Context()); err != nil || len(checked) != 1 || checked[0].Wrong != -1 {
		t.Errorf("Check: got %+v, %v", checked, err)
	}
}

// A row that is shown is compared with its line at that moment.
func TestReport_ShowsNothingThatTheLineDoesNotSay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Grow(3)
	f.index()
	f.Exec("UPDATE cpis.entry_index SET actor = 'somebody' WHERE idx = 1")
	f.wantDamaged(t)
	if checked, err := f.admin(t).Check(t.Context()); err != nil || checked[0].Wrong != 1 {
		t.Errorf("Check: got %+v, %v", checked, err)
	}
}

// A line that was removed is still shown as far as the index knew it, and said to
// be missing.
func TestReport_SaysWhereALineIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Grow(3)
	f.index()
	f.Exec("DELETE FROM cpis.entry WHERE idx = 0")
	p := f.list(auditor, oversight.Everything, oversight.Query{Action: "look_up"})
	if len(p.Entries) != 3 || !p.Entries[2].LineMissing || p.Entries[2].Actor != "nurse" || p.Entries[1].LineMissing {
		t.Errorf("got %+v", p.Entries)
	}
}

// Why somebody asked is sealed: the database shows neither words nor number.
func TestReport_KeepsWordsSealed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.list(auditor, oversight.Child, oversight.Query{NHSNumber: child, Reason: oversight.Court, Words: "Robin Example's mother, court of Islington"})
	rows, err := f.DB.Keys.After(t.Context(), store.ReportKeys, [16]byte{}, 10)
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	for _, e := range f.Entries() {
		if text := string(e.AppendLine(nil)); strings.Contains(text, "Robin") || strings.Contains(text, child) {
			t.Errorf("the log says %s", text)
		}
	}
}

// When old lines are removed, the index forgets them by itself, and still says what
// the log says.
func TestIndex_ForgetsWhatRetentionRemoved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Grow(10)
	f.index()
	admin := f.admin(t)
	if deleted, _, err := admin.DB.RemoveEntries(t.Context(), admin.Log.ID, 4); err != nil || deleted != 4 {
		t.Fatalf("RemoveEntries: %d, %v", deleted, err)
	}
	entries := f.list(auditor, oversight.Everything, oversight.Query{Action: "look_up"}).Entries
	if len(entries) != 6 || entries[5].Index != 4 || entries[5].LineMissing {
		t.Errorf("got %d entries, the oldest %+v", len(entries), entries[len(entries)-1])
	}
	if checked, err := admin.Check(t.Context()); err != nil || checked[0].Wrong != -1 {
		t.Errorf("Check: got %+v, %v", checked, err)
	}
}
