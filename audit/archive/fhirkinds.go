package archive

import (
	"encoding/base64"
	"fmt"
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

// What an agent or an entity is.
var (
	clientAgent = concept("http://dicom.nema.org/resources/ontology/DCM", "110153", "Source Role ID")
	serverAgent = concept("http://dicom.nema.org/resources/ontology/DCM", "110152", "Destination Role ID")
	userAgent   = concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient")

	personType    = &coding{entityTypes, "1", "Person"}
	systemType    = &coding{entityTypes, "2", "System Object"}
	requestType   = &coding{balpEntities, "XrequestId", ""}
	patientRole   = &coding{objectRoles, "1", "Patient"}
	queryRole     = &coding{objectRoles, "24", "Query"}
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
		Type: userAgent, Who: &reference{Identifier: r.user()}, Role: r.roles(), Requestor: true, Policy: r.rule(), Purpose: event.Purpose,
	}
	event.Agent = []agent{client, server, user, {
		Type: concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "CST", "custodian"),
		Who:  &reference{Type: "Organization", Identifier: organisation(e.Organisation)},
	}}
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
		all = append(all, entity{What: &reference{Identifier: &identifier{Value: e.Request}}, Type: requestType})
	}
	if isLookUp(e.Action) {
		all = append(all, entity{Type: systemType, Role: queryRole, Query: r.query()})
	}
	if len(e.Encounter) > 0 {
		all = append(all, r.thing("Encounter", "encounter", base64.RawURLEncoding.EncodeToString(e.Encounter)))
	}
	for _, d := range e.Disclosed {
		plan := r.thing("CarePlan", "plan", d.Plan)
		plan.Detail = []detail{{"version", decimal(d.Version)}}
		all = append(all, plan)
	}
	all = append(all, r.place())
	return all
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

// thing is something that the entry names.
func (r *Record) thing(resource, what, id string) entity {
	return entity{
		What: &reference{Type: resource, Identifier: &identifier{r.naming(what), id}}, Type: &coding{System: resources, Code: resource},
	}
}

// place is where in the log the entry stands.
func (r *Record) place() entity {
	e := entity{
		What: &reference{Identifier: &identifier{r.naming("entry"), decimal(r.Index)}},
		Type: &coding{System: r.naming("thing"), Code: "entry"}, Detail: []detail{{"leaf_hash", r.Leaf.String()}},
	}
	if r.Without != "" {
		e.Detail = append(e.Detail, detail{"line", r.Without})
	}
	if !r.Reviewed.IsZero() {
		e.Detail = append(e.Detail, detail{"reviewed", instant(r.Reviewed)})
	}
	if r.ReviewOutcome != "" {
		e.Detail = append(e.Detail, detail{"review_outcome", r.ReviewOutcome})
	}
	for _, mark := range []struct {
		name string
		set  bool
	}{{"break_glass", r.Entry.BreakGlass}, {"restricted", r.Entry.Restricted}, {"degraded", r.Entry.Degraded}} {
		if mark.set {
			e.Detail = append(e.Detail, detail{mark.name, "true"})
		}
	}
	return e
}

// nhsEvent is an entry as NHS England's Patient Audit Record Service has it.
// Those about a person, under a request, conform to its profile.
func nhsEvent(r *Record) *auditEvent {
	e, event := r.Entry, r.base()
	event.Agent = []agent{
		{Who: &reference{Type: "Organization", Identifier: organisation(e.Organisation)}},
		{Who: &reference{Type: "Practitioner", Identifier: r.user()}, Role: r.roles(), Requestor: true, Policy: r.rule()},
		{Who: &reference{Type: "Endpoint", Identifier: &identifier{productID, known(e.Client)}}, Network: r.network()},
	}
	event.Source = source{
		Site:     r.Log,
		Observer: &reference{Type: "Device", Identifier: &identifier{productID, r.Log}, Display: "CP-IS"},
		Type:     webServerType,
	}
	if len(e.Subject) > 0 {
		event.Entity = append(event.Entity, r.patient("Patient"))
	}
	if e.Request != "" {
		event.Entity = append(event.Entity, entity{What: &reference{Identifier: &identifier{r.naming("request"), e.Request}}, Type: requestType})
	}
	event.Entity = append(event.Entity, entity{
		What: &reference{Identifier: &identifier{productID, r.Log}}, Type: &coding{System: resources, Code: "Endpoint"}, Name: known(e.Action),
		Detail: []detail{{"productIdentifier", "CP-IS"}, {"interactionIdentifier", known(e.Action)}},
	})
	if len(e.Subject) > 0 && e.Request != "" {
		event.Meta = &meta{[]string{nhsPARS}}
	}
	return event
}

// network is where the call came from, usually a network such as 203.0.113.0/24;
// nil if the entry does not say.
func (r *Record) network() *network {
	if r.Entry.From == "" {
		return nil
	}
	return &network{Address: r.Entry.From, Type: "2"}
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
