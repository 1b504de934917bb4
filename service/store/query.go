package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// queries are what all that reads is made of, on its own or in a transaction.
type queries struct {
	q     querier
	guard *guard // nil: no row verifies
}

// querier is what a pool, a connection and a transaction have in common.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// all runs a query and collects its rows.
func all[T any](ctx context.Context, q querier, doing string, row pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, translate(doing, err)
	}
	found, err := pgx.CollectRows(rows, row)
	return found, translate(doing, err)
}

// one runs a query that returns exactly one row; none is ErrNotFound.
func one[T any](ctx context.Context, q querier, doing string, row pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var none T
		return none, translate(doing, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, row)
	return found, translate(doing, err)
}

// idTarget reads an identifier that may be absent: the zero one then.
type idTarget uuid.UUID

// ScanUUID keeps a column's identifier.
func (t *idTarget) ScanUUID(v pgtype.UUID) error {
	*t = idTarget(v.Bytes)
	return nil
}

// timeTarget reads a moment that may be absent: the zero one then.
type timeTarget time.Time

// ScanTimestamptz keeps a column's moment.
func (t *timeTarget) ScanTimestamptz(v pgtype.Timestamptz) error {
	*t = timeTarget(v.Time.UTC())
	if !v.Valid {
		*t = timeTarget{}
	}
	return nil
}
