package store

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ProposalRow is a change that needs a second person of the same authority.
type ProposalRow struct {
	ID         uuid.UUID
	Authority  string // GSS code
	Kind       string
	State      string
	Person     uuid.UUID // of a merge: who stays
	From       uuid.UUID // of a merge and of undoing one: whose plans move; else zero
	Merge      uuid.UUID // of undoing a merge: that proposal; else zero
	ProposedBy string
	ProposedAt time.Time
	Proposed   []byte // sealed under the key of Person
	DecidedBy  string // empty while open, like what follows
	DecidedAt  time.Time
	Decided    []byte // sealed likewise

	// Who vouches for both, which the database compares.
	ProposedIssuer, DecidedIssuer string
}

const proposalColumns = `r.id, r.authority, r.kind, r.state, r.person_id, r.from_id, r.merge_id,
		       r.proposed_by, r.proposed_at, r.proposed, coalesce(r.decided_by, ''), r.decided_at, r.decided,
		       r.proposed_issuer, r.decided_issuer, r.mac`

// targets are where the columns of a proposal go.
func (r *ProposalRow) targets() []any {
	return []any{
		&r.ID, &r.Authority, &r.Kind, &r.State, &r.Person, (*idTarget)(&r.From), (*idTarget)(&r.Merge),
		&r.ProposedBy, &r.ProposedAt, &r.Proposed, &r.DecidedBy, (*timeTarget)(&r.DecidedAt), &r.Decided,
		&r.ProposedIssuer, &r.DecidedIssuer,
	}
}

func (r *ProposalRow) cover(c *cover) {
	c.of("proposal")
	c.id("id", r.ID)
	c.str("authority", r.Authority)
	c.str("kind", r.Kind)
	c.str("state", r.State)
	c.id("person_id", r.Person)
	c.id("from_id", r.From)
	c.id("merge_id", r.Merge)
	c.str("proposed_by", r.ProposedBy)
	c.time("proposed_at", r.ProposedAt)
	c.str("decided_by", r.DecidedBy)
	c.time("decided_at", r.DecidedAt)
	c.str("proposed_issuer", r.ProposedIssuer)
	c.str("decided_issuer", r.DecidedIssuer)
}

func (q queries) scanProposal(row pgx.CollectableRow) (ProposalRow, error) {
	return scanner[ProposalRow](q.guard)(row)
}

// Get returns a proposal; ErrNotFound if there is none with that id.
func (q proposalReads) Get(ctx context.Context, id uuid.UUID) (ProposalRow, error) {
	return one(ctx, q.q, "reading proposal", q.scanProposal, `
		SELECT `+proposalColumns+`
		FROM cpis.proposal AS r
		WHERE r.id = $1`, id)
}

// List pages through the proposals of an authority, the newest first: those
// made before another, or all if that is zero.
func (q proposalReads) List(ctx context.Context, authority string, openOnly bool, before uuid.UUID, limit int) ([]ProposalRow, error) {
	return all(ctx, q.q, "reading proposals", q.scanProposal, `
		SELECT `+proposalColumns+`
		FROM cpis.proposal AS r
		WHERE r.authority = $1
		  AND (NOT $2 OR r.state = 'open')
		  AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR r.id < $3)
		ORDER BY r.id DESC
		LIMIT $4`, authority, openOnly, before, limit)
}

// Open returns an authority's open proposal of a kind about a person;
// ErrNotFound if there is none. Those that were decided must verify, too: an open
// one may only look as if it was.
func (q proposalReads) Open(ctx context.Context, authority string, person uuid.UUID, kind string) (ProposalRow, error) {
	const doing = "reading proposal"
	rows, err := all(ctx, q.q, doing, q.scanProposal, `
		SELECT `+proposalColumns+`
		FROM cpis.proposal AS r
		WHERE r.authority = $1
		  AND r.person_id = $2
		  AND r.kind = $3
		ORDER BY r.id`, authority, person, kind)
	if err != nil {
		return ProposalRow{}, err
	}
	if i := slices.IndexFunc(rows, ProposalRow.open); i >= 0 {
		return rows[i], nil
	}
	return ProposalRow{}, &failure{doing: doing, kinds: []error{ErrNotFound}}
}

func (r ProposalRow) open() bool { return r.State == "open" }

// AnyOpen reports whether an authority has proposals about a person that
// nobody has decided about. Those that were must verify, too.
func (q proposalReads) AnyOpen(ctx context.Context, authority string, person uuid.UUID) (bool, error) {
	rows, err := all(ctx, q.q, "reading proposals", q.scanProposal, `
		SELECT `+proposalColumns+`
		FROM cpis.proposal AS r
		WHERE r.authority = $1
		  AND $2 IN (r.person_id, r.from_id)`, authority, person)
	return slices.ContainsFunc(rows, ProposalRow.open), err
}

// Undone reports whether a merge was undone. Proposals to undo it that were not
// accepted must verify, too: one may only look as if it was not.
func (q proposalReads) Undone(ctx context.Context, merge uuid.UUID) (bool, error) {
	rows, err := all(ctx, q.q, "reading proposals", q.scanProposal, `
		SELECT `+proposalColumns+`
		FROM cpis.proposal AS r
		WHERE r.merge_id = $1`, merge)
	return slices.ContainsFunc(rows, func(r ProposalRow) bool { return r.State == "accepted" }), err
}

// Insert keeps a new proposal, which is open. ErrConflict says that the authority
// has an open one of the same kind about the person.
func (tx proposalWrites) Insert(ctx context.Context, r *ProposalRow) error {
	r.State = "open"
	_, err := tx.exec(ctx, "keeping proposal", `
		INSERT INTO cpis.proposal (id, authority, kind, state, person_id, from_id, merge_id, proposed_by, proposed_at, proposed, proposed_issuer, mac)
		VALUES ($1, $2, $3, 'open', $4, NULLIF($5, '00000000-0000-0000-0000-000000000000'::uuid),
		    NULLIF($6, '00000000-0000-0000-0000-000000000000'::uuid), $7, $8, $9, $10, $11)`,
		r.ID, r.Authority, r.Kind, r.Person, r.From, r.Merge, r.ProposedBy, r.ProposedAt, r.Proposed, r.ProposedIssuer, tx.guard.mac(r))
	return err
}

// Decide ends a proposal, as its row says. It must be open, else the
// error is ErrConflict.
func (tx proposalWrites) Decide(ctx context.Context, r *ProposalRow) error {
	return tx.execAll(ctx, 1, "deciding proposal", `
		UPDATE cpis.proposal
		SET state = $2, decided_by = $3, decided_at = $4, decided = $5, decided_issuer = $6, mac = $7
		WHERE id = $1
		  AND state = 'open'`, r.ID, r.State, r.DecidedBy, r.DecidedAt, r.Decided, r.DecidedIssuer, tx.guard.mac(r))
}
