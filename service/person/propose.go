package person

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/record"
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

// ProposeChangeRequest asks for a change that needs a second person. Its texts are as the
// caller sent them.
type ProposeChangeRequest struct {
	Kind       ChangeKind
	NHSNumber  string // of whom to restrict or not; of a merge, the record that stays
	From       string // of a merge: NHS number of the record whose plans move
	Superseded bool   // of a merge: From was this person's own number, and was superseded
	MergeID    string // of undoing a merge: that proposal
	Reason     string
	Request    string `json:"-"` // request id
}

// ProposeChangeResult is the answer to ProposeChange.
type ProposeChangeResult struct {
	guard.Receipt `json:"-"`

	ID string
}

// ProposeChange asks for a change that needs a second person; the authority is
// told that one is wanted. Its own errors are ErrNotFound (the authority holds
// no plan about whom it names, or knows no such merge) and *StateError.
//
// What keeps the change from being made now is said now; whether it still can
// be made is looked at again when it is accepted.
func (s *Persons) ProposeChange(ctx context.Context, c *identity.Caller, q *ProposeChangeRequest) (*ProposeChangeResult, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	p := proposing{s: s, caller: c, kind: q.Kind, made: record.NewKeys{}}
	p.said, p.merge = q.read(&check)
	p.said.Change, p.said.By = record.AuthorOf(c, string(q.Kind), check.Reason(q.Reason)), actorOf(c)
	mayPropose(&check, c, q.Kind)
	a := guard.Act{
		Caller: c, Action: policy.ProposeChange, Own: true, Request: q.Request, Asks: q,
		Subject: s.records.Subject(p.said.Person.NHSNumber), Target: guard.Target(guard.KindProposal, q.MergeID), Check: check.Err(),
		Prepare: func(ctx context.Context) error {
			p.fetchKeys(ctx)
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ProposeChangeResult, error) {
		id, err := p.run(ctx, tx, e)
		if err == nil {
			guard.ShowOne(e, guard.KindProposal, id)
		}
		return &ProposeChangeResult{ID: id.String()}, err
	})
}

// read reads the texts of the request.
func (q *ProposeChangeRequest) read(c *domain.Reader) (said proposed, merge uuid.UUID) {
	said.Superseded = q.Superseded
	switch q.Kind {
	case Restrict, LiftRestriction, Merge:
		said.Person.NHSNumber = c.Number(q.NHSNumber)
		if q.MergeID != "" {
			c.Add("merge_id", "is for undoing a merge only", "")
		}
	case Unmerge:
		var err error
		if merge, err = uuid.Parse(q.MergeID); err != nil {
			c.Add("merge_id", "must be the identifier of the merge that is to be undone", "")
		}
		if q.NHSNumber != "" {
			c.Add("nhs_number", "is not for undoing a merge", "")
		}
	default:
		c.Add("kind", "must be restrict, lift_restriction, merge or unmerge", string(Restrict))
	}
	switch {
	case q.Kind != Merge:
		if q.From != "" || q.Superseded {
			c.Add("from_nhs_number", "is for merging only", "")
		}
	default:
		said.From.NHSNumber = c.NumberOf("from_nhs_number", q.From)
		if n := said.From.NHSNumber; !n.IsZero() && n.Is(said.Person.NHSNumber) {
			c.Add("from_nhs_number", "is the number of the record that stays: give that of the other record", "")
		}
	}
	return said, merge
}

// proposed is what is said in a proposal: sealed under the key of whom it is
// about. Persons are named as the authority had them then.
type proposed struct {
	Change     record.Author
	By         actor
	Person     domain.Person
	From       domain.Person // of a merge
	Superseded bool          // of a merge
}

// sealedProposed is proposed as it is sealed.
type sealedProposed struct {
	Change     record.Author        `json:"change"`
	By         actor                `json:"by,omitzero"`
	Person     record.SealedPerson  `json:"person"`
	From       *record.SealedPerson `json:"from,omitempty"`
	Superseded bool                 `json:"superseded,omitempty"`
}

// decided is what is said in the decision about a proposal, and what was done
// that may have to be undone. It is sealed likewise.
type decided struct {
	Change   record.Author `json:"change"`
	Moved    []uuid.UUID   `json:"moved,omitempty"`    // plans, by a merge
	Accesses []uuid.UUID   `json:"accesses,omitempty"` // copied to whom the plans were moved, by a merge
}

// What is sealed of a proposal counts as its versions.
const (
	versionProposed = 1
	versionDecided  = 2
)

func saidIn(proposal uuid.UUID, version int) keys.Context {
	return record.DetailsContext(record.TableProposal, proposal, version)
}

func sealProposed(key *keys.DataKey, id uuid.UUID, said *proposed) ([]byte, error) {
	sealed := sealedProposed{said.Change, said.By, record.TextsOf(&said.Person), nil, said.Superseded}
	if !said.From.NHSNumber.IsZero() {
		from := record.TextsOf(&said.From)
		sealed.From = &from
	}
	return record.SealJSON(key, saidIn(id, versionProposed), sealed)
}

func (s *Persons) openProposed(key *keys.DataKey, row *store.ProposalRow) (said proposed, err error) {
	var sealed sealedProposed
	if record.OpenJSON(key, saidIn(row.ID, versionProposed), row.Proposed, &sealed) != nil {
		return said, s.records.Damaged(record.TableProposal)
	}
	said = proposed{Change: sealed.Change, By: sealed.By, Superseded: sealed.Superseded}
	if said.By == (actor{}) { // an earlier version wrote it
		said.By.ID = said.Change.Actor
	}
	if said.Person, err = sealed.Person.Read(); err == nil && sealed.From != nil {
		said.From, err = sealed.From.Read()
	}
	if err != nil {
		return said, s.records.Damaged(record.TableProposal)
	}
	return said, nil
}

func (s *Persons) openDecided(key *keys.DataKey, row *store.ProposalRow) (said decided, err error) {
	if record.OpenJSON(key, saidIn(row.ID, versionDecided), row.Decided, &said) != nil {
		return said, s.records.Damaged(record.TableProposal)
	}
	return said, nil
}

// proposing is a proposal on its way through the guard.
type proposing struct {
	s      *Persons
	caller *identity.Caller
	kind   ChangeKind
	said   proposed
	merge  uuid.UUID      // to be undone
	made   record.NewKeys // for the record that stays, if nothing is held under its number
}

// fetchKeys gets the keys that will be needed before a transaction waits for
// them.
func (p *proposing) fetchKeys(ctx context.Context) {
	switch p.kind {
	case Unmerge:
		p.s.fetchKeysOfProposal(ctx, p.caller.Organisation, p.merge.String())
	case Merge:
		own := []domain.NHSNumber{p.said.From.NHSNumber}
		if p.said.Superseded {
			own = append(own, p.said.Person.NHSNumber)
		}
		if p.s.records.FetchKeysOf(ctx, p.caller.Organisation, own...) {
			p.s.records.FetchKey(ctx, p.made, p.said.Person.NHSNumber)
		}
	case Restrict, LiftRestriction:
		p.s.records.FetchKeysOf(ctx, p.caller.Organisation, p.said.Person.NHSNumber)
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
	e.Subject, e.Restricted = p.s.records.Subject(said.Person.NHSNumber), about.restricted()
	return p.keep(ctx, tx, about, &said)
}

// proposal is a proposal and whom it is about, locked and opened.
type proposal struct {
	row  store.ProposalRow
	into *record.Record // of a merge, who stays; else whom it is about
	from *record.Record // of a merge; else nil
	told *record.Record // a person about whom the authority holds a plan
}

func (p *proposal) restricted() bool {
	return p.into.Row.Restricted || p.from != nil && p.from.Row.Restricted
}

// keep writes the proposal, unless one of its kind is open, and tells the
// authority that a second person is wanted.
func (p *proposing) keep(ctx context.Context, tx *store.Tx, about *proposal, said *proposed) (uuid.UUID, error) {
	open, err := tx.Proposals.Open(ctx, p.caller.Organisation, about.into.Row.ID, string(p.kind))
	switch {
	case err == nil:
		return uuid.Nil, &guard.StateError{Problem: "your proposal " + open.ID.String() + " of the same kind is open: decide it first"}
	case !errors.Is(err, store.ErrNotFound):
		return uuid.Nil, err
	}
	row := store.ProposalRow{
		ID: guard.NewID(), Authority: p.caller.Organisation, Kind: string(p.kind), State: string(domain.Open),
		Person: about.into.Row.ID, Merge: p.merge, ProposedAt: p.s.clock.Moment(),
		ProposedBy: said.Change.Actor, ProposedIssuer: said.By.Issuer,
	}
	if about.from != nil {
		row.From = about.from.Row.ID
	}
	if row.Proposed, err = sealProposed(about.into.Key, row.ID, said); err != nil {
		return uuid.Nil, err
	}
	p.s.notices.Tell(tx, notice.News{
		To: p.caller.Organisation, Kind: notice.ChangeProposed, Person: about.told.Row.ID, Key: about.told.Key,
		Organisation: p.caller.Organisation, Reference: row.ID.String(),
		Who: record.Who{Name: said.Change.Name}, Text: said.Change.Reason,
	})
	return row.ID, tx.Proposals.Insert(ctx, &row)
}

// parties are the persons of a proposal.
func parties(row *store.ProposalRow) []uuid.UUID {
	if row.From == uuid.Nil {
		return []uuid.UUID{row.Person}
	}
	return []uuid.UUID{row.Person, row.From}
}

// fetchKeysOfProposal is FetchKeysOf for the people of a proposal.
func (s *Persons) fetchKeysOfProposal(ctx context.Context, authority, id string) {
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	row, err := guard.FindOwn(ctx, s.db.Proposals.Get, authority, id)
	if err != nil {
		return
	}
	rows, err := s.db.People.ByID(ctx, parties(&row))
	if err != nil {
		return
	}
	var all []*record.Record
	for _, r := range rows {
		all = append(all, &record.Record{Row: r})
	}
	_ = s.records.UnwrapKeys(ctx, slices.DeleteFunc(all, (*record.Record).Erased))
}
