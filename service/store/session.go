package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SessionRow is a log-in of a person to pages.
type SessionRow struct {
	ID              []byte // SHA-256 of what the browser holds
	Subject         []byte // keyed hash of issuer and subject
	ProviderSession []byte // keyed hash of issuer and its session; empty if it states none
	ExpiresAt       time.Time
	Sealed          []byte
}

const sessionColumns = `s.id, s.subject, s.provider_session, s.expires_at, s.sealed`

func scanSession(row pgx.CollectableRow) (s SessionRow, err error) {
	err = row.Scan(&s.ID, &s.Subject, &s.ProviderSession, (*timeTarget)(&s.ExpiresAt), &s.Sealed)
	return s, err
}

// Get returns a session; ErrNotFound if there is none.
func (q sessionReads) Get(ctx context.Context, id []byte) (SessionRow, error) {
	return one(ctx, q.q, "reading session", scanSession, `
		SELECT `+sessionColumns+`
		FROM cpis.session AS s
		WHERE s.id = $1`, id)
}

// OfSubject returns the sessions of a person, by hashes of issuer and subject.
func (q sessionReads) OfSubject(ctx context.Context, hashes [][]byte) ([]SessionRow, error) {
	return all(ctx, q.q, "reading sessions of a person", scanSession, `
		SELECT `+sessionColumns+`
		FROM cpis.session AS s
		WHERE s.subject = ANY ($1::bytea[])
		ORDER BY s.id`, hashes)
}

// OfProvider returns the sessions that began with one of a provider's, by its hashes.
func (q sessionReads) OfProvider(ctx context.Context, hashes [][]byte) ([]SessionRow, error) {
	return all(ctx, q.q, "reading sessions of a provider's", scanSession, `
		SELECT `+sessionColumns+`
		FROM cpis.session AS s
		WHERE s.provider_session = ANY ($1::bytea[])
		ORDER BY s.id`, hashes)
}

// Insert keeps a new session.
func (tx sessionWrites) Insert(ctx context.Context, s *SessionRow) error {
	_, err := tx.exec(ctx, "keeping session", `
		INSERT INTO cpis.session (id, subject, provider_session, expires_at, sealed)
		VALUES ($1, $2, $3, $4, $5)`, s.ID, s.Subject, s.ProviderSession, s.ExpiresAt, s.Sealed)
	return err
}

// Update writes what a session holds now; ErrConflict if it has ended.
func (tx sessionWrites) Update(ctx context.Context, s *SessionRow) error {
	return tx.execAll(ctx, 1, "keeping session", `
		UPDATE cpis.session
		SET expires_at = $2, sealed = $3
		WHERE id = $1`, s.ID, s.ExpiresAt, s.Sealed)
}

// Delete ends sessions, and returns how many there were.
func (tx sessionWrites) Delete(ctx context.Context, ids ...[]byte) (int64, error) {
	return tx.exec(ctx, "ending sessions", `
		DELETE FROM cpis.session
		WHERE id = ANY ($1::bytea[])`, ids)
}

// Expire removes sessions that ended before a time, at most limit, and returns how
// many.
func (tx sessionWrites) Expire(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, "removing ended sessions", `
		DELETE FROM cpis.session
		WHERE id IN (SELECT s.id FROM cpis.session AS s WHERE s.expires_at <= $1 ORDER BY s.expires_at LIMIT $2)`, before, limit)
}

// DraftRow is what somebody has typed and not sent yet.
type DraftRow struct {
	ID          []byte // keyed hash of its owner and what it is a draft of
	Owner       []byte // keyed hash of who, and for which organisation
	UntilLogOut bool
	ExpiresAt   time.Time
	Sealed      []byte
}

func scanDraft(row pgx.CollectableRow) (d DraftRow, err error) {
	err = row.Scan(&d.ID, &d.Owner, &d.UntilLogOut, (*timeTarget)(&d.ExpiresAt), &d.Sealed)
	return d, err
}

// Get returns the draft that one of some ids names; ErrNotFound if there is none.
func (q draftReads) Get(ctx context.Context, ids [][]byte) (DraftRow, error) {
	return one(ctx, q.q, "reading draft", scanDraft, `
		SELECT d.id, d.owner, d.until_log_out, d.expires_at, d.sealed
		FROM cpis.draft AS d
		WHERE d.id = ANY ($1::bytea[])
		ORDER BY d.expires_at DESC
		LIMIT 1`, ids)
}

// Put keeps a draft in the place of what was there.
func (tx draftWrites) Put(ctx context.Context, d *DraftRow) error {
	_, err := tx.exec(ctx, "keeping draft", `
		INSERT INTO cpis.draft (id, owner, until_log_out, expires_at, sealed)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE
		SET until_log_out = excluded.until_log_out, expires_at = excluded.expires_at, sealed = excluded.sealed`,
		d.ID, d.Owner, d.UntilLogOut, d.ExpiresAt, d.Sealed)
	return err
}

// Delete removes drafts.
func (tx draftWrites) Delete(ctx context.Context, ids [][]byte) error {
	_, err := tx.exec(ctx, "removing draft", `
		DELETE FROM cpis.draft
		WHERE id = ANY ($1::bytea[])`, ids)
	return err
}

// LogOut removes drafts of an owner, by its hashes, that do not outlive a log-out.
func (tx draftWrites) LogOut(ctx context.Context, owners [][]byte) error {
	_, err := tx.exec(ctx, "removing drafts at log-out", `
		DELETE FROM cpis.draft
		WHERE owner = ANY ($1::bytea[])
		  AND until_log_out`, owners)
	return err
}

// Expire removes drafts that ended before a time, at most limit, and returns how
// many.
func (tx draftWrites) Expire(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, "removing old drafts", `
		DELETE FROM cpis.draft
		WHERE id IN (SELECT d.id FROM cpis.draft AS d WHERE d.expires_at <= $1 ORDER BY d.expires_at LIMIT $2)`, before, limit)
}
