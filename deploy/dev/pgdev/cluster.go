package pgdev

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// superuser is the name of the clusters' superuser.
const superuser = "postgres"

// ErrInUse says that another process runs the cluster in this directory.
var ErrInUse = errors.New("cluster is in use by another process")

// Options say which cluster to run, and how.
type Options struct {
	// Dir is where the cluster lives; it is made if it is missing. Required.
	// If root asks for a directory that the server's user cannot enter, the
	// cluster lives in /var/lib/pgdev, and Dir holds a link to it.
	Dir string
	// Port is the TCP port on loopback; 0 takes a free one.
	Port int
	// Fast trades durability for speed, for tests that do not crash it.
	Fast bool
	// Temporary removes Dir when the cluster stops or the process ends,
	// however it ends.
	Temporary bool
	// From is a cluster to copy instead of making one. It must be at rest. The
	// copy has its data and password.
	From *Cluster
	// Settings are server settings ("shared_buffers": "512MB"). They win over
	// this package's own.
	Settings map[string]string
}

// Cluster is a running private cluster. Its methods are not safe for
// concurrent use with each other, URLs excepted.
type Cluster struct {
	opts     Options
	bin      string
	account  account
	home     string // directory of the cluster: opts.Dir, or where that leads
	lock     *os.File
	sockets  string // directory of the unix socket
	port     int
	password string
	server   postmaster
	janitor  *janitor
}

// Start makes the cluster in opts.Dir if there is none and runs it. It returns
// when the cluster takes connections. The caller stops it with Stop.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	c, err := prepare(opts)
	if err != nil {
		return nil, fmt.Errorf("preparing PostgreSQL cluster: %w", err)
	}
	if err := c.create(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("making PostgreSQL cluster: %w", err), c.release())
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting PostgreSQL cluster: %w", err), c.release())
	}
	return c, nil
}

// prepare creates and locks the directory.
func prepare(opts Options) (*Cluster, error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	who, err := serverAccount()
	if err != nil {
		return nil, err
	}
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts, bin: bin, account: who, port: opts.Port}
	if c.home, err = who.home(opts.Dir); err != nil {
		return nil, err
	}
	if err := c.makeDir(c.home); err != nil {
		return nil, err
	}
	if c.lock, err = lockFile(c.path("lock")); err != nil {
		return nil, err
	}
	if opts.Temporary {
		if c.janitor, err = hireJanitor(c.home, opts.Dir); err != nil {
			return nil, errors.Join(err, c.lock.Close())
		}
	}
	return c, nil
}

// lockFile takes the directory for this process; the kernel gives it back when
// the process ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(ErrInUse, f.Close())
	}
	return f, nil
}

// Stop shuts the cluster down: sessions are ended, everything is written. If
// ctx ends first, the cluster is killed; it will recover at its next start. A
// temporary cluster writes nothing more, and its directory is removed. Stop may
// be called again.
func (c *Cluster) Stop(ctx context.Context) error {
	signal := syscall.SIGINT // PostgreSQL's fast shutdown
	if c.opts.Temporary {
		signal = syscall.SIGQUIT // and its immediate one
	}
	err := c.server.stop(ctx, signal)
	if err != nil {
		err = errors.Join(err, c.server.kill())
	}
	return errors.Join(err, c.release())
}

// Rest shuts the cluster down and keeps it, also if it is temporary: it can be
// copied, and Restart brings it back.
func (c *Cluster) Rest(ctx context.Context) error {
	return c.server.stop(ctx, syscall.SIGINT)
}

// Kill kills every process of the cluster at once with SIGKILL, as a power cut
// would (but for what the operating system still writes). Restart brings it back.
func (c *Cluster) Kill() error {
	return c.server.kill()
}

// Restart starts the cluster again on the same port: after Kill with crash
// recovery, else by a fast shutdown first.
func (c *Cluster) Restart(ctx context.Context) error {
	if err := c.server.stop(ctx, syscall.SIGINT); err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return fmt.Errorf("restarting PostgreSQL cluster: %w", err)
	}
	return nil
}

// URL is the address of a database for a user, over the unix socket, where no
// password is asked.
func (c *Cluster) URL(user, database string) string {
	q := url.Values{"host": {c.sockets}, "port": {strconv.Itoa(c.port)}}
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}

// AdminURL is the superuser's address of the database postgres, over the unix
// socket.
func (c *Cluster) AdminURL() string { return c.URL(superuser, "postgres") }

// TCPURL is the superuser's address of a database over loopback TCP, with the
// password.
func (c *Cluster) TCPURL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     "127.0.0.1:" + strconv.Itoa(c.port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// SocketDir is the directory of the unix socket: what psql and pgbench take as
// host.
func (c *Cluster) SocketDir() string { return c.sockets }

// Port is the TCP port, and part of the unix socket's name.
func (c *Cluster) Port() int { return c.port }

// PID is the process of the postmaster, for measuring.
func (c *Cluster) PID() int { return c.server.PID() }

// Command prepares one of PostgreSQL's own programs (psql, pgbench, pg_dump),
// set up to reach this cluster as its superuser.
func (c *Cluster) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Env = append(cleanEnv(), "PGHOST="+c.sockets, "PGPORT="+strconv.Itoa(c.port), "PGUSER="+superuser)
	return cmd
}

func (c *Cluster) path(name string) string { return filepath.Join(c.home, name) }

func (c *Cluster) data() string { return c.path("data") }

// makeDir creates a directory that only the server's user can enter (and root).
func (c *Cluster) makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory.
		return err
	}
	return c.account.own(dir)
}

// release gives up what a stopped cluster held. It may be called again.
func (c *Cluster) release() error {
	if c.lock == nil {
		return nil
	}
	var errs []error
	if c.sockets != "" && !strings.HasPrefix(c.sockets, c.home) {
		errs = append(errs, os.RemoveAll(c.sockets))
	}
	if c.opts.Temporary {
		errs = append(errs, os.RemoveAll(c.home), os.RemoveAll(c.opts.Dir), c.janitor.dismiss())
	}
	// Not by closing it alone: a process that is being started has a copy.
	errs = append(errs, syscall.Flock(int(c.lock.Fd()), syscall.LOCK_UN), c.lock.Close())
	c.lock = nil
	return errors.Join(errs...)
}

// cleanEnv is the environment of PostgreSQL's programs: nothing of the
// caller's PG… variables, and messages in English.
func cleanEnv() []string { return []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"} }
