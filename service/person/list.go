package person

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// ProposedChange is a change that needs a second person. Persons are named as
// the authority had them when it was proposed.
type ProposedChange struct {
	ID         string
	Kind       ChangeKind
	State      domain.State
	Person     domain.Person // of a merge: the record that stays
	From       domain.Person // of a merge and of undoing one: the record whose plans move
	Superseded bool
	Proposed   domain.Change
	Decided    *domain.Change // nil while open
}

// ChangeQuery asks for the proposals of the caller's authority.
type ChangeQuery struct {
	ID       string // only this one
	OpenOnly bool   // only those that nobody has decided about
	Paging   guard.Paging
	Request  string // request id
}

// ChangePage is a part of the proposals of an authority.
type ChangePage struct {
	guard.Receipt

	Changes []ProposedChange // the newest first
	Next    string           // where to go on; empty at the end
}

// ListChanges shows the proposals of the caller's authority, the newest first. If one
// alone is asked for, the error may be ErrNotFound (also for one of others).
func (s *Persons) ListChanges(ctx context.Context, c *identity.Caller, q *ChangeQuery) (*ChangePage, error) {
	check := domain.Reader{Form: domain.RequestForms}
	size, before := q.Paging.Read(&check, uuid.Nil)
	a := guard.Act{
		Caller: c, Action: policy.ListPlans, Own: true, Request: q.Request, Target: guard.Target(guard.KindProposal, q.ID), Check: check.Err(),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ChangePage, error) {
		rows, err := q.find(ctx, tx, c.Organisation, before, size)
		if err != nil {
			return nil, err
		}
		out := &ChangePage{}
		if out.Changes, e.Restricted, err = s.openProposals(ctx, tx, rows); err != nil {
			return nil, err
		}
		if q.ID == "" && len(rows) > 0 {
			out.Next = guard.Next(len(rows), size, rows[len(rows)-1].ID)
		}
		e.Counts = audit.Counts{"changes": int64(len(rows))}
		guard.Show(e, guard.KindProposal, out.Changes, func(c *ProposedChange) string { return c.ID })
		return out, nil
	})
}

// find finds the proposals of an authority that are asked for.
func (q *ChangeQuery) find(ctx context.Context, tx *store.Tx, authority string, before uuid.UUID, size int) ([]store.ProposalRow, error) {
	if q.ID == "" {
		return tx.Proposals.List(ctx, authority, q.OpenOnly, before, size)
	}
	row, err := guard.FindOwn(ctx, tx.Proposals.Get, authority, q.ID)
	return []store.ProposalRow{row}, err
}

// openProposals opens proposals, and reports whether anybody whom they are about is
// restricted. Of somebody who was erased nothing is shown but where it stands.
func (s *Persons) openProposals(
	ctx context.Context, tx *store.Tx, rows []store.ProposalRow,
) (changes []ProposedChange, restricted bool, err error) {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Person
	}
	byID, err := s.records.OpenPersons(ctx, tx, ids)
	if err != nil {
		return nil, false, err
	}
	changes = make([]ProposedChange, len(rows))
	for i := range rows {
		about := byID[rows[i].Person]
		if changes[i], err = s.openProposal(about, &rows[i]); err != nil {
			return nil, false, err
		}
		restricted = restricted || about != nil && about.Row.Restricted
	}
	return changes, restricted, nil
}

// openProposal opens a proposal about somebody; nil if that was erased.
func (s *Persons) openProposal(about *record.Record, row *store.ProposalRow) (ProposedChange, error) {
	out := ProposedChange{ID: row.ID.String(), Kind: ChangeKind(row.Kind), State: domain.State(row.State)}
	out.Proposed = domain.Change{Actor: row.ProposedBy, Organisation: row.Authority, At: row.ProposedAt}
	if out.State != domain.Open {
		out.Decided = &domain.Change{Actor: row.DecidedBy, Organisation: row.Authority, At: row.DecidedAt}
	}
	if about == nil {
		return out, nil
	}
	said, err := s.openProposed(about.Key, row)
	if err != nil {
		return out, err
	}
	out.Person, out.From, out.Superseded = said.Person, said.From, said.Superseded
	out.Proposed = said.Change.Shown(row.ProposedAt)
	if out.Decided != nil {
		done, err := s.openDecided(about.Key, row)
		if err != nil {
			return out, err
		}
		made := done.Change.Shown(row.DecidedAt)
		out.Decided = &made
	}
	return out, nil
}
