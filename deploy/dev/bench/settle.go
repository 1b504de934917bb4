package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// indexed is how much of the index of reports was made between measurements.
type indexed struct {
	entries int64
	took    time.Duration
}

// settle waits until what was measured has left no work behind: the index of
// reports lets crowds pass, and would otherwise be made at the expense of what is
// measured next.
func (b *bench) settle(ctx context.Context) error {
	began := b.Now()
	for first := true; ; first = false {
		behind, err := b.behind(ctx)
		if err != nil {
			return fmt.Errorf("asking how far the index is: %w", err)
		}
		if first {
			b.indexed.entries += behind
		}
		if behind == 0 {
			b.indexed.took += b.Now().Sub(began)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// behind returns how many entries are not indexed, of the logs of all sites.
func (b *bench) behind(ctx context.Context) (all int64, err error) {
	for _, database := range b.databases {
		n, err := behindIn(ctx, b.cluster.URL("postgres", database))
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

func behindIn(ctx context.Context, url string) (n int64, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	err = conn.QueryRow(ctx, `
		SELECT h.size - coalesce(s.next, 0)
		FROM cpis.log AS l
		JOIN cpis.log_head AS h ON h.log = l.id
		LEFT JOIN cpis.entry_index_state AS s ON s.log = l.id
		WHERE l.origin = $1`, origin).Scan(&n)
	return n, err
}
