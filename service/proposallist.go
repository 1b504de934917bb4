package service

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// ProposedChange is a change that needs a second person. Persons are named as
// the authority had them when it was proposed.
type ProposedChange struct {
	ID         string
	Kind       ChangeKind
	State      State
	Person     Person // of a merge: the record that stays
	From       Person // of a merge and of undoing one: the record whose plans move
	Superseded bool
	Proposed   Change
	Decided    *Change // nil while open
}

// ChangeQuery asks for the proposals of the caller's authority.
type ChangeQuery struct {
	OpenOnly bool // only those that nobody has decided about
	Paging   Paging
	Request  string // request id
}

// ChangePage is a part of the proposals of an authority.
type ChangePage struct {
	Receipt

	Changes []ProposedChange // the newest first
	Next    string           // where to go on; empty at the end
}

// ListChanges shows the proposals of the caller's authority, the newest first.
// The error is ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) ListChanges(ctx context.Context, c *identity.Caller, q *ChangeQuery) (*ChangePage, error) {
	check := checker{form: requestForms}
	size, before := q.Paging.read(&check, uuid.Nil)
	a := act{caller: c, action: policy.ListPlans, own: true, request: q.Request, check: check.err()}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ChangePage, error) {
		rows, err := tx.Proposals(ctx, c.Organisation, q.OpenOnly, before, size)
		if err != nil {
			return nil, err
		}
		out := &ChangePage{}
		if out.Changes, e.Restricted, err = s.openProposals(ctx, tx, rows); err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			out.Next = next(len(rows), size, rows[len(rows)-1].ID)
		}
		e.Counts = audit.Counts{"changes": int64(len(rows))}
		return out, nil
	})
}

// openProposals opens proposals, and says whether anybody whom they are about is
// restricted. Of somebody who was erased nothing is shown but where it stands.
func (s *Service) openProposals(
	ctx context.Context, tx *store.Tx, rows []store.ProposalRow,
) (changes []ProposedChange, restricted bool, err error) {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Person
	}
	byID, err := s.openPersons(ctx, tx, ids)
	if err != nil {
		return nil, false, err
	}
	changes = make([]ProposedChange, len(rows))
	for i := range rows {
		about := byID[rows[i].Person]
		if changes[i], err = s.openProposal(about, &rows[i]); err != nil {
			return nil, false, err
		}
		restricted = restricted || about != nil && about.row.Restricted
	}
	return changes, restricted, nil
}

// openProposal opens a proposal about somebody; nil where that was erased.
func (s *Service) openProposal(about *held, row *store.ProposalRow) (ProposedChange, error) {
	out := ProposedChange{ID: row.ID.String(), Kind: ChangeKind(row.Kind), State: State(row.State)}
	out.Proposed = Change{Actor: row.ProposedBy, Organisation: row.Authority, At: row.ProposedAt}
	if out.State != Open {
		out.Decided = &Change{Actor: row.DecidedBy, Organisation: row.Authority, At: row.DecidedAt}
	}
	if about == nil {
		return out, nil
	}
	said, err := s.openProposed(about.key, row)
	if err != nil {
		return out, err
	}
	out.Person, out.From, out.Superseded = said.Person, said.From, said.Superseded
	out.Proposed = said.Change.made(row.ProposedAt)
	if out.Decided != nil {
		done, err := s.openDecided(about.key, row)
		if err != nil {
			return out, err
		}
		made := done.Change.made(row.DecidedAt)
		out.Decided = &made
	}
	return out, nil
}
