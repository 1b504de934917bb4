package service

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/keys"
	"cpis/service/store"
)

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds. Their texts stand in the database, and authorities see them.
const (
	NoticeUnscheduled      NoticeKind = "unscheduled_access"
	NoticeBreakGlass       NoticeKind = "break_glass"
	NoticeRestricted       NoticeKind = "restricted_access"
	NoticeMismatch         NoticeKind = "identity_mismatch" // asked for with a date of birth that is not the person's
	NoticeMissed           NoticeKind = "missed_appointment"
	NoticeCorrection       NoticeKind = "correction"
	NoticeOverlap          NoticeKind = "overlap"
	NoticeTransferProposed NoticeKind = "transfer_proposed"
	NoticeTransferDecided  NoticeKind = "transfer_decided"
	NoticeNumberReplaced   NoticeKind = "number_replaced"
	NoticeMerged           NoticeKind = "merged"
	NoticeChangeProposed   NoticeKind = "change_proposed"
	NoticeUploadWaiting    NoticeKind = "upload_waiting"
	NoticeUnconfirmed      NoticeKind = "contacts_unconfirmed"
	NoticeRestriction      NoticeKind = "restriction_changed"
)

// Notice is a message to an authority, as that authority sees it.
type Notice struct {
	ID               string
	Version          int
	Kind             NoticeKind
	Priority         bool
	At               time.Time
	Person           *Person // as this authority recorded them, or knew them last; nil where it never knew them, or cannot be opened
	Organisation     string  // where it happened; empty where that must not be named
	OrganisationName string
	Setting          Setting
	Actor            NoticeActor
	Text             string
	Encounter        time.Time // when it was, by the caller's clock; zero where not said
	Corrects         string    // the notice that was wrong
	CorrectedBy      string    // the notice that says that this one was wrong
	Reference        string    // a transfer, change or upload
	PlanIDs          []string  // of this authority, about the person
	Acknowledged     bool
	AssignedTo       string     // user id, or what an earlier version took; empty where nobody
	Assignee         *Colleague // the same; nil where nobody, or not known any more
	Undelivered      bool
	Degraded         bool // details cannot be opened now
}

// NoticeActor is who asked or reported. It is zero where that is not known.
type NoticeActor struct {
	Name, Role  string
	Responsible Responsible // whom a system acted for
	Lead        Responsible // safeguarding lead of a remote service
}

// openedNotices are notices that were opened for their authority.
type openedNotices struct {
	notices []Notice
	people  map[uuid.UUID]*held // whom they were made about: whose keys open what is sealed
	about   map[uuid.UUID]*held // the same, as the authority holds them now, with its plans: others where records were joined
	named   []audit.Disclosed   // plans from which names were taken
}

// openNotices opens notices of one authority. It asks the keeper for keys that
// are not at hand, so it does not belong into a transaction. What cannot be
// opened now is left out, and the notice says so.
func (s *Service) openNotices(ctx context.Context, authority string, rows []store.NoticeRow) (*openedNotices, error) {
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
	o := openedNotices{notices: make([]Notice, len(rows)), people: people, about: about}
	named := make(map[uuid.UUID]*ownPlan, len(people))
	for id, h := range about {
		if p := s.nameFor(h); p != nil {
			named[id] = p
			o.named = append(o.named, audit.Disclosed{Plan: p.row.ID.String(), Version: p.row.Version})
		}
	}
	slices.SortFunc(o.named, func(a, b audit.Disclosed) int { return cmp.Compare(a.Plan, b.Plan) })
	o.named = slices.Compact(o.named)
	for i := range rows {
		n, id := &o.notices[i], rows[i].Person
		*n = noticeOf(&rows[i])
		if h := people[id]; h != nil {
			s.openNotice(n, about[id], named[id])
			s.openWhatWasSaid(n, &rows[i], h.key)
		}
	}
	return &o, s.nameAssignees(ctx, authority, o.notices)
}

// followMoved gives people as their authority holds them now: those about whom
// it has no plan any more, because records were joined or divided, as the person
// that its latest plan went to.
func (s *Service) followMoved(ctx context.Context, authority string, people map[uuid.UUID]*held) (map[uuid.UUID]*held, error) {
	about := maps.Clone(people)
	var left []uuid.UUID
	for id, h := range people {
		if len(h.plans) == 0 {
			left = append(left, id)
		}
	}
	if len(left) == 0 {
		return about, nil
	}
	moved, err := s.db.MovedPlans(ctx, left, authority)
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
				seen.plans = append(seen.plans, ownPlan{row: m.PlanRow})
			}
		}
		about[from] = &seen
	}
	return about, nil
}

// remember puts those about whom their authority holds nothing any more into
// about as it knew them last.
func (s *Service) remember(ctx context.Context, authority string, about map[uuid.UUID]*held) error {
	var left []uuid.UUID
	for id, h := range about {
		if len(h.plans) == 0 {
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

// holders finds people, without their plans, and with their keys where these
// can be had. Who was erased is left out.
func (s *Service) holders(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*held, error) {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	persons, err := s.db.Persons(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	people := make(map[uuid.UUID]*held, len(persons))
	for i := range persons {
		if persons[i].WrappedKey != "" {
			people[persons[i].ID] = &held{row: persons[i]}
		}
	}
	s.tryKeys(ctx, people)
	return people, nil
}

// noticeOf gives what can be said of a notice without a key.
func noticeOf(row *store.NoticeRow) Notice {
	return Notice{
		ID:               row.ID.String(),
		Version:          row.Version,
		Kind:             NoticeKind(row.Kind),
		Priority:         row.Priority,
		At:               row.At,
		Organisation:     row.Organisation,
		OrganisationName: row.OrganisationName,
		Setting:          Setting(row.Setting),
		Corrects:         idOrNone(row.Corrects),
		CorrectedBy:      idOrNone(row.CorrectedBy),
		Reference:        row.Reference,
		Acknowledged:     row.AcknowledgedAt != nil,
		AssignedTo:       row.AssignedTo,
		Undelivered:      row.Undelivered,
	}
}

// idOrNone gives an identifier as a text; none for the zero one.
func idOrNone(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// peopleOf finds whom notices are about, with the plans that their authority
// ever recorded about them, and with their keys where these can be had. Who was
// erased is left out.
func (s *Service) peopleOf(ctx context.Context, authority string, rows []store.NoticeRow) (map[uuid.UUID]*held, error) {
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
	plans, err := s.db.PlansOf(ctx, slices.Collect(maps.Keys(people)), authority)
	for i := range plans {
		h := people[plans[i].Person]
		h.plans = append(h.plans, ownPlan{row: plans[i]})
	}
	return people, err
}

// tryKeys gets the data keys of people, as far as they can be had within
// keyWait.
func (s *Service) tryKeys(ctx context.Context, people map[uuid.UUID]*held) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	wanted := make([]*held, 0, len(people))
	wrapped := make([]keys.Wrapped, 0, len(people))
	for _, h := range people {
		wanted = append(wanted, h)
		wrapped = append(wrapped, keys.Wrapped{Owner: store.PersonKeys.Owner(h.row.ID), Text: h.row.WrappedKey})
	}
	for i, r := range s.ring.Unwrap(ctx, wrapped) {
		if r.Err != nil {
			_ = s.keyError(r.Err) // where the key is not this person's, somebody is woken
			continue
		}
		wanted[i].key = r.Value
	}
}

// nameFor opens a person of whom an authority holds a plan, under the name that
// it recorded last: errors count only where there is nothing else. It gives
// that plan; nil where there is none, or it cannot be opened.
func (s *Service) nameFor(h *held) *ownPlan {
	latest, ok := h.latest()
	if h.key == nil || !ok || s.openOwn(h.key, &latest) != nil {
		return nil
	}
	var err error
	if h.person, err = openPerson(h.key, &h.row); err != nil {
		s.observe.Damaged("person")
		return nil
	}
	h.person = latest.of(h.person)
	h.person.Former = nil
	return &latest
}

// latest gives the plan that names a person to an authority.
func (h *held) latest() (_ ownPlan, ok bool) {
	plans := slices.DeleteFunc(slices.Clone(h.plans), func(p ownPlan) bool { return p.row.Removed })
	switch {
	case len(h.plans) == 0 && h.past != nil:
		return *h.past, true
	case len(h.plans) == 0:
		return ownPlan{}, false
	case len(plans) == 0:
		plans = h.plans
	}
	return lastRecorded(plans), true
}

// openNotice fills in whom a notice is about. named is the plan from which the
// name comes.
func (s *Service) openNotice(n *Notice, h *held, named *ownPlan) {
	for i := range h.plans {
		if !h.plans[i].row.Removed {
			n.PlanIDs = append(n.PlanIDs, h.plans[i].row.ID.String())
		}
	}
	if named != nil {
		n.Person = &h.person
	}
	_, nameable := h.latest()
	n.Degraded = h.key == nil || named == nil && nameable
}

// openWhatWasSaid fills in who asked or reported, and what they said. The key is
// that of whom the notice was made about; nil where it cannot be had.
func (s *Service) openWhatWasSaid(n *Notice, row *store.NoticeRow, key *keys.DataKey) {
	if key == nil {
		n.Degraded = true
		return
	}
	if row.Sealed == nil {
		return
	}
	said, ok := s.openSaid(key, row)
	if !ok {
		n.Degraded = true
		return
	}
	n.Actor, n.Text, n.Encounter = shownActor(&said.who), said.Text, said.Start
}

// openSaid opens what is sealed of a notice.
func (s *Service) openSaid(key *keys.DataKey, row *store.NoticeRow) (said, bool) {
	var v said
	text, err := key.Open(row.Sealed, noticeContext(row.ID))
	if err != nil || json.Unmarshal(text, &v) != nil {
		s.observe.Damaged("notice")
		return said{}, false
	}
	return v, true
}

// shownActor returns who it was as a notice shows it.
func shownActor(w *who) NoticeActor {
	return NoticeActor{
		Name: w.Name, Role: w.Title,
		Responsible: Responsible{Name: w.Responsible, Role: w.Role, Phone: w.Phone},
		Lead:        Responsible{Name: w.Lead, Role: w.LeadRole, Phone: w.LeadPhone},
	}
}
