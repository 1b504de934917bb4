package policy_test

import (
	"testing"

	"cpis/policy"
)

func TestWithdrawnRulesDecideNothing(t *testing.T) {
	t.Parallel()
	list := policy.Request{
		Roles: policy.RolesOf(policy.ClinicianScheduled), Class: policy.Dental, Action: policy.LookUpMany, Assurance: 2,
	}
	e := mustNew(t, policy.Override{Withdraw: "S3"})
	if d := e.Decide(list); d.Allowed || d.Rule != policy.NoRule {
		t.Errorf("withdrawn: decided %+v", d)
	}
	if d := mustNew(t).Decide(list); !d.Allowed {
		t.Errorf("another enforcer changed too: decided %+v", d)
	}
}

// A right made narrower is not widened again by break-glass: who holds it but
// signed in too weakly is refused.
func TestReplacedRuleAsksForMore(t *testing.T) {
	t.Parallel()
	e := mustNew(t, policy.Override{Withdraw: "U1", Grant: policy.Rule{
		ID: "X1", Role: policy.ClinicianUnscheduled, Class: policy.UrgentCare,
		Action: policy.LookUp, Mode: policy.Unscheduled, Assurance: 3,
	}})
	for _, tt := range []struct {
		ask  policy.Request
		want string
	}{
		{policy.Request{Class: policy.UrgentCare, Assurance: 3}, "X1"},
		{policy.Request{Class: policy.UrgentCare, Assurance: 2}, policy.AssuranceTooLow},
		{policy.Request{Class: policy.UrgentCare, Assurance: 2, BreakGlass: true}, policy.AssuranceTooLow},
		{policy.Request{Class: policy.Ambulance, Assurance: 3}, policy.NoRule},
		{policy.Request{Class: policy.Ambulance, Assurance: 3, BreakGlass: true}, "B1"},
	} {
		tt.ask.Roles, tt.ask.Action = policy.RolesOf(policy.ClinicianUnscheduled), policy.LookUp
		if d := e.Decide(tt.ask); d.Rule != tt.want {
			t.Errorf("%+v: decided %+v, want %s", tt.ask, d, tt.want)
		}
	}
}

func TestGrantedRightIsOfItsActionsDuty(t *testing.T) {
	t.Parallel()
	e := mustNew(t, policy.Override{Grant: policy.Rule{
		ID: "X1", Role: policy.LASystem, Class: policy.LocalAuthority,
		Action: policy.ViewRestricted, Own: true, Assurance: 3,
	}})
	ask := policy.Request{
		Roles: policy.RolesOf(policy.LASystem), Class: policy.LocalAuthority, Action: policy.ViewRestricted, Own: true,
	}
	if d := e.Decide(ask); d.Rule != "X1" || !d.Allowed {
		t.Errorf("granted: decided %+v", d)
	}
	ask.Roles |= policy.Roles(policy.PrivacyOfficer)
	if d := e.Decide(ask); d.Rule != policy.ConflictingRoles {
		t.Errorf("with a role of the other duty: decided %+v", d)
	}
}

func TestOverridesCannotUndoPromises(t *testing.T) {
	t.Parallel()
	good := policy.Rule{
		ID: "X1", Role: policy.LASystem, Class: policy.LocalAuthority,
		Action: policy.ViewRestricted, Own: true, Assurance: 3,
	}
	mustNew(t, policy.Override{Grant: good})
	with := func(change func(*policy.Rule)) policy.Override {
		r := good
		change(&r)
		return policy.Override{Grant: r}
	}
	for name, o := range map[string]policy.Override{
		"WithdrawsNothing":   {Withdraw: "Z9"},
		"NamedLikeEmbedded":  with(func(r *policy.Rule) { r.ID = "P10" }),
		"NoName":             with(func(r *policy.Rule) { r.ID = "" }),
		"NotOnlyOwn":         with(func(r *policy.Rule) { r.Own = false }),
		"LessAssurance":      with(func(r *policy.Rule) { r.Assurance = 2 }),
		"NoAssurance":        with(func(r *policy.Rule) { r.Assurance = 0 }),
		"TooMuchAssurance":   with(func(r *policy.Rule) { r.Assurance = 4 }),
		"UnknownAction":      with(func(r *policy.Rule) { r.Action = "read_everything" }),
		"UnknownClass":       with(func(r *policy.Rule) { r.Class = "everything" }),
		"WhereRoleNeverFits": with(func(r *policy.Rule) { r.Class = policy.AcuteTrust }),
		"ModeOfModeless":     with(func(r *policy.Rule) { r.Mode = policy.Scheduled }),
		"AnyRole":            with(func(r *policy.Rule) { r.Role = 0 }),
		"TwoRoles":           with(func(r *policy.Rule) { r.Role = policy.LASystem | policy.SafeguardingLead }),
		"BreakGlass": with(func(r *policy.Rule) {
			r.Role, r.Class, r.Action, r.Mode = policy.ClinicianScheduled, policy.Dental, policy.LookUp, policy.Scheduled
			r.Claimed = true
		}),
		"AdministratorRaisesThemselves": with(func(r *policy.Rule) {
			r.Role, r.Class, r.Action = policy.Administrator, policy.Operator, policy.GetPerson
		}),
		"AuditorManages": with(func(r *policy.Rule) {
			r.Role, r.Class, r.Action = policy.Auditor, policy.Oversight, policy.Configure
		}),
		"PrivacyOfficerManages": with(func(r *policy.Rule) { r.Role = policy.PrivacyOfficer }),
		"LeadAudits":            with(func(r *policy.Rule) { r.Role, r.Action = policy.SafeguardingLead, policy.ReviewAccess }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := policy.New(o); err == nil {
				t.Errorf("accepted %+v", o)
			}
		})
	}
	t.Run("SameNameTwice", func(t *testing.T) {
		t.Parallel()
		if _, err := policy.New(policy.Override{Grant: good}, policy.Override{Grant: good}); err == nil {
			t.Error("accepted")
		}
	})
}
