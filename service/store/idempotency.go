package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// IdempotentRow is the answer to a request that may be repeated.
type IdempotentRow struct {
	Organisation string
	Key          string // the request's idempotency key; unique within the organisation
	Fingerprint  []byte // keyed hash of the request's content
	Response     []byte
	At           time.Time
}

// Idempotent gives the answer that a request got before; ErrNotFound if it is
// the first. Whether it is the same request, the fingerprint says.
func (q queries) Idempotent(ctx context.Context, organisation, key string) (IdempotentRow, error) {
	return one(ctx, q.q, "finding earlier answer",
		func(row pgx.CollectableRow) (r IdempotentRow, err error) {
			err = row.Scan(&r.Organisation, &r.Key, &r.Fingerprint, &r.Response, &r.At)
			return r, err
		}, `
		SELECT organisation, key, fingerprint, response, created_at
		FROM cpis.idempotency
		WHERE organisation = $1
		  AND key = $2`, organisation, key)
}

// InsertIdempotent keeps an answer. It may follow the entries, because an
// answer tells where they are. If a request with the same key was answered at
// the same moment, the transaction runs again and then finds that answer.
func (tx *Tx) InsertIdempotent(ctx context.Context, r IdempotentRow) error {
	_, err := tx.execLast(ctx, "keeping answer", `
		INSERT INTO cpis.idempotency (organisation, key, fingerprint, response, created_at)
		VALUES ($1, $2, $3, $4, $5)`, r.Organisation, r.Key, r.Fingerprint, r.Response, r.At)
	return tryAgain(err)
}

// ExpireIdempotent forgets answers given before a time, at most limit at once,
// and gives how many; call it until it gives none.
func (tx *Tx) ExpireIdempotent(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, "forgetting answers", `
		DELETE FROM cpis.idempotency
		WHERE (organisation, key) IN (
		    SELECT organisation, key
		    FROM cpis.idempotency
		    WHERE created_at < $1
		    ORDER BY created_at
		    LIMIT $2
		)`, before, limit)
}
