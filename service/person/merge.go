package person

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

// Two records are of one person. If one was made under a number that was
// never the person's, the authority that made it moves its own plans to the
// right one, and nobody is found by the wrong number any more. If the number
// was superseded, all plans move, whosever they are, and look-ups find the
// person by both. What is moved is sealed anew, under the other person's key:
// a version like any other, so that nothing is lost and all can be undone.

// aboutMerge finds the two records, and creates the one that stays if nothing
// is held under its number. Nobody finds that before the merge is accepted.
func (p *proposing) aboutMerge(ctx context.Context, tx *store.Tx, said *proposed) (*proposal, error) {
	s := p.s
	into, from, err := p.findTwo(ctx, tx, said)
	if err != nil {
		return nil, err
	}
	j := joining{s: s, by: said.Change, superseded: said.Superseded, into: into, from: from}
	if !into.IsNew() {
		err = s.records.OpenAlone(ctx, into, from)
	} else if err = s.records.OpenAlone(ctx, from); err == nil {
		into.Person.DateOfBirth, into.Row.Restricted = from.Person.DateOfBirth, from.Row.Restricted
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
	at, there := j.own(into.Plans), j.own(from.Plans)
	switch {
	case len(at) == 0:
		at = there
	case len(there) == 0:
		there, out.told = at, into
	}
	born := j.born()
	said.From = record.RecordedAs(said.From.NHSNumber, born, there)
	said.Person = record.RecordedAs(said.Person.NHSNumber, born, at)
	if into.IsNew() {
		into.Person = said.Person
		return out, p.make(ctx, tx, into)
	}
	return out, nil
}

// withoutProof makes a record of which only others hold plans one that is not
// found, if the date of birth does not show that the authority knows whom it
// is about.
func (j *joining) withoutProof(err error) error {
	if errors.Is(err, guard.ErrWrongPerson) && len(j.own(j.from.Plans)) == 0 {
		return errors.Join(guard.ErrNotFound, guard.ErrWrongPerson)
	}
	return err
}

// findTwo finds and locks the records of a merge. The one that stays is new
// if nothing is held.
func (p *proposing) findTwo(ctx context.Context, tx *store.Tx, said *proposed) (into, from *record.Record, err error) {
	numbers := []domain.NHSNumber{said.Person.NHSNumber, said.From.NHSNumber}
	found, err := p.s.records.Find(ctx, tx, tx.People.LockByTags, p.caller.Organisation, numbers)
	if err != nil {
		return nil, nil, err
	}
	tag := p.s.ring.LocalTag(said.Person.NHSNumber.Reveal())
	into, from = found[tag], found[p.s.ring.LocalTag(said.From.NHSNumber.Reveal())]
	var v domain.Violations
	switch {
	case from == nil, len(from.Plans) == 0 && (!said.Superseded || into == nil || len(into.Plans) == 0):
		return nil, nil, guard.ErrNotFound
	case into == from:
		v.Add("from_nhs_number", "is of the same record already", "")
	case into == nil && said.Superseded:
		v.Add("nhs_number", "is of no record: replace the old number by it instead", "")
	case into == nil:
		into = &record.Record{Tag: tag}
	}
	return into, from, v.Err()
}

// make creates the record that stays.
func (p *proposing) make(ctx context.Context, tx *store.Tx, h *record.Record) error {
	if err := p.s.records.MakeKeys(ctx, p.made, []*record.Record{h}); err != nil {
		return err
	}
	k := p.made[h.Tag]
	h.Row = store.PersonRow{
		ID: k.Person, Restricted: h.Row.Restricted, WrappedKey: k.Wrapped.Text, Version: 1, At: p.s.clock.Moment(),
	}
	h.Key = k.Key
	var err error
	if h.Row.Sealed, err = record.SealPerson(h.Key, h.Row.ID, h.Row.Version, h.Person); err != nil {
		return err
	}
	return tx.People.Insert(ctx, []store.PersonRow{h.Row})
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
	j.into.Person.DateOfBirth = j.born() // what finds the plans that are moved is made of it
	moved, err := j.move(ctx, tx, e, j.merging())
	if err != nil {
		return err
	}
	for _, l := range moved {
		said.Moved = append(said.Moved, l.Row.ID)
	}
	if err := j.join(ctx, tx); err != nil {
		return err
	}
	if j.superseded {
		if said.Accesses, err = j.copyHistory(ctx, tx); err != nil {
			return err
		}
		j.tell(tx, j.into, j.into.Plans, textJoined)
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
	if len(j.own(j.from.Plans)) == 0 && (!j.superseded || len(j.own(j.into.Plans)) == 0) {
		return errOvertaken
	}
	for _, h := range []*record.Record{j.into, j.from} {
		switch astray, err := j.conflictsElsewhere(ctx, tx, h); {
		case err != nil:
			return err
		case astray:
			return errOvertaken
		}
	}
	return j.mergeable()
}

// join makes one person of two, as far as they are: who stays is restricted
// if one of them was, and is found by the numbers of both if one was
// superseded.
func (j *joining) join(ctx context.Context, tx *store.Tx) error {
	restricted := j.into.Row.Restricted || j.from.Row.Restricted
	var changed, told []*record.Record
	if j.into.Row.Restricted != restricted || j.superseded && j.from.Row.Restricted != restricted {
		told = append(told, j.into)
	}
	if j.superseded || j.into.Row.Restricted != restricted || j.into.Person.Vacant {
		changed = append(changed, j.into)
	}
	j.into.Person.Vacant, j.into.Person.DateOfBirth = false, j.born()
	j.into.Row.Restricted = restricted
	if j.superseded {
		for _, n := range j.from.Person.Numbers() {
			if !j.into.Person.Has(n) {
				j.into.Person.Former = append(j.into.Person.Former, n)
			}
		}
		if j.from.Row.Restricted != restricted { // should they become two again
			j.from.Row.Restricted = restricted
			changed = append(changed, j.from)
		}
	}
	if len(changed) > 0 {
		if err := j.s.records.UpdatePersons(ctx, tx, changed...); err != nil {
			return err
		}
	}
	if err := j.s.notices.TellRestrictions(ctx, tx, j.by.Organisation, told); err != nil {
		return err
	}
	return j.retag(ctx, tx)
}

// tellOverlaps tells of other authorities' plans with which those that were
// moved overlap now.
func (j *joining) tellOverlaps(ctx context.Context, tx *store.Tx, moved []record.Plan) error {
	var own []*record.NewPlan
	for _, l := range j.own(moved) {
		own = append(own, &record.NewPlan{Plan: l, About: j.into})
	}
	if len(own) == 0 {
		return nil
	}
	all, err := j.s.notices.OverlapNews(ctx, tx, own)
	j.s.notices.Tell(tx, all...)
	return err
}

// copyHistory copies the earlier accesses to who stays, and returns the copies:
// whoever looks the person up is to see them as before.
func (j *joining) copyHistory(ctx context.Context, tx *store.Tx) ([]uuid.UUID, error) {
	rows, err := tx.Accesses.History(ctx, []uuid.UUID{j.from.Row.ID})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var ids []uuid.UUID
	var copies []store.AccessRow
	for i := range rows {
		if rows[i].Damage.Has(store.DamagedAccess) {
			continue // somebody was woken; it stands in the log
		}
		a := rows[i]
		a.ID, a.Person, a.Sealed = guard.NewID(), j.into.Row.ID, nil
		if text, ok := j.openAccess(&rows[i]); ok {
			a.Sealed = j.into.Key.Seal(text, record.AccessContext(a.ID))
		}
		ids, copies = append(ids, a.ID), append(copies, a)
	}
	return ids, tx.Accesses.Copy(ctx, copies)
}

// openAccess opens who it was. If that is not there, it stands in the log.
func (j *joining) openAccess(a *store.AccessRow) (text []byte, ok bool) {
	if a.Sealed == nil {
		return nil, false
	}
	text, err := j.from.Key.Open(a.Sealed, record.AccessContext(a.ID))
	if err != nil {
		j.s.observe.Damaged(record.TableAccess)
	}
	return text, err == nil
}
