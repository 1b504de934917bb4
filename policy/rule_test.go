package policy_test

import (
	"regexp"
	"strings"
	"testing"

	"cpis/policy"
)

func TestEveryActionOccursInTheRulesAndEveryRuleCanDecide(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	decided := make(map[string]bool)
	for _, role := range policy.AllRoles() {
		for r := range asks(policy.Roles(role)) {
			r.Own = true
			decided[e.DecideAfresh(r).Rule] = true
			r.BreakGlass = true
			decided[e.DecideAfresh(r).Rule] = true
		}
	}
	actions, roles := make(map[policy.Action]bool), make(map[policy.Role]bool)
	for _, r := range e.Rules() {
		actions[r.Action], roles[r.Role] = true, true
		if !decided[r.ID] {
			t.Errorf("rule %s never decides anything", r.ID)
		}
	}
	for _, a := range policy.AllActions() {
		if !actions[a] {
			t.Errorf("no rule speaks of action %s", a)
		}
	}
	for _, r := range policy.AllRoles() {
		if !roles[r] {
			t.Errorf("no rule speaks of role %s", r)
		}
	}
	if got, want := len(actions), len(policy.AllActions()); got != want {
		t.Errorf("the rules speak of %d actions, want %d", got, want)
	}
}

// What assurance an action needs does not depend on who does it.
func TestAssuranceFollowsTheAction(t *testing.T) {
	t.Parallel()
	least := map[policy.Action]int{
		policy.ReadProof: 1, policy.LogIn: 1, policy.ChooseRole: 1, policy.LogOut: 1,
		policy.LookUp: 2, policy.LookUpMany: 2, policy.ReportMissed: 2, policy.ReportWrongPatient: 2,
		policy.GetPerson: 2, policy.ListPlans: 2, policy.ReadUploads: 2, policy.ReadNotices: 2, policy.ListColleagues: 2, policy.ReadContacts: 2,
		policy.FindPeople: 2, policy.ReadWork: 2, policy.ReadFigures: 2, policy.ExplainPolicy: 2, policy.ReadService: 2,
	}
	for _, a := range policy.AllActions() {
		if least[a] == 0 {
			least[a] = 3 // all that changes, exports, or shows what is restricted
		}
	}
	for _, r := range mustNew(t).Rules() {
		if r.Assurance != least[r.Action] {
			t.Errorf("rule %s: %s needs assurance %d, want %d", r.ID, r.Action, r.Assurance, least[r.Action])
		}
	}
}

func TestIdentifiersAreShortAndNotThoseOfGrants(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[A-WYZ][1-9][0-9]?$`)
	for _, r := range mustNew(t).Rules() {
		if !form.MatchString(r.ID) {
			t.Errorf("rule %q: want the form %v", r.ID, form)
		}
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	t.Parallel()
	const good = "p, U1, clinician_unscheduled, unscheduled_care, look_up, unscheduled, any, 2, held, care"
	if _, err := policy.NewFromRules(good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"NoRule":               strings.Replace(good, "p, U1, ", "", 1),
		"FieldTooMany":         good + ", more",
		"NotARule":             strings.Replace(good, "p, ", "g, ", 1),
		"NoIdentifier":         strings.Replace(good, "U1", "", 1),
		"UnknownRole":          strings.Replace(good, "clinician_unscheduled", "clinician", 1),
		"NoRole":               strings.Replace(good, "clinician_unscheduled", "none", 1),
		"UnknownClass":         strings.Replace(good, "unscheduled_care", "hospital", 1),
		"UnknownAction":        strings.Replace(good, "look_up", "look", 1),
		"UnknownMode":          strings.Replace(good, " unscheduled,", " quiet,", 1),
		"NoMode":               strings.Replace(good, " unscheduled,", " -,", 1),
		"ModeOfAnotherAction":  strings.Replace(good, "look_up", "look_up_many", 1),
		"ModeOfModelessAction": strings.Replace(good, "look_up", "read_proof", 1),
		"UnknownScope":         strings.Replace(good, "any", "all", 1),
		"NoAssurance":          strings.Replace(good, " 2,", " ,", 1),
		"AssuranceZero":        strings.Replace(good, " 2,", " 0,", 1),
		"AssuranceFour":        strings.Replace(good, " 2,", " 4,", 1),
		"UnknownBasis":         strings.Replace(good, "held", "lent", 1),
		"UnknownDuty":          strings.Replace(good, ", care", ", caring", 1),
		"RoleFitsNowhere":      strings.Replace(good, "unscheduled_care", "dental", 1),
		"SystemClaims":         strings.Replace(strings.Replace(good, "clinician_unscheduled", "clinical_system", 1), "held", "claimed", 1),
		"ListIsClaimed":        "p, B1, clinician_scheduled, care, look_up_many, scheduled, any, 2, claimed, care",
		"ProofIsClaimed":       "p, B1, clinician_scheduled, care, read_proof, -, any, 2, claimed, care",
		"EverybodyHasADuty":    strings.Replace(good, "clinician_unscheduled", "any", 1),
		"IdentifierTwice":      good + "\n" + strings.Replace(good, "2, held", "3, held", 1),
		"ManagesAndAudits": "p, P1, privacy_officer, local_authority, end_plan, -, own, 3, held, managing\n" +
			"p, A1, privacy_officer, local_authority, review_access, -, own, 3, held, auditing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := policy.NewFromRules(text); err == nil {
				t.Errorf("accepted:\n%s", text)
			}
		})
	}
}

// FuzzReadRules shows that no text makes rules that break the package's promises.
func FuzzReadRules(f *testing.F) {
	f.Add("p, U1, clinician_unscheduled, unscheduled_care, look_up, unscheduled, any, 2, held, care")
	f.Add("p, B3, clinician_scheduled, care, look_up, unscheduled, any, 2, claimed, care\n# note\n")
	f.Add("p, H1, any, anywhere, read_proof, -, any, 1, held, none\n\np, \"A3\", auditor, oversight, export_log, -, any, 3, held, auditing")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := policy.ReadRules(text)
		if err != nil {
			return
		}
		for _, r := range rules {
			if _, ok := policy.ParseAction(string(r.Action)); !ok || r.ID == "" || r.Assurance < 1 || r.Assurance > 3 {
				t.Errorf("accepted %+v", r)
			}
			if r.Claimed && r.Action != policy.LookUp {
				t.Errorf("accepted break-glass for %s", r.Action)
			}
		}
	})
}
