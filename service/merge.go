package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/store"
)

// Two records are of one person. Where one was made under a number that was
// never the person's, the authority that made it moves its own plans to the
// right one, and nobody is found by the wrong number any more. Where the number
// was superseded, all plans move, whosever they are, and look-ups find the
// person by both. What is moved is sealed anew, under the other person's key:
// a version like any other, so that nothing is lost and all can be undone.

// aboutMerge finds the two records, and makes the one that stays where nothing
// is held under its number. Nobody finds that before the merge is accepted.
func (p *proposing) aboutMerge(ctx context.Context, tx *store.Tx, said *proposed) (*proposal, error) {
	s := p.s
	into, from, err := p.findTwo(ctx, tx, said)
	if err != nil {
		return nil, err
	}
	j := joining{s: s, by: said.Change, superseded: said.Superseded, into: into, from: from}
	if !into.isNew() {
		err = s.openAlone(ctx, into, from)
	} else if err = s.openAlone(ctx, from); err == nil {
		into.person.DateOfBirth, into.row.Restricted = from.person.DateOfBirth, from.row.Restricted
	}
	if err != nil {
		return nil, err
	}
	if err := j.load(ctx, tx); err != nil {
		return nil, err
	}
	if err := j.mergeable(); err != nil {
		return nil, j.withoutProof(err)
	}
	out := &proposal{into: into, from: from, told: from}
	at, there := j.own(into.plans), j.own(from.plans)
	switch {
	case len(at) == 0:
		at = there
	case len(there) == 0:
		there, out.told = at, into
	}
	born := j.born()
	said.From = recordedAs(said.From.NHSNumber, born, there)
	said.Person = recordedAs(said.Person.NHSNumber, born, at)
	if into.isNew() {
		into.person = said.Person
		return out, p.make(ctx, tx, into)
	}
	return out, nil
}

// withoutProof makes a record of which only others hold plans one that is not
// found, where the date of birth does not show that the authority knows whom it
// is about.
func (j *joining) withoutProof(err error) error {
	if errors.Is(err, errWrongPerson) && len(j.own(j.from.plans)) == 0 {
		return errors.Join(ErrNotFound, errWrongPerson)
	}
	return err
}

// findTwo finds and locks the records of a merge. The one that stays is new
// where nothing is held.
func (p *proposing) findTwo(ctx context.Context, tx *store.Tx, said *proposed) (into, from *held, err error) {
	numbers := []NHSNumber{said.Person.NHSNumber, said.From.NHSNumber}
	found, err := p.s.findHeld(ctx, tx, tx.LockPersonsByTags, p.caller.Organisation, numbers)
	if err != nil {
		return nil, nil, err
	}
	tag := p.s.ring.LocalTag(said.Person.NHSNumber.Reveal())
	into, from = found[tag], found[p.s.ring.LocalTag(said.From.NHSNumber.Reveal())]
	var v violations
	switch {
	case from == nil, len(from.plans) == 0 && (!said.Superseded || into == nil || len(into.plans) == 0):
		return nil, nil, ErrNotFound
	case into == from:
		v.add("from_nhs_number", "is of the same record already", "")
	case into == nil && said.Superseded:
		v.add("nhs_number", "is of no record: replace the old number by it instead", "")
	case into == nil:
		into = &held{tag: tag}
	}
	return into, from, v.err()
}

// make makes the record that stays.
func (p *proposing) make(ctx context.Context, tx *store.Tx, h *held) error {
	if err := p.s.makeKeys(ctx, p.made, []*held{h}); err != nil {
		return err
	}
	k := p.made[h.tag]
	h.row = store.PersonRow{
		ID: k.person, Restricted: h.row.Restricted, WrappedKey: k.Wrapped.Text, Version: 1, At: p.s.moment(),
	}
	h.key = k.Key
	var err error
	if h.row.Sealed, err = sealPerson(h.key, h.row.ID, h.row.Version, h.person); err != nil {
		return err
	}
	return tx.InsertPersons(ctx, []store.PersonRow{h.row})
}

// merge joins two records.
func (d *deciding) merge(ctx context.Context, tx *store.Tx, e *audit.Entry, p *lockedProposal, said *decided) error {
	if h := p.holder(d.s, p.said.Person.NHSNumber); h != nil && h != p.into || p.holder(d.s, p.said.From.NHSNumber) != p.from {
		return errOvertaken
	}
	by := d.by
	by.Act = string(Merge)
	j := joining{s: d.s, by: by, superseded: p.said.Superseded, into: p.into, from: p.from}
	if err := j.load(ctx, tx); err != nil {
		return err
	}
	if err := j.stillMergeable(ctx, tx); err != nil {
		return err
	}
	moved, err := j.move(ctx, tx, e, j.from, j.into, j.moves)
	if err != nil {
		return err
	}
	for _, l := range moved {
		said.Moved = append(said.Moved, l.row.ID)
	}
	if err := j.join(ctx, tx); err != nil {
		return err
	}
	if j.superseded {
		if said.Accesses, err = j.copyHistory(ctx, tx); err != nil {
			return err
		}
		j.tell(tx, j.into, j.into.plans, textJoined)
	}
	return j.tellOverlaps(ctx, tx, moved)
}

// What other authorities are told.
const (
	textJoined  = "Two records of this person were joined."
	textDivided = "Two records that had been joined are two again: check which of the two your plan is about."
)

// stillMergeable says what keeps a merge from being done that was proposed.
func (j *joining) stillMergeable(ctx context.Context, tx *store.Tx) error {
	if len(j.own(j.from.plans)) == 0 && (!j.superseded || len(j.own(j.into.plans)) == 0) {
		return errOvertaken
	}
	for _, h := range []*held{j.into, j.from} {
		switch astray, err := j.leadsAstray(ctx, tx, h); {
		case err != nil:
			return err
		case astray:
			return errOvertaken
		}
	}
	return j.mergeable()
}

// join makes one person of two, as far as they are: who stays is restricted
// where one of them was, and is found by the numbers of both where one was
// superseded.
func (j *joining) join(ctx context.Context, tx *store.Tx) error {
	restricted := j.into.row.Restricted || j.from.row.Restricted
	var changed, told []*held
	if j.into.row.Restricted != restricted || j.superseded && j.from.row.Restricted != restricted {
		told = append(told, j.into)
	}
	if j.superseded || j.into.row.Restricted != restricted || j.into.person.Vacant {
		changed = append(changed, j.into)
	}
	j.into.person.Vacant, j.into.person.DateOfBirth = false, j.born()
	j.into.row.Restricted = restricted
	if j.superseded {
		for _, n := range j.from.person.numbers() {
			if !j.into.person.has(n) {
				j.into.person.Former = append(j.into.person.Former, n)
			}
		}
		if j.from.row.Restricted != restricted { // should they become two again
			j.from.row.Restricted = restricted
			changed = append(changed, j.from)
		}
	}
	if len(changed) > 0 {
		if err := j.s.updatePersons(ctx, tx, changed...); err != nil {
			return err
		}
	}
	if err := j.s.tellRestrictions(ctx, tx, j.by.Organisation, told); err != nil {
		return err
	}
	return j.retag(ctx, tx)
}

// tellOverlaps tells of other authorities' plans with which those that were
// moved overlap now.
func (j *joining) tellOverlaps(ctx context.Context, tx *store.Tx, moved []ownPlan) error {
	var own []*newPlan
	for _, l := range j.own(moved) {
		own = append(own, &newPlan{ownPlan: l, about: j.into})
	}
	if len(own) == 0 {
		return nil
	}
	all, err := j.s.overlapNews(ctx, tx, own)
	j.s.tell(tx, all...)
	return err
}

// copyHistory copies the earlier accesses to who stays, and gives the copies:
// whoever looks the person up is to see them as before.
func (j *joining) copyHistory(ctx context.Context, tx *store.Tx) ([]uuid.UUID, error) {
	rows, err := tx.History(ctx, []uuid.UUID{j.from.row.ID})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(rows))
	copies := make([]store.AccessCopy, len(rows))
	for i := range rows {
		ids[i] = newID()
		copies[i] = store.AccessCopy{ID: ids[i], Of: rows[i].ID}
		if rows[i].Sealed == nil {
			continue
		}
		text, err := j.from.key.Open(rows[i].Sealed, accessContext(&rows[i]))
		if err != nil {
			j.s.observe.Damaged("access") // who it was stands in the log
			continue
		}
		copies[i].Sealed = j.into.key.Seal(text, accessContext(&store.AccessRow{ID: ids[i]}))
	}
	return ids, tx.CopyAccesses(ctx, j.into.row.ID, copies)
}
