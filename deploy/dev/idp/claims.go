package idp

import (
	"maps"
	"strconv"
	"strings"

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
	maps.Copy(c, p.assurance(p.Assurance))
	c["nhsid_nrbac_roles"] = p.roles()
	if p.selected() {
		c["selected_roleid"] = p.roleProfile
	}
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
func (p Person) assurance(level int) map[string]any {
	return map[string]any{
		"id_assurance_level":             "3",
		"authentication_assurance_level": strconv.Itoa(level),
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
	all := []any{other}
	for i, post := range append([]Post{{p.Place, p.JobRole, p.JobTitle, p.Activities}}, p.More...) {
		all = append(all, post.claim(p.roleProfile+strings.Repeat("0", i)))
	}
	return all
}

// claim is a job role as CIS2 states it.
func (t *Post) claim(profile string) map[string]any {
	activities := t.Activities
	if activities == nil {
		activities = []string{}
	}
	return map[string]any{
		"person_orgid": profile + "9", "person_roleid": profile, "org_code": t.Place,
		"role_code": t.JobRole, "role_name": t.JobTitle, "activity_codes": activities,
	}
}

// selected reports whether a token says which job role it is: not of somebody who
// has several, and chooses where they go.
func (p Person) selected() bool { return len(p.More) == 0 }

// signsInAt returns the level at which the person signs in, if so much is asked for.
func (p Person) signsInAt(strongest bool) int {
	if strongest || p.Usual == 0 {
		return p.Assurance
	}
	return min(p.Usual, p.Assurance)
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
