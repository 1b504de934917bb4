package dbtest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cpis/service/store"
)

// sessions are connections to one database that outlive the test which opened
// them: to start one, and to plan on it what the service asks, costs PostgreSQL
// more than most tests do. Nil keeps none.
type sessions struct {
	mu         sync.Mutex // guards what follows, which nobody uses now
	pools      map[role][]*store.DB
	superusers []*pgx.Conn
}

// role is as whom a pool was opened.
type role struct {
	url  string
	opts store.Options
}

// open returns a pool of the test's own, which is kept after the test if it
// still works.
func (s *sessions) open(tb testing.TB, url string, opts store.Options) *store.DB {
	tb.Helper()
	if s == nil {
		return OpenURL(tb, url, opts)
	}
	as := role{url, opts}
	db := s.take(as)
	if db == nil {
		var err error
		if db, err = store.Open(tb.Context(), url, opts); err != nil {
			tb.Fatalf("opening test database: %v", err)
		}
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), cleanupTimeout)
		defer cancel()
		if tb.Failed() || db.Ready(ctx) != nil { // the test may have closed it
			db.Close()
			return
		}
		s.keep(as, db)
	})
	return db.Guarded(macs{}, func(string) {})
}

func (s *sessions) take(as role) *store.DB {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.pools[as]
	if len(kept) == 0 {
		return nil
	}
	s.pools[as] = kept[:len(kept)-1]
	return kept[len(kept)-1]
}

func (s *sessions) keep(as role, db *store.DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools == nil {
		s.pools = map[role][]*store.DB{}
	}
	s.pools[as] = append(s.pools[as], db)
}

// asSuperuser does something on a connection of the superuser's, which is kept if
// it still works and nothing is left open on it.
func (s *sessions) asSuperuser(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn := s.superuser()
	if conn == nil {
		var err error
		if conn, err = pgx.Connect(ctx, url); err != nil {
			return err
		}
	}
	err := do(conn)
	const idle = 'I'
	if s == nil || err != nil || conn.IsClosed() || conn.PgConn().TxStatus() != idle {
		return joinClose(context.WithoutCancel(ctx), conn, err)
	}
	if _, err := conn.Exec(ctx, `RESET ALL`); err != nil {
		return joinClose(context.WithoutCancel(ctx), conn, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.superusers = append(s.superusers, conn)
	return nil
}

// superuser returns a connection that was kept, or nil.
func (s *sessions) superuser() *pgx.Conn {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.superusers) == 0 {
		return nil
	}
	last := len(s.superusers) - 1
	conn := s.superusers[last]
	s.superusers = s.superusers[:last]
	return conn
}

// close closes all of them.
func (s *sessions) close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.pools {
		for _, db := range kept {
			db.Close()
		}
	}
	for _, conn := range s.superusers {
		_ = conn.Close(ctx)
	}
	s.pools, s.superusers = nil, nil
}
