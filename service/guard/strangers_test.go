package guard_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cpis/audit"
	"cpis/service/identity"
)

// What was refused before anybody was known is in the log all the same: how often,
// from where, and why.
func TestStrangers_AreCountedBySourceAndReason(t *testing.T) {
	t.Parallel()
	f := newService(t)
	if err := f.Strangers.Enter(t.Context()); err != nil || len(f.Entries()) != 0 {
		t.Fatalf("nobody called: %v, %d entries", err, len(f.Entries()))
	}
	for range 3 {
		f.Strangers.Met("203.0.113.0/24", identity.Signature)
	}
	f.Strangers.Met("203.0.113.0/24", identity.Expired)
	f.Strangers.Met("2001:db8:7::/48", identity.Missing)
	f.Strangers.Met("", "") // a source without an address, and a token that could not be judged
	if err := f.Strangers.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []audit.Entry{
		{From: "203.0.113.0/24", Counts: audit.Counts{"calls": 4, "signature": 3, "expired": 1}},
		{From: "2001:db8:7::/48", Counts: audit.Counts{"calls": 1, "missing": 1}},
		{From: "unknown", Counts: audit.Counts{"calls": 1, "unchecked": 1}},
	}
	for i := range want {
		want[i].Version, want[i].Time, want[i].Action, want[i].Outcome = 2, noon, "unauthenticated", "denied"
	}
	if diff := cmp.Diff(want, f.Entries(), cmpopts.IgnoreFields(audit.Entry{}, "Salt")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if err := f.Strangers.Enter(t.Context()); err != nil || len(f.Entries()) != len(want) {
		t.Errorf("counted twice: %v, %d entries", err, len(f.Entries()))
	}
}

// Tokens tried from everywhere make few entries, in which no call is missing, and
// hide nobody who tries many.
func TestStrangers_CannotFloodTheLog(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const sources, calls = 5000, 50
	for i := range sources {
		f.Strangers.Met(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), identity.Signature)
	}
	for range calls {
		f.Strangers.Met("203.0.113.0/24", identity.Signature)
	}
	if err := f.Strangers.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries := f.Entries()
	if len(entries) != 33 {
		t.Errorf("%d entries, want 33", len(entries))
	}
	if first := entries[0]; first.From != "203.0.113.0/24" || first.Counts["calls"] != calls {
		t.Errorf("the first entry is of %s with %v", first.From, first.Counts)
	}
	last := entries[len(entries)-1]
	if last.From != "other" || last.Counts["sources"] != sources+1-32 {
		t.Errorf("the last entry is of %s with %v", last.From, last.Counts)
	}
	var all int64
	for _, e := range entries {
		all += e.Counts["calls"]
	}
	if all != sources+calls {
		t.Errorf("%d calls in all, want %d", all, sources+calls)
	}
}

// What could not be entered is not forgotten.
func TestStrangers_StayCountedUntilTheyAreEntered(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Strangers.Met("203.0.113.0/24", identity.Expired)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Strangers.Enter(ctx); err == nil {
		t.Fatal("entered without a database")
	}
	f.Strangers.Met("203.0.113.0/24", identity.Expired)
	if err := f.Strangers.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := f.LastEntry(); len(f.Entries()) != 1 || e.Counts["calls"] != 2 || e.Counts["expired"] != 2 {
		t.Errorf("%d entries, the last %+v", len(f.Entries()), e)
	}
}
