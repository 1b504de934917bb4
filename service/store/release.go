package store

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ReleaseRow is what one privacy officer proposes to let be told of a restricted
// child, and another decides about.
type ReleaseRow struct {
	ID           uuid.UUID
	Organisation string
	Subject      []byte // the child's tag when it was proposed
	State        string
	ProposedBy   string
	ProposedAt   time.Time
	Proposed     []byte // who the child is, and why
	DecidedBy    string // empty while open, like what follows
	DecidedAt    time.Time
	Decided      []byte // why
	WrappedKey   string // of what is sealed

	// Who vouches for both, which the database compares.
	ProposedIssuer, DecidedIssuer string

	Stood       []string  // the restrictions that stood when it was accepted
	EndedBy     string    // who took it back after that; empty, like what follows, if nobody did
	EndedIssuer string    // who vouches for that
	EndedAt     time.Time // when that was
	Ended       []byte    // why
}

const releaseColumns = `r.id, r.organisation, r.subject, r.state, r.proposed_by, r.proposed_at, r.proposed,
		       coalesce(r.decided_by, ''), r.decided_at, r.decided, r.wrapped_key, r.proposed_issuer, r.decided_issuer,
		       r.stood, coalesce(r.ended_by, ''), r.ended_issuer, r.ended_at, r.ended, r.mac`

// targets are where the columns of a release go.
func (r *ReleaseRow) targets() []any {
	return []any{
		&r.ID, &r.Organisation, &r.Subject, &r.State, &r.ProposedBy, &r.ProposedAt, &r.Proposed,
		&r.DecidedBy, (*timeTarget)(&r.DecidedAt), &r.Decided, &r.WrappedKey, &r.ProposedIssuer, &r.DecidedIssuer,
		&r.Stood, &r.EndedBy, &r.EndedIssuer, (*timeTarget)(&r.EndedAt), &r.Ended,
	}
}

func (r *ReleaseRow) cover(c *cover) {
	c.of("release")
	c.id("id", r.ID)
	c.str("organisation", r.Organisation)
	c.bytes("subject", r.Subject)
	c.str("state", r.State)
	c.str("proposed_by", r.ProposedBy)
	c.time("proposed_at", r.ProposedAt)
	c.str("decided_by", r.DecidedBy)
	c.time("decided_at", r.DecidedAt)
	c.str("proposed_issuer", r.ProposedIssuer)
	c.str("decided_issuer", r.DecidedIssuer)
	c.added(len(r.Stood) > 0, func() { c.str("stood", strings.Join(r.Stood, " ")) })
	c.added(r.EndedBy != "" || r.EndedIssuer != "" || !r.EndedAt.IsZero(), func() {
		c.str("ended_by", r.EndedBy)
		c.str("ended_issuer", r.EndedIssuer)
		c.time("ended_at", r.EndedAt)
	})
}

// OwnedBy reports whether a release is an organisation's.
func (r *ReleaseRow) OwnedBy(organisation string) bool { return r.Organisation == organisation }

// Get returns a release; ErrNotFound if there is none with that id.
func (q releaseReads) Get(ctx context.Context, id uuid.UUID) (ReleaseRow, error) {
	return one(ctx, q.q, "reading release", scanner[ReleaseRow](q.guard), `
		SELECT `+releaseColumns+`
		FROM cpis.release AS r
		WHERE r.id = $1`, id)
}

// List pages through the releases of an organisation, the newest first: those
// proposed before another, or all if that is zero.
func (q releaseReads) List(ctx context.Context, organisation string, openOnly bool, before uuid.UUID, limit int) ([]ReleaseRow, error) {
	return all(ctx, q.q, "reading releases", scanner[ReleaseRow](q.guard), `
		SELECT `+releaseColumns+`
		FROM cpis.release AS r
		WHERE r.organisation = $1
		  AND (NOT $2 OR r.state = 'open')
		  AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR r.id < $3)
		ORDER BY r.id DESC
		LIMIT $4`, organisation, openOnly, before, limit)
}

// OpenOfCare pages through the open releases of all organisations but authorities, as
// List does.
func (q releaseReads) OpenOfCare(ctx context.Context, before uuid.UUID, limit int) ([]ReleaseRow, error) {
	return all(ctx, q.q, "reading releases", scanner[ReleaseRow](q.guard), `
		SELECT `+releaseColumns+`
		FROM cpis.release AS r
		WHERE r.state = 'open'
		  AND NOT EXISTS (SELECT FROM cpis.authority AS a WHERE a.gss_code = r.organisation)
		  AND ($1 = '00000000-0000-0000-0000-000000000000'::uuid OR r.id < $1)
		ORDER BY r.id DESC
		LIMIT $2`, before, limit)
}

// Accepted returns what an organisation has released of a person since a time, the
// newest first. The person is known by any of some tags.
func (q releaseReads) Accepted(ctx context.Context, organisation string, subjects [][]byte, since time.Time) ([]ReleaseRow, error) {
	return all(ctx, q.q, "reading releases", scanner[ReleaseRow](q.guard), `
		SELECT `+releaseColumns+`
		FROM cpis.release AS r
		WHERE r.organisation = $1
		  AND r.subject = ANY ($2::bytea[])
		  AND r.state = 'accepted'
		  AND r.decided_at > $3
		ORDER BY r.decided_at DESC, r.id`, organisation, subjects, since)
}

// Insert keeps a new release, which is open.
func (tx releaseWrites) Insert(ctx context.Context, r *ReleaseRow) error {
	r.State = "open"
	return tx.execAll(ctx, 1, "keeping release", `
		INSERT INTO cpis.release (id, organisation, subject, state, proposed_by, proposed_issuer, proposed_at, proposed, wrapped_key, mac)
		VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9)`,
		r.ID, r.Organisation, r.Subject, r.ProposedBy, r.ProposedIssuer, r.ProposedAt, r.Proposed, r.WrappedKey, tx.guard.mac(r))
}

// Decide ends a release, as its row says. It must be open, else the error is
// ErrConflict.
func (tx releaseWrites) Decide(ctx context.Context, r *ReleaseRow) error {
	return tx.execAll(ctx, 1, "deciding release", `
		UPDATE cpis.release
		SET state = $2, decided_by = $3, decided_at = $4, decided = $5, decided_issuer = $6, stood = $7, mac = $8
		WHERE id = $1
		  AND state = 'open'`,
		r.ID, r.State, r.DecidedBy, r.DecidedAt, r.Decided, r.DecidedIssuer, append([]string{}, r.Stood...), tx.guard.mac(r))
}

// End takes back a release that was accepted, as its row says. Else the error is
// ErrConflict.
func (tx releaseWrites) End(ctx context.Context, r *ReleaseRow) error {
	return tx.execAll(ctx, 1, "ending release", `
		UPDATE cpis.release
		SET state = $2, ended_by = $3, ended_issuer = $4, ended_at = $5, ended = $6, mac = $7
		WHERE id = $1
		  AND state = 'accepted'`, r.ID, r.State, r.EndedBy, r.EndedIssuer, r.EndedAt, r.Ended, tx.guard.mac(r))
}
