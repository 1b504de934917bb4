package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// PostgreSQL dies in the middle of appends, again and again. Whatever was
// confirmed is there afterwards, and every error says that it may not be.
func TestNothingConfirmedIsLostWhenPostgreSQLIsKilled(t *testing.T) {
	t.Parallel()
	c, data := dbtest.Installed(t, pgdev.Options{})
	f := fixtureIn(t, data, dbtest.OpenURL(t, data.App, store.Options{}))
	confirmed := map[string]bool{}
	for round := range 6 {
		var (
			mu sync.Mutex
			wg sync.WaitGroup
		)
		begun := make(chan struct{}, 100)
		for how := range 5 {
			wg.Go(func() {
				for {
					b := store.Batch{Lines: lines(1 + 3*how), Subjects: make([][]byte, 1+3*how)}
					if err := f.appendSomehow(f.db, how, &b); err != nil {
						expectOneOf(t, err, store.ErrUncertain, store.ErrUnavailable)
						return
					}
					mu.Lock()
					for _, l := range b.Lines {
						confirmed[string(l)] = true
					}
					mu.Unlock()
					select {
					case begun <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 5 + 10*round { // a different moment each time
			<-begun
		}
		f.must(c.Kill())
		wg.Wait()
		f.must(c.Restart(t.Context()))
		f.reconnect()
	}
	stored := f.verifyLog()
	for _, l := range stored {
		delete(confirmed, string(l))
	}
	if len(confirmed) > 0 {
		t.Errorf("%d confirmed entries are lost", len(confirmed))
	}
}

// A server that is told to stop, or a session that is ended, in the middle of
// an append.
func TestEndedSessionIsNotTakenForSuccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, how := range []string{"pg_terminate_backend", "pg_cancel_backend"} {
		err := f.whileHeadIsLocked(func() {
			f.await(`SELECT count(`+how+`(pid)) > 0 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`, f.data.Name)
		})
		expectOneOf(t, err, store.ErrUncertain)
	}
	if got := len(f.verifyLog()); got != 0 {
		t.Errorf("entries: got %d, want none", got)
	}
	f.append(lines(1), nil) // and life goes on
}

// A wait that is limited ends with certainty: nothing was written.
func TestLockTimeoutIsCertain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.db = dbtest.OpenURL(t, f.data.App+"&lock_timeout=50ms", store.Options{AllowUnsafe: true})
	err := f.whileHeadIsLocked(func() {})
	expectOneOf(t, err, store.ErrUnavailable)
	f.append(lines(1), nil)
}

// whileHeadIsLocked appends while somebody else holds the head, and meanwhile
// does something.
func (f *fixture) whileHeadIsLocked(meanwhile func()) error {
	f.tb.Helper()
	ctx := f.tb.Context()
	holder := connect(f.tb, f.data.Admin)
	tx, err := holder.Begin(ctx)
	f.must(err)
	_, err = tx.Exec(ctx, `SELECT FROM cpis.log_head FOR UPDATE`)
	f.must(err)
	done := make(chan error)
	go func() {
		b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
		done <- appendBatch(f.tb, f.db, f.log, &b)
	}()
	meanwhile()
	err = <-done
	f.must(tx.Rollback(ctx))
	return err
}

// The wait for a standby is cancelled: PostgreSQL calls that success. Its own
// background workers wait for the standby too, and are left alone.
func TestCancelledWaitForStandbyIsNotSuccess(t *testing.T) {
	t.Parallel()
	primary, standby, f := replicated(t)
	f.append(lines(3), nil)
	f.must(standby.Kill())

	for _, write := range []func(context.Context, *fixture) error{appendOne, commitOne} {
		done := make(chan error)
		go func() { done <- write(t.Context(), f) }()
		f.await(`SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'`)
		expectOneOf(t, <-done, store.ErrUncertain)

		go func() { done <- write(t.Context(), f) }()
		f.await(`SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'`)
		expectOneOf(t, <-done, store.ErrUncertain)

		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- write(ctx, f) }()
		f.await(`SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'`)
		cancel() // as a caller who hangs up would, were the context his
		expectOneOf(t, <-done, store.ErrUncertain)
		f.await(`SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'`)
	}
	f.repeatIsNotSuccess()
	f.must(standby.Restart(t.Context()))
	f.append(lines(2), nil) // waits for the standby, and with it for all before
	want := len(f.verifyLog())
	f.must(primary.Kill())
	f.promote(standby)
	f.db = dbtest.OpenURL(t, f.data.App, store.Options{})
	if got := len(f.verifyLog()); got != want {
		t.Errorf("entries on the standby: got %d, want all %d", got, want)
	}
}

// appendOne appends one entry as a look-up does.
func appendOne(ctx context.Context, f *fixture) error {
	b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
	from, err := f.db.Head(ctx, f.log)
	if err != nil {
		return err
	}
	return f.db.Append(ctx, f.log, from, grow(from, b.Lines), &b)
}

// commitOne appends one entry in a transaction.
func commitOne(ctx context.Context, f *fixture) error {
	return f.db.Tx(ctx, func(tx *store.Tx) error {
		_, _, err := tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1))
		return err
	})
}

// repeatIsNotSuccess appends the same entries again after an append whose fate
// is uncertain: an INSERT … ON CONFLICT DO NOTHING would be confirmed at once,
// because it has nothing to wait for.
func (f *fixture) repeatIsNotSuccess() {
	f.tb.Helper()
	b := f.fullBatch()
	from, err := f.db.Head(f.tb.Context(), f.log)
	f.must(err)
	to := grow(from, b.Lines)
	done := make(chan error)
	go func() { done <- f.db.Append(f.tb.Context(), f.log, from, to, b) }()
	f.await(`SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'`)
	expectOneOf(f.tb, <-done, store.ErrUncertain)
	expectOneOf(f.tb, f.db.Append(f.tb.Context(), f.log, from, to, b), store.ErrHeadMoved)
}

// The standby takes over: the pool finds it, and does not write to the old
// primary when that comes back as something to read from.
func TestPoolFollowsThePrimary(t *testing.T) {
	t.Parallel()
	primary, standby, f := replicated(t)
	both := fmt.Sprintf("postgres://cpis_app@/%s?host=%s&port=%d,%d", f.data.Name,
		url.QueryEscape(primary.SocketDir()+","+standby.SocketDir()), primary.Port(), standby.Port())
	f.db = dbtest.OpenURL(t, both, store.Options{})
	f.append(lines(3), nil)
	f.must(primary.Kill())
	b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
	expectOneOf(t, appendBatch(t, f.db, f.log, &b), store.ErrUncertain, store.ErrUnavailable)
	f.promote(standby)
	f.append(lines(2), nil)
	if got := len(f.verifyLog()); got != 5 {
		t.Errorf("entries after the failover: got %d, want 5", got)
	}
}

// A primary that becomes read-only under a pool that knows it as writable.
func TestPoolLeavesADemotedPrimary(t *testing.T) {
	t.Parallel()
	_, data := dbtest.Installed(t, pgdev.Options{Fast: true})
	f := fixtureIn(t, data, dbtest.Open(t, data))
	f.append(lines(1), nil)
	for _, write := range []func() error{
		func() error {
			return appendBatch(t, f.db, f.log, &store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)})
		},
		func() error { return f.tryChange(func(*store.Tx) error { return nil }) },
	} {
		f.setReadOnly("on")
		expectOneOf(t, write(), store.ErrUnavailable)
		if got := f.db.PoolStats().Total; got != 0 {
			t.Errorf("connections kept to a demoted primary: got %d, want none", got)
		}
		if _, err := f.db.Head(t.Context(), f.log); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("reading from a demoted primary: got %v, want %v", err, store.ErrUnavailable)
		}
		f.setReadOnly("off")
		f.append(lines(1), nil)
	}
	f.verifyLog()
}

// setReadOnly makes all sessions read-only, as a demotion does, and waits until
// those that exist have noticed.
func (f *fixture) setReadOnly(value string) {
	f.tb.Helper()
	for _, sql := range []string{
		`SET default_transaction_read_only = off`,
		`ALTER SYSTEM SET default_transaction_read_only = ` + value,
		`SELECT pg_reload_conf()`,
		`RESET default_transaction_read_only`,
	} {
		_, err := f.admin.Exec(f.tb.Context(), sql)
		f.must(err)
	}
	// Sessions hear of it one after the other; the pool's is idle, and one that
	// began later hears no later.
	f.await(`SELECT current_setting('default_transaction_read_only') = $1`, value)
}

// replicated starts a primary that waits for its one standby, and a service
// that uses it.
func replicated(t *testing.T) (primary, standby *pgdev.Cluster, f *fixture) {
	t.Helper()
	primary, data := dbtest.Installed(t, pgdev.Options{})
	standby, err := primary.Standby(t.Context(), "second", pgdev.Options{Dir: dbtest.Dir(t), Temporary: true})
	if err != nil {
		t.Fatal(err)
	}
	dbtest.StopAfter(t, standby)
	f = fixtureIn(t, data, dbtest.OpenURL(t, data.App, store.Options{}))
	f.exec(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
	f.exec(`SELECT pg_reload_conf()`)
	f.await(`SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'`)
	return primary, standby, f
}

// promote makes the standby the primary and looks at that from now on.
func (f *fixture) promote(standby *pgdev.Cluster) {
	f.tb.Helper()
	admin := connect(f.tb, standby.URL("postgres", f.data.Name))
	if !query[bool](f.tb, admin, `SELECT pg_promote()`) {
		f.tb.Fatal("promotion did not end")
	}
	f.data = &dbtest.Database{Name: f.data.Name, Admin: standby.URL("postgres", f.data.Name), App: standby.URL("cpis_app", f.data.Name)}
	f.exec(`ALTER SYSTEM SET synchronous_standby_names = ''`)
	f.exec(`SELECT pg_reload_conf()`)
	f.reconnect()
}

// reconnect replaces the superuser's connection after a crash.
func (f *fixture) reconnect() {
	f.tb.Helper()
	f.admin = connect(f.tb, f.data.Admin)
}

func (f *fixture) exec(sql string) {
	f.tb.Helper()
	conn := connect(f.tb, f.data.Admin)
	_, err := conn.Exec(f.tb.Context(), sql)
	f.must(err)
	f.must(conn.Close(f.tb.Context()))
}

// await repeats a query, on one connection, until it says true.
func (f *fixture) await(sql string, args ...any) {
	f.tb.Helper()
	conn := connect(f.tb, f.data.Admin)
	deadline := time.Now().Add(20 * time.Second)
	for !query[bool](f.tb, conn, sql, args...) {
		if time.Now().After(deadline) {
			f.tb.Fatalf("waiting for %s: took too long", sql)
		}
	}
}

func expectOneOf(tb testing.TB, err error, want ...error) {
	tb.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	tb.Errorf("got %v, want one of %v", err, want)
}
