package idp

import (
	"slices"

	"cpis/policy"
)

// Person is somebody, or some system, who can sign in.
type Person struct {
	Key         string // short name to choose by
	ID          string // identifier: a user's, or a system's client id
	Name        string // as the health service writes names; of a system what it is called
	Does        string // what the person is here for, as a sentence
	System      bool   // signs in with client credentials
	Place       string // code of the organisation
	PlaceName   string // name of the organisation
	JobRole     string // national job role code, the last part counts
	JobTitle    string // name of the job role
	Activities  []string
	Scopes      []string // of a system
	Assurance   int      // authenticator assurance level; systems state none
	Usual       int      // the level at which the person signs in unless a stronger one is asked for; 0 for the same
	More        []Post   // further job roles: then none is selected
	NoRole      bool     // has no job role that counts
	GivenName   string
	FamilyName  string
	roleProfile string // identifier of the person in that job at that place
}

// Post is a job role at an organisation.
type Post struct {
	Place      string // code of the organisation
	JobRole    string
	JobTitle   string
	Activities []string
}

// The organisations of the demonstration.
const (
	trust     = "RKE"
	practice  = "F83004"
	authority = "E09000019"
	neighbour = "E09000007"
	nextTrust = "RRV"
	oversight = "DEMO1"
	operator  = "DEMO2"
	callers   = "DEMO3"
)

// Job role codes. R0001 and the clinical ones are national codes; the national
// list has none for the other three, and those here are invented.
const (
	roleNurse         = "S8000:G8000:R8001"
	roleGP            = "S0010:G0020:R0260"
	rolePrivacy       = "S0001:G0001:R0001"
	roleLead          = "S9990:G9990:X0001"
	roleAuditor       = "S9990:G9990:X0002"
	roleAdministrator = "S9990:G9990:X0003"
	roleReception     = "S8000:G8003:R8008"
)

// Activity codes of the national list that matter here.
const (
	viewUnscheduled = "B0107"
	viewScheduled   = "B0170"
)

// Scopes of systems.
const (
	scopeLookUp = "system/cpis.lookup"
	scopePlans  = "system/cpis.plans"
)

// Organisation is an organisation that the reference data does not hold.
type Organisation struct {
	Code  string
	Name  string
	Class policy.Class
}

// Organisations returns the invented organisations that people here work for.
// The service must be told of them before it accepts those people.
func Organisations() []Organisation {
	return []Organisation{
		{oversight, "Demonstration oversight body", policy.Oversight},
		{operator, "Demonstration operator", policy.Operator},
		{callers, "Demonstration NHS 111 service", policy.NHS111},
	}
}

// People returns everybody who can sign in.
func People() []Person { return slices.Concat(carers(), watchers(), others(), systems()) }

// carers give care, or manage plans.
func carers() []Person {
	return []Person{
		{
			Key: "nurse", ID: "555021935101", GivenName: "Ngozi", FamilyName: "Okafor", Name: "OKAFOR Ngozi (Mrs)",
			Does:  "Meets patients in the emergency department.",
			Place: trust, PlaceName: "Whittington Health NHS Trust",
			JobRole: roleNurse, JobTitle: "Nurse Access Role", Activities: []string{viewUnscheduled},
			Assurance: 2, roleProfile: "555021935201",
		},
		{
			Key: "gp", ID: "555021935102", GivenName: "Tomasz", FamilyName: "Adamski", Name: "ADAMSKI Tomasz (Dr)",
			Does:  "Meets patients with an appointment.",
			Place: practice, PlaceName: "Archway Medical Centre",
			JobRole: roleGP, JobTitle: "General Medical Practitioner", Activities: []string{viewScheduled},
			Assurance: 2, roleProfile: "555021935202",
		},
		{
			Key: "lead", ID: "555021935103", GivenName: "Grace", FamilyName: "Lindqvist", Name: "LINDQVIST Grace (Ms)",
			Does:  "Manages the plans of a local authority.",
			Place: authority, PlaceName: "Islington",
			JobRole: roleLead, JobTitle: "Safeguarding Lead",
			Assurance: 3, roleProfile: "555021935203",
		},
		{
			Key: "second-lead", ID: "555021935107", GivenName: "Amos", FamilyName: "Bellingham", Name: "BELLINGHAM Amos (Mr)",
			Does:  "Manages the same plans, and is the second person who accepts what the first proposes.",
			Place: authority, PlaceName: "Islington",
			JobRole: roleLead, JobTitle: "Safeguarding Lead",
			Assurance: 3, roleProfile: "555021935207",
		},
		{
			Key: "camden-lead", ID: "555021935108", GivenName: "Simon", FamilyName: "Oyelaran", Name: "OYELARAN Simon (Mr)",
			Does:  "Manages the plans of the authority next door.",
			Place: neighbour, PlaceName: "Camden",
			JobRole: roleLead, JobTitle: "Safeguarding Lead",
			Assurance: 3, roleProfile: "555021935208",
		},
	}
}

// watchers watch over the others, or run the installation.
func watchers() []Person {
	return []Person{
		{
			Key: "privacy", ID: "555021935104", GivenName: "Farida", FamilyName: "Haddad", Name: "HADDAD Farida (Ms)",
			Does:  "Watches over the look-ups of her trust.",
			Place: trust, PlaceName: "Whittington Health NHS Trust",
			JobRole: rolePrivacy, JobTitle: "Privacy Officer",
			Assurance: 3, roleProfile: "555021935204",
		},
		{
			Key: "second-privacy", ID: "555021935109", GivenName: "Daniel", FamilyName: "Achterberg", Name: "ACHTERBERG Daniel (Mr)",
			Does:  "Watches over the same look-ups, and is the second person who releases what may be told of a restricted child.",
			Place: trust, PlaceName: "Whittington Health NHS Trust",
			JobRole: rolePrivacy, JobTitle: "Privacy Officer",
			Assurance: 3, roleProfile: "555021935209",
		},
		{
			Key: "practice-privacy", ID: "555021935110", GivenName: "Irina", FamilyName: "Vasquez", Name: "VASQUEZ Irina (Mrs)",
			Does:  "Watches over the look-ups of the practice.",
			Place: practice, PlaceName: "Archway Medical Centre",
			JobRole: rolePrivacy, JobTitle: "Privacy Officer",
			Assurance: 3, roleProfile: "555021935210",
		},
		{
			Key: "auditor", ID: "555021935105", GivenName: "Owen", FamilyName: "Pritchard", Name: "PRITCHARD Owen (Mr)",
			Does:  "Reads the audit log.",
			Place: oversight, PlaceName: "Demonstration oversight body",
			JobRole: roleAuditor, JobTitle: "Auditor",
			Assurance: 3, roleProfile: "555021935205",
		},
		{
			Key: "administrator", ID: "555021935106", GivenName: "Yuki", FamilyName: "Tanabe", Name: "TANABE Yuki (Mx)",
			Does:  "Runs the installation, and sees no plans.",
			Place: operator, PlaceName: "Demonstration operator",
			JobRole: roleAdministrator, JobTitle: "Administrator",
			Assurance: 3, roleProfile: "555021935206",
		},
	}
}

// others are people whom pages have to cope with: who have several roles, none, do
// not sign in strongly at once, or meet patients on the telephone.
func others() []Person {
	return []Person{
		{
			Key: "step-up-lead", ID: "555021935111", GivenName: "Noor", FamilyName: "Castellanos", Name: "CASTELLANOS Noor (Ms)",
			Does:  "Manages the same plans, and signs in strongly only if asked to.",
			Place: authority, PlaceName: "Islington",
			JobRole: roleLead, JobTitle: "Safeguarding Lead",
			Assurance: 3, Usual: 2, roleProfile: "555021935211",
		},
		{
			Key: "level-2-lead", ID: "555021935112", GivenName: "Peter", FamilyName: "Vandermeer", Name: "VANDERMEER Peter (Mr)",
			Does:  "Manages the same plans, and cannot sign in strongly.",
			Place: authority, PlaceName: "Islington",
			JobRole: roleLead, JobTitle: "Safeguarding Lead",
			Assurance: 2, roleProfile: "555021935212",
		},
		{
			Key: "two-roles", ID: "555021935113", GivenName: "Beatrix", FamilyName: "Solomon", Name: "SOLOMON Beatrix (Dr)",
			Does:  "Is a doctor in the emergency department, and the trust's privacy officer as well.",
			Place: trust, PlaceName: "Whittington Health NHS Trust",
			JobRole: roleNurse, JobTitle: "Clinical Practitioner Access Role", Activities: []string{viewUnscheduled},
			Assurance: 3, roleProfile: "555021935213",
			More: []Post{{Place: trust, JobRole: rolePrivacy, JobTitle: "Privacy Officer"}},
		},
		{
			Key: "six-roles", ID: "555021935114", GivenName: "Hugo", FamilyName: "Fairweather", Name: "FAIRWEATHER Hugo (Mr)",
			Does:  "Manages plans for six local authorities, as a locum.",
			Place: authority, PlaceName: "Islington",
			JobRole: roleLead, JobTitle: "Safeguarding Lead",
			Assurance: 3, roleProfile: "555021935214",
			More: leadsAt(neighbour, "E09000012", "E09000014", "E09000030", "E09000033"),
		},
		{
			Key: "no-role", ID: "555021935115", GivenName: "Ines", FamilyName: "Marchetti", Name: "MARCHETTI Ines (Ms)",
			Does:  "Works at the reception, and has no role here.",
			Place: trust, PlaceName: "Whittington Health NHS Trust",
			JobRole: roleReception, JobTitle: "Admin/Clinical Support Access Role", NoRole: true,
			Assurance: 2, roleProfile: "555021935215",
		},
		{
			Key: "other-privacy", ID: "555021935116", GivenName: "Callum", FamilyName: "Whitcombe", Name: "WHITCOMBE Callum (Mr)",
			Does:  "Audits the look-ups of one trust, which is another.",
			Place: nextTrust, PlaceName: "University College London Hospitals NHS Foundation Trust",
			JobRole: rolePrivacy, JobTitle: "Privacy Officer",
			Assurance: 3, roleProfile: "555021935216",
		},
		{
			Key: "call-handler", ID: "555021935117", GivenName: "Marek", FamilyName: "Ostrowski", Name: "OSTROWSKI Marek (Mr)",
			Does:  "Answers calls of NHS 111.",
			Place: callers, PlaceName: "Demonstration NHS 111 service",
			JobRole: roleNurse, JobTitle: "Clinical Practitioner Access Role", Activities: []string{viewUnscheduled},
			Assurance: 2, roleProfile: "555021935217",
		},
	}
}

// leadsAt are the posts of a safeguarding lead at several authorities.
func leadsAt(places ...string) []Post {
	var all []Post
	for _, place := range places {
		all = append(all, Post{Place: place, JobRole: roleLead, JobTitle: "Safeguarding Lead"})
	}
	return all
}

func systems() []Person {
	return []Person{
		{
			Key: "system", ID: "whittington-epr", Name: "Whittington patient record", System: true,
			Does:  "Asks by itself when a patient is registered.",
			Place: trust, PlaceName: "Whittington Health NHS Trust", Scopes: []string{scopeLookUp},
		},
		{
			Key: "la-system", ID: "islington-cms", Name: "Islington case management", System: true,
			Does:  "Uploads the plans of a local authority.",
			Place: authority, PlaceName: "Islington", Scopes: []string{scopePlans},
		},
	}
}

// find returns the person for whom match holds.
func find(match func(Person) bool) (Person, bool) {
	all := People()
	i := slices.IndexFunc(all, match)
	if i < 0 {
		return Person{}, false
	}
	return all[i], true
}

func byKey(key string) (Person, bool) { return find(func(p Person) bool { return p.Key == key }) }

func byID(id string) (Person, bool) { return find(func(p Person) bool { return p.ID == id }) }
