package policy_test

import (
	"iter"
	"sync"
	"testing"

	"cpis/policy"
)

func mustNew(tb testing.TB, overrides ...policy.Override) *policy.Enforcer {
	tb.Helper()
	e, err := policy.New(overrides...)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// act is an action, in the mode in which it is asked for.
type act struct {
	action policy.Action
	mode   policy.Mode
}

// acts returns every action, look-ups in each mode that can be asked for.
func acts() []act {
	var all []act
	for _, a := range policy.AllActions() {
		all = append(all, act{a, policy.Unspecified})
		if len(a.Modes()) > 0 {
			all = append(all, act{a, policy.Unscheduled}, act{a, policy.Scheduled})
		}
	}
	return all
}

// asks yields a request for each class and act that callers with these roles
// could ask for.
func asks(roles policy.Roles) iter.Seq[policy.Request] {
	return func(yield func(policy.Request) bool) {
		for _, class := range policy.AllClasses() {
			for _, a := range acts() {
				if !yield(policy.Request{Roles: roles, Class: class, Action: a.action, Mode: a.mode}) {
					return
				}
			}
		}
	}
}

// thinned yields every nth request when the race detector is on: it finds
// nothing in tests that do one thing after another, and makes them ten times
// slower. Without it they are exhaustive.
func thinned(requests iter.Seq[policy.Request]) iter.Seq[policy.Request] {
	return func(yield func(policy.Request) bool) {
		n := 0
		for r := range requests {
			if n%every == 0 && !yield(r) {
				return
			}
			n++
		}
	}
}

// circumstances yields the request in each combination of ownership, assurance
// and break-glass.
func circumstances(r policy.Request, assurances ...int) iter.Seq[policy.Request] {
	return func(yield func(policy.Request) bool) {
		for _, r.Own = range []bool{false, true} {
			for _, r.BreakGlass = range []bool{false, true} {
				for _, r.Assurance = range assurances {
					if !yield(r) {
						return
					}
				}
			}
		}
	}
}

// pairs returns every set of two roles.
func pairs() []policy.Roles {
	var all []policy.Roles
	for i, a := range policy.AllRoles() {
		for _, b := range policy.AllRoles()[i+1:] {
			all = append(all, policy.RolesOf(a, b))
		}
	}
	return all
}

// Whatever is asked, also with words that do not exist, there is an answer, it
// has a mode exactly where the action has one, and it names what decided.
func TestEveryRequestHasAWholeAnswer(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rules := make(map[string]bool)
	for _, r := range e.Rules() {
		rules[r.ID] = true
	}
	reasons := make(map[string]bool)
	for _, reason := range policy.Reasons() {
		reasons[reason] = true
	}
	check := func(r policy.Request) {
		d := e.DecideAfresh(r)
		if hasMode := d.Mode == policy.Unscheduled || d.Mode == policy.Scheduled; hasMode != (len(r.Action.Modes()) > 0) {
			t.Errorf("%+v: mode %q", r, d.Mode)
		}
		if d.Allowed && !rules[d.Rule] || !d.Allowed && !reasons[d.Rule] {
			t.Errorf("%+v: allowed %v by %q", r, d.Allowed, d.Rule)
		}
		if !d.Allowed && (d.BreakGlass || d.Role != r.Roles.Lowest()) || d.Allowed && !r.Roles.Has(d.Role) {
			t.Errorf("%+v: decided %+v", r, d)
		}
		if r.Mode != policy.Unspecified && d.Allowed && d.Mode != r.Mode {
			t.Errorf("%+v: decided in another mode: %+v", r, d)
		}
	}
	sets := []policy.Roles{0, 1 << 15, ^policy.Roles(0)}
	for _, r := range policy.AllRoles() {
		sets = append(sets, policy.Roles(r))
	}
	classes := append(policy.AllClasses(), "", "care", "no such class")
	actions := append(acts(), act{"", ""}, act{"no such action", policy.Scheduled},
		act{policy.LookUp, "no such mode"}, act{policy.LookUpMany, "-"}, act{policy.ReadProof, "-"})
	for _, roles := range sets {
		for _, class := range classes {
			for _, a := range actions {
				r := policy.Request{Roles: roles, Class: class, Action: a.action, Mode: a.mode, Assurance: -1}
				check(r)
				r.Own, r.BreakGlass, r.Assurance = true, true, 1<<40
				check(r)
			}
		}
	}
}

func TestUnknownWordsGiveNoRight(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	all := ^policy.Roles(0)
	for _, class := range []policy.Class{"", "care", "anywhere", "scheduled_care", "ACUTE_TRUST", "no such class"} {
		for _, a := range acts() {
			for r := range circumstances(policy.Request{Roles: all, Class: class, Action: a.action, Mode: a.mode}, 0, 3) {
				if d := e.DecideAfresh(r); d.Allowed {
					t.Errorf("%+v: allowed: %+v", r, d)
				}
			}
		}
	}
	for _, a := range []act{
		{"", ""},
		{"Look_Up", policy.Unscheduled},
		{policy.LookUp, "-"},
		{policy.LookUp, "any"},
		{policy.ReadProof, "-"},
		{policy.ReadProof, policy.Scheduled},
	} {
		r := policy.Request{Roles: all, Class: policy.AcuteTrust, Action: a.action, Mode: a.mode, Own: true, BreakGlass: true}
		if d := e.DecideAfresh(r); d.Allowed {
			t.Errorf("%+v: allowed: %+v", r, d)
		}
	}
}

func TestDecideIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	e, fresh := mustNew(t), mustNew(t)
	var requests []policy.Request
	var want []policy.Decision
	for _, role := range policy.AllRoles() {
		for _, a := range acts() {
			r := policy.Request{
				Roles: policy.Roles(role), Class: policy.AcuteTrust, Action: a.action, Mode: a.mode, Assurance: 2,
			}
			requests, want = append(requests, r), append(want, fresh.DecideAfresh(r))
		}
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 3 * len(requests) {
				n := (i + g*17) % len(requests)
				if got := e.Decide(requests[n]); got != want[n] {
					t.Errorf("%+v: got %+v, want %+v", requests[n], got, want[n])
				}
			}
		})
	}
	wg.Wait()
	if got := e.Remembered(); got != len(requests) {
		t.Errorf("%d decisions remembered, want %d", got, len(requests))
	}
}

func TestRememberedDecisionsAreBounded(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	for i := range 2*policy.MaxRemembered + 5 {
		r := policy.Request{Action: policy.ReadProof, Assurance: i}
		if d := e.Decide(r); d.Rule != policy.NoRule {
			t.Fatalf("%+v: decided %+v", r, d)
		}
		if n := e.Remembered(); n > policy.MaxRemembered {
			t.Fatalf("%d decisions remembered, want at most %d", n, policy.MaxRemembered)
		}
	}
}
