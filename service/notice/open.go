package notice

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// Notice is a message to an authority, as that authority sees it.
type Notice struct {
	ID               string
	Version          int
	Kind             Kind
	Priority         bool
	At               time.Time
	Person           *domain.Person // as this authority recorded them, or knew them last; nil if it never knew them, or cannot be opened
	Organisation     string         // if it happened; empty if that must not be named
	OrganisationName string
	Setting          domain.Setting
	Actor            Actor
	Text             string
	Encounter        time.Time // when it was, by the caller's clock; zero if not said
	Corrects         string    // the notice that was wrong
	CorrectedBy      string    // the notice that says that this one was wrong
	Reference        string    // a transfer, change or upload
	PlanIDs          []string  // of this authority, about the person
	Acknowledged     bool
	AssignedTo       string     // user id, or what an earlier version took; empty if nobody
	Assignee         *Colleague // the same; nil if nobody, or not known any more
	Undelivered      bool
	Degraded         bool // details cannot be opened now
}

// Actor is who asked or reported. It is zero if that is not known.
type Actor struct {
	Name, Role  string
	Responsible domain.Responsible // whom a system acted for
	Lead        domain.Responsible // safeguarding lead of a remote service
}

// openedNotices are notices that were opened for their authority.
type openedNotices struct {
	Notices []Notice
	people  map[uuid.UUID]*record.Record // whom they were made about: whose keys open what is sealed
	About   map[uuid.UUID]*record.Record // the same, as the authority holds them now, with its plans: others if records were joined
	named   []audit.Disclosed            // plans from which names were taken
}

// OpenNotices opens notices of one authority. It asks the keeper for keys that
// are not at hand, so it does not belong into a transaction. What cannot be
// opened now is left out, and the notice says so.
func (s *Notices) OpenNotices(ctx context.Context, authority string, rows []store.NoticeRow) (*openedNotices, error) {
	people, err := s.peopleOf(ctx, authority, rows)
	if err != nil {
		return nil, err
	}
	about, err := s.followMoved(ctx, authority, people)
	if err != nil {
		return nil, err
	}
	if err := s.remember(ctx, authority, about); err != nil {
		return nil, err
	}
	o := openedNotices{Notices: make([]Notice, len(rows)), people: people, About: about}
	named := make(map[uuid.UUID]*record.Plan, len(people))
	for id, h := range about {
		if p := s.nameFor(h); p != nil {
			named[id] = p
			o.named = append(o.named, audit.Disclosed{Plan: p.Row.ID.String(), Version: p.Row.Version})
		}
	}
	slices.SortFunc(o.named, func(a, b audit.Disclosed) int { return cmp.Compare(a.Plan, b.Plan) })
	o.named = slices.Compact(o.named)
	for i := range rows {
		n, id := &o.Notices[i], rows[i].Person
		*n = noticeOf(&rows[i])
		if h := people[id]; h != nil {
			s.openNotice(n, about[id], named[id])
			s.openWhatWasSaid(n, &rows[i], h.Key)
		}
	}
	return &o, s.nameAssignees(ctx, authority, o.Notices)
}

// followMoved returns people as their authority holds them now: those about whom
// it has no plan any more, because records were joined or divided, as the person
// that its latest plan went to.
func (s *Notices) followMoved(ctx context.Context, authority string, people map[uuid.UUID]*record.Record) (map[uuid.UUID]*record.Record, error) {
	about := maps.Clone(people)
	var left []uuid.UUID
	for id, h := range people {
		if len(h.Plans) == 0 {
			left = append(left, id)
		}
	}
	if len(left) == 0 {
		return about, nil
	}
	moved, err := s.db.Plans.Moved(ctx, left, authority)
	if err != nil || len(moved) == 0 {
		return about, err
	}
	latest := make(map[uuid.UUID]store.MovedPlan, len(left)) // by whom it was about
	for _, m := range moved {
		if l, known := latest[m.From]; !known || l.At.Before(m.At) {
			latest[m.From] = m
		}
	}
	var ids []uuid.UUID
	for _, m := range latest {
		ids = append(ids, m.Person)
	}
	now, err := s.holders(ctx, ids)
	if err != nil {
		return nil, err
	}
	for from, l := range latest {
		h := now[l.Person]
		if h == nil {
			continue
		}
		seen := *h // of this person's notices
		for _, m := range moved {
			if m.From == from && m.Person == l.Person {
				seen.Plans = append(seen.Plans, record.Plan{Row: m.PlanRow})
			}
		}
		about[from] = &seen
	}
	return about, nil
}

// remember puts those about whom their authority holds nothing any more into
// about as it knew them last.
func (s *Notices) remember(ctx context.Context, authority string, about map[uuid.UUID]*record.Record) error {
	var left []uuid.UUID
	for id, h := range about {
		if len(h.Plans) == 0 {
			left = append(left, id)
		}
	}
	if len(left) == 0 {
		return nil
	}
	known, err := s.recall(ctx, authority, left)
	maps.Copy(about, known)
	return err
}

// holders finds people, without their plans, and with their keys if these
// can be had. Who was erased is left out.
func (s *Notices) holders(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*record.Record, error) {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	persons, err := s.db.People.ByID(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	people := make(map[uuid.UUID]*record.Record, len(persons))
	for i := range persons {
		if persons[i].WrappedKey != "" {
			people[persons[i].ID] = &record.Record{Row: persons[i]}
		}
	}
	s.tryKeys(ctx, people)
	return people, nil
}

// noticeOf returns what can be said of a notice without a key.
func noticeOf(row *store.NoticeRow) Notice {
	return Notice{
		ID:               row.ID.String(),
		Version:          row.Version,
		Kind:             Kind(row.Kind),
		Priority:         row.Priority,
		At:               row.At,
		Organisation:     row.Organisation,
		OrganisationName: row.OrganisationName,
		Setting:          domain.Setting(row.Setting),
		Corrects:         idOrNone(row.Corrects),
		CorrectedBy:      idOrNone(row.CorrectedBy),
		Reference:        row.Reference,
		Acknowledged:     row.AcknowledgedAt != nil,
		AssignedTo:       row.AssignedTo,
		Undelivered:      row.Undelivered,
	}
}

// idOrNone returns an identifier as a text; none for the zero one.
func idOrNone(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// peopleOf finds whom notices are about, with the plans that their authority
// ever recorded about them, and with their keys if these can be had. Who was
// erased is left out.
func (s *Notices) peopleOf(ctx context.Context, authority string, rows []store.NoticeRow) (map[uuid.UUID]*record.Record, error) {
	ids := make([]uuid.UUID, 0, len(rows))
	for i := range rows {
		if rows[i].Person != uuid.Nil {
			ids = append(ids, rows[i].Person)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	people, err := s.holders(ctx, ids)
	if err != nil {
		return nil, err
	}
	plans, err := s.db.Plans.Of(ctx, slices.Collect(maps.Keys(people)), authority)
	for i := range plans {
		h := people[plans[i].Person]
		h.Plans = append(h.Plans, record.Plan{Row: plans[i]})
	}
	return people, err
}

// tryKeys gets the data keys of people, as far as they can be had within
// KeyWait.
func (s *Notices) tryKeys(ctx context.Context, people map[uuid.UUID]*record.Record) {
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	wanted := make([]*record.Record, 0, len(people))
	wrapped := make([]keys.Wrapped, 0, len(people))
	for _, h := range people {
		wanted = append(wanted, h)
		wrapped = append(wrapped, keys.Wrapped{Owner: store.PersonKeys.Owner(h.Row.ID), Text: h.Row.WrappedKey})
	}
	for i, r := range s.ring.Unwrap(ctx, wrapped) {
		if r.Err != nil {
			_ = s.records.KeyError(r.Err) // if the key is not this person's, somebody is woken
			continue
		}
		wanted[i].Key = r.Value
	}
}

// nameFor opens a person of whom an authority holds a plan, under the name that
// it recorded last: errors count only if there is nothing else. It gives
// that plan; nil if there is none, or it cannot be opened.
func (s *Notices) nameFor(h *record.Record) *record.Plan {
	latest, ok := h.Latest()
	if h.Key == nil || !ok || s.records.OpenOwn(h.Key, &latest) != nil {
		return nil
	}
	var err error
	if h.Person, err = record.OpenPerson(h.Key, &h.Row); err != nil {
		s.observe.Damaged(record.TablePerson)
		return nil
	}
	h.Person = latest.Of(h.Person)
	h.Person.Former = nil
	return &latest
}

// openNotice fills in whom a notice is about. named is the plan from which the
// name comes.
func (s *Notices) openNotice(n *Notice, h *record.Record, named *record.Plan) {
	for i := range h.Plans {
		if !h.Plans[i].Row.Removed {
			n.PlanIDs = append(n.PlanIDs, h.Plans[i].Row.ID.String())
		}
	}
	if named != nil {
		n.Person = &h.Person
	}
	_, nameable := h.Latest()
	n.Degraded = h.Key == nil || named == nil && nameable
}

// openWhatWasSaid fills in who asked or reported, and what they said. The key is
// that of whom the notice was made about; nil if it cannot be had.
func (s *Notices) openWhatWasSaid(n *Notice, row *store.NoticeRow, key *keys.DataKey) {
	if key == nil {
		n.Degraded = true
		return
	}
	if row.Sealed == nil {
		return
	}
	said, ok := s.OpenSaid(key, row)
	if !ok {
		n.Degraded = true
		return
	}
	n.Actor, n.Text, n.Encounter = shownActor(&said.Who), said.Text, said.Start
}

// OpenSaid opens what is sealed of a notice.
func (s *Notices) OpenSaid(key *keys.DataKey, row *store.NoticeRow) (Said, bool) {
	var v Said
	text, err := key.Open(row.Sealed, record.NoticeContext(row.ID))
	if err != nil || json.Unmarshal(text, &v) != nil {
		s.observe.Damaged(record.TableNotice)
		return Said{}, false
	}
	return v, true
}

// shownActor returns who it was as a notice shows it.
func shownActor(w *record.Who) Actor {
	return Actor{
		Name: w.Name, Role: w.Title,
		Responsible: domain.Responsible{Name: w.Responsible, Role: w.Role, Phone: w.Phone},
		Lead:        domain.Responsible{Name: w.Lead, Role: w.LeadRole, Phone: w.LeadPhone},
	}
}
