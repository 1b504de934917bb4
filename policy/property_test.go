package policy_test

import (
	"testing"

	"pgregory.net/rapid"

	"cpis/policy"
)

// anyRequest draws a request of any set of roles, over all 256 of them.
func anyRequest(t *rapid.T) policy.Request {
	a := rapid.SampledFrom(acts()).Draw(t, "act")
	return policy.Request{
		Roles:      policy.Roles(rapid.Uint16Range(0, 255).Draw(t, "roles")),
		Class:      rapid.SampledFrom(policy.AllClasses()).Draw(t, "class"),
		Action:     a.action,
		Mode:       a.mode,
		Own:        rapid.Bool().Draw(t, "own"),
		Assurance:  rapid.IntRange(0, 3).Draw(t, "assurance"),
		BreakGlass: rapid.Bool().Draw(t, "break-glass"),
	}
}

// conflicting says whether roles of managing and of auditing are in one set.
func conflicting(s policy.Roles) bool {
	const (
		managing = policy.Roles(policy.SafeguardingLead | policy.LASystem | policy.Administrator)
		auditing = policy.Roles(policy.PrivacyOfficer | policy.Auditor)
	)
	return s&managing != 0 && s&auditing != 0
}

func TestBetterCircumstancesTakeNoRightAway(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		if !e.DecideAfresh(r).Allowed {
			return
		}
		owned, strong, unstated, claiming := r, r, r, r
		owned.Own, strong.Assurance, unstated.Assurance, claiming.BreakGlass = true, 3, 0, true
		for _, better := range []policy.Request{owned, strong, unstated, claiming} {
			if got, want := e.DecideAfresh(better), e.DecideAfresh(r); got != want {
				t.Errorf("%+v: got %+v, want %+v as for %+v", better, got, want, r)
			}
		}
	})
}

func TestAnotherRoleTakesNoRightAwayUnlessTheyConflict(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		more := r
		more.Roles |= policy.Roles(rapid.SampledFrom(policy.AllRoles()).Draw(t, "another"))
		before, after := e.DecideAfresh(r), e.DecideAfresh(more)
		if before.Allowed && !after.Allowed && after.Rule != policy.ConflictingRoles {
			t.Errorf("%+v: %+v with roles %v, %+v with %v", r, before, r.Roles, after, more.Roles)
		}
		if !conflicting(more.Roles) && after.Rule == policy.ConflictingRoles {
			t.Errorf("%+v: no conflict, but %+v", more, after)
		}
	})
}

// Another role may make a look-up known to more people, never to fewer.
func TestAnotherRoleMakesNoLookUpSilent(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		r.Mode = policy.Unspecified
		before := e.DecideAfresh(r)
		r.Roles |= policy.Roles(rapid.SampledFrom(policy.AllRoles()).Draw(t, "another"))
		after := e.DecideAfresh(r)
		if before.Allowed && !before.BreakGlass && before.Mode == policy.Unscheduled && after.Mode != policy.Unscheduled {
			t.Errorf("%+v: became %+v, was %+v", r, after, before)
		}
	})
}

// Roles add up; together they give nothing that none of them gives alone.
func TestRolesTogetherGiveNoMoreThanEachAlone(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		together := e.DecideAfresh(r)
		if !together.Allowed {
			return
		}
		r.Roles, r.Mode = policy.Roles(together.Role), together.Mode
		if alone := e.DecideAfresh(r); alone != together {
			t.Errorf("%+v: alone %+v, together %+v", r, alone, together)
		}
	})
}

func TestRightsAreHeldOnlyWhereTheRoleFits(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		d := e.DecideAfresh(r)
		if d.Allowed && !d.BreakGlass && !policy.Fits(d.Role, r.Class) {
			t.Errorf("%+v: %+v, where the role does not fit", r, d)
		}
		if d.BreakGlass && (!r.BreakGlass || r.Action != policy.LookUp) {
			t.Errorf("%+v: %+v, though nothing was claimed that can be", r, d)
		}
	})
}

func TestConflictingRolesNeitherManageNorAudit(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		d := e.DecideAfresh(r)
		if !d.Allowed || !conflicting(r.Roles) {
			return
		}
		switch r.Action {
		case policy.LookUp, policy.LookUpMany, policy.ReportMissed, policy.ReportWrongPatient, policy.ReadProof,
			policy.LogIn, policy.ChooseRole, policy.LogOut:
		default:
			t.Errorf("%+v: %+v", r, d)
		}
	})
}
