package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// ReviewKind is why a look-up is reviewed.
type ReviewKind string

// The kinds.
const (
	ReviewBreakGlass ReviewKind = "break_glass"
	ReviewRestricted ReviewKind = "restricted" // of somebody whose whereabouts must not be revealed
	ReviewSample     ReviewKind = "sample"     // drawn by lot
)

// ReviewRow is a look-up that waits to be reviewed by somebody else than who made
// it.
type ReviewRow struct {
	ID           uuid.UUID
	Kind         ReviewKind    // in a Batch: always break-glass
	Person       uuid.NullUUID // not valid if nobody was found
	Organisation string        // the caller's
	Actor        string
	At           time.Time
	Sealed       []byte // the reason of break-glass, empty of others, under a key of its own
	WrappedKey   string
	Log          LogID // when read: the log of its entry
	Entry        int   // in a Batch: the place of its entry there. When read: the entry's index in its log

	// Filled in when read, if somebody found misuse, which another must confirm.
	FirstAt    *time.Time
	FirstBy    string
	FirstWords []byte // what was found, in words, under the same key

	// Filled in when read, if it is closed.
	ClosedAt *time.Time
	ClosedBy string
	Outcome  string
	Closing  []byte // what was found, in words, under the same key; nil if nothing was said
}

// Open returns the reviews of an organisation that nobody has closed, the oldest
// first.
func (q reviewReads) Open(ctx context.Context, organisation string, limit int) ([]ReviewRow, error) {
	return q.List(ctx, &ReviewFilter{Organisation: organisation}, limit)
}

// Get returns one of them, open or closed; ErrNotFound if there is none.
func (q reviewReads) Get(ctx context.Context, id uuid.UUID) (ReviewRow, error) {
	return one(ctx, q.q, "reading review", scanner[ReviewRow](q.guard), `
		SELECT `+reviewColumns+`
		FROM cpis.review AS r
		WHERE r.id = $1`, id)
}

const reviewColumns = `r.id, r.kind, r.person_id, r.organisation, r.actor, r.at, r.sealed, r.wrapped_key, r.log, r.entry,
		       r.first_at, coalesce(r.first_by, ''), r.first_words, r.closed_at, coalesce(r.closed_by, ''), r.outcome, r.closing, r.mac`

// targets are where the columns of a review go.
func (r *ReviewRow) targets() []any {
	return []any{
		&r.ID, &r.Kind, &r.Person, &r.Organisation, &r.Actor, &r.At, &r.Sealed, &r.WrappedKey, &r.Log, &r.Entry,
		&r.FirstAt, &r.FirstBy, &r.FirstWords, &r.ClosedAt, &r.ClosedBy, &r.Outcome, &r.Closing,
	}
}

func (r *ReviewRow) cover(c *cover) {
	c.of("review")
	c.id("id", r.ID)
	c.id("person_id", r.Person.UUID)
	c.str("organisation", r.Organisation)
	c.str("actor", r.Actor)
	c.time("at", r.At)
	c.int("log", int(r.Log))
	c.int("entry", r.Entry)
	c.maybe("closed_at", r.ClosedAt)
	c.str("closed_by", r.ClosedBy)
	c.str("outcome", r.Outcome)
	c.added(r.Kind != ReviewBreakGlass, func() { c.str("kind", string(r.Kind)) })
	c.added(r.FirstAt != nil || r.FirstBy != "", func() {
		c.maybe("first_at", r.FirstAt)
		c.str("first_by", r.FirstBy)
	})
}

// Lock is Get, and keeps others from closing the review meanwhile.
func (tx reviewWrites) Lock(ctx context.Context, id uuid.UUID) (ReviewRow, error) {
	return one(ctx, tx.q, "reading review", scanner[ReviewRow](tx.guard), `
		SELECT `+reviewColumns+`
		FROM cpis.review AS r
		WHERE r.id = $1
		FOR UPDATE`, id)
}

// Close closes a review, as its row says. The error is ErrConflict if it is not
// open, or is closed by who made the access, or by who found misuse first.
func (tx reviewWrites) Close(ctx context.Context, r *ReviewRow) error {
	return tx.execAll(ctx, 1, "closing review", `
		UPDATE cpis.review
		SET closed_at = $2, closed_by = $3, outcome = $4, closing = $5, mac = $6
		WHERE id = $1
		  AND closed_at IS NULL
		  AND lower(btrim(actor)) <> lower(btrim($3))
		  AND lower(btrim(coalesce(first_by, ''))) <> lower(btrim($3))`, r.ID, r.ClosedAt, r.ClosedBy, r.Outcome, r.Closing, tx.guard.mac(r))
}

// FindMisuse keeps that somebody found misuse, as the row says: the review stays
// open until somebody else has looked. The error is ErrConflict if it is not open,
// somebody found it before, or it is who made the access.
func (tx reviewWrites) FindMisuse(ctx context.Context, r *ReviewRow) error {
	return tx.execAll(ctx, 1, "finding misuse", `
		UPDATE cpis.review
		SET first_at = $2, first_by = $3, first_words = $4, mac = $5
		WHERE id = $1
		  AND closed_at IS NULL
		  AND first_at IS NULL
		  AND lower(btrim(actor)) <> lower(btrim($3))`, r.ID, r.FirstAt, r.FirstBy, r.FirstWords, tx.guard.mac(r))
}
