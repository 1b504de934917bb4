// Package bench measures the whole look-up against two yardsticks, in one run
// on one machine: pgbench doing one select and one insert into the log's own
// table per request, and a bare echo through the same HTTP stack. Machines
// differ and are noisy, so ratios count and not figures.
//
// Server, database and load generator share the machine, as they do in every
// line of the table. The load generator for HTTP is wrk.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"cpis/deploy/dev/pgdev"
)

// Options say what to measure.
type Options struct {
	Dir     string // where everything lives meanwhile; required
	Persons int    // how many people have plans
	Past    int    // how many entries the log has at the beginning, as years of look-ups leave them
	Grown   int    // how many entries a second log has, which is measured in turns with it; 0 for none
	Seconds int    // of each measurement
	Rounds  int    // how often each is repeated; the median counts
	Vault   bool   // also with keys in a real Vault

	// Hold is how long answers are held back. Speed is measured without, so
	// that it is the work that counts.
	Hold    time.Duration
	Out     io.Writer // where the table goes; required
	Program string    // the cpis program; required
	Migrate Migrate   // prepares a database; required
	Now     func() time.Time
}

// Migrate brings a new database up to date, with the keeper that the environment
// names and the organisations of those who ask.
type Migrate func(ctx context.Context, database, origin string, getenv func(string) string) error

// pgbenchClients are the numbers of clients of which pgbench's best counts: with
// more of them it becomes slower, and a comparison would flatter.
var pgbenchClients = []int{8, 16, 32}

// minSeconds is how long a measurement must take: pgbench is slow at first.
const minSeconds = 10

// callers are the numbers of concurrent callers that are measured.
var callers = []int{1, 16, 64, 256}

// Run measures and prints the table.
func Run(ctx context.Context, o Options) error {
	if o.Seconds < minSeconds {
		return fmt.Errorf("a measurement must take %d seconds or more", minSeconds)
	}
	for _, tool := range []string{"wrk"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is not installed (Debian: apt-get install %s)", tool, tool)
		}
	}
	cluster, err := startCluster(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, cluster: cluster}
	return b.run(ctx)
}

// startCluster starts PostgreSQL.
func startCluster(ctx context.Context, dir string) (*pgdev.Cluster, error) {
	cluster, err := pgdev.Start(ctx, pgdev.Options{
		Dir: filepath.Join(dir, "pg"), Temporary: true,
		Settings: map[string]string{
			"shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": "400", "checkpoint_timeout": "15min",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return cluster, nil
}

// bench is one run.
type bench struct {
	Options
	cluster   *pgdev.Cluster
	databases []string // of the sites
	results   []result
	storm     storm
	indexed   indexed
}

// result is one line of the table: the medians of its rounds.
type result struct {
	name    string
	callers int
	perSec  float64
	p50     time.Duration
	p99     time.Duration
	rounds  []sample
}

func (b *bench) run(ctx context.Context) error {
	s, err := b.newSite(ctx, "local", nil)
	if err != nil {
		return err
	}
	defer s.stop(ctx)
	b.databases = append(b.databases, s.database)
	steps := b.steps(s)
	if b.Vault {
		v, stop, err := b.vaultSite(ctx)
		if err != nil {
			return err
		}
		defer stop()
		defer v.stop(ctx)
		b.databases = append(b.databases, v.database)
		for _, n := range callers {
			steps = append(steps, step{"look-up, JSON, keys in Vault", n, func(ctx context.Context, n int) (sample, error) {
				return v.load(ctx, n, v.lookups(jsonCodec), b.Seconds)
			}})
		}
	}
	if b.Grown > 0 {
		more := *b
		more.Past = b.Grown
		grown, err := more.newSite(ctx, "grown", nil)
		if err != nil {
			return err
		}
		defer grown.stop(ctx)
		b.databases = append(b.databases, grown.database)
		steps = append(steps, step{nameGrown, 64, func(ctx context.Context, n int) (sample, error) {
			return grown.load(ctx, n, grown.lookups(jsonCodec), b.Seconds)
		}})
	}
	// One unmeasured round warms caches and the pool.
	for _, st := range steps {
		if _, err := st.run(ctx, st.callers); err != nil {
			return fmt.Errorf("measuring %s: %w", st.name, err)
		}
	}
	samples := make([][]sample, len(steps))
	for range b.Rounds { // rounds go over all steps, so that noise hits all alike
		for i, st := range steps {
			got, err := st.run(ctx, st.callers)
			if err == nil {
				err = b.settle(ctx)
			}
			if err != nil {
				return fmt.Errorf("measuring %s: %w", st.name, err)
			}
			samples[i] = append(samples[i], got)
		}
	}
	for i, st := range steps {
		b.results = append(b.results, median(st, samples[i]))
	}
	rss, err := s.rss()
	if err != nil {
		return err
	}
	if err := b.print(rss); err != nil { // what is known is shown: all of it takes minutes
		return err
	}
	// Last, because it changes what the others measure.
	if b.storm, err = b.uploadStorm(ctx, s); err != nil {
		return fmt.Errorf("measuring look-ups while all authorities upload: %w", err)
	}
	return b.printStorm()
}

// step is one thing to measure.
type step struct {
	name    string
	callers int
	run     func(ctx context.Context, callers int) (sample, error)
}

// Names of what is measured.
const (
	nameBench  = "pgbench, select + insert"
	nameEcho   = "echo"
	nameSized  = "bare answer as long as a look-up's"
	nameLookup = "look-up, JSON"
	nameBinary = "look-up, binary"
	nameGrown  = "look-up, JSON, grown log"
	nameAlone  = "look-up, JSON, 1 ms of rest"
	nameRested = "pgbench, about 1 ms of rest"
)

func (b *bench) steps(s *site) []step {
	var steps []step
	for _, n := range pgbenchClients {
		steps = append(steps, step{nameBench, n, func(ctx context.Context, n int) (sample, error) { return b.pgbench(ctx, s, n, false) }})
	}
	steps = append(steps,
		step{nameRested, 1, func(ctx context.Context, n int) (sample, error) { return b.pgbench(ctx, s, n, true) }},
		step{nameAlone, 1, func(ctx context.Context, n int) (sample, error) {
			l := s.lookups(jsonCodec)
			l.name, l.rest = l.name+"-rested", true
			return s.load(ctx, n, l, b.Seconds)
		}})
	for _, n := range callers {
		steps = append(steps,
			step{nameLookup, n, func(ctx context.Context, n int) (sample, error) {
				return s.load(ctx, n, s.lookups(jsonCodec), b.Seconds)
			}})
		if n >= 64 {
			steps = append(steps,
				step{nameBinary, n, func(ctx context.Context, n int) (sample, error) {
					return s.load(ctx, n, s.lookups(binaryCodec), b.Seconds)
				}},
				step{nameSized, n, func(ctx context.Context, n int) (sample, error) {
					return s.load(ctx, n, s.sized(), b.Seconds)
				}},
				step{nameEcho, n, func(ctx context.Context, n int) (sample, error) {
					return s.load(ctx, n, s.echoes(), b.Seconds)
				}})
		}
	}
	return steps
}

// logFile opens the file that a part of the run writes its output to.
func (b *bench) logFile(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(b.Dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

var errLoad = errors.New("some requests were not answered")
