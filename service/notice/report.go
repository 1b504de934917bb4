package notice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// MissedAppointment is an appointment that a patient was not brought to, or did
// not come to. Its texts are as the caller sent them.
type MissedAppointment struct {
	NHSNumber     string
	DateOfBirth   string // YYYY-MM-DD, or empty
	AppointmentID string // the caller's own
	Appointment   time.Time
	Setting       domain.Setting
	InARow        int                // how many were missed in a row; 0 if not known
	Responsible   domain.Responsible // required of systems
	Request       string             `json:"-"` // request id
}

// text is what the authority reads.
func (m *MissedAppointment) text() string {
	text := "Was not brought to an appointment, or did not come. Setting: " + strings.ReplaceAll(string(m.Setting), "_", " ") + "."
	if m.InARow > 0 {
		text += fmt.Sprintf(" Missed in a row: %d.", m.InARow)
	}
	return text
}

// WrongPatient is an encounter that was another patient's than was looked up, or
// that was cancelled. Its texts are as the caller sent them.
type WrongPatient struct {
	NHSNumber   string
	EncounterID string // as it was given with the look-up
	Reason      string
	Responsible domain.Responsible // required of systems
	Request     string             `json:"-"` // request id
}

// ReportResult is the answer to a report. It says nothing else.
type ReportResult struct {
	guard.Receipt `json:"-"`
}

// CountNotices counts in an entry the notices that were made.
const CountNotices = "notices"

const (
	maxInARow            = 99
	exampleSetting       = "SETTING_GENERAL_PRACTICE"
	exampleAppointment   = "2026-11-23T09:30:00Z"
	exampleWrongPatient  = "Opened the record of another child of the same name"
	sameAppointment      = 30 * 24 * time.Hour // a report of one appointment stands for those that follow
	countMarked          = "marked"
	countMissed          = "missed_in_a_row"
	problemEncounterTime = "is required: when the appointment was to be"
)

// ReportMissedAppointment tells each authority with a visible plan about a
// patient that an appointment was missed, once for an appointment. The answer
// is the same, and takes as long, whether or not there is any. With another
// date of birth than is held nobody is told.
func (s *Notices) ReportMissedAppointment(ctx context.Context, c *identity.Caller, m *MissedAppointment) (*ReportResult, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	r := report{
		caller: c, action: policy.ReportMissed, request: m.Request, asks: m,
		encounter: readEncounter(&check, "appointment_id", m.AppointmentID),
		who:       whoReports(c, check.Responsible("responsible_person", m.Responsible)),
	}
	r.number, r.born = domain.ReadIdentifiers(m.NHSNumber, m.DateOfBirth, check.Today, &check.Violations)
	domain.NeedResponsible(c.System, m.Responsible, &check.Violations)
	if m.Appointment.IsZero() {
		check.Add("appointment", problemEncounterTime, exampleAppointment)
	}
	if m.Setting == domain.NoSetting {
		check.Add("setting", domain.ProblemRequired, exampleSetting)
	}
	if m.InARow < 0 || m.InARow > maxInARow {
		check.Add("missed_in_a_row", "must be 0 to 99", "2")
	}
	r.check, r.text, r.setting = check.Err(), m.text(), m.Setting
	r.who.Start = m.Appointment.UTC().Truncate(time.Second)
	return s.report(ctx, &r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
		if m.InARow > 0 {
			e.Counts[countMissed] = int64(m.InARow)
		}
		return s.tellMissed(ctx, tx, e, &r)
	})
}

// ReportWrongPatient says that an unscheduled look-up which the caller's
// organisation made in an encounter was of the wrong patient. The access is
// marked in the history, and every authority that was told gets a correction;
// nothing is deleted. Reported again, or of an encounter that is not known, it
// does nothing more; the answer is the same. Its errors are those of
// ReportMissedAppointment.
func (s *Notices) ReportWrongPatient(ctx context.Context, c *identity.Caller, w *WrongPatient) (*ReportResult, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	r := report{
		caller: c, action: policy.ReportWrongPatient, request: w.Request, asks: w,
		encounter: readEncounter(&check, "encounter_id", w.EncounterID),
		text:      check.RequiredText("reason", w.Reason, domain.MaxReasonLength, exampleWrongPatient),
		who:       whoReports(c, check.Responsible("responsible_person", w.Responsible)),
	}
	r.number, _ = domain.ReadIdentifiers(w.NHSNumber, "", check.Today, &check.Violations)
	domain.NeedResponsible(c.System, w.Responsible, &check.Violations)
	r.check = check.Err()
	return s.report(ctx, &r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
		return s.correct(ctx, tx, e, &r)
	})
}

// readEncounter reads the caller's own identifier of an encounter.
func readEncounter(c *domain.Reader, field, id string) string {
	return c.RequiredText(field, id, domain.MaxEncounterID, domain.ExampleEncounter)
}

// whoReports says who reports.
func whoReports(c *identity.Caller, r domain.Responsible) record.Who {
	return record.Who{Name: c.Name, Title: c.Title, Responsible: r.Name, Role: r.Role, Phone: r.Phone}
}

// report is a report about an encounter whose texts have been read.
type report struct {
	caller    *identity.Caller
	action    policy.Action
	number    domain.NHSNumber
	born      domain.Date // zero if not given
	encounter string      // identifier
	setting   domain.Setting
	who       record.Who
	text      string
	request   string
	asks      any // the request
	check     error
}

// report takes a report through the guard.
func (s *Notices) report(
	ctx context.Context, r *report, fn func(context.Context, *store.Tx, *audit.Entry) error,
) (*ReportResult, error) {
	a := guard.Act{
		Caller: r.caller, Action: r.action, Request: r.request, Asks: r.asks, Subject: s.records.Subject(r.number), Check: r.check,
		Prepare: func(ctx context.Context) error {
			s.records.FetchReported(ctx, r.number)
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ReportResult, error) {
		e.Encounter, e.Setting = s.records.Encounter(r.caller.Organisation, r.encounter), string(r.setting)
		if r.who.Responsible != "" {
			e.Responsible = s.records.Responsible(r.caller.Organisation, r.who.Responsible, r.who.Role)
		}
		e.Counts = audit.Counts{}
		tx.Notices.Notify() // none, too
		return &ReportResult{}, fn(ctx, tx, e)
	})
}

// encounterOf says which encounter a report is about, for who was found by its
// number.
func (s *Notices) encounterOf(r *report, found *store.PersonRow) *store.Encounter {
	e := store.Encounter{
		Person: found.ID, Organisation: r.caller.Organisation,
		Hashes: s.records.EncounterHashes(r.caller.Organisation, r.encounter),
	}
	numbers := []domain.NHSNumber{r.number}
	if key, ok := s.ring.Cached(store.PersonKeys.Owner(found.ID)); !ok {
		s.decoy.Open()
	} else if p, err := record.OpenPerson(key, found); err == nil {
		numbers = append(numbers, p.Numbers()...)
	}
	for _, n := range numbers {
		for _, t := range s.ring.Tags(n.Reveal()) {
			e.Subjects = append(e.Subjects, t[:])
		}
	}
	return &e
}

// tellMissed tells the authorities that an appointment was missed. Every step
// is taken for a patient of whom nothing is held as well.
func (s *Notices) tellMissed(ctx context.Context, tx *store.Tx, e *audit.Entry, r *report) error {
	rows, err := s.records.Visible(ctx, tx, r.number)
	if err != nil {
		return err
	}
	var person store.PersonRow
	if len(rows) > 0 {
		person = rows[0].Person
	}
	// Two reports of one appointment come one after the other.
	if _, err := tx.People.Lock(ctx, []uuid.UUID{person.ID}); err != nil {
		return err
	}
	since := s.clock.Moment().Add(-sameAppointment)
	told, err := tx.Notices.OfEncounter(ctx, s.encounterOf(r, &person), since, string(Missed))
	if err != nil {
		return err
	}
	key, _ := s.ring.Cached(store.PersonKeys.Owner(person.ID))
	if e.Reason = s.mistaken(r, key, &person); len(rows) == 0 || e.Reason != "" {
		s.pretend(r)
		return nil
	}
	e.Restricted = person.Restricted
	for i := range rows {
		authority := rows[i].Plan.Authority
		if !record.FirstOfAuthority(rows, i) || stillTold(told, authority) {
			continue
		}
		e.Counts[CountNotices]++
		s.Tell(tx, News{
			To: authority, Kind: Missed, priority: person.Restricted, Person: person.ID, Key: key,
			Organisation: r.caller.Organisation, setting: r.setting, encounter: e.Encounter, Who: r.who, Text: r.text,
		})
	}
	return nil
}

// stillTold reports whether an authority has a notice that nobody corrected since.
func stillTold(told []store.NoticeRow, authority string) bool {
	return slices.ContainsFunc(told, func(n store.NoticeRow) bool {
		return n.Authority == authority && n.CorrectedBy == uuid.Nil
	})
}

// mistaken says in a word why a report is not about the person that was found.
// If that cannot be opened it may be, and its authorities must hear of it.
func (s *Notices) mistaken(r *report, key *keys.DataKey, row *store.PersonRow) string {
	if key == nil {
		s.decoy.Open()
		return ""
	}
	person, err := record.OpenPerson(key, row)
	switch {
	case err != nil:
		s.observe.Damaged(record.TablePerson)
	case !person.Has(r.number):
		s.observe.Damaged("person_tag")
		return guard.ReasonDamaged
	case !r.born.IsZero() && r.born != person.DateOfBirth:
		return guard.ReasonMismatch
	}
	return ""
}

// pretend does the work of telling what a report says, about nobody.
func (s *Notices) pretend(r *report) { _ = SealSaid(s.decoy.Key, s.decoy.Plan.ID, Said{r.who, r.text}) }

// correct marks what an organisation accessed in an encounter, and corrects the
// notices that it made, also those from before records were joined: they stay
// with whom they were made about. Every step is taken for a patient of whom
// nothing is held as well.
func (s *Notices) correct(ctx context.Context, tx *store.Tx, e *audit.Entry, r *report) error {
	found, err := s.records.FindPersons(ctx, tx.People.LockByTags, []domain.NHSNumber{r.number})
	if err != nil {
		return err
	}
	var person store.PersonRow
	for _, h := range found {
		person = h.Row
	}
	encounter := s.encounterOf(r, &person)
	marked, err := tx.Accesses.Mark(ctx, encounter, s.clock.Moment())
	if err != nil {
		return err
	}
	wrong, err := tx.Notices.OfEncounter(ctx, encounter, time.Time{}, "")
	if err != nil {
		return err
	}
	e.Restricted = person.Restricted
	if marked > 0 {
		e.Counts[countMarked] = marked
	}
	s.pretend(r)
	for i := range wrong {
		n := &wrong[i]
		if n.CorrectedBy != uuid.Nil {
			continue
		}
		if n.Person != person.ID { // before two records were joined
			s.records.FetchKeyFor(ctx, n.Person)
		}
		key, _ := s.ring.Cached(store.PersonKeys.Owner(n.Person))
		e.Counts[CountNotices]++
		s.Tell(tx, News{
			To: n.Authority, Kind: Correction, priority: n.Priority, Person: n.Person, Key: key,
			Organisation: n.Organisation, setting: domain.Setting(n.Setting), encounter: n.Encounter, corrects: n.ID,
			Who: r.who, Text: r.text,
		})
	}
	return nil
}
