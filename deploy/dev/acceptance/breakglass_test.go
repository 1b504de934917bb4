package acceptance_test

import (
	"testing"

	"connectrpc.com/connect/v2"

	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
)

// doing makes a token of somebody who may do something at some place.
func doing(organisation string, activities ...string) []idp.Option {
	const id = "555021935299"
	role := map[string]any{
		"person_roleid": id, "org_code": organisation, "role_code": "S8000:G8000:R8001", "role_name": "Clinical Practitioner",
		"activity_codes": activities,
	}
	return []idp.Option{idp.Claim("selected_roleid", id), idp.Claim("nhsid_nrbac_roles", []any{role})}
}

// What docs/policy.md promises of break-glass happens, through token, policy and
// door: each rule is reached by somebody whose role does not fit the place or
// lacks the mode, and whoever gives no reason is refused, and known to the log.
func TestBreakGlass_EachRuleIsReached(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	const unscheduledRole, scheduledRole = "B0107", "B0170"
	const practice = "F83004"
	for _, tt := range []struct {
		rule, what     string
		place, role    string
		mode, resolved cpisv1.AccessMode
		refused        string
	}{
		{"B1", "a hospital nurse helps out in a practice", practice, unscheduledRole, unscheduled, unscheduled, "no_rule"},
		{"B1", "and does not say what kind of visit it is", practice, unscheduledRole, 0, unscheduled, "no_rule"},
		{"B2", "a hospital nurse, and the patient was expected", practice, unscheduledRole, scheduled, scheduled, "no_rule"},
		{"B3", "a GP meets a child who was not expected", practice, scheduledRole, unscheduled, unscheduled, "mode_not_held"},
		{"B4", "a GP helps out in an ambulance", ambulance, scheduledRole, scheduled, scheduled, "no_rule"},
	} {
		client := s.lookups(protocols[0], "nurse", doing(tt.place, tt.role)...)
		q := &cpisv1.LookUpRequest{NhsNumber: onePlan, AccessMode: tt.mode}
		before := s.size()
		if _, err := client.LookUp(t.Context(), q); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: without a reason: got %v, want permission_denied", tt.what, err)
		}
		q.BreakGlassReason = "\u200b\u00a0\u2060 \u200b\u200b\u200b\u200b\u200b\u200b"
		if _, err := client.LookUp(t.Context(), q); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: with a reason of nothing: got %v, want permission_denied", tt.what, err)
		}
		q.BreakGlassReason = glassReason
		a, err := client.LookUp(t.Context(), q)
		if err != nil || a.GetAnswer() != held || a.GetAccessMode() != tt.resolved {
			t.Errorf("%s: got %v and %v", tt.what, a, err)
		}
		entries := s.entries(before)
		if len(entries) != 3 {
			t.Fatalf("%s: %d entries", tt.what, len(entries))
		}
		for i, want := range []string{tt.refused, tt.refused, tt.rule} {
			if e := &entries[i]; e.Rule != want || e.BreakGlass != (want == tt.rule) || e.Organisation != tt.place {
				t.Errorf("%s: entry %d has rule %s, break-glass %v at %s; want %s", tt.what, i, e.Rule, e.BreakGlass, e.Organisation, want)
			}
		}
	}
	if s.notices() == 0 {
		t.Error("the authority was not told")
	}
}

// Nobody both manages and audits, though only one of the roles fits the place.
func TestConflictingRolesConflictWhereOneDoesNotFit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const id = "555021935298"
	both := map[string]any{
		"person_roleid": id, "org_code": islington, "role_name": "x", "activity_codes": []string{},
		"role_code": []string{"S9990:G9990:X0001", "S9990:G9990:X0002"},
	}
	before := s.size()
	plans := s.clientsOf(protocols[0], "lead", idp.Claim("selected_roleid", id), idp.Claim("nhsid_nrbac_roles", []any{both})).plans
	if _, err := plans.ListPlans(t.Context(), &cpisv1.ListPlansRequest{}); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("got %v, want permission_denied", err)
	}
	if e := s.entries(before); len(e) != 1 || e[0].Rule != "conflicting_roles" {
		t.Errorf("got %+v", e)
	}
}
