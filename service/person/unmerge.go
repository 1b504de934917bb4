package person

import (
	"context"
	"slices"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

// undoing is a merge that is to be undone.
type undoing struct {
	joining

	merge store.ProposalRow
	said  proposed // in the merge
	done  decided  // by the merge
}

// undo begins to undo a merge of the authority that acts. Its persons are
// locked.
func (s *Persons) undo(ctx context.Context, tx *store.Tx, by record.Author, p *proposal) (*undoing, error) {
	by.Act = string(Unmerge)
	u := undoing{merge: p.row}
	var err error
	if u.said, err = s.openProposed(p.into.Key, &u.merge); err != nil {
		return nil, err
	}
	if u.done, err = s.openDecided(p.into.Key, &u.merge); err != nil {
		return nil, err
	}
	u.joining = joining{s: s, by: by, superseded: u.said.Superseded, into: p.into, from: p.from}
	if err := u.load(ctx, tx); err != nil {
		return nil, err
	}
	return &u, u.reversible(ctx, tx)
}

// undone is what undoing the merge moves.
func (u *undoing) undone() moving { return moving{u.into, u.from, u.movesBack} }

// movesBack reports whether undoing the merge moves a plan: what the merge moved,
// of the authority's own if the merge moved no others, and what was
// registered since under a number of the record that is to be again.
func (u *undoing) movesBack(l *record.Plan) bool {
	switch {
	case slices.Contains(u.done.Moved, l.Row.ID):
		return u.merges(l)
	case !u.superseded || l.Under == "":
		return false
	}
	n, problem := domain.StoredNHSNumber(l.Under)
	return problem == "" && u.from.Person.Has(n)
}

// reversible says what keeps the merge from being undone.
func (u *undoing) reversible(ctx context.Context, tx *store.Tx) error {
	undone, err := tx.Proposals.Undone(ctx, u.merge.ID)
	if err != nil {
		return err
	}
	astray, err := u.conflictsElsewhere(ctx, tx, u.from)
	if err != nil {
		return err
	}
	switch {
	case undone:
		return &guard.StateError{Problem: "the merge was undone before"}
	case astray:
		return &guard.StateError{Problem: "a number of the record that was moved leads to another record by now: undo a later merge first, or propose to merge this one into that"}
	case u.superseded && u.from.Person.Has(u.into.Person.NHSNumber):
		return &guard.StateError{Problem: "a number of the record that was moved is the current one of the other by now: replace that first"}
	}
	if err := u.movedOn(ctx, tx); err != nil {
		return err
	}
	if !u.superseded && !slices.ContainsFunc(u.into.Plans, func(l record.Plan) bool { return u.movesBack(&l) }) {
		return &guard.StateError{Problem: "none of the plans that the merge moved is left"}
	}
	return u.movable(u.undone())
}

// movedOn refuses if a plan of the authority has been moved further: it would
// be left with whom it is not about. What others moved further they have put
// right themselves.
func (u *undoing) movedOn(ctx context.Context, tx *store.Tx) error {
	for _, id := range u.done.Moved {
		if slices.ContainsFunc(u.into.Plans, func(l record.Plan) bool { return l.Row.ID == id }) {
			continue
		}
		row, err := tx.Plans.Get(ctx, id)
		if err != nil {
			return err
		}
		l := record.Plan{Row: row}
		if u.owns(&l) && !row.Removed && row.Person != u.from.Row.ID {
			return &guard.StateError{Problem: l.Name() + " was moved on by a later merge: undo that one first"}
		}
	}
	return nil
}

// aboutUnmerge finds the merge that is to be undone.
func (p *proposing) aboutUnmerge(ctx context.Context, tx *store.Tx, said *proposed) (*proposal, error) {
	row, err := guard.FindOwn(ctx, tx.Proposals.Get, p.caller.Organisation, p.merge.String())
	switch {
	case err != nil:
		return nil, err
	case ChangeKind(row.Kind) != Merge:
		return nil, guard.ErrNotFound
	}
	rows, err := tx.People.Lock(ctx, parties(&row))
	if err != nil {
		return nil, err
	}
	if row, err = tx.Proposals.Get(ctx, row.ID); err != nil { // as it is now that its persons are locked
		return nil, err
	}
	if domain.State(row.State) != domain.Accepted {
		return nil, &guard.StateError{Problem: "the merge was not accepted: there is nothing to undo"}
	}
	out := &proposal{row: row}
	if err := p.s.openParties(ctx, out, rows); err != nil {
		return nil, err
	}
	u, err := p.s.undo(ctx, tx, said.Change, out)
	if err != nil {
		return nil, err
	}
	said.Person, said.From, said.Superseded = u.said.Person, u.said.From, u.superseded
	out.told = out.into
	if len(u.own(u.into.Plans)) == 0 {
		out.told = out.from
	}
	return out, nil
}

// unmerge makes two records of one again.
func (d *deciding) unmerge(ctx context.Context, tx *store.Tx, e *audit.Entry, p *lockedProposal) error {
	merge, err := tx.Proposals.Get(ctx, p.row.Merge)
	if err != nil {
		return err
	}
	u, err := d.s.undo(ctx, tx, d.by, &proposal{row: merge, into: p.into, from: p.from})
	if err != nil {
		return err
	}
	if _, err := u.move(ctx, tx, e, u.undone()); err != nil {
		return err
	}
	if err := u.divide(ctx, tx); err != nil {
		return err
	}
	if err := tx.Accesses.MarkCopies(ctx, u.done.Accesses, d.s.clock.Moment()); err != nil {
		return err
	}
	u.tellDivided(tx)
	return nil
}

// divide makes two persons of one, as far as they were: who goes is restricted
// if the other is, because nobody knows who was meant.
func (u *undoing) divide(ctx context.Context, tx *store.Tx) error {
	var changed, told []*record.Record
	if u.superseded {
		u.into.Person.Former = slices.DeleteFunc(u.into.Person.Former, u.from.Person.Has)
		changed = append(changed, u.into)
	}
	restricted, vacant := u.from.Row.Restricted || u.into.Row.Restricted, u.from.Person.Vacant && len(u.from.Plans) == 0
	if restricted != u.from.Row.Restricted {
		told = append(told, u.from)
	}
	if restricted != u.from.Row.Restricted || vacant != u.from.Person.Vacant {
		u.from.Row.Restricted, u.from.Person.Vacant = restricted, vacant
		changed = append(changed, u.from)
	}
	if len(changed) > 0 {
		if err := u.s.records.UpdatePersons(ctx, tx, changed...); err != nil {
			return err
		}
	}
	if err := u.s.notices.TellRestrictions(ctx, tx, u.by.Organisation, told); err != nil {
		return err
	}
	return u.retag(ctx, tx)
}

// tellDivided tells other authorities: if all plans had moved, those that
// hold any; else those to whom the authority transferred what it had moved.
func (u *undoing) tellDivided(tx *store.Tx) {
	if u.superseded {
		u.tell(tx, u.into, u.into.Plans, textDivided)
		u.tell(tx, u.from, u.from.Plans, textDivided)
		return
	}
	var left []record.Plan
	for _, l := range u.into.Plans {
		if slices.Contains(u.done.Moved, l.Row.ID) {
			left = append(left, l)
		}
	}
	u.tell(tx, u.into, left, textDivided)
}
