package store

import (
	"context"
	"time"
)

// IdempotentRow is the answer to a request that may be repeated.
type IdempotentRow struct {
	Organisation string
	Key          string // the request's idempotency key; unique within the organisation
	Fingerprint  []byte // keyed hash of the request's content
	Response     []byte
	At           time.Time
}

// targets are where the columns of an answer go.
func (r *IdempotentRow) targets() []any {
	return []any{&r.Organisation, &r.Key, &r.Fingerprint, &r.Response, &r.At}
}

func (r *IdempotentRow) cover(c *cover) {
	c.of("idempotency")
	c.str("organisation", r.Organisation)
	c.str("key", r.Key)
	c.bytes("fingerprint", r.Fingerprint)
	c.bytes("response", r.Response)
	c.time("created_at", r.At)
}

const idempotencyColumns = `i.organisation, i.key, i.fingerprint, i.response, i.created_at, i.mac`

// Find returns the answer that a request got before; ErrNotFound if it is
// the first. Whether it is the same request, the fingerprint says.
func (q answerReads) Find(ctx context.Context, organisation, key string) (IdempotentRow, error) {
	return one(ctx, q.q, "finding earlier answer",
		scanner[IdempotentRow](q.guard), `
		SELECT `+idempotencyColumns+`
		FROM cpis.idempotency AS i
		WHERE i.organisation = $1
		  AND i.key = $2`, organisation, key)
}

// Keep keeps an answer. It may follow the entries, because an
// answer tells where they are. If a request with the same key was answered at
// the same moment, the transaction runs again and then finds that answer.
func (tx answerWrites) Keep(ctx context.Context, r IdempotentRow) error {
	_, err := tx.execLast(ctx, "keeping answer", `
		INSERT INTO cpis.idempotency (organisation, key, fingerprint, response, created_at, mac)
		VALUES ($1, $2, $3, $4, $5, $6)`, r.Organisation, r.Key, r.Fingerprint, r.Response, r.At, tx.guard.mac(&r))
	return tryAgain(err)
}

// Expire forgets answers given before a time, at most limit at once,
// and returns how many; call it until there are none.
func (tx answerWrites) Expire(ctx context.Context, before time.Time, limit int) (int64, error) {
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
