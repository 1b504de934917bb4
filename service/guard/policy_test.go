package guard_test

import (
	"testing"
	"time"

	"cpis/policy"
)

// The hash that entries name their policy by leads to its text, in the same log.
func TestEntriesNameAPolicyThatStandsInTheLog(t *testing.T) {
	t.Parallel()
	f := newService(t)
	if err := f.Guard.EnterPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := f.LastEntry()
	if said.Actor != "service" || said.Action != "use_policy" || policy.HashOf(said.PolicyText) != said.Policy {
		t.Errorf("entry %+v", said)
	}
	f.MustRegister(lead, rightCPP())
	if e := f.LastEntry(); e.Policy != said.Policy || e.PolicyText != "" {
		t.Errorf("an act's entry names the policy %q, want %q", e.Policy, said.Policy)
	}
	for _, tt := range []struct {
		after time.Duration
		more  int
	}{{time.Hour, 0}, {23 * time.Hour, 1}, {time.Second, 0}} {
		before := len(f.Entries())
		f.Clock.Advance(tt.after)
		if err := f.Guard.EnterPolicy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if more := len(f.Entries()) - before; more != tt.more {
			t.Errorf("%v later: %d more entries, want %d", tt.after, more, tt.more)
		}
	}
}
