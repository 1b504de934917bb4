package archive

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The profiles that events say they conform to. One that does not have what its
// profile demands, such as the address of the caller, says nothing.
const (
	balpPatientQuery = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery"
	nhsPARS          = "https://fhir.nhs.uk/England/StructureDefinition/England-AuditEvent-PARS"
)

// productID is how NHS England's profiles name a program.
const productID = "https://fhir.nhs.uk/Id/product-id"

// participations are how people and organisations take part in an act.
const participations = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

// What an agent or an entity is.
var (
	clientAgent = concept("http://dicom.nema.org/resources/ontology/DCM", "110153", "Source Role ID")
	serverAgent = concept("http://dicom.nema.org/resources/ontology/DCM", "110152", "Destination Role ID")
	userAgent   = concept(participations, "IRCP", "information recipient")

	custodianAgent   = concept(participations, "CST", "custodian")
	responsibleAgent = concept(participations, "RESP", "responsible party")

	personType  = &coding{entityTypes, "1", "Person"}
	systemType  = &coding{entityTypes, "2", "System Object"}
	requestType = &coding{balpEntities, "XrequestId", ""}
	patientRole = &coding{objectRoles, "1", "Patient"}
	queryRole   = &coding{objectRoles, "24", "Query"}

	organisationType = &coding{entityTypes, "3", "Organization"}
	destinationRole  = &coding{objectRoles, "16", "Data Destination"}

	webServerType = []coding{{sourceTypes, "3", "Web Server"}}
)

func concept(system, code, display string) *codeableConcept {
	return &codeableConcept{[]coding{{system, code, display}}}
}

// balpEvent is an entry as IHE's Basic Audit Log Patterns have it: who asked which
// server through which client. Successful look-ups of a person are PatientQuery.
func balpEvent(r *Record) *auditEvent {
	e, event := r.Entry, r.base()
	client := agent{Type: clientAgent, Who: &reference{Identifier: &identifier{r.naming("client"), known(e.Client)}}, Network: r.network()}
	server := agent{
		Type: serverAgent, Who: &reference{Identifier: &identifier{"urn:ietf:rfc:3986", "https://" + r.Log}},
		Network: &network{Address: host(r.Log), Type: "1"},
	}
	user := agent{
		Extension: r.assurance(), Type: userAgent, Role: r.coded("role", e.Role), Who: &reference{Identifier: r.user()}, Requestor: true,
		Policy: r.policies(), Purpose: event.Purpose,
	}
	event.Agent = []agent{client, server, user, {Type: custodianAgent, Who: &reference{Type: "Organization", Identifier: organisation(e.Organisation)}}}
	if len(e.Responsible) > 0 {
		event.Agent = append(event.Agent, agent{Type: responsibleAgent, Who: &reference{Type: "Practitioner", Identifier: r.responsible()}})
	}
	event.Source = source{Observer: &reference{Identifier: &identifier{"urn:ietf:rfc:3986", "https://" + r.Log}}, Type: webServerType}
	event.Entity = r.balpEntities()
	if isLookUp(e.Action) && event.Outcome == "0" && len(e.Subject) > 0 && client.Network != nil {
		event.Meta = &meta{[]string{balpPatientQuery}}
	}
	return event
}

func (r *Record) balpEntities() (all []entity) {
	e := r.Entry
	if len(e.Subject) > 0 {
		all = append(all, r.patient("Patient"))
	}
	if e.Request != "" {
		all = append(all, entity{What: &reference{Identifier: &identifier{Value: known(e.Request)}}, Type: requestType})
	}
	if isLookUp(e.Action) {
		all = append(all, entity{Type: systemType, Role: queryRole, Query: r.query()})
	}
	if len(e.Encounter) > 0 {
		all = append(all, r.resource("Encounter", "encounter", base64.RawURLEncoding.EncodeToString(e.Encounter)))
	}
	if e.Target.ID != "" {
		all = append(all, r.thing("target", e.Target.Kind, e.Target.ID))
	}
	if e.Recipient != "" {
		all = append(all, entity{What: &reference{Type: "Organization", Identifier: organisation(e.Recipient)}, Type: organisationType, Role: destinationRole})
	}
	for _, d := range e.Disclosed {
		plan := r.resource("CarePlan", "plan", d.Plan)
		plan.Detail = []detail{{"version", decimal(d.Version)}}
		all = append(all, plan)
	}
	for _, s := range e.Shown {
		for _, id := range s.IDs {
			all = append(all, r.thing("shown", s.Kind, id))
		}
	}
	return append(all, r.place())
}

// query is what was asked, as the log knows it: never the number itself.
func (r *Record) query() []byte {
	q := r.Entry.Action + "?subject=" + base64.RawURLEncoding.EncodeToString(r.Entry.Subject)
	if r.Entry.Mode != "" {
		q += "&access_mode=" + escaped(r.Entry.Mode)
	}
	return []byte(q)
}

// patient is whom it was about, as the log names people.
func (r *Record) patient(kind string) entity {
	who := &identifier{r.naming("subject"), base64.RawURLEncoding.EncodeToString(r.Entry.Subject)}
	return entity{What: &reference{Type: kind, Identifier: who}, Type: personType, Role: patientRole}
}

// resource is something that the entry names and FHIR has a resource for.
func (r *Record) resource(resource, what, id string) entity {
	return entity{
		What: &reference{Type: resource, Identifier: &identifier{r.naming(what), known(id)}}, Type: &coding{System: resources, Code: resource},
	}
}

// thing is something else that the entry names, and the part that it had.
func (r *Record) thing(part, kind, id string) entity {
	return entity{
		What: &reference{Identifier: &identifier{r.naming(escaped(kind)), known(id)}},
		Type: &coding{System: r.naming("thing"), Code: known(kind)}, Role: &coding{System: r.naming("part"), Code: part},
	}
}

// place is where in the log the entry stands, with all that it says and that has no
// place of its own.
func (r *Record) place() entity {
	return entity{
		What: &reference{Identifier: &identifier{r.naming("entry"), decimal(r.Index)}},
		Type: &coding{System: r.naming("thing"), Code: "entry"}, Detail: r.details(),
	}
}

func (r *Record) details() (all []detail) {
	e := r.Entry
	add := func(name, value string) {
		if value != "" {
			all = append(all, detail{name, known(value)})
		}
	}
	add("leaf_hash", r.Leaf.String())
	add("line", r.Without)
	add("reviewed", instant(r.Reviewed))
	add("review_outcome", r.ReviewOutcome)
	add("procedure", e.Procedure)
	add("access_mode", e.Mode)
	add("setting", e.Setting)
	add("review", e.Review.ID)
	add("review_reason", base64.RawURLEncoding.EncodeToString(e.Review.Reason))
	add("policy_text", e.PolicyText)
	if e.History != 0 {
		add("history", decimal(e.History))
	}
	for _, mark := range []struct {
		name string
		set  bool
	}{{"break_glass", e.BreakGlass}, {"restricted", e.Restricted}, {"degraded", e.Degraded}} {
		if mark.set {
			add(mark.name, "true")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Counts)) {
		add("count_"+known(name), decimal(e.Counts[name]))
	}
	return all
}

// nhsEvent is an entry as NHS England's Patient Audit Record Service has it.
// Those about a person, under a request, conform to its profile.
func nhsEvent(r *Record) *auditEvent {
	e, event := r.Entry, r.base()
	event.Agent = []agent{{Who: &reference{Type: "Organization", Identifier: organisation(e.Organisation)}}}
	program := agent{Who: &reference{Type: "Endpoint", Identifier: &identifier{productID, known(e.Client)}}, Network: r.network()}
	acting, person := &program, agent{Who: &reference{Type: "Practitioner", Identifier: r.user()}}
	if isProgram(e) {
		program.AltID = known(e.Actor)
		person.Who.Identifier = r.responsible()
	} else {
		acting = &person
	}
	acting.Extension, acting.Role, acting.Requestor = r.assurance(), r.coded("role", e.Role), true
	acting.Policy, acting.Purpose = r.policies(), event.Purpose
	if person.Who.Identifier != nil {
		event.Agent = append(event.Agent, person)
	}
	event.Agent = append(event.Agent, program)
	event.Source = source{
		Site:     r.Log,
		Observer: &reference{Type: "Device", Identifier: &identifier{productID, r.Log}, Display: "CP-IS"},
		Type:     webServerType,
	}
	event.Entity = r.nhsEntities()
	if len(e.Subject) > 0 && e.Request != "" {
		event.Meta = &meta{[]string{nhsPARS}}
	}
	return event
}

func (r *Record) nhsEntities() (all []entity) {
	e := r.Entry
	if len(e.Subject) > 0 {
		all = append(all, r.patient("Patient"))
	}
	if e.Request != "" {
		all = append(all, entity{What: &reference{Identifier: &identifier{r.naming("request"), known(e.Request)}}, Type: requestType})
	}
	return append(all, entity{
		What: &reference{Identifier: &identifier{productID, r.Log}}, Type: &coding{System: resources, Code: "Endpoint"}, Name: known(e.Action),
		Detail: []detail{{"productIdentifier", "CP-IS"}, {"interactionIdentifier", known(cmp.Or(e.Procedure, e.Action))}},
	})
}

// responsible is the person for whom a program acted; nil if the entry names none.
func (r *Record) responsible() *identifier {
	if len(r.Entry.Responsible) == 0 {
		return nil
	}
	return &identifier{r.naming("responsible"), base64.RawURLEncoding.EncodeToString(r.Entry.Responsible)}
}

// network is where the call came from, usually a network such as 203.0.113.0/24;
// nil if the entry does not say. What is no address, such as the rest of many
// sources, has no type.
func (r *Record) network() *network {
	from := r.Entry.From
	if from == "" {
		return nil
	}
	if !strings.ContainsAny(from, ".:") {
		return &network{Address: known(from)}
	}
	return &network{Address: known(from), Type: "2"}
}

// host is the machine in a log's name.
func host(origin string) string {
	name, _, _ := strings.Cut(origin, "/")
	return name
}

// escaped is a text as it may stand in a URL.
func escaped(s string) string {
	var text strings.Builder
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			text.WriteByte(c)
			continue
		}
		fmt.Fprintf(&text, "%%%02X", c)
	}
	return text.String()
}

func decimal[T int | int64](n T) string { return strconv.FormatInt(int64(n), 10) }
