package oversight

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
	"cpis/service/text"
)

// Report is a question to the log.
type Report string

// The reports.
const (
	Everything   Report = "everything"
	Child        Report = "child"        // who looked at this child
	Actor        Report = "actor"        // what a person or a system did
	Organisation Report = "organisation" // what was done for an organisation
	Refusals     Report = "refusals"
	BreakGlass   Report = "break_glass"
	Asked        Report = "reports" // exports of the log, and reports
	PlanChanges  Report = "plans"
	Policy       Report = "policy"
	Contacts     Report = "contacts"
	Channels     Report = "channels"
	OutOfHours   Report = "out_of_hours"
	NoEncounter  Report = "no_encounter"
	Request      Report = "request" // everything under one request
)

// Reason is why somebody asks the log. It stands in the entry as the purpose.
type Reason string

// The reasons.
const (
	SubjectAccess Reason = "subject_access"
	Complaint     Reason = "complaint"
	Concern       Reason = "concern"
	Incident      Reason = "incident"
	Court         Reason = "court"
	Routine       Reason = "routine"
)

// Query says what is asked for, and why. What is empty does not matter.
type Query struct {
	Reason     Reason
	Words      string // why, in words: kept sealed
	From       time.Time
	Until      time.Time
	NHSNumber  string
	Subject    string // what entries call the person, base64url
	Actor      string
	Organised  string // code of the organisation
	Role       string
	Action     string
	Mode       string
	Purpose    string
	Outcome    string
	RequestID  string
	Receipt    *int64 // index of an entry: everything under its request
	Log        string // origin of its log; this server's own where it is empty
	Unreviewed bool   // of break-glass, what nobody has reviewed
}

const (
	// minWords is how many characters say why one person is asked about: a full
	// stop is no reason.
	minWords     = 10
	maxWord      = 64
	maxActor     = 256
	maxOrigin    = 200
	exampleWords = "Complaint 2026-114 by the mother"
)

// asked is a query that was read.
type asked struct {
	query  Query
	report string
	id     string // of the request
	filter store.EntryFilter
	number domain.NHSNumber
	tag    *keys.Tag // of the subject, where that is asked for
	size   int
	own    bool // only what belongs to the caller's organisation
	apart  bool // whoever was merged by mistake is somebody else
	review string
	fetch  func(context.Context) error // gets what else must be had before the transaction; nil for nothing

	people     []*record.Record // who the child is known to be, opened
	restricted bool             // the child is
}

// Question is a query that was read, on its way to the log. It collects what is
// wrong with it, and with what else is asked for beside it.
type Question struct {
	domain.Reader
	*asked
}

// Read reads a query and narrows it to a report. request is the id of the request.
func Read(report Report, q Query, request string) *Question {
	r := read(q, string(report), request)
	r.narrow(report)
	return r
}

// read reads what all reports have in common.
func read(q Query, report, id string) *Question {
	r := &Question{Reader: domain.Reader{Form: domain.RequestForms}, asked: &asked{query: q, report: report, id: id}}
	f := &r.filter
	r.reason()
	f.Actor = r.Text("query.actor", q.Actor, maxActor, "555254240100")
	f.Organisation = strings.ToUpper(r.Text("query.organisation", q.Organised, domain.MaxAuthority, "RKE"))
	f.Role = r.Text("query.role", q.Role, maxWord, "clinician_unscheduled")
	f.Action = r.Text("query.action", q.Action, maxWord, "look_up")
	f.Mode = r.Text("query.access_mode", q.Mode, maxWord, "unscheduled")
	f.Purpose = r.Text("query.purpose", q.Purpose, maxWord, "direct_care")
	f.Outcome = r.Text("query.outcome", q.Outcome, maxWord, "flag_held")
	f.From, f.Until, f.Unreviewed = q.From.UTC(), q.Until.UTC(), q.Unreviewed
	if !f.From.IsZero() && !f.Until.IsZero() && !f.From.Before(f.Until) {
		r.Add("query.until", "must be after from", "")
	}
	r.request()
	r.person()
	return r
}

// reason reads why somebody asks.
func (r *Question) reason() {
	switch r.query.Reason {
	case SubjectAccess, Complaint, Concern, Incident, Court, Routine:
	default:
		r.Add("query.reason", "must be subject_access, complaint, concern, incident, court or routine", string(Complaint))
	}
	r.query.Words = r.Text("query.words", r.query.Words, domain.MaxReasonLength, exampleWords)
}

// request reads the id of a request.
func (r *Question) request() {
	id := text.Plain(r.query.RequestID)
	if text.Blank(id) {
		return
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		r.Add("query.request_id", "must be one UUID", "60e0b220-8136-4ca5-ae46-1d97ef59d068")
	}
	r.filter.Request = uuid.NullUUID{UUID: parsed, Valid: err == nil}
}

// person reads who is asked about.
func (r *Question) person() {
	number, subject := !text.Blank(r.query.NHSNumber), !text.Blank(r.query.Subject)
	switch {
	case number && subject:
		r.Add("query.subject", "must not be there beside nhs_number", "")
	case number:
		r.number = r.NumberOf("query.nhs_number", r.query.NHSNumber)
	case subject:
		var ok bool
		if r.tag, ok = ParseSubject(r.query.Subject); !ok {
			r.Add("query.subject", "must be what an entry calls a person, 43 characters", "")
		}
	}
}

// need notes where something is missing that a report needs.
func (r *Question) need(there bool, field, example string) {
	if !there {
		r.Add(field, domain.ProblemRequired, example)
	}
}

// words notes where nobody would know why one person is asked about.
func (r *Question) words() {
	if utf8.RuneCountInString(r.query.Words) < minWords {
		r.Add("query.words", "must say in ten characters or more why this person is asked about", exampleWords)
	}
}

// narrow narrows a query to a report, and notes what the report needs.
func (r *Question) narrow(report Report) {
	f, someone := &r.filter, r.tagged()
	if someone {
		r.words()
	}
	switch report { //nolint:exhaustive // the others are in about
	case Everything:
	case Child:
		r.need(someone || len(r.Violations) > 0, "query.nhs_number", domain.ExampleNHSNumber)
	case Actor:
		r.need(f.Actor != "", "query.actor", "555254240100")
		if !someone {
			r.words()
		}
	case Organisation:
		r.need(f.Organisation != "", "query.organisation", "RKE")
	case Request:
		r.need(f.Request.Valid || r.query.Receipt != nil || !text.Blank(r.query.RequestID), "query.request_id", "")
	default:
		r.about(report)
	}
}

// about narrows a query to what the index keeps apart.
func (r *Question) about(report Report) {
	f := &r.filter
	switch report { //nolint:exhaustive // the others need no part of the index of their own
	case Refusals:
		f.Refused = true
	case BreakGlass:
		f.BreakGlass = true
	case OutOfHours:
		f.OutOfHours = true
	case NoEncounter:
		f.NoEncounter = true
	case Asked:
		f.Topic = store.TopicReports
	case PlanChanges:
		f.Topic = store.TopicPlans
	case Policy:
		f.Topic = store.TopicPolicy
	case Contacts:
		f.Topic = store.TopicContacts
	case Channels:
		f.Topic = store.TopicChannels
	default:
		r.Add("report", "must be one of the reports of the contract", string(Child))
	}
}

// maxReportPage is how many entries a page may have.
const maxReportPage = 1000

// page reads which part of a report is asked for.
func (r *Question) page(p guard.Paging) {
	r.size = guard.ReadSize(&r.Reader, p.Size, maxReportPage)
	if p.Page == "" {
		return
	}
	place, ok := parsePlace(p.Page)
	if !ok {
		r.Add("page", guard.ProblemPage, "")
	}
	r.filter.Beyond = &place
}
