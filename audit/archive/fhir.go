package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"cpis/audit"
)

// fhirFile is a FHIR R4 Bundle of AuditEvents, one line each.
type fhirFile struct {
	w     io.Writer
	event func(*Record) *auditEvent
	begun bool
	text  bytes.Buffer
}

// openFHIR opens a file of events of one kind.
func openFHIR(event func(*Record) *auditEvent) func(*head, create) (renderer, error) {
	return func(h *head, in create) (renderer, error) {
		w, err := in("")
		if err != nil {
			return nil, err
		}
		begin := `{"resourceType":"Bundle","identifier":{"system":"urn:ietf:rfc:3986","value":%s},"type":"collection","timestamp":%s`
		_, err = fmt.Fprintf(w, begin, quoted("urn:uuid:"+h.id), quoted(instant(h.made)))
		return &fhirFile{w: w, event: event}, err
	}
}

func quoted(s string) []byte {
	text, _ := json.Marshal(s) //nolint:errchkjson // a string can always be written
	return text
}

// bundled is an entry of a Bundle.
type bundled struct {
	FullURL  string      `json:"fullUrl"`
	Resource *auditEvent `json:"resource"`
}

// Write writes an event.
func (f *fhirFile) Write(r *Record) error {
	between := `,"entry":[` // an empty list is not allowed
	if f.begun {
		between = ","
	}
	f.begun = true
	f.text.Reset()
	f.text.WriteString(between + "\n")
	e := f.event(r)
	if err := json.NewEncoder(&f.text).Encode(bundled{"urn:uuid:" + e.ID, e}); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	f.text.Truncate(f.text.Len() - 1) // the encoder ends the line, and what follows begins one
	_, err := f.w.Write(f.text.Bytes())
	return err //nolint:wrapcheck // of a writer of ours
}

// Close ends the Bundle.
func (f *fhirFile) Close() error {
	end := "}\n"
	if f.begun {
		end = "\n]}\n"
	}
	_, err := io.WriteString(f.w, end)
	return err //nolint:wrapcheck // of a writer of ours
}

// The parts of an AuditEvent that are written.
type (
	auditEvent struct {
		ResourceType string            `json:"resourceType"`
		ID           string            `json:"id"`
		Meta         *meta             `json:"meta,omitempty"`
		Type         coding            `json:"type"`
		Subtype      []coding          `json:"subtype"`
		Action       string            `json:"action"`
		Recorded     string            `json:"recorded"`
		Outcome      string            `json:"outcome"`
		OutcomeDesc  string            `json:"outcomeDesc,omitempty"`
		Purpose      []codeableConcept `json:"purposeOfEvent,omitempty"`
		Agent        []agent           `json:"agent"`
		Source       source            `json:"source"`
		Entity       []entity          `json:"entity,omitempty"`
	}
	meta struct {
		Profile []string `json:"profile"`
	}
	coding struct {
		System  string `json:"system,omitempty"`
		Code    string `json:"code"`
		Display string `json:"display,omitempty"`
	}
	codeableConcept struct {
		Coding []coding `json:"coding"`
	}
	identifier struct {
		System string `json:"system,omitempty"`
		Value  string `json:"value"`
	}
	reference struct {
		Type       string      `json:"type,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
		Display    string      `json:"display,omitempty"`
	}
	network struct {
		Address string `json:"address"`
		Type    string `json:"type,omitempty"`
	}
	extension struct {
		URL   string           `json:"url"`
		Value *codeableConcept `json:"valueCodeableConcept"`
	}
	agent struct {
		Extension []extension       `json:"extension,omitempty"`
		Type      *codeableConcept  `json:"type,omitempty"`
		Role      []codeableConcept `json:"role,omitempty"`
		Who       *reference        `json:"who,omitempty"`
		AltID     string            `json:"altId,omitempty"`
		Requestor bool              `json:"requestor"`
		Policy    []string          `json:"policy,omitempty"`
		Network   *network          `json:"network,omitempty"`
		Purpose   []codeableConcept `json:"purposeOfUse,omitempty"`
	}
	source struct {
		Site     string     `json:"site,omitempty"`
		Observer *reference `json:"observer"`
		Type     []coding   `json:"type"`
	}
	entity struct {
		What   *reference `json:"what,omitempty"`
		Type   *coding    `json:"type"`
		Role   *coding    `json:"role,omitempty"`
		Name   string     `json:"name,omitempty"`
		Query  []byte     `json:"query,omitempty"`
		Detail []detail   `json:"detail,omitempty"`
	}
	detail struct {
		Type  string `json:"type"`
		Value string `json:"valueString"`
	}
)

// The code systems.
const (
	eventTypes   = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	interactions = "http://hl7.org/fhir/restful-interaction"
	entityTypes  = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	objectRoles  = "http://terminology.hl7.org/CodeSystem/object-role"
	balpEntities = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
	resources    = "http://hl7.org/fhir/resource-types"
	sourceTypes  = "http://terminology.hl7.org/CodeSystem/security-source-type"
)

// naming names what only this log names: with the log's own name, which is a URL
// without its scheme.
func (r *Record) naming(what string) string { return "https://" + r.Log + "/" + what }

// id identifies an event by its entry: a UUID (version 8) made of the leaf hash,
// so that the same entry has the same in every export.
func (r *Record) id() string {
	id := [16]byte(r.Leaf[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// base is an event as both kinds have it.
func (r *Record) base() *auditEvent {
	e := r.Entry
	event := &auditEvent{
		ResourceType: "AuditEvent", ID: r.id(), Type: coding{System: eventTypes, Code: "rest", Display: "RESTful Operation"},
		Action: actionOf(e.Action), Recorded: instant(e.Time), Outcome: outcomeOf(e.Outcome), OutcomeDesc: outcomeText(e),
	}
	if isLookUp(e.Action) {
		event.Subtype = append(event.Subtype, coding{System: interactions, Code: "search-type", Display: "search-type"})
	}
	event.Subtype = append(event.Subtype, coding{System: r.naming("action"), Code: known(e.Action)})
	event.Purpose = slices.Concat(r.coded("purpose", e.Purpose), r.coded("grounds", e.Grounds))
	return event
}

// coded is a word of one of the log's lists, if there is one.
func (r *Record) coded(list, word string) []codeableConcept {
	if word == "" {
		return nil
	}
	return []codeableConcept{{[]coding{{System: r.naming(list), Code: word}}}}
}

// known is a text as FHIR's strings have it, or what stands for one that is not
// known. A name from a token may have blanks around it, and characters that FHIR
// takes for none; the line has it as it was.
func known(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return text // as nearly all are
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\ufeff' }), " ")
	if text == "" {
		return "unknown"
	}
	return text
}

func isLookUp(action string) bool { return action == "look_up" || action == "look_up_many" }

// actions are what kind of operation an action is; others are executed.
var actions = map[string]string{
	"get_person": "R", "list_plans": "R", "read_uploads": "R", "read_notices": "R", "read_contacts": "R", "list_colleagues": "R",
	"find_people": "R", "read_work": "R", "read_figures": "R", "explain_policy": "R", "read_service": "R",
	"read_reports": "R", "read_exports": "R", "download_export": "R", "read_proof": "R",
	"register_plan": "C", "upload_plans": "C", "record_birth": "C", "propose_transfer": "C", "propose_change": "C",
	"report_missed": "C", "report_wrong_patient": "C", "export_log": "C", "export_report": "C",
	"amend_plan": "U", "end_plan": "U", "decide_transfer": "U", "decide_change": "U", "replace_number": "U", "approve_upload": "U",
	"set_upload_rules": "U", "answer_notice": "U", "manage_channels": "U", "set_contacts": "U", "review_access": "U", "release_restricted": "U",
	"remove_plan": "D",
}

func actionOf(action string) string {
	if a, ok := actions[action]; ok {
		return a
	}
	return "E"
}

// outcomeOf says how an action came out: 0 success, 4 minor and 8 serious failure.
// A verdict is a success, whatever it says.
func outcomeOf(outcome string) string {
	switch outcome {
	case "denied", "invalid", "refused":
		return "4"
	case "failed", "abandoned", "":
		return "8"
	}
	return "0"
}

// outcomeText is the outcome in the words of the log.
func outcomeText(e *audit.Entry) string {
	if e.Reason == "" {
		return e.Outcome
	}
	return e.Outcome + ": " + e.Reason
}

// organisationSystems are how organisations are named: NHS ones by their ODS code,
// authorities by the code of the Office for National Statistics.
func organisation(code string) *identifier {
	if len(code) == 9 && slices.Contains([]byte("ENSW"), code[0]) && isDigits(code[1:]) {
		return &identifier{"http://statistics.data.gov.uk/id/statistical-geography", code}
	}
	return &identifier{"https://fhir.nhs.uk/Id/ods-organization-code", known(code)}
}

func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// user is who acted, as the identity provider names it.
func (r *Record) user() *identifier {
	if r.Entry.Issuer == "" {
		return &identifier{r.naming("actor"), known(r.Entry.Actor)}
	}
	return &identifier{r.Entry.Issuer, known(r.Entry.Actor)}
}

// isProgram reports whether a program acted by itself or for somebody, not a person.
func isProgram(e *audit.Entry) bool {
	return strings.HasSuffix(e.Role, "_system") || len(e.Responsible) > 0 || e.Issuer == "" && (e.Actor == "" || e.Actor == "service")
}

// policies are the rule that decided, and the policy that it is of.
func (r *Record) policies() (all []string) {
	if r.Entry.Rule != "" {
		all = append(all, r.naming("rule/"+escaped(r.Entry.Rule)))
	}
	if r.Entry.Policy != "" {
		all = append(all, r.naming("policy/"+escaped(r.Entry.Policy)))
	}
	return all
}

// assuranceExtension is where IHE's patterns have how strongly somebody had signed in.
const assuranceExtension = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/ihe-assuranceLevel"

func (r *Record) assurance() []extension {
	if r.Entry.Assurance == 0 {
		return nil
	}
	level := coding{System: r.naming("assurance"), Code: decimal(r.Entry.Assurance)}
	return []extension{{assuranceExtension, &codeableConcept{[]coding{level}}}}
}
