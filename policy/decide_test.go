package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
)

// The sets of roles and the kinds of decision that the tables below speak of.
const (
	nurse  = policy.Roles(policy.ClinicianUnscheduled)
	gp     = policy.Roles(policy.ClinicianScheduled)
	both   = nurse | gp
	system = policy.Roles(policy.ClinicalSystem)
	lead   = policy.Roles(policy.SafeguardingLead)
)

func allowed(m policy.Mode, r policy.Role, rule string) policy.Decision {
	return policy.Decision{Allowed: true, Mode: m, Role: r, Rule: rule}
}

func refused(m policy.Mode, r policy.Role, why string) policy.Decision {
	return policy.Decision{Mode: m, Role: r, Rule: why}
}

func claimed(m policy.Mode, r policy.Role, rule string) policy.Decision {
	return policy.Decision{Allowed: true, Mode: m, Role: r, Rule: rule, BreakGlass: true}
}

// decisions says what each request is answered with.
type decisions map[string]struct {
	ask  policy.Request
	want policy.Decision
}

func (d decisions) check(t *testing.T) {
	t.Helper()
	e := mustNew(t)
	for name, tt := range d {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, e.Decide(tt.ask)); diff != "" {
				t.Errorf("first decision (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, e.Decide(tt.ask)); diff != "" {
				t.Errorf("remembered decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestModeOfLookUps(t *testing.T) {
	t.Parallel()
	decisions{
		"RightDecidesUnstatedModeOfNurse": {
			policy.Request{Roles: nurse, Class: policy.AcuteTrust, Action: policy.LookUp},
			allowed(policy.Unscheduled, policy.ClinicianUnscheduled, "U1"),
		},
		"RightDecidesUnstatedModeOfGP": {
			policy.Request{Roles: gp, Class: policy.GeneralPractice, Action: policy.LookUp},
			allowed(policy.Scheduled, policy.ClinicianScheduled, "S1"),
		},
		"UnstatedModeIsUnscheduledWhereBothAreHeld": {
			policy.Request{Roles: both, Class: policy.AcuteTrust, Action: policy.LookUp},
			allowed(policy.Unscheduled, policy.ClinicianUnscheduled, "U1"),
		},
		"UnstatedModeIsUnscheduledForSystemsOfAcuteTrusts": {
			policy.Request{Roles: system, Class: policy.AcuteTrust, Action: policy.LookUp},
			allowed(policy.Unscheduled, policy.ClinicalSystem, "U2"),
		},
		"UnstatedModeIsScheduledForSystemsOfPractices": {
			policy.Request{Roles: system, Class: policy.GeneralPractice, Action: policy.LookUp},
			allowed(policy.Scheduled, policy.ClinicalSystem, "S2"),
		},
		"UnstatedModeOfSomebodyWithoutRightIsUnscheduled": {
			policy.Request{Roles: lead, Class: policy.LocalAuthority, Action: policy.LookUp},
			refused(policy.Unscheduled, policy.SafeguardingLead, policy.NoRule),
		},
		"WeakSignInDoesNotChangeTheMode": {
			policy.Request{Roles: gp, Class: policy.Dental, Action: policy.LookUp, Assurance: 1},
			refused(policy.Scheduled, policy.ClinicianScheduled, policy.AssuranceTooLow),
		},
		"StatedModeIsKeptWhereBothAreHeld": {
			policy.Request{Roles: both, Class: policy.AcuteTrust, Action: policy.LookUp, Mode: policy.Scheduled},
			allowed(policy.Scheduled, policy.ClinicianScheduled, "S1"),
		},
		"ModeNotHeldIsRefused": {
			policy.Request{Roles: nurse, Class: policy.AcuteTrust, Action: policy.LookUp, Mode: policy.Scheduled},
			refused(policy.Scheduled, policy.ClinicianUnscheduled, policy.ModeNotHeld),
		},
		"RoleThatDoesNotFitGivesNoRight": {
			policy.Request{Roles: both, Class: policy.GeneralPractice, Action: policy.LookUp, Mode: policy.Unscheduled},
			refused(policy.Unscheduled, policy.ClinicianUnscheduled, policy.ModeNotHeld),
		},
		"ClinicListIsScheduled": {
			policy.Request{Roles: gp, Class: policy.AcuteTrust, Action: policy.LookUpMany},
			allowed(policy.Scheduled, policy.ClinicianScheduled, "S3"),
		},
		"UnscheduledClinicListIsRefused": {
			policy.Request{Roles: gp, Class: policy.AcuteTrust, Action: policy.LookUpMany, Mode: policy.Unscheduled},
			refused(policy.Unscheduled, policy.ClinicianScheduled, policy.ModeNotHeld),
		},
	}.check(t)
}

func TestBreakGlass(t *testing.T) {
	t.Parallel()
	decisions{
		"BreakGlassGivesTheOtherMode": {
			policy.Request{
				Roles: gp, Class: policy.GeneralPractice, Action: policy.LookUp,
				Mode: policy.Unscheduled, Assurance: 2, BreakGlass: true,
			},
			claimed(policy.Unscheduled, policy.ClinicianScheduled, "B3"),
		},
		"BreakGlassWithoutStatedModeIsUnscheduled": {
			policy.Request{Roles: nurse, Class: policy.Dental, Action: policy.LookUp, BreakGlass: true},
			claimed(policy.Unscheduled, policy.ClinicianUnscheduled, "B1"),
		},
		"BreakGlassIsNotUsedWhereTheRightIsHeld": {
			policy.Request{Roles: nurse, Class: policy.AcuteTrust, Action: policy.LookUp, BreakGlass: true},
			allowed(policy.Unscheduled, policy.ClinicianUnscheduled, "U1"),
		},
		"BreakGlassDoesNotReplaceAssurance": {
			policy.Request{
				Roles: gp, Class: policy.GeneralPractice, Action: policy.LookUp,
				Mode: policy.Unscheduled, Assurance: 1, BreakGlass: true,
			},
			refused(policy.Unscheduled, policy.ClinicianScheduled, policy.AssuranceTooLow),
		},
		"BreakGlassIsNotForSystems": {
			policy.Request{
				Roles: system, Class: policy.GeneralPractice, Action: policy.LookUp,
				Mode: policy.Unscheduled, BreakGlass: true,
			},
			refused(policy.Unscheduled, policy.ClinicalSystem, policy.ModeNotHeld),
		},
		"BreakGlassIsNotForClinicLists": {
			policy.Request{Roles: nurse, Class: policy.AcuteTrust, Action: policy.LookUpMany, BreakGlass: true},
			refused(policy.Scheduled, policy.ClinicianUnscheduled, policy.NoRule),
		},
		"BreakGlassIsNotForSeeingRestrictedPersons": {
			policy.Request{Roles: nurse, Class: policy.AcuteTrust, Action: policy.ViewRestricted, Own: true, BreakGlass: true},
			refused(policy.Unspecified, policy.ClinicianUnscheduled, policy.NoRule),
		},
		"BreakGlassIsOnlyWhereCareIsGiven": {
			policy.Request{Roles: nurse, Class: policy.LocalAuthority, Action: policy.LookUp, BreakGlass: true},
			refused(policy.Unscheduled, policy.ClinicianUnscheduled, policy.NoRule),
		},
	}.check(t)
}

func TestRights(t *testing.T) {
	t.Parallel()
	decisions{
		"OwnPlan": {
			policy.Request{Roles: lead, Class: policy.LocalAuthority, Action: policy.EndPlan, Own: true, Assurance: 3},
			allowed(policy.Unspecified, policy.SafeguardingLead, "P2"),
		},
		"AnotherAuthoritysPlan": {
			policy.Request{Roles: lead, Class: policy.LocalAuthority, Action: policy.EndPlan, Assurance: 3},
			refused(policy.Unspecified, policy.SafeguardingLead, policy.NotOwn),
		},
		"OwnershipIsNamedBeforeAssurance": {
			policy.Request{Roles: lead, Class: policy.LocalAuthority, Action: policy.EndPlan, Assurance: 2},
			refused(policy.Unspecified, policy.SafeguardingLead, policy.NotOwn),
		},
		"ChangesNeedMoreAssurance": {
			policy.Request{Roles: lead, Class: policy.LocalAuthority, Action: policy.EndPlan, Own: true, Assurance: 2},
			refused(policy.Unspecified, policy.SafeguardingLead, policy.AssuranceTooLow),
		},
		"NegativeAssuranceIsNotUnstatedAssurance": {
			policy.Request{Roles: nurse, Class: policy.AcuteTrust, Action: policy.ReadProof, Assurance: -1},
			refused(policy.Unspecified, policy.ClinicianUnscheduled, policy.AssuranceTooLow),
		},
		"ManagingAndAuditingExcludeEachOther": {
			policy.Request{
				Roles: lead | policy.Roles(policy.PrivacyOfficer), Class: policy.LocalAuthority,
				Action: policy.RegisterPlan, Own: true, Assurance: 3,
			},
			refused(policy.Unspecified, policy.SafeguardingLead, policy.ConflictingRoles),
		},
		"AuditingAndManagingExcludeEachOther": {
			policy.Request{
				Roles: lead | policy.Roles(policy.PrivacyOfficer), Class: policy.LocalAuthority,
				Action: policy.ReviewAccess, Own: true, Assurance: 3,
			},
			refused(policy.Unspecified, policy.SafeguardingLead, policy.ConflictingRoles),
		},
		"ConflictDoesNotTouchCare": {
			policy.Request{
				Roles: nurse | lead | policy.Roles(policy.PrivacyOfficer), Class: policy.AcuteTrust,
				Action: policy.LookUp, Assurance: 2,
			},
			allowed(policy.Unscheduled, policy.ClinicianUnscheduled, "U1"),
		},
		"ClinicianMayBePrivacyOfficer": {
			policy.Request{
				Roles: gp | policy.Roles(policy.PrivacyOfficer), Class: policy.GeneralPractice,
				Action: policy.ReviewAccess, Own: true, Assurance: 3,
			},
			allowed(policy.Unspecified, policy.PrivacyOfficer, "A1"),
		},
		"ProofsAreForEveryRoleThatFits": {
			policy.Request{Roles: policy.Roles(policy.Auditor), Class: policy.Oversight, Action: policy.ReadProof, Assurance: 1},
			allowed(policy.Unspecified, policy.Auditor, "H1"),
		},
		"ActionsWithoutModeAreRefusedInOne": {
			policy.Request{
				Roles: policy.Roles(policy.Auditor), Class: policy.Oversight, Action: policy.ReadProof,
				Mode: policy.Scheduled, Assurance: 3,
			},
			refused(policy.Unspecified, policy.Auditor, policy.NoRule),
		},
		"NoRoles": {
			policy.Request{Class: policy.AcuteTrust, Action: policy.ReadProof, Own: true, Assurance: 3},
			refused(policy.Unspecified, 0, policy.NoRule),
		},
		"NothingAtAll": {policy.Request{}, refused(policy.Unspecified, 0, policy.NoRule)},
	}.check(t)
}
