package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"cpis/audit"
)

// Options say how to use a database. The zero value is right for a service.
type Options struct {
	// MaxConns bounds the connections; 0 means 10. A third of them, but one at
	// least and three at most, are kept for look-ups: these need two whatever
	// the load, because they go in groups, and one is read while another
	// commits. Everything else shares the others, of which there is one at least.
	MaxConns int
	// AllowUnsafe takes a database that may lose what it confirmed (fsync off,
	// synchronous_commit off). For tests.
	AllowUnsafe bool
	// Owner acts as cpis_owner, for administrative commands. Without it a
	// user with the owner's or a superuser's rights is refused: the service
	// must not be able to change the log.
	Owner bool
	// ReadOnly has PostgreSQL refuse every change, and takes a server that
	// cannot be written to. It is for restore drills.
	ReadOnly bool
}

const (
	defaultMaxConns = 10
	lookUpConns     = 3 // kept for look-ups: two for groups, one for Ready
	connectTimeout  = 5 * time.Second
	// lockTimeout is how long a statement of the service waits for what another
	// transaction has locked. It holds a connection all the while, and what
	// else its transaction has locked.
	lockTimeout = 2 * time.Second
	pingTimeout = 3 * time.Second
	// rollbackTimeout bounds the rollback of a transaction whose own context
	// may be over.
	rollbackTimeout = 5 * time.Second
)

// DB is two pools of connections to the database: one for look-ups, and one
// for everything else, so that look-ups never wait behind transactions which
// wait for each other. It is safe for concurrent use.
type DB struct {
	queries
	reads // what can be read outside a transaction, over the pool for all else

	pool *pgxpool.Pool // for look-ups: Read, Append, Head, IndexKeys and Ready
	acts *pgxpool.Pool // for all else
	opts Options

	order appendOrder // in which this program appends to the log
}

// Open connects to the database at url and checks that it is one this program
// can work with: its schema is known (else ErrSchema), it will not lose what it
// confirms and the user has no more rights than it needs (else ErrUnsafe).
// Several hosts may be named; the one that can be written to is used.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	lookUps, acts := opts.share()
	pool, err := openPool(ctx, url, opts, lookUps, func(map[string]string) {})
	if err != nil {
		return nil, err
	}
	others, err := openPool(ctx, url, opts, acts, opts.boundLocks)
	if err != nil {
		pool.Close()
		return nil, err
	}
	q := queries{q: planning{others}}
	db := &DB{queries: q, reads: newReads(q), pool: pool, acts: others, opts: opts, order: newAppendOrder()}
	if err := db.Ready(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("opening database: %w", err)
	}
	return db, nil
}

// share divides the connections between look-ups and all else.
func (o Options) share() (lookUps, acts int) {
	all := o.MaxConns
	if all <= 0 {
		all = defaultMaxConns
	}
	all = min(all, 1000)
	lookUps = max(1, min(lookUpConns, all/3))
	return lookUps, max(1, all-lookUps)
}

// boundLocks bounds the waits of sessions that are not for look-ups, unless the
// address does. Only the service needs it: what an administrator runs is worth
// waiting for.
func (o Options) boundLocks(settings map[string]string) {
	if _, given := settings["lock_timeout"]; !given && !o.Owner {
		settings["lock_timeout"] = strconv.FormatInt(lockTimeout.Milliseconds(), 10)
	}
}

// openPool creates a pool of at most n connections, with settings that change may
// add to. It does not connect yet.
func openPool(ctx context.Context, url string, opts Options, n int, change func(settings map[string]string)) (*pgxpool.Pool, error) {
	cfg, err := poolConfig(url, opts)
	if err != nil {
		return nil, err
	}
	change(cfg.ConnConfig.RuntimeParams)
	cfg.MaxConns = int32(n) //nolint:gosec // at most a thousand.
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	return pool, translate("opening database", err)
}

// sessionSettings are set for every connection. All statements here are meant
// to run as nested loops over indexes, whatever the statistics say: a plan that
// changes its mind when a table has grown overnight would be an outage. The
// generic plan of a prepared statement is then as good as any, and saves
// planning each time.
var sessionSettings = map[string]string{
	"application_name":    "cpis",
	"search_path":         "cpis",
	"timezone":            "UTC",
	"plan_cache_mode":     "force_generic_plan",
	"enable_seqscan":      "off",
	"enable_hashjoin":     "off",
	"enable_mergejoin":    "off",
	"jit":                 "off",     // would start because of the costs that the above pretend
	"client_min_messages": "warning", // the warning about standbys must come through
}

func poolConfig(url string, opts Options) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errBadURL
	}
	maps.Copy(cfg.ConnConfig.RuntimeParams, sessionSettings)
	if opts.Owner {
		cfg.ConnConfig.RuntimeParams["role"] = ownerRole
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	if opts.ReadOnly {
		cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		cfg.ConnConfig.ValidateConnect = nil
	}
	cfg.ConnConfig.OnNotice = noteWarning
	cfg.AfterConnect = readTimesInUTC
	cfg.PingTimeout = pingTimeout
	return cfg, nil
}

// readTimesInUTC makes times that are read UTC, wherever the program runs.
func readTimesInUTC(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// Close waits for what is under way and closes all connections.
func (db *DB) Close() {
	db.acts.Close()
	db.pool.Close()
}

// MaxTx is how many transactions can run at the same time; others wait for a
// connection.
func (db *DB) MaxTx() int { return int(db.acts.Config().MaxConns) }

// Head returns the state of a log as last committed; ErrNotFound if there is no
// such log, audit.ErrMalformed if what is stored is not the state of any log.
// It is read over a connection kept for look-ups.
func (db *DB) Head(ctx context.Context, log LogID) (audit.Tree, error) {
	return readHead(ctx, db.pool, log)
}

// Ready returns nil if the database can be used now, else why not
// (ErrUnavailable, ErrSchema, ErrUnsafe).
func (db *DB) Ready(ctx context.Context) error {
	s, err := db.readSetup(ctx)
	if err != nil {
		db.noteFailure(err)
		return err
	}
	if err := s.check(db.opts); err != nil {
		return err
	}
	return db.checkSchema(ctx)
}

// setup is how the server and this session are set up.
type setup struct {
	synchronousCommit, fsync, fullPageWrites string
	superuser, owner                         bool
}

func (db *DB) readSetup(ctx context.Context) (setup, error) {
	return one(ctx, db.pool, "checking the database's settings",
		func(row pgx.CollectableRow) (s setup, err error) {
			err = row.Scan(&s.synchronousCommit, &s.fsync, &s.fullPageWrites, &s.superuser, &s.owner)
			return s, err
		}, `
		SELECT current_setting('synchronous_commit'),
		       current_setting('fsync'),
		       current_setting('full_page_writes'),
		       r.rolsuper,
		       coalesce(pg_has_role(r.oid, to_regrole('cpis_owner'), 'MEMBER'), false)
		FROM pg_catalog.pg_roles AS r
		WHERE r.rolname = current_user`)
}

// check refuses settings under which a confirmed entry could be lost or a
// written one changed. With synchronous_commit = local a standby that takes
// over may lack what was confirmed; without standbys, "on" costs no more.
func (s setup) check(opts Options) error {
	var wrong []string
	if !opts.AllowUnsafe {
		if s.synchronousCommit == "off" || s.synchronousCommit == "local" {
			wrong = append(wrong, "synchronous_commit is "+s.synchronousCommit)
		}
		if s.fsync != "on" {
			wrong = append(wrong, "fsync is off")
		}
		if s.fullPageWrites != "on" {
			wrong = append(wrong, "full_page_writes is off")
		}
	}
	if !opts.Owner && (s.superuser || s.owner) {
		wrong = append(wrong, "the user may change the log")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrUnsafe, strings.Join(wrong, ", "))
	}
	return nil
}

// noteFailure drops idle connections after an error that concerns them all: a
// primary that has become read-only, or a server that has gone.
func (db *DB) noteFailure(err error) {
	if f, ok := errors.AsType[*failure](err); ok && f.lost {
		db.pool.Reset()
		db.acts.Reset()
	}
}

// PoolStats are the numbers of the connections, of both pools together.
type PoolStats struct {
	Max, Total, Idle, Acquired int
	// Waited is how often a connection had to be waited for, and WaitTime how
	// long in sum.
	Waited   int64
	WaitTime time.Duration
}

// PoolStats returns the numbers of the connections now.
func (db *DB) PoolStats() PoolStats {
	var sum PoolStats
	for _, p := range []*pgxpool.Pool{db.pool, db.acts} {
		s := p.Stat()
		sum.Max += int(s.MaxConns())
		sum.Total += int(s.TotalConns())
		sum.Idle += int(s.IdleConns())
		sum.Acquired += int(s.AcquiredConns())
		sum.Waited += s.EmptyAcquireCount()
		sum.WaitTime += s.EmptyAcquireWaitTime()
	}
	return sum
}

// warned is where a connection keeps that its server has warned of something.
const warned = "cpis warned"

// noteWarning keeps that a server has sent a warning. The one that matters says
// that the wait for a standby was cancelled: the statement that it belongs to
// ends with success all the same. Its SQLSTATE is 01000 or 57P01 and its text
// depends on the server's language, so any warning counts.
func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		c.CustomData()[warned] = true
	}
}

// forgetWarnings is called before a statement that commits.
func forgetWarnings(c *pgx.Conn) { delete(c.PgConn().CustomData(), warned) }

// errWarned is ErrUncertain if the server has warned of something since
// forgetWarnings, and nil otherwise.
func errWarned(doing string, c *pgx.Conn) error {
	if c.PgConn().CustomData()[warned] == nil {
		return nil
	}
	return &failure{doing: doing, kinds: []error{ErrUncertain}, what: "the server warned that it stopped waiting for a standby"}
}
