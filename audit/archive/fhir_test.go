package archive_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cpis/audit"
	"cpis/audit/archive"
)

// The profiles' constraints, said again from their sources: IHE BALP 1.1.4
// (input/fsh/PatientQuery.fsh) and NHS England's England-AuditEvent-PARS 0.0.2 with
// England-AuditEvent and FHIR R4 below both. Each is a name and what must hold.
type constraint struct {
	name  string
	holds func(e object) bool
}

type object = map[string]any

// at returns all values at a path: lists are gone through.
func at(v any, path string) []any {
	values := []any{v}
	for key := range strings.SplitSeq(path, ".") {
		var next []any
		for _, v := range values {
			if o, ok := v.(object); ok {
				switch child := o[key].(type) {
				case nil:
				case []any:
					next = append(next, child...)
				default:
					next = append(next, child)
				}
			}
		}
		values = next
	}
	return values
}

// has requires that values at a path are there, between so many and so many.
func has(path string, least, most int) constraint {
	return constraint{fmt.Sprintf("%s %d..%d", path, least, most), func(e object) bool {
		n := len(at(e, path))
		return n >= least && n <= most
	}}
}

// all requires that each value at a path has others.
func all(path, of string) constraint {
	return constraint{path + " each with " + of, func(e object) bool {
		for _, v := range at(e, path) {
			if len(at(v, of)) == 0 {
				return false
			}
		}
		return true
	}}
}

// is requires that a value at a path is one of some.
func is(path string, values ...any) constraint {
	return constraint{fmt.Sprintf("%s is %v", path, values), func(e object) bool {
		found := at(e, path)
		for _, v := range found {
			if !slices.Contains(values, v) {
				return false
			}
		}
		return len(found) > 0
	}}
}

// slice requires so many elements at a path that have a value somewhere, and that
// something holds for each of them.
func slice(path, where string, value any, least, most int, and ...constraint) constraint {
	return constraint{fmt.Sprintf("%s[%s=%v] %d..%d", path, where, value, least, most), func(e object) bool {
		n := 0
		for _, v := range at(e, path) {
			if !slices.Contains(at(v, where), value) {
				continue
			}
			n++
			o, _ := v.(object)
			for _, c := range and {
				if !c.holds(o) {
					return false
				}
			}
		}
		return n >= least && n <= most
	}}
}

// closed requires that each element at a path has one of some values somewhere.
func closed(path, where string, values ...any) constraint {
	return constraint{path + " is closed by " + where, func(e object) bool {
		for _, v := range at(e, path) {
			if !slices.ContainsFunc(at(v, where), func(got any) bool { return slices.Contains(values, got) }) {
				return false
			}
		}
		return true
	}}
}

const many = 1000

var base = []constraint{
	is("resourceType", "AuditEvent"), has("id", 1, 1), has("type.code", 1, 1), has("recorded", 1, 1),
	is("action", "C", "R", "U", "D", "E"), is("outcome", "0", "4", "8", "12"), has("agent", 1, many), all("agent", "requestor"),
	closed("agent.network", "type", "1", "2", "3", "4", "5"),
	has("source.observer", 1, 1), all("entity.detail", "type"), all("entity.detail", "valueString"),
	{"sev-1: an entity has a name or a query", func(e object) bool {
		return !slices.ContainsFunc(at(e, "entity"), func(v any) bool { return len(at(v, "name")) > 0 && len(at(v, "query")) > 0 })
	}},
}

var balp = append(slices.Clone(base),
	is("type.code", "rest"), is("type.system", "http://terminology.hl7.org/CodeSystem/audit-event-type"),
	slice("subtype", "code", "search-type", 1, 1, is("system", "http://hl7.org/fhir/restful-interaction")),
	is("action", "E"), is("outcome", "0"), has("agent", 2, many),
	slice("agent", "type.coding.code", "110153", 1, 1, has("who", 1, 1), has("network.address", 1, 1), is("network.type", "1", "2", "3", "4", "5"), has("media", 0, 0)),
	slice("agent", "type.coding.code", "110152", 1, 1, has("who", 1, 1), has("network.address", 1, 1), has("media", 0, 0)),
	slice("agent", "type.coding.code", "IRCP", 0, 1, has("who", 1, 1), is("requestor", true), has("network", 0, 0), has("media", 0, 0)),
	slice("entity", "type.code", "2", 1, 1, is("role.code", "24"), has("what", 0, 0), has("query", 1, 1), has("detail", 0, 0)),
	slice("entity", "type.code", "1", 1, 1, is("role.code", "1"), is("what.type", "Patient")),
	slice("entity", "type.code", "XrequestId", 0, 1, has("what.identifier.value", 1, 1)),
)

var pars = append(slices.Clone(base),
	has("type.system", 1, 1), all("subtype", "system"), all("subtype", "code"), has("action", 1, 1),
	all("agent", "who.identifier.system"), all("agent", "who.identifier.value"),
	closed("agent", "who.type", "Organization", "Patient", "Practitioner", "PractitionerRole", "Endpoint"),
	slice("agent", "who.type", "Organization", 1, 2), slice("agent", "who.type", "Practitioner", 0, 1),
	slice("agent", "who.type", "Endpoint", 0, 1, is("who.identifier.system", "https://fhir.nhs.uk/Id/product-id", "https://fhir.nhs.uk/Id/accredited-system")),
	is("source.observer.identifier.system", "https://fhir.nhs.uk/Id/product-id", "https://fhir.nhs.uk/Id/accredited-system"),
	has("source.observer.identifier.value", 1, 1), has("source.observer.display", 1, 1), has("source.type.system", 1, many), has("source.type.code", 1, many),
	all("entity", "what.identifier.system"), all("entity", "type"), closed("entity", "type.code", "1", "3", "XrequestId", "Endpoint"),
	slice("entity", "type.code", "1", 1, 1, is("role.code", "1"), is("role.system", "http://terminology.hl7.org/CodeSystem/object-role")),
	slice("entity", "type.code", "XrequestId", 1, 1, is("type.system", "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType")),
	slice("entity", "type.code", "Endpoint", 0, many, is("type.system", "http://hl7.org/fhir/resource-types"), has("name", 1, 1), has("detail", 2, 2),
		slice("detail", "type", "productIdentifier", 1, 1), slice("detail", "type", "interactionIdentifier", 1, 1)),
)

// broken returns the first constraint that does not hold; empty if all do.
func broken(e object, constraints []constraint) string {
	for _, c := range constraints {
		if !c.holds(e) {
			return c.name
		}
	}
	return ""
}

// events are the events of an archive in one format.
func events(t *testing.T, file []byte, name string) (all []object) {
	t.Helper()
	for _, m := range unpack(t, file) {
		if m.name != name {
			continue
		}
		var bundle object
		if err := json.Unmarshal(m.content, &bundle); err != nil {
			t.Fatal(err)
		}
		if bundle["resourceType"] != "Bundle" || bundle["type"] != "collection" {
			t.Errorf("%s is no collection", name)
		}
		seen := map[any]bool{}
		for _, v := range at(bundle, "entry") {
			url := at(v, "fullUrl")[0]
			if seen[url] {
				t.Errorf("%v is there twice", url)
			}
			seen[url] = true
			e, _ := at(v, "resource")[0].(object)
			all = append(all, e)
		}
	}
	return all
}

// fhirArchive has entries with and without what the profiles demand.
func fhirArchive(t *testing.T) []byte {
	t.Helper()
	l := &log{origin: origin}
	for i := range 20 {
		e := entry(i)
		if i%2 == 0 {
			e.From = "203.0.113.0/24"
		}
		line := e.AppendLine(nil)
		l.lines = append(l.lines, line)
		l.leaves = append(l.leaves, audit.LeafHash(line))
		l.tree.Append(l.leaves[i])
	}
	src := sourceOf(l.part(t, 0, 1))
	src.Manifest.Formats = []archive.Format{archive.BALP, archive.NHS}
	return mustWrite(t, src)
}

// Events that say that they conform to a profile do, and all are events.
func TestEvents_ConformToTheProfilesTheyName(t *testing.T) {
	t.Parallel()
	file := fhirArchive(t)
	for name, of := range map[string][]constraint{"audit-events-balp.json": balp, "audit-events-nhs.json": pars} {
		all, claimed := events(t, file, name), 0
		for _, e := range all {
			constraints := base
			if len(at(e, "meta.profile")) > 0 {
				constraints, claimed = of, claimed+1
			}
			if why := broken(e, constraints); why != "" {
				text, _ := json.Marshal(e)
				t.Errorf("%s: %s does not hold of %s", name, why, text)
			}
		}
		if len(all) != 20 || claimed == 0 || claimed == len(all) {
			t.Errorf("%s: %d events, %d of which name a profile", name, len(all), claimed)
		}
	}
}

// The constraints find what is wrong: each change of an event breaks one.
func TestEvents_ConstraintsFindMutations(t *testing.T) {
	t.Parallel()
	file := fhirArchive(t)
	for name, of := range map[string][]constraint{"audit-events-balp.json": balp, "audit-events-nhs.json": pars} {
		var conforming object
		for _, e := range events(t, file, name) {
			if len(at(e, "meta.profile")) > 0 {
				conforming = e
			}
		}
		text, err := json.Marshal(conforming)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range mutations {
			if change[2] != "" && !strings.Contains(name, change[2]) {
				continue // the other profile allows it
			}
			if !strings.Contains(string(text), change[0]) {
				t.Errorf("%s: no %q", name, change[0])
			}
			var e object
			if err := json.Unmarshal([]byte(strings.Replace(string(text), change[0], change[1], 1)), &e); err != nil {
				t.Fatalf("%q: %v", change[0], err)
			}
			if broken(e, of) == "" {
				t.Errorf("%s: %q in place of %q breaks nothing", name, change[1], change[0])
			}
		}
	}
}

// mutations are changes of an event that both profiles forbid, or the one named.
var mutations = [][3]string{
	{`"resourceType":"AuditEvent"`, `"resourceType":"Flag"`, ""},
	{`"recorded"`, `"recordedAt"`, ""},
	{`"outcome":"0"`, `"outcome":"1"`, ""},
	{`"action":"E"`, `"action":"X"`, ""},
	{`"observer"`, `"observers"`, ""},
	{`"code":"110153"`, `"code":"110154"`, "balp"},
	{`"code":"110152"`, `"code":"110153"`, "balp"},
	{`"code":"24"`, `"code":"23"`, "balp"},
	{`"query"`, `"queries"`, "balp"},
	{`"code":"search-type"`, `"code":"read"`, "balp"},
	{`"203.0.113.0/24","type":"2"`, `"203.0.113.0/24","type":"9"`, "balp"},
	{`"type":"Organization"`, `"type":"Device"`, "nhs"},
	{`"type":"Endpoint"`, `"type":"Device"`, "nhs"},
	{`"code":"Endpoint"`, `"code":"Device"`, "nhs"},
	{`"productIdentifier"`, `"product"`, "nhs"},
	{`"interactionIdentifier"`, `"interaction"`, "nhs"},
	{`"display":"CP-IS"`, `"shown":"CP-IS"`, "nhs"},
	{`"who":`, `"whom":`, ""},
	{`"code":"rest"`, `"code":"110112"`, "balp"},
	{`"code":"XrequestId"`, `"code":"Xrequest"`, "nhs"},
	{`"action":"E"`, `"action":"R"`, "balp"},
	{`"outcome":"0"`, `"outcome":"4"`, "balp"},
	{`"type":"Patient"`, `"type":"Person"`, "balp"},
	{`"code":"110153"`, `"code":"110152"`, "balp"},
	{`"system":"https://fhir.nhs.uk/Id/product-id"`, `"system":"https://fhir.nhs.uk/Id/product"`, "nhs"},
	{`"requestor":true`, `"requests":true`, ""},
}
