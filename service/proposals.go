package service

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/store"
)

// ChangeKind is a change that needs a second person of the same authority.
type ChangeKind string

// The kinds of changes. Their texts stand in the database and in the log.
const (
	Restrict        ChangeKind = "restrict"
	LiftRestriction ChangeKind = "lift_restriction"
	Merge           ChangeKind = "merge"
	Unmerge         ChangeKind = "unmerge"
)

// Proposal asks for a change that needs a second person. Its texts are as the
// caller sent them.
type Proposal struct {
	Kind       ChangeKind
	NHSNumber  string // of whom to restrict or not; of a merge, the record that stays
	From       string // of a merge: NHS number of the record whose plans move
	Superseded bool   // of a merge: From was this person's own number, and was superseded
	MergeID    string // of undoing a merge: that proposal
	Reason     string
	Request    string `json:"-"` // request id
}

// Proposed is the answer to a Proposal.
type Proposed struct {
	Receipt `json:"-"`

	ID string
}

// ProposeChange asks for a change that needs a second person; the authority is
// told that one is wanted. The error is ErrDenied, *InvalidError,
// *OverloadedError, ErrNotFound (the authority holds no plan about whom it
// names, or knows no such merge), *StateError, ErrReused, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
//
// What keeps the change from being made now is said now; whether it still can
// be made is looked at again when it is accepted.
func (s *Service) ProposeChange(ctx context.Context, c *identity.Caller, q *Proposal) (*Proposed, error) {
	check := checker{form: requestForms, today: s.today()}
	p := proposing{s: s, caller: c, kind: q.Kind, made: newKeys{}}
	p.said, p.merge = q.read(&check)
	p.said.Change, p.said.By = changeBy(c, string(q.Kind), check.reason(q.Reason)), actorOf(c)
	mayPropose(&check, c, q.Kind)
	a := act{
		caller: c, action: policy.ProposeChange, own: true, request: q.Request, asks: q,
		subject: s.subject(p.said.Person.NHSNumber), check: check.err(),
		prepare: func(ctx context.Context) error {
			p.fetchKeys(ctx)
			return nil
		},
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Proposed, error) {
		id, err := p.run(ctx, tx, e)
		return &Proposed{ID: id.String()}, err
	})
}

// read reads the texts of a Proposal.
func (q *Proposal) read(c *checker) (said proposed, merge uuid.UUID) {
	said.Superseded = q.Superseded
	switch q.Kind {
	case Restrict, LiftRestriction, Merge:
		said.Person.NHSNumber = c.number(q.NHSNumber)
		if q.MergeID != "" {
			c.add("merge_id", "is for undoing a merge only", "")
		}
	case Unmerge:
		var err error
		if merge, err = uuid.Parse(q.MergeID); err != nil {
			c.add("merge_id", "must be the identifier of the merge that is to be undone", "")
		}
		if q.NHSNumber != "" {
			c.add("nhs_number", "is not for undoing a merge", "")
		}
	default:
		c.add("kind", "must be restrict, lift_restriction, merge or unmerge", string(Restrict))
	}
	switch {
	case q.Kind != Merge:
		if q.From != "" || q.Superseded {
			c.add("from_nhs_number", "is for merging only", "")
		}
	default:
		said.From.NHSNumber = c.numberOf("from_nhs_number", q.From)
		if n := said.From.NHSNumber; !n.IsZero() && n.is(said.Person.NHSNumber) {
			c.add("from_nhs_number", "is the number of the record that stays", "")
		}
	}
	return said, merge
}

// proposed is what is said in a proposal: sealed under the key of whom it is
// about. Persons are named as the authority had them then.
type proposed struct {
	Change     change
	By         actor
	Person     Person
	From       Person // of a merge
	Superseded bool   // of a merge
}

// sealedProposed is proposed as it is sealed.
type sealedProposed struct {
	Change     change        `json:"change"`
	By         actor         `json:"by,omitzero"`
	Person     sealedPerson  `json:"person"`
	From       *sealedPerson `json:"from,omitempty"`
	Superseded bool          `json:"superseded,omitempty"`
}

// decided is what is said in the decision about a proposal, and what was done
// that may have to be undone. It is sealed likewise.
type decided struct {
	Change   change      `json:"change"`
	Moved    []uuid.UUID `json:"moved,omitempty"`    // plans, by a merge
	Accesses []uuid.UUID `json:"accesses,omitempty"` // copied to whom the plans were moved, by a merge
}

// What is sealed of a proposal counts as its versions.
const (
	proposalTable   = "proposal"
	versionProposed = 1
	versionDecided  = 2
)

func sealProposed(key *keys.DataKey, id uuid.UUID, said *proposed) ([]byte, error) {
	sealed := sealedProposed{said.Change, said.By, textsOf(&said.Person), nil, said.Superseded}
	if !said.From.NHSNumber.IsZero() {
		from := textsOf(&said.From)
		sealed.From = &from
	}
	return sealJSON(key, proposalTable, id, versionProposed, sealed)
}

func (s *Service) openProposed(key *keys.DataKey, row *store.ProposalRow) (said proposed, err error) {
	var sealed sealedProposed
	if openJSON(key, proposalTable, row.ID, versionProposed, row.Proposed, &sealed) != nil {
		return said, s.damaged(proposalTable)
	}
	said = proposed{Change: sealed.Change, By: sealed.By, Superseded: sealed.Superseded}
	if said.By == (actor{}) { // an earlier version wrote it
		said.By.ID = said.Change.Actor
	}
	if said.Person, err = sealed.Person.read(); err == nil && sealed.From != nil {
		said.From, err = sealed.From.read()
	}
	if err != nil {
		return said, s.damaged(proposalTable)
	}
	return said, nil
}

func (s *Service) openDecided(key *keys.DataKey, row *store.ProposalRow) (said decided, err error) {
	if openJSON(key, proposalTable, row.ID, versionDecided, row.Decided, &said) != nil {
		return said, s.damaged(proposalTable)
	}
	return said, nil
}

// proposing is a Proposal on its way through the door.
type proposing struct {
	s      *Service
	caller *identity.Caller
	kind   ChangeKind
	said   proposed
	merge  uuid.UUID // to be undone
	made   newKeys   // for the record that stays, where nothing is held under its number
}

// fetchKeys gets the keys that will be needed before a transaction waits for
// them.
func (p *proposing) fetchKeys(ctx context.Context) {
	switch p.kind {
	case Unmerge:
		p.s.fetchKeysOfProposal(ctx, p.caller.Organisation, p.merge.String())
	case Merge:
		own := []NHSNumber{p.said.From.NHSNumber}
		if p.said.Superseded {
			own = append(own, p.said.Person.NHSNumber)
		}
		if p.s.fetchKeysOf(ctx, p.caller.Organisation, own...) {
			p.s.fetchKey(ctx, p.made, p.said.Person.NHSNumber)
		}
	case Restrict, LiftRestriction:
		p.s.fetchKeysOf(ctx, p.caller.Organisation, p.said.Person.NHSNumber)
	}
}

// run keeps the proposal. It may run again.
func (p *proposing) run(ctx context.Context, tx *store.Tx, e *audit.Entry) (uuid.UUID, error) {
	e.Reason = string(p.kind)
	said := p.said // a copy: persons are filled in
	var about *proposal
	var err error
	switch p.kind {
	case Merge:
		about, err = p.aboutMerge(ctx, tx, &said)
	case Unmerge:
		about, err = p.aboutUnmerge(ctx, tx, &said)
	case Restrict, LiftRestriction:
		about, err = p.aboutPerson(ctx, tx, &said)
	}
	if err != nil {
		return uuid.Nil, err
	}
	e.Subject, e.Restricted = p.s.subject(said.Person.NHSNumber), about.restricted()
	return p.keep(ctx, tx, about, &said)
}

// proposal is a proposal and whom it is about, locked and opened.
type proposal struct {
	row  store.ProposalRow
	into *held // of a merge, who stays; else whom it is about
	from *held // of a merge; else nil
	told *held // a person about whom the authority holds a plan
}

func (p *proposal) restricted() bool {
	return p.into.row.Restricted || p.from != nil && p.from.row.Restricted
}

// keep writes the proposal, unless one of its kind is open, and tells the
// authority that a second person is wanted.
func (p *proposing) keep(ctx context.Context, tx *store.Tx, about *proposal, said *proposed) (uuid.UUID, error) {
	open, err := tx.OpenProposal(ctx, p.caller.Organisation, about.into.row.ID, string(p.kind))
	switch {
	case err == nil:
		return uuid.Nil, &StateError{"your proposal " + open.ID.String() + " of the same kind is open: decide it first"}
	case !errors.Is(err, store.ErrNotFound):
		return uuid.Nil, err
	}
	row := store.ProposalRow{
		ID: newID(), Authority: p.caller.Organisation, Kind: string(p.kind), State: string(Open),
		Person: about.into.row.ID, Merge: p.merge, ProposedAt: p.s.moment(),
		ProposedBy: said.Change.Actor, ProposedIssuer: said.By.Issuer,
	}
	if about.from != nil {
		row.From = about.from.row.ID
	}
	if row.Proposed, err = sealProposed(about.into.key, row.ID, said); err != nil {
		return uuid.Nil, err
	}
	p.s.tell(tx, news{
		to: p.caller.Organisation, kind: NoticeChangeProposed, person: about.told.row.ID, key: about.told.key,
		organisation: p.caller.Organisation, reference: row.ID.String(),
		who: who{Name: said.Change.Name}, text: said.Change.Reason,
	})
	return row.ID, tx.InsertProposal(ctx, &row)
}

// findProposal finds a proposal of an authority. One of another is not found,
// like one that does not exist.
func findProposal(
	ctx context.Context, find func(context.Context, uuid.UUID) (store.ProposalRow, error), authority, id string,
) (store.ProposalRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return store.ProposalRow{}, ErrNotFound
	}
	row, err := find(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Authority != authority {
		return store.ProposalRow{}, ErrNotFound
	}
	return row, err
}

// parties are the persons of a proposal.
func parties(row *store.ProposalRow) []uuid.UUID {
	if row.From == uuid.Nil {
		return []uuid.UUID{row.Person}
	}
	return []uuid.UUID{row.Person, row.From}
}

// fetchKeysOfProposal is fetchKeysOf for the persons of a proposal.
func (s *Service) fetchKeysOfProposal(ctx context.Context, authority, id string) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	row, err := findProposal(ctx, s.db.Proposal, authority, id)
	if err != nil {
		return
	}
	rows, err := s.db.Persons(ctx, parties(&row))
	if err != nil {
		return
	}
	var all []*held
	for _, r := range rows {
		all = append(all, &held{row: r})
	}
	_ = s.unwrapKeys(ctx, slices.DeleteFunc(all, (*held).erased))
}

// erased says whether nothing about the person can be opened any more.
func (h *held) erased() bool { return h.row.WrappedKey == "" }
