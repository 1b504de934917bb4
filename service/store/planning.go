package store

import (
	"context"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// manyRows is how many rows a statement must be about to be planned each time.
const manyRows = 100

// planning plans statements about many rows each time, for tables as large as
// they are then. A connection keeps its plans of all others. One that was made
// when a table was empty reads the whole of an index for each row: of a few rows,
// nobody notices before PostgreSQL has analysed the table and forgets the plan;
// of ten thousand, the statement does not end in time.
type planning struct{ querier }

// Exec implements querier.
func (p planning) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return p.querier.Exec(ctx, sql, planned(args)...)
}

// Query implements querier.
func (p planning) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return p.querier.Query(ctx, sql, planned(args)...) //nolint:rowserrcheck // whoever collects them checks
}

// planned puts before the parameters of a statement that its plan is not kept, if
// one of them is an array of many.
func planned(args []any) []any {
	for _, arg := range args {
		if v := reflect.ValueOf(arg); v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 && v.Len() >= manyRows {
			return append([]any{pgx.QueryExecModeCacheDescribe}, args...)
		}
	}
	return args
}
