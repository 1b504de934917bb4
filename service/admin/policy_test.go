package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cpis/policy"
	"cpis/service"
	"cpis/service/admin"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/oversight"
	"cpis/service/plan"
	"cpis/service/servicetest"
	"cpis/service/work"
)

// All rules, as administrators read them: review a change of the words here.
func TestGetPolicy_SaysTheRulesInPlainWords(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	got, err := f.Installation.GetPolicy(t.Context(), administrator, &admin.GetPolicyRequest{})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	var out strings.Builder
	for _, r := range got.Rules {
		fmt.Fprintf(&out, "%s %s\n", r.ID, r.Text)
	}
	golden(t, "rules.golden", out.String())
	e := f.LastEntry()
	if e.Action != "explain_policy" || e.Outcome != "done" || e.Rule != "C2" || e.Policy != got.Hash || got.Index != int64(len(f.Entries())-1) {
		t.Errorf("the entry is %+v, with hash %s", e, got.Hash)
	}
}

func TestGetPolicy_OfOneRole(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	got, err := f.Installation.GetPolicy(t.Context(), administrator, &admin.GetPolicyRequest{Role: "administrator"})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	var ids []string
	for _, r := range got.Rules {
		ids = append(ids, r.ID)
	}
	want := []string{"C1", "C2", "C3", "H1", "L1", "L2", "L3"}
	if !slices.Equal(ids, want) {
		t.Errorf("got rules %v, want %v", ids, want)
	}
	_, err = f.Installation.GetPolicy(t.Context(), administrator, &admin.GetPolicyRequest{Role: "<script>"})
	if v := servicetest.ViolationsOf(t, err); len(v) != 1 || v[0].Field != "role" {
		t.Errorf("got %+v, want what is wrong with the role", v)
	}
}

// Nobody else reads the rules here, and their trying is in the log.
func TestPolicy_IsForAdministrators(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	for _, c := range []*identity.Caller{
		servicetest.Nurse, servicetest.Gp, servicetest.ClinicalSystem, servicetest.Lead, servicetest.LaSystem,
		servicetest.PrivacyOfficer, servicetest.Auditor,
		servicetest.Caller("elsewhere", servicetest.Trust, policy.AcuteTrust, policy.Administrator),
	} {
		_, errRead := f.Installation.GetPolicy(t.Context(), c, &admin.GetPolicyRequest{})
		_, errAsk := f.Installation.ExplainPolicy(t.Context(), c, &admin.ExplainPolicyRequest{Role: "auditor", Class: "oversight", Action: "read_log"})
		for _, err := range []error{errRead, errAsk} {
			if !errors.Is(err, guard.ErrDenied) {
				t.Errorf("%s: got %v, want ErrDenied", c.ID, err)
			}
		}
		if e := f.LastEntry(); e.Action != "explain_policy" || e.Outcome != "denied" || e.Actor != c.ID {
			t.Errorf("%s: the entry is %+v", c.ID, e)
		}
	}
}

// Every word of the policy has one for people, and no two the same.
func TestWords_AreThereForAllOfThePolicy(t *testing.T) {
	t.Parallel()
	for what, words := range map[string][]admin.Word{"role": admin.Roles(), "class": admin.Classes(), "action": admin.Actions()} {
		seen := map[string]bool{}
		for _, w := range words {
			if w.Name == "" || w.Text == "" || seen[w.Text] {
				t.Errorf("%s %q is called %q", what, w.Name, w.Text)
			}
			seen[w.Text] = true
		}
	}
}

// What may be decided is a matter of the enforcer in force, not of the rules that the
// program was built with.
func TestExplainPolicy_AsksTheEnforcerInForce(t *testing.T) {
	t.Parallel()
	other, err := policy.New(policy.Override{Withdraw: "P1"})
	if err != nil {
		t.Fatal(err)
	}
	f := servicetest.NewWith(t, func(cfg *service.Config) { cfg.Policy = other })
	got := mustExplain(t, f, admin.ExplainPolicyRequest{Role: "safeguarding_lead", Class: "local_authority", Action: "register_plan", Assurance: 3})
	if got.Allowed || got.Rule != policy.NoRule {
		t.Errorf("got %+v, want a refusal: the rule was withdrawn", got)
	}
}

// What is explained is what then happens: the same rule or reason stands in the entry
// of the act itself.
func TestExplainPolicy_SaysWhatHappens(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	weak := *servicetest.Lead
	weak.Assurance = 2
	both := *servicetest.Lead
	both.Roles |= policy.RolesOf(policy.PrivacyOfficer)
	for name, c := range map[string]*identity.Caller{
		"lead": servicetest.Lead, "weak lead": &weak, "nurse": servicetest.Nurse, "both": &both, "system": servicetest.LaSystem, "administrator": administrator,
	} {
		_, _ = f.RegisterPlan(t.Context(), c, servicetest.RightCPP())
		e := f.LastEntry()
		got := mustExplain(t, f, admin.ExplainPolicyRequest{
			Role: c.Roles.String(), Organisation: c.Organisation, Action: "register_plan", Assurance: c.Assurance,
		})
		if e.Action != "register_plan" || got.Rule != e.Rule || got.Allowed == (e.Outcome == "denied") {
			t.Errorf("%s: explained by %s, but the entry says %s, %s", name, got.Rule, e.Rule, e.Outcome)
		}
	}
}

// Questions and answers, as administrators read them.
func TestExplainPolicy_SaysWhyAndWhyNot(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	var out strings.Builder
	for _, q := range []admin.ExplainPolicyRequest{
		{Role: "clinician_unscheduled", Class: "acute_trust", Action: "look_up", Assurance: 2},
		{Role: "clinician_scheduled", Organisation: servicetest.Practice, Action: "look_up", Mode: "unscheduled", Assurance: 3},
		{Role: "clinician_scheduled", Organisation: servicetest.Practice, Action: "look_up", Mode: "unscheduled", Assurance: 3, BreakGlass: true},
		{Role: "clinician_unscheduled", Class: "dental", Action: "look_up", Assurance: 3},
		{Role: "clinical_system", Class: "acute_trust", Action: "look_up"},
		{Role: "safeguarding_lead", Organisation: servicetest.Islington, Action: "end_plan", Assurance: 3},
		{Role: "safeguarding_lead", Organisation: servicetest.Islington, Action: "end_plan", Assurance: 2},
		{Role: "safeguarding_lead", Class: "local_authority", Action: "end_plan", OfAnother: true, Assurance: 2},
		{Role: "safeguarding_lead", Class: "acute_trust", Action: "end_plan", Assurance: 3},
		{Role: "safeguarding_lead, privacy_officer", Class: "local_authority", Action: "end_plan", Assurance: 3},
		{Role: "la_system", Class: "local_authority", Action: "decide_change", Assurance: 3},
		{Role: "administrator", Class: "operator", Action: "get_person", Assurance: 3},
		{Role: "auditor", Class: "oversight", Action: "read_proof", Assurance: 1},
	} {
		got := mustExplain(t, f, q)
		fmt.Fprintf(&out, "%s at %s%s, %s %s level %d\n  %s\n", q.Role, q.Class, q.Organisation, q.Action, q.Mode, q.Assurance, got.Answer)
		for _, why := range got.Why {
			fmt.Fprintf(&out, "  - %s\n", why)
		}
		fmt.Fprintf(&out, "  [%s, %s, %s, %s]", got.Rule, got.Role, got.Class, got.Mode)
		for _, r := range got.Others {
			fmt.Fprintf(&out, " %s", r.ID)
		}
		out.WriteString("\n\n")
	}
	golden(t, "explained.golden", out.String())
}

func TestExplainPolicy_RefusesWhatIsNoQuestion(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	right := admin.ExplainPolicyRequest{Role: "auditor", Class: "oversight", Action: "read_log", Assurance: 3}
	for field, change := range map[string]func(*admin.ExplainPolicyRequest){
		"role":         func(q *admin.ExplainPolicyRequest) { q.Role = "auditor,=1+1" },
		"class":        func(q *admin.ExplainPolicyRequest) { q.Class = "" },
		"action":       func(q *admin.ExplainPolicyRequest) { q.Action = "<script>" },
		"organisation": func(q *admin.ExplainPolicyRequest) { q.Organisation = servicetest.Trust },
		"access_mode":  func(q *admin.ExplainPolicyRequest) { q.Mode = "scheduled" },
		"assurance":    func(q *admin.ExplainPolicyRequest) { q.Assurance = 4 },
	} {
		q := right
		change(&q)
		_, err := f.Installation.ExplainPolicy(t.Context(), administrator, &q)
		if v := servicetest.ViolationsOf(t, err); len(v) != 1 || v[0].Field != field {
			t.Errorf("got %+v, want what is wrong with %s", v, field)
		}
		if e := f.LastEntry(); e.Outcome != "invalid" {
			t.Errorf("%s: the entry says %s", field, e.Outcome)
		}
	}
	right.Class, right.Organisation = "", "NOBODY"
	if _, err := f.Installation.ExplainPolicy(t.Context(), administrator, &right); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("an organisation that nobody knows: got %v, want ErrNotFound", err)
	}
}

// An administrator sees no person, no plan and no notice: what they may do is this,
// and each of the doors to the others is closed.
func TestAdministrators_SeeNobody(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	held := f.MustRegister(servicetest.Lead, servicetest.RightCPP())
	var may []policy.Action
	for _, a := range policy.AllActions() {
		for _, own := range []bool{true, false} {
			r := policy.Request{Roles: administrator.Roles, Class: administrator.Class, Action: a, Own: own, Assurance: 3, BreakGlass: true}
			if servicetest.Rules(t).Decide(r).Allowed && !slices.Contains(may, a) {
				may = append(may, a)
			}
		}
	}
	want := []policy.Action{policy.ReadProof, policy.Configure, policy.LogIn, policy.ChooseRole, policy.LogOut, policy.ExplainPolicy, policy.ReadService}
	if !slices.Equal(may, want) {
		t.Errorf("administrators may %v, want %v", may, want)
	}
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"look up": func() error { _, err := f.LookUp(ctx, administrator, servicetest.Attended("ED-1")); return err },
		"person": func() error {
			_, err := f.GetPerson(ctx, administrator, &plan.GetPersonRequest{NHSNumber: servicetest.RightCPP().NHSNumber})
			return err
		},
		"plan": func() error {
			_, err := f.GetPlan(ctx, administrator, &plan.GetPlanRequest{PlanID: held.PlanID})
			return err
		},
		"plans": func() error { _, err := f.ListPlans(ctx, administrator, &plan.ListRequest{}); return err },
		"names": func() error {
			_, err := f.FindPeople(ctx, administrator, servicetest.Named("Example"))
			return err
		},
		"notices": func() error { _, err := f.ListNotices(ctx, administrator, &notice.InboxQuery{}); return err },
		"work":    func() error { _, err := f.WorkList(ctx, administrator, &work.ListRequest{}); return err },
		"who looked": func() error {
			_, err := f.Reports.ListEntries(ctx, administrator, &oversight.ListRequest{})
			return err
		},
	} {
		if err := do(); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want ErrDenied", name, err)
		}
	}
}
