package service

import (
	"context"
	"slices"

	"cpis/audit"
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
func (s *Service) undo(ctx context.Context, tx *store.Tx, by change, p *proposal) (*undoing, error) {
	by.Act = string(Unmerge)
	u := undoing{merge: p.row}
	var err error
	if u.said, err = s.openProposed(p.into.key, &u.merge); err != nil {
		return nil, err
	}
	if u.done, err = s.openDecided(p.into.key, &u.merge); err != nil {
		return nil, err
	}
	u.joining = joining{s: s, by: by, superseded: u.said.Superseded, into: p.into, from: p.from}
	if err := u.load(ctx, tx); err != nil {
		return nil, err
	}
	return &u, u.reversible(ctx, tx)
}

// goesBack says whether undoing the merge moves a plan: what the merge moved,
// of the authority's own where the merge moved no others, and what was
// registered since under a number of the record that is to be again.
func (u *undoing) goesBack(l *ownPlan) bool {
	switch {
	case slices.Contains(u.done.Moved, l.row.ID):
		return u.moves(l)
	case !u.superseded || l.Under == "":
		return false
	}
	n, problem := storedNHSNumber(l.Under)
	return problem == "" && u.from.person.has(n)
}

// reversible says what keeps the merge from being undone.
func (u *undoing) reversible(ctx context.Context, tx *store.Tx) error {
	undone, err := tx.Undone(ctx, u.merge.ID)
	if err != nil {
		return err
	}
	astray, err := u.leadsAstray(ctx, tx, u.from)
	if err != nil {
		return err
	}
	switch {
	case undone:
		return &StateError{"the merge was undone before"}
	case astray:
		return &StateError{"a number of the record that was moved leads to another record by now: undo a later merge first, or propose to merge this one into that"}
	case u.superseded && u.from.person.has(u.into.person.NHSNumber):
		return &StateError{"a number of the record that was moved is the current one of the other by now: replace that first"}
	}
	if err := u.movedOn(ctx, tx); err != nil {
		return err
	}
	if !u.superseded && !slices.ContainsFunc(u.into.plans, func(l ownPlan) bool { return u.goesBack(&l) }) {
		return &StateError{"none of the plans that the merge moved is left"}
	}
	return u.movable(u.into, u.from, u.goesBack)
}

// movedOn refuses where a plan of the authority has been moved further: it would
// be left with whom it is not about. What others moved further they have put
// right themselves.
func (u *undoing) movedOn(ctx context.Context, tx *store.Tx) error {
	for _, id := range u.done.Moved {
		if slices.ContainsFunc(u.into.plans, func(l ownPlan) bool { return l.row.ID == id }) {
			continue
		}
		row, err := tx.Plan(ctx, id)
		if err != nil {
			return err
		}
		l := ownPlan{row: row}
		if u.owns(&l) && !row.Removed && row.Person != u.from.row.ID {
			return &StateError{l.name() + " was moved on by a later merge: undo that one first"}
		}
	}
	return nil
}

// aboutUnmerge finds the merge that is to be undone.
func (p *proposing) aboutUnmerge(ctx context.Context, tx *store.Tx, said *proposed) (*proposal, error) {
	row, err := findProposal(ctx, tx.Proposal, p.caller.Organisation, p.merge.String())
	switch {
	case err != nil:
		return nil, err
	case ChangeKind(row.Kind) != Merge:
		return nil, ErrNotFound
	}
	rows, err := tx.LockPersons(ctx, parties(&row))
	if err != nil {
		return nil, err
	}
	if row, err = tx.Proposal(ctx, row.ID); err != nil { // as it is now that its persons are locked
		return nil, err
	}
	if State(row.State) != Accepted {
		return nil, &StateError{"the merge was not accepted: there is nothing to undo"}
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
	if len(u.own(u.into.plans)) == 0 {
		out.told = out.from
	}
	return out, nil
}

// unmerge makes two records of one again.
func (d *deciding) unmerge(ctx context.Context, tx *store.Tx, e *audit.Entry, p *lockedProposal) error {
	merge, err := tx.Proposal(ctx, p.row.Merge)
	if err != nil {
		return err
	}
	u, err := d.s.undo(ctx, tx, d.by, &proposal{row: merge, into: p.into, from: p.from})
	if err != nil {
		return err
	}
	if _, err := u.move(ctx, tx, e, u.into, u.from, u.goesBack); err != nil {
		return err
	}
	if err := u.divide(ctx, tx); err != nil {
		return err
	}
	if err := tx.MarkCopies(ctx, u.done.Accesses, d.s.moment()); err != nil {
		return err
	}
	u.tellDivided(tx)
	return nil
}

// divide makes two persons of one, as far as they were: who goes is restricted
// where the other is, because nobody knows who was meant.
func (u *undoing) divide(ctx context.Context, tx *store.Tx) error {
	var changed, told []*held
	if u.superseded {
		u.into.person.Former = slices.DeleteFunc(u.into.person.Former, u.from.person.has)
		changed = append(changed, u.into)
	}
	restricted, vacant := u.from.row.Restricted || u.into.row.Restricted, u.from.person.Vacant && len(u.from.plans) == 0
	if restricted != u.from.row.Restricted {
		told = append(told, u.from)
	}
	if restricted != u.from.row.Restricted || vacant != u.from.person.Vacant {
		u.from.row.Restricted, u.from.person.Vacant = restricted, vacant
		changed = append(changed, u.from)
	}
	if len(changed) > 0 {
		if err := u.s.updatePersons(ctx, tx, changed...); err != nil {
			return err
		}
	}
	if err := u.s.tellRestrictions(ctx, tx, u.by.Organisation, told); err != nil {
		return err
	}
	return u.retag(ctx, tx)
}

// tellDivided tells other authorities: where all plans had moved, those that
// hold any; else those to whom the authority transferred what it had moved.
func (u *undoing) tellDivided(tx *store.Tx) {
	if u.superseded {
		u.tell(tx, u.into, u.into.plans, textDivided)
		u.tell(tx, u.from, u.from.plans, textDivided)
		return
	}
	var left []ownPlan
	for _, l := range u.into.plans {
		if slices.Contains(u.done.Moved, l.row.ID) {
			left = append(left, l)
		}
	}
	u.tell(tx, u.into, left, textDivided)
}
