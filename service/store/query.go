package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// queries are the reads that work both on their own and inside a transaction.
type queries struct{ q querier }

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

// one runs a query that gives exactly one row; none is ErrNotFound.
func one[T any](ctx context.Context, q querier, doing string, row pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var none T
		return none, translate(doing, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, row)
	return found, translate(doing, err)
}
