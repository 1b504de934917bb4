package idp

import (
	"maps"
	"strconv"

	"cpis/service/identity"
)

// claims returns what a token says of the person.
func (p Person) claims() map[string]any {
	if p.System {
		return map[string]any{"sub": p.ID, "organisation": p.Place}
	}
	c := p.profile()
	c["sub"] = p.ID
	c["acr"] = "AAL" + strconv.Itoa(p.Assurance) + "_ANY"
	maps.Copy(c, p.assurance())
	c["nhsid_nrbac_roles"] = p.roles()
	c["selected_roleid"] = p.roleProfile
	return c
}

// profile returns the claims that say who the person is.
func (p Person) profile() map[string]any {
	return map[string]any{
		"nhsid_useruid": p.ID, "uid": p.ID,
		"name": p.Name, "given_name": p.GivenName, "family_name": p.FamilyName,
	}
}

// assurance returns the claims that say how certain it is who the person is:
// by whose papers were seen, and by how the person signed in.
func (p Person) assurance() map[string]any {
	return map[string]any{
		"id_assurance_level":             "3",
		"authentication_assurance_level": strconv.Itoa(p.Assurance),
	}
}

// roles returns the claim with all job roles of the person. The selected one
// is not alone in it, as it is not in life.
func (p Person) roles() []any {
	other := map[string]any{
		"person_orgid": "555000000000", "person_roleid": "555000000001", "org_code": "F83021",
		"role_code": "S8000:G8003:R8008", "role_name": `"Admin & Clerical":"Admin & Clerical":"Admin/Clinical Support Access Role"`,
		"activity_codes": []string{"B0085"}, "activities": []string{"Perform Patient Administration"},
	}
	activities := p.Activities
	if activities == nil {
		activities = []string{}
	}
	return []any{other, map[string]any{
		"person_orgid": p.roleProfile + "0", "person_roleid": p.roleProfile, "org_code": p.Place,
		"role_code": p.JobRole, "role_name": p.JobTitle, "activity_codes": activities,
	}}
}

// Issuer returns how the service has to be configured to trust this provider.
func (p *Provider) Issuer() identity.Issuer {
	const role = "nhsid_nrbac_roles[person_roleid=selected_roleid]"
	return identity.Issuer{
		URL:        p.url,
		Algorithms: []string{string(algorithm)},
		People: &identity.Mapping{
			ID:           "nhsid_useruid",
			Name:         "name",
			Title:        role + ".role_name",
			Organisation: role + ".org_code",
			Assurance: []identity.AssuranceRule{
				{Claim: "authentication_assurance_level", Values: map[string]int{"1": 1, "2": 2, "3": 3}},
			},
			Roles: []identity.RoleRule{
				{Claim: role + ".activity_codes", Values: map[string]string{
					viewUnscheduled: "clinician_unscheduled", viewScheduled: "clinician_scheduled",
				}},
				{Claim: role + ".role_code", After: ":", Values: map[string]string{
					"R0001": "privacy_officer", "X0001": "safeguarding_lead",
					"X0002": "auditor", "X0003": "administrator",
				}},
			},
		},
		Systems: &identity.Mapping{
			Organisation: "organisation",
			Roles: []identity.RoleRule{
				{Claim: "scope", Values: map[string]string{scopeLookUp: "clinical_system", scopePlans: "la_system"}},
			},
		},
	}
}
