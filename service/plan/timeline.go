package plan

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// EventKind is what an event of a person is about.
type EventKind string

// The kinds. A correction is also one of the others: a look-up that was of another
// patient, or a notice that was wrong or says so.
const (
	AllEvents    EventKind = ""
	PlanEvents   EventKind = "plan"
	AccessEvents EventKind = "access"
	NoticeEvents EventKind = "notice"
	Corrections  EventKind = "correction"
)

// EventsRequest asks what happened to a person, as far as the caller's authority
// may know it.
type EventsRequest struct {
	PersonID string // by which the authority calls the person
	Kind     EventKind
	Paging   guard.Paging
	Request  string // request id
}

// Event is something that happened. Of Version, Access and Notice one is there.
type Event struct {
	Kind    EventKind // never Corrections
	At      time.Time
	Entry   int64 // index in the log of the entry that records it
	Version *Version
	Was     *Version // the one before, if the authority may see it
	Access  *Access
	Notice  *notice.Notice

	id uuid.UUID // tells events of one moment apart
}

// Access is an unscheduled look-up of the person's flag. Nothing is known of one that
// somebody tampered with.
type Access struct {
	Organisation     string
	OrganisationName string
	Setting          domain.Setting
	Who              string    // name and role; empty if that cannot be had
	WrongPatient     time.Time // when it was reported to be of another patient; zero if it was not
}

// place is where the event stands among all.
func (e *Event) place() place { return place{key: store.PlanKey{At: e.At.UnixMicro(), ID: e.id}} }

// Events are a part of what happened.
type Events struct {
	guard.Receipt

	Events []Event // newest first
	Next   string  // where to go on; empty at the end
	// Degraded says that something of it could not be opened, or was tampered with.
	Degraded bool
}

// ListEvents shows what happened to a person: how the authority's own plans changed,
// who looked the person up unexpectedly while one was shown, and what it was told. Its own
// error is ErrNotFound (it holds nothing, whoever else does).
func (s *Plans) ListEvents(ctx context.Context, c *identity.Caller, q *EventsRequest) (*Events, error) {
	check := domain.Reader{}
	t := timeline{s: s, authority: c.Organisation, q: q}
	t.read(&check)
	a := guard.Act{
		Caller: c, Action: policy.GetPerson, Own: true, Request: q.Request,
		Target: guard.Target(guard.KindPerson, q.PersonID), Check: check.Err(), Prepare: t.readNotices,
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Events, error) {
		h, err := s.findHeld(ctx, tx, c.Organisation, q.PersonID)
		if err != nil {
			return nil, err
		}
		e.Subject, e.Restricted = s.records.Subject(h.Person.NHSNumber), h.Row.Restricted
		out, err := t.list(ctx, tx, h)
		if err != nil {
			return nil, err
		}
		out.enter(e)
		return out, nil
	})
}

// enter says in an entry what was shown.
func (p *Events) enter(e *audit.Entry) {
	e.Counts, e.Degraded = audit.Counts{"events": int64(len(p.Events))}, p.Degraded
	var notices []*notice.Notice
	for i := range p.Events {
		switch ev := &p.Events[i]; {
		case ev.Version != nil:
			e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: ev.Version.Plan.ID, Version: ev.Version.Plan.Version})
		case ev.Notice != nil:
			notices = append(notices, ev.Notice)
		}
	}
	guard.Show(e, guard.KindNotice, notices, func(n **notice.Notice) string { return (*n).ID })
}

// timeline is an EventsRequest on its way.
type timeline struct {
	s         *Plans
	authority string
	q         *EventsRequest
	size      int
	before    place // only what happened before it
	notices   []Event
	degraded  bool
}

// moment is the time of a place among events.
func (p place) moment() time.Time { return time.UnixMicro(p.key.At) }

// latest is the place behind everything that happened.
var latest = place{key: store.PlanKey{At: lastMoment - 1, ID: uuid.Max}}

func (t *timeline) read(c *domain.Reader) {
	t.size, _ = guard.Paging{Size: t.q.Paging.Size}.Read(c, uuid.Nil)
	switch t.q.Kind {
	case AllEvents, PlanEvents, AccessEvents, NoticeEvents, Corrections:
	default:
		c.Add("kind", "must be plan, access, notice or correction", string(PlanEvents))
	}
	t.before = latest
	if t.q.Paging.Page == "" {
		return
	}
	var ok bool
	if t.before, ok = readPlace(t.q.Paging.Page); !ok || t.before.back || t.before.key.At <= -lastMoment || t.before.key.At >= lastMoment {
		c.Add("page", guard.ProblemPage, "")
	}
}

// wants reports whether events of a kind are asked for.
func (t *timeline) wants(kind EventKind) bool {
	return t.q.Kind == AllEvents || t.q.Kind == kind || t.q.Kind == Corrections && kind != PlanEvents
}

// readNotices reads what the authority was told. The keeper is asked for keys, so it
// comes before the transaction. A person who is not the authority's has none, and
// is refused there.
func (t *timeline) readNotices(ctx context.Context) error {
	id, err := uuid.Parse(t.q.PersonID)
	if err != nil || !t.wants(NoticeEvents) {
		return nil //nolint:nilerr // the person is not found
	}
	held, err := t.s.db.Plans.Held(ctx, id)
	if err != nil || held.Authority != t.authority {
		return nil //nolint:nilerr // likewise
	}
	told, err := t.s.notices.About(ctx, &store.NoticesAbout{
		Authority: t.authority, Person: held.Person, At: t.before.moment(), ID: t.before.key.ID,
		Corrections: t.q.Kind == Corrections, Limit: t.size + 1,
	})
	if err != nil {
		return err
	}
	for i := range told {
		n := &told[i]
		t.degraded = t.degraded || n.Degraded
		t.notices = append(t.notices, Event{Kind: NoticeEvents, At: n.At, Notice: n, id: uuid.MustParse(n.ID)})
	}
	return nil
}

// list puts together what happened.
func (t *timeline) list(ctx context.Context, tx *store.Tx, h *record.Record) (*Events, error) {
	changes, shown, err := t.changes(ctx, tx, h)
	if err != nil {
		return nil, err
	}
	accesses, err := t.accesses(ctx, tx, h, shown)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(changes, accesses, t.notices)
	slices.SortFunc(all, func(a, b Event) int {
		return cmp.Or(b.At.Compare(a.At), bytes.Compare(b.id[:], a.id[:]))
	})
	out := &Events{Events: all, Degraded: t.degraded}
	if len(all) > t.size {
		out.Events = all[:t.size]
		out.Next = all[t.size-1].place().String()
	}
	return out, nil
}

// changes are the versions of the authority's plans, also of those that were errors,
// and when look-ups showed one of them.
func (t *timeline) changes(ctx context.Context, tx *store.Tx, h *record.Record) (events []Event, shown []store.Period, err error) {
	plans, err := tx.Plans.Of(ctx, []uuid.UUID{h.Row.ID}, t.authority)
	if err != nil {
		return nil, nil, err
	}
	for i := range plans {
		versions, err := tx.Plans.Versions(ctx, plans[i].ID)
		if err != nil {
			return nil, nil, err
		}
		shown = append(shown, t.shown(&plans[i], versions))
		if !t.wants(PlanEvents) {
			continue
		}
		made, err := t.made(ctx, tx, versions)
		if err != nil {
			return nil, nil, err
		}
		events = append(events, made...)
	}
	return events, shown, nil
}

// made opens those versions of a plan that are asked for.
func (t *timeline) made(ctx context.Context, tx *store.Tx, versions []store.PlanVersion) (events []Event, err error) {
	about, err := t.s.records.OpenPersons(ctx, tx, personsOf(versions))
	if err != nil {
		return nil, err
	}
	for i := range versions {
		row := &versions[i]
		e := Event{Kind: PlanEvents, At: row.At, Entry: row.Entry, id: versionID(row)}
		if e.place().key.Compare(t.before.key) >= 0 {
			continue
		}
		if e.Version, err = t.version(about, row); err != nil {
			return nil, err
		}
		if i+1 < len(versions) && versions[i+1].Authority == t.authority {
			if e.Was, err = t.version(about, &versions[i+1]); err != nil {
				return nil, err
			}
		}
		events = append(events, e)
	}
	return events, nil
}

func (t *timeline) version(about map[uuid.UUID]*record.Record, row *store.PlanVersion) (*Version, error) {
	v, err := t.s.openVersion(about, row, t.authority)
	return &v, err
}

// shown is how long look-ups showed a plan as the authority's: from the version with
// which it came until its last visible day, or until it turned out to be an error.
func (t *timeline) shown(p *store.PlanRow, versions []store.PlanVersion) (shown store.Period) {
	for i := range versions { // newest first
		if versions[i].Authority != t.authority {
			break
		}
		shown.From = versions[i].At
	}
	switch {
	case p.Removed:
		shown.Until = p.At
	case p.VisibleUntil != nil:
		shown.Until = domain.DateOf(*p.VisibleUntil).AddDays(1).Begins()
	}
	return shown
}

// versionID tells the versions of a plan apart, and orders those of one moment.
func versionID(row *store.PlanVersion) uuid.UUID {
	id := row.ID
	binary.BigEndian.PutUint32(id[12:], uint32(row.Version)) //nolint:gosec // a count
	return id
}

// accesses are the look-ups that saw a plan of the authority. Others saw only
// another's, of which it must not learn.
func (t *timeline) accesses(ctx context.Context, tx *store.Tx, h *record.Record, shown []store.Period) ([]Event, error) {
	if !t.wants(AccessEvents) {
		return nil, nil
	}
	rows, err := tx.Accesses.Before(ctx, &store.AccessesBefore{
		Person: h.Row.ID, At: t.before.moment(), ID: t.before.key.ID, Shown: shown, Marked: t.q.Kind == Corrections, Limit: t.size + 1,
	})
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(rows))
	for i := range rows {
		a := &rows[i]
		events[i] = Event{Kind: AccessEvents, At: a.At, Entry: int64(a.Entry), id: a.ID, Access: t.access(h, a)}
	}
	return events, nil
}

// access returns a look-up. Of one that does not verify nothing is believed but that
// there is something: to leave it out would read as if nobody had looked.
func (t *timeline) access(h *record.Record, row *store.AccessRow) *Access {
	t.degraded = t.degraded || row.Damage != 0
	if row.Damage.Has(store.DamagedAccess) {
		return &Access{}
	}
	return &Access{
		Organisation: row.Organisation, OrganisationName: row.OrganisationName, Setting: domain.Setting(row.Setting),
		Who: t.who(h, row), WrongPatient: row.MarkedAt,
	}
}

// who opens who it was; nobody if that cannot be opened.
func (t *timeline) who(h *record.Record, row *store.AccessRow) string {
	if row.Sealed == nil {
		return ""
	}
	var who record.Who
	text, err := h.Key.Open(row.Sealed, record.AccessContext(row.ID))
	if err != nil || json.Unmarshal(text, &who) != nil {
		_ = t.s.records.Damaged(record.TableAccess) // wakes somebody
		t.degraded = true
		return ""
	}
	return who.String()
}
