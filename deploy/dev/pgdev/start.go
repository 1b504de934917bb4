package pgdev

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cpis/deploy/dev/process"
)

const (
	// patience is how long a server that is still shutting down for a process
	// that has gone is waited for.
	patience = 15 * time.Second
	// attempts is how often a free port is chosen: between choosing and
	// binding somebody else may take it.
	attempts = 5
	// maxSocketPath is what the smallest of the operating systems allows for
	// the path of a unix socket.
	maxSocketPath = 100
)

// hba lets in who can reach the socket (its directory is closed to others) and
// who knows the password on loopback; the replication line is for standbys.
const hba = `local all         all              trust
local replication all              trust
host  all         all 127.0.0.1/32 scram-sha-256
`

// create runs initdb, or copies a cluster, unless the directory already holds
// one.
func (c *Cluster) create(ctx context.Context) error {
	_, err := os.Stat(filepath.Join(c.data(), "PG_VERSION"))
	if err == nil {
		return c.readPassword()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if c.opts.From != nil {
		return c.copyStopped(ctx, c.opts.From)
	}
	if err := c.writePassword(); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + c.data(), "--username=" + superuser, "--pwfile=" + c.path("password"),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if c.opts.Fast || c.opts.Temporary { // nothing is lost if the machine fails now
		args = append(args, "--no-sync")
	}
	if !c.opts.Fast {
		args = append(args, "--data-checksums")
	}
	if err := c.run(ctx, filepath.Join(c.bin, "initdb"), args...); err != nil {
		// A half-made directory would be taken for a cluster the next time.
		return errors.Join(err, os.RemoveAll(c.data()))
	}
	return c.writeFile(filepath.Join(c.data(), "pg_hba.conf"), hba)
}

// copyStopped copies a cluster that does not run, file by file.
func (c *Cluster) copyStopped(ctx context.Context, from *Cluster) error {
	c.password = from.password
	if err := c.writeFile(c.path("password"), c.password); err != nil {
		return err
	}
	if err := c.run(ctx, "/bin/cp", "-a", from.data(), c.data()); err != nil {
		return errors.Join(err, os.RemoveAll(c.data()))
	}
	return nil
}

func (c *Cluster) writePassword() error {
	c.password = rand.Text()
	return c.writeFile(c.path("password"), c.password)
}

func (c *Cluster) readPassword() error {
	text, err := os.ReadFile(c.path("password"))
	if err != nil {
		return fmt.Errorf("reading the cluster's password: %w", err)
	}
	c.password = string(text)
	return nil
}

func (c *Cluster) writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return c.account.own(path)
}

// run runs a program as the server's user.
func (c *Cluster) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = c.home, cleanEnv()
	cmd.SysProcAttr = attributes(c.account)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := process.Start(cmd, c)
	if err != nil {
		return err
	}
	if err := p.Wait(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", program, err, tail(out.Bytes()))
	}
	return nil
}

// start runs the server and waits until it takes connections.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.awaitPredecessor(ctx); err != nil {
		return err
	}
	if err := c.makeSockets(); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		chosen := c.port == 0
		if err := c.choosePort(ctx); err != nil {
			return err
		}
		err := c.launch(ctx)
		if err == nil || !chosen || attempt == attempts || !errors.Is(err, errPortTaken) {
			return err
		}
		c.port = 0
	}
}

// awaitPredecessor waits for a server that the death of its parent is shutting
// down: holding the lock, we know that the parent has gone.
func (c *Cluster) awaitPredecessor(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrInUse)
	defer cancel()
	return process.Until(ctx, tick, func() (bool, error) {
		pid, _ := c.status()
		return pid == 0 || !isServer(pid), nil
	})
}

// makeSockets creates the directory of the unix socket: in the cluster's own
// directory, or if that path is too long for a socket, a temporary one.
func (c *Cluster) makeSockets() error {
	if c.sockets != "" {
		return nil
	}
	dir := c.path("run")
	if len(dir) <= maxSocketPath-len("/.s.PGSQL.65535") {
		c.sockets = dir
		return c.makeDir(dir)
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return fmt.Errorf("making directory for the socket: %w", err)
	}
	c.sockets = dir
	return c.account.own(dir)
}

func (c *Cluster) choosePort(ctx context.Context) error {
	if c.port != 0 {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("choosing a port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		return fmt.Errorf("choosing a port: %w", err)
	}
	c.port, err = strconv.Atoi(port)
	return err
}

// errPortTaken says that the server could not bind its port.
var errPortTaken = errors.New("port is taken")

// launch runs the server once.
func (c *Cluster) launch(ctx context.Context) error {
	log, err := os.OpenFile(c.path("postgres.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	before, err := log.Stat()
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), c.serverArgs()...) //nolint:noctx // outlives the context of its start.
	cmd.Dir, cmd.Env = c.home, cleanEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(c.account)
	if c.server.Process, err = process.Start(cmd, c); err != nil {
		return err
	}
	if err := c.awaitReady(ctx, before.Size()); err != nil {
		return errors.Join(err, c.server.kill())
	}
	return nil
}

// awaitReady waits until the server says in its own file that it takes
// connections, as pg_ctl does.
func (c *Cluster) awaitReady(ctx context.Context, logged int64) error {
	err := process.Until(ctx, tick, func() (bool, error) {
		if c.server.Ended() {
			return false, c.failure(logged)
		}
		pid, state := c.status()
		return pid == c.server.PID() && (state == "ready" || state == "standby"), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for PostgreSQL: %w", err)
	}
	return nil
}

// status reads the server's own file: its process and state. Zero if there
// is none.
func (c *Cluster) status() (pid int, state string) {
	const pidLine, stateLine = 0, 7
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(text), "\n")
	pid, err = strconv.Atoi(lines[pidLine])
	if err != nil {
		return 0, ""
	}
	if len(lines) > stateLine {
		state = strings.TrimSpace(lines[stateLine])
	}
	return pid, state
}

// failure says why the server ended, from what it logged since it started.
func (c *Cluster) failure(logged int64) error {
	text, err := os.ReadFile(c.path("postgres.log"))
	if err != nil {
		return err
	}
	text = text[min(logged, int64(len(text))):]
	if bytes.Contains(text, []byte("Address already in use")) {
		return errPortTaken
	}
	return fmt.Errorf("it ended: %w\n%s", c.server.Wait(), tail(text))
}

// tail is the end of a program's output, for an error.
func tail(out []byte) []byte {
	const enough = 2000
	return bytes.TrimSpace(out[max(0, len(out)-enough):])
}

// serverArgs are the command line of the server: which wins over its files, so
// that options may change from start to start.
func (c *Cluster) serverArgs() []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": c.sockets,
		"unix_socket_permissions": "0700",
		"port":                    strconv.Itoa(c.port),
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// Statements may carry sealed values and tags: none is ever logged.
		"log_min_error_statement":           "panic",
		"log_parameter_max_length":          "0",
		"log_error_verbosity":               "terse",
		"max_connections":                   "200",
		"cluster_name":                      "cpis",
		"log_checkpoints":                   "off",
		"log_parameter_max_length_on_error": "0",
	}
	if c.opts.Fast {
		maps.Copy(settings, map[string]string{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"})
	}
	maps.Copy(settings, c.opts.Settings)
	args := []string{"-D", c.data()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}
