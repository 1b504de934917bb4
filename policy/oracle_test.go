package policy_test

import (
	_ "embed"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"cpis/policy"
)

//go:embed testdata/oracle.cedar
var oracleText []byte

// oracle says who may do what from rules that were written apart from ours, in
// another language, evaluated by another engine.
type oracle struct{ policies *cedar.PolicySet }

func newOracle(t *testing.T) oracle {
	t.Helper()
	ps, err := cedar.NewPolicySetFromBytes("oracle.cedar", oracleText)
	if err != nil {
		t.Fatal(err)
	}
	return oracle{ps}
}

// permits says whether the request is permitted in the mode it names.
func (o oracle) permits(t *testing.T, r policy.Request) bool {
	t.Helper()
	var roles []cedar.EntityUID
	for role := range r.Roles.All() {
		roles = append(roles, cedar.NewEntityUID("Role", cedar.String(role.String())))
	}
	caller := cedar.NewEntityUID("Caller", "caller")
	entities := cedar.EntityMap{caller: {UID: caller, Parents: cedar.NewEntityUIDSet(roles...)}}
	decision, diagnostic := cedar.Authorize(o.policies, entities, cedar.Request{
		Principal: caller,
		Action:    cedar.NewEntityUID("Action", cedar.String(r.Action)),
		Resource:  cedar.NewEntityUID("Service", "service"),
		Context: cedar.NewRecord(cedar.RecordMap{
			"class":      cedar.String(r.Class),
			"mode":       cedar.String(r.Mode),
			"own":        cedar.Boolean(r.Own),
			"assurance":  cedar.Long(r.Assurance),
			"breakGlass": cedar.Boolean(r.BreakGlass),
		}),
	})
	if len(diagnostic.Errors) > 0 {
		t.Fatalf("%+v: %v", r, diagnostic.Errors)
	}
	return decision == cedar.Allow
}

// holds says whether the caller has the right, however it was signed in.
func (o oracle) holds(t *testing.T, r policy.Request, m policy.Mode) bool {
	t.Helper()
	r.Mode, r.Own, r.Assurance, r.BreakGlass = m, true, 0, false
	return o.permits(t, r)
}

// decide works out everything but the deciding rule and role.
func (o oracle) decide(t *testing.T, r policy.Request) policy.Decision {
	t.Helper()
	if r.Mode == policy.Unspecified {
		switch {
		case r.Action == policy.LookUpMany:
			r.Mode = policy.Scheduled
		case r.Action != policy.LookUp:
		case !o.holds(t, r, policy.Unscheduled) && o.holds(t, r, policy.Scheduled):
			r.Mode = policy.Scheduled
		default:
			r.Mode = policy.Unscheduled
		}
	}
	claim := r.BreakGlass && !o.holds(t, r, r.Mode)
	r.BreakGlass = claim
	allowed := o.permits(t, r)
	return policy.Decision{Allowed: allowed, Mode: r.Mode, BreakGlass: claim && allowed}
}

// agree fails the test where the oracle decides otherwise.
func (o oracle) agree(t *testing.T, e *policy.Enforcer, r policy.Request) {
	t.Helper()
	got, want := e.DecideAfresh(r), o.decide(t, r)
	got.Role, got.Rule = 0, ""
	if got != want {
		t.Errorf("%+v: got %+v, the other engine says %+v", r, got, want)
	}
}

func TestDecisionsAgreeWithAnotherEngine(t *testing.T) {
	t.Parallel()
	e, o := mustNew(t), newOracle(t)
	for _, role := range policy.AllRoles() {
		for r := range thinned(asks(policy.Roles(role))) {
			for r := range circumstances(r, 0, 1, 2, 3) {
				o.agree(t, e, r)
			}
		}
	}
}

func TestDecisionsForTwoRolesAgreeWithAnotherEngine(t *testing.T) {
	t.Parallel()
	e, o := mustNew(t), newOracle(t)
	for _, roles := range append(pairs(), 0) {
		for r := range thinned(asks(roles)) {
			r.Own, r.Assurance = true, 3
			o.agree(t, e, r)
			r.BreakGlass = true
			o.agree(t, e, r)
		}
	}
}
