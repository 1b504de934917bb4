package service

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/store"
)

// recorded is what is sealed of a plan: its details, and the names under which
// its authority recorded the person.
//
// Names stand with each plan, not only with the person, because authorities
// may know somebody under different ones, and a child's new name must not reach
// the authority that knew the old one through this service.
type recorded struct {
	Details
	Family string `json:"family"`
	Given  string `json:"given"`
	Change change `json:"change,omitzero"`
	// Under is the NHS number that the plan was registered under, where that was
	// a former one: it says whom the plan is about should two records that were
	// joined have been of two persons.
	Under string `json:"under,omitempty"`
}

// change says who made a version of a plan, and why.
type change struct {
	Act          string `json:"act"`
	Actor        string `json:"actor"`
	Name         string `json:"name,omitempty"`
	Organisation string `json:"organisation"`
	Reason       string `json:"reason,omitempty"`
}

// changeBy gives the change that a caller makes.
func changeBy(c *identity.Caller, act, reason string) change {
	return change{Act: act, Actor: clip(c.ID), Name: clip(c.Name), Organisation: c.Organisation, Reason: reason}
}

// Change says who changed something, when and why.
type Change struct {
	Act          string // what was done
	Actor        string
	Name         string // empty where the token did not say
	Organisation string
	Reason       string
	At           time.Time
}

// made gives a change as it is shown.
func (c *change) made(at time.Time) Change {
	return Change{Act: c.Act, Actor: c.Actor, Name: c.Name, Organisation: c.Organisation, Reason: c.Reason, At: at}
}

// held is what is held about a person, as far as one authority may know it:
// the person, and the authority's own plans that are not errors.
type held struct {
	row    store.PersonRow
	tag    keys.Tag // local, of the NHS number that it was looked for by
	key    *keys.DataKey
	person Person
	plans  []ownPlan
	past   *ownPlan // what an authority knew last that holds nothing any more; nil elsewhere
}

// ownPlan is one of the authority's own plans.
type ownPlan struct {
	row store.PlanRow
	recorded
}

// lastRecorded returns the plan whose version is the latest: of those that were
// written together, such as by one file, the one that was made last. Under its
// names the authority recorded the person last. There must be one.
func lastRecorded(plans []ownPlan) ownPlan {
	return slices.MaxFunc(plans, func(a, b ownPlan) int {
		return cmp.Or(a.row.At.Compare(b.row.At), bytes.Compare(a.row.ID[:], b.row.ID[:]))
	})
}

// people are persons by the local tags of their NHS numbers.
type people map[keys.Tag]*held

// findTags is how persons are found: with or without locking them.
type findTags func(context.Context, []store.Tag) ([]store.TaggedPerson, error)

// findHeld finds those whom NHS numbers belong to, with the plans of one
// authority, and opens nothing. Numbers of nobody are left out.
func (s *Service) findHeld(
	ctx context.Context, tx *store.Tx, find findTags, authority string, numbers []NHSNumber,
) (people, error) {
	found, err := s.findPersons(ctx, find, numbers)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*held, len(found))
	for _, h := range found {
		byID[h.row.ID] = h
	}
	// Asked for nobody too: how long it takes says nothing about whom others know.
	ids := slices.AppendSeq(make([]uuid.UUID, 0, len(byID)), maps.Keys(byID))
	plans, err := tx.PlansOf(ctx, ids, authority)
	if err != nil {
		return nil, err
	}
	for _, row := range plans {
		if h := byID[row.Person]; !row.Removed {
			h.plans = append(h.plans, ownPlan{row: row})
		}
	}
	return found, nil
}

// findPersons finds the persons alone.
func (s *Service) findPersons(ctx context.Context, find findTags, numbers []NHSNumber) (people, error) {
	local := make(map[store.Tag]keys.Tag, len(numbers)) // by each tag of a number
	tags := make([]store.Tag, 0, len(numbers))
	var all []keys.Tag
	for _, n := range numbers {
		all = s.ring.AppendTags(all[:0], n.Reveal())
		for _, t := range all {
			if _, known := local[store.Tag(t)]; !known {
				local[store.Tag(t)] = s.ring.LocalTag(n.Reveal())
				tags = append(tags, store.Tag(t))
			}
		}
	}
	rows, err := find(ctx, tags)
	if err != nil {
		return nil, err
	}
	found := make(people, len(rows))
	byID := make(map[uuid.UUID]*held, len(rows)) // a person may have several numbers
	for i := range rows {
		tag := local[rows[i].Tag]
		if h := found[tag]; h != nil && h.row.ID != rows[i].ID {
			return nil, s.damaged("person_tag") // one number, two persons
		}
		if byID[rows[i].ID] == nil {
			byID[rows[i].ID] = &held{row: rows[i].PersonRow, tag: tag}
		}
		found[tag] = byID[rows[i].ID]
	}
	return found, nil
}

// openPeople opens the persons and plans that were found. Keys that are not at
// hand are asked for one batch after the other, so that look-ups which want
// theirs come in between.
func (s *Service) openPeople(ctx context.Context, found people) error {
	for batch := range slices.Chunk(slices.Collect(maps.Values(found)), keys.MaxBatch) {
		if err := s.unwrapKeys(ctx, batch); err != nil {
			return err
		}
	}
	for tag, h := range found {
		if err := s.openHeld(tag, h); err != nil {
			return err
		}
	}
	return nil
}

// fetchKey gets the key of the person with an NHS number before a transaction
// needs it, or makes one where nothing is held: no connection, and nobody, has
// to wait for the keeper then. What fails here the transaction tries itself.
func (s *Service) fetchKey(ctx context.Context, made newKeys, n NHSNumber) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	found, err := s.findPersons(ctx, s.db.PersonsByTags, []NHSNumber{n})
	if err != nil {
		return
	}
	if len(found) > 0 {
		_ = s.unwrapKeys(ctx, slices.Collect(maps.Values(found)))
		return
	}
	_ = s.makeKeys(ctx, made, []*held{{tag: s.ring.LocalTag(n.Reveal())}})
}

// unwrapKeys gets the data keys of at most a batch of persons.
func (s *Service) unwrapKeys(ctx context.Context, batch []*held) error {
	wrapped := make([]keys.Wrapped, len(batch))
	for i, h := range batch {
		wrapped[i] = keys.Wrapped{Owner: store.PersonKeys.Owner(h.row.ID), Text: h.row.WrappedKey}
	}
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	opened := s.ring.Unwrap(ctx, wrapped)
	for i, h := range batch {
		if err := opened[i].Err; err != nil {
			return fmt.Errorf("unwrapping keys: %w", s.keyError(err))
		}
		h.key = opened[i].Value
	}
	return nil
}

// openPersons reads and opens persons by their ids. Those who were erased are
// left out.
func (s *Service) openPersons(ctx context.Context, tx *store.Tx, ids []uuid.UUID) (map[uuid.UUID]*held, error) {
	rows, err := tx.Persons(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]*held, 0, len(rows))
	byID := make(map[uuid.UUID]*held, len(rows))
	for _, row := range rows {
		if row.WrappedKey != "" {
			byID[row.ID] = &held{row: row}
			all = append(all, byID[row.ID])
		}
	}
	for batch := range slices.Chunk(all, keys.MaxBatch) {
		if err := s.unwrapKeys(ctx, batch); err != nil {
			return nil, err
		}
	}
	for _, h := range all {
		if h.person, err = openPerson(h.key, &h.row); err != nil {
			return nil, s.damaged("person")
		}
	}
	return byID, nil
}

// openHeld opens a person and the authority's plans about them.
func (s *Service) openHeld(tag keys.Tag, h *held) error {
	var err error
	if h.person, err = openPerson(h.key, &h.row); err != nil {
		return s.damaged("person")
	}
	if !slices.ContainsFunc(h.person.numbers(), func(n NHSNumber) bool { return s.ring.LocalTag(n.Reveal()) == tag }) {
		return s.damaged("person_tag") // it leads to somebody else
	}
	return s.openPlans(h)
}

// openPlans opens the authority's plans about a person.
func (s *Service) openPlans(h *held) error {
	for i := range h.plans {
		if err := s.openOwn(h.key, &h.plans[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) openOwn(key *keys.DataKey, p *ownPlan) error {
	if openJSON(key, "plan", p.row.ID, p.row.Version, p.row.Sealed, &p.recorded) != nil {
		return s.damaged("plan")
	}
	return nil
}

// sealOwn seals a plan as its row says it will be stored.
func sealOwn(key *keys.DataKey, p *ownPlan) (err error) {
	p.row.VisibleUntil = dayOrNil(p.visibleUntil())
	p.row.Sealed, err = sealJSON(key, "plan", p.row.ID, p.row.Version, p.recorded)
	return err
}

// damaged reports that something stored does not verify, and gives the error
// that says so.
func (s *Service) damaged(table string) error {
	s.observe.Damaged(table)
	return fmt.Errorf("opening %s: %w", table, ErrDamaged)
}

// keyError gives an error of the keys in the service's words.
func (s *Service) keyError(err error) error {
	switch {
	case errors.Is(err, keys.ErrUnavailable):
		return ErrUnavailable
	case errors.Is(err, keys.ErrTampered):
		s.observe.Damaged("person")
		return ErrDamaged
	}
	return err
}

// today is the day in England.
func (s *Service) today() Date { return dateOf(s.now().In(london)) }

// moment is the time as PostgreSQL keeps it.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// subject gives what an entry calls a person; nil where there is no number.
func (s *Service) subject(n NHSNumber) []byte {
	if n.IsZero() {
		return nil
	}
	t := s.ring.Tag(n.Reveal())
	return t[:]
}
