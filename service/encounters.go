package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/store"
)

// MissedAppointment is an appointment that a patient was not brought to, or did
// not come to. Its texts are as the caller sent them.
type MissedAppointment struct {
	NHSNumber     string
	DateOfBirth   string // YYYY-MM-DD, or empty
	AppointmentID string // the caller's own
	Appointment   time.Time
	Setting       Setting
	InARow        int         // how many were missed in a row; 0 where not known
	Responsible   Responsible // required of systems
	Request       string      `json:"-"` // request id
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
	Responsible Responsible // required of systems
	Request     string      `json:"-"` // request id
}

// Reported is the answer to a report. It says nothing else.
type Reported struct {
	Receipt `json:"-"`
}

const (
	maxEncounterID       = 128
	maxInARow            = 99
	exampleEncounter     = "APPT-2026-0042"
	exampleSetting       = "SETTING_GENERAL_PRACTICE"
	exampleAppointment   = "2026-11-23T09:30:00Z"
	exampleWrongPatient  = "Opened the record of another child of the same name"
	sameAppointment      = 30 * 24 * time.Hour // a report of one appointment stands for those that follow
	countNotices         = "notices"
	countMarked          = "marked"
	countMissed          = "missed_in_a_row"
	domainEncounter      = "encounter"
	problemEncounterTime = "is required: when the appointment was to be"
)

// ReportMissedAppointment tells each authority with a visible plan about a
// patient that an appointment was missed, once for an appointment. The answer is
// the same, and takes as long, whether or not there is any. With another date of
// birth than is held nobody is told. The error is ErrDenied, *InvalidError,
// *OverloadedError, ErrReused, ErrUnrecorded or ErrUnavailable.
func (s *Service) ReportMissedAppointment(ctx context.Context, c *identity.Caller, m *MissedAppointment) (*Reported, error) {
	check := checker{form: requestForms, today: s.today()}
	r := report{
		caller: c, action: policy.ReportMissed, request: m.Request, asks: m,
		encounter: readEncounter(&check, "appointment_id", m.AppointmentID),
		who:       whoReports(c, check.responsible("responsible_person", m.Responsible)),
	}
	r.number, r.born = readIdentifiers(m.NHSNumber, m.DateOfBirth, check.today, &check.violations)
	needResponsible(c.System, m.Responsible, &check.violations)
	if m.Appointment.IsZero() {
		check.add("appointment", problemEncounterTime, exampleAppointment)
	}
	if m.Setting == NoSetting {
		check.add("setting", problemRequired, exampleSetting)
	}
	if m.InARow < 0 || m.InARow > maxInARow {
		check.add("missed_in_a_row", "must be 0 to 99", "2")
	}
	r.check, r.text, r.setting = check.err(), m.text(), m.Setting
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
func (s *Service) ReportWrongPatient(ctx context.Context, c *identity.Caller, w *WrongPatient) (*Reported, error) {
	check := checker{form: requestForms, today: s.today()}
	r := report{
		caller: c, action: policy.ReportWrongPatient, request: w.Request, asks: w,
		encounter: readEncounter(&check, "encounter_id", w.EncounterID),
		text:      check.requiredText("reason", w.Reason, maxReasonLength, exampleWrongPatient),
		who:       whoReports(c, check.responsible("responsible_person", w.Responsible)),
	}
	r.number, _ = readIdentifiers(w.NHSNumber, "", check.today, &check.violations)
	needResponsible(c.System, w.Responsible, &check.violations)
	r.check = check.err()
	return s.report(ctx, &r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
		return s.correct(ctx, tx, e, &r)
	})
}

// readEncounter reads the caller's own identifier of an encounter.
func readEncounter(c *checker, field, id string) string {
	return c.requiredText(field, id, maxEncounterID, exampleEncounter)
}

// whoReports says who reports.
func whoReports(c *identity.Caller, r Responsible) who {
	return who{Name: c.Name, Title: c.Title, Responsible: r.Name, Role: r.Role, Phone: r.Phone}
}

// report is a report about an encounter whose texts have been read.
type report struct {
	caller    *identity.Caller
	action    policy.Action
	number    NHSNumber
	born      Date   // zero where not given
	encounter string // identifier
	setting   Setting
	who       who
	text      string
	request   string
	asks      any // the request
	check     error
}

// report takes a report through the door.
func (s *Service) report(
	ctx context.Context, r *report, fn func(context.Context, *store.Tx, *audit.Entry) error,
) (*Reported, error) {
	a := act{
		caller: r.caller, action: r.action, request: r.request, asks: r.asks, subject: s.subject(r.number), check: r.check,
		prepare: func(ctx context.Context) error {
			s.fetchReported(ctx, r.number)
			return nil
		},
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Reported, error) {
		e.Encounter = s.encounter(r.caller.Organisation, r.encounter)
		if r.who.Responsible != "" {
			h := s.ring.StableHash("responsible", r.caller.Organisation, r.who.Responsible, r.who.Role)
			e.Responsible = h[:]
		}
		e.Counts = audit.Counts{}
		tx.Notify() // none, too
		return &Reported{}, fn(ctx, tx, e)
	})
}

// fetchReported gets the key of a report's patient. The keeper is asked once
// also where the key is at hand, and where nothing is held: how long it takes
// says nothing about anybody.
func (s *Service) fetchReported(ctx context.Context, n NHSNumber) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	found, err := s.findPersons(ctx, s.db.PersonsByTags, []NHSNumber{n})
	if err != nil {
		return
	}
	for _, h := range found { // one at most
		if _, ok := s.ring.Cached(store.PersonKeys.Owner(h.row.ID)); !ok {
			_ = s.unwrapKeys(ctx, []*held{h})
			return
		}
	}
	_, _ = s.ring.New(ctx, []string{"decoy"})
}

// encounterOf says which encounter a report is about, for who was found by its
// number. It is looked for under all index keys: what is stored was made under
// one of them.
func (s *Service) encounterOf(r *report, found *store.PersonRow) *store.Encounter {
	e := store.Encounter{Person: found.ID, Organisation: r.caller.Organisation}
	for _, h := range s.ring.Hashes(domainEncounter, r.caller.Organisation, r.encounter) {
		e.Hashes = append(e.Hashes, h[:])
	}
	numbers := []NHSNumber{r.number}
	if key, ok := s.ring.Cached(store.PersonKeys.Owner(found.ID)); !ok {
		s.decoy.open()
	} else if p, err := openPerson(key, found); err == nil {
		numbers = append(numbers, p.numbers()...)
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
func (s *Service) tellMissed(ctx context.Context, tx *store.Tx, e *audit.Entry, r *report) error {
	rows, err := s.visible(ctx, tx, r.number)
	if err != nil {
		return err
	}
	var person store.PersonRow
	if len(rows) > 0 {
		person = rows[0].Person
	}
	// Two reports of one appointment come one after the other.
	if _, err := tx.LockPersons(ctx, []uuid.UUID{person.ID}); err != nil {
		return err
	}
	since := s.moment().Add(-sameAppointment)
	told, err := tx.EncounterNotices(ctx, s.encounterOf(r, &person), since, string(NoticeMissed))
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
		if !firstOfAuthority(rows, i) || stillTold(told, authority) {
			continue
		}
		e.Counts[countNotices]++
		s.tell(tx, news{
			to: authority, kind: NoticeMissed, priority: person.Restricted, person: person.ID, key: key,
			organisation: r.caller.Organisation, setting: r.setting, encounter: e.Encounter, who: r.who, text: r.text,
		})
	}
	return nil
}

// stillTold says whether an authority has a notice that nobody corrected since.
func stillTold(told []store.NoticeRow, authority string) bool {
	return slices.ContainsFunc(told, func(n store.NoticeRow) bool {
		return n.Authority == authority && n.CorrectedBy == uuid.Nil
	})
}

// visible gives the plans about a patient that look-ups show today.
func (s *Service) visible(ctx context.Context, tx *store.Tx, n NHSNumber) ([]store.FlagRow, error) {
	var tags []store.Tag
	for _, t := range s.ring.Tags(n.Reveal()) {
		tags = append(tags, store.Tag(t))
	}
	rows, err := tx.Flags(ctx, tags, s.today().Time())
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	// While the index key rotates two tags find the same plans.
	first := rows[0].Tag
	rows = slices.DeleteFunc(rows, func(f store.FlagRow) bool {
		return f.Tag != first || f.Damage.Has(store.DamagedTag|store.DamagedPlan)
	})
	for i := range rows {
		rows[i].Person.Restricted = rows[i].Person.Restricted || rows[i].Damage.Has(store.DamagedPerson)
	}
	return rows, nil
}

// mistaken says in a word why a report is not about the person that was found.
// Where that cannot be opened it may be, and its authorities must hear of it.
func (s *Service) mistaken(r *report, key *keys.DataKey, row *store.PersonRow) string {
	if key == nil {
		s.decoy.open()
		return ""
	}
	person, err := openPerson(key, row)
	switch {
	case err != nil:
		s.observe.Damaged("person")
	case !person.has(r.number):
		s.observe.Damaged("person_tag")
		return reasonDamaged
	case !r.born.IsZero() && r.born != person.DateOfBirth:
		return reasonMismatch
	}
	return ""
}

// pretend does the work of telling what a report says, about nobody.
func (s *Service) pretend(r *report) { _ = sealSaid(s.decoy.key, s.decoy.plan.ID, said{r.who, r.text}) }

// correct marks what an organisation accessed in an encounter, and corrects the
// notices that it made, also those from before records were joined: they stay
// with whom they were made about. Every step is taken for a patient of whom
// nothing is held as well.
func (s *Service) correct(ctx context.Context, tx *store.Tx, e *audit.Entry, r *report) error {
	found, err := s.findPersons(ctx, tx.LockPersonsByTags, []NHSNumber{r.number})
	if err != nil {
		return err
	}
	var person store.PersonRow
	for _, h := range found {
		person = h.row
	}
	encounter := s.encounterOf(r, &person)
	marked, err := tx.MarkAccesses(ctx, encounter, s.moment())
	if err != nil {
		return err
	}
	wrong, err := tx.EncounterNotices(ctx, encounter, time.Time{}, "")
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
			s.fetchKeyFor(ctx, n.Person)
		}
		key, _ := s.ring.Cached(store.PersonKeys.Owner(n.Person))
		e.Counts[countNotices]++
		s.tell(tx, news{
			to: n.Authority, kind: NoticeCorrection, priority: n.Priority, person: n.Person, key: key,
			organisation: n.Organisation, setting: Setting(n.Setting), encounter: n.Encounter, corrects: n.ID,
			who: r.who, text: r.text,
		})
	}
	return nil
}
