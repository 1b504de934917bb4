package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"cpis/deploy/dev/bench"
	"cpis/service/directory"
)

type benchCmd struct {
	Measure  benchRunCmd      `cmd:"" name:"run" default:"withargs" help:"Measure, and print the ratios."`
	Auditing benchAuditingCmd `cmd:"" help:"Measure what auditors wait for: reports, proofs, exports and their verification."`
	Leads    benchLeadsCmd    `cmd:"" help:"Measure what safeguarding leads wait for: finding a person, lists of plans, what waits."`
	Timing   benchTimingCmd   `cmd:"" help:"Measure what the time of an answer says about a flag."`
	Echo     benchEchoCmd     `cmd:"" hidden:"" help:"Serve the bare echo that look-ups are measured against."`
}

type benchRunCmd struct {
	Persons int    `default:"150000" help:"People with plans."`
	Past    int    `default:"0" help:"Entries that the log has at the beginning."`
	Grown   int    `default:"0" help:"Entries in a second log, measured in turns with the first."`
	Seconds int    `default:"10" help:"Seconds that a measurement takes; at least 10, for pgbench to reach its speed."`
	Rounds  int    `default:"3" help:"How often each measurement is repeated; the median counts."`
	Vault   bool   `default:"true" negatable:"" help:"Also with keys in a real Vault."`
	Dir     string `type:"path" placeholder:"DIR" help:"Directory to work in; by default a temporary one, removed at the end."`
}

// Run measures.
func (c *benchRunCmd) Run(ctx context.Context, w *world) error {
	return benchIn(c.Dir, w, func(o bench.Options) error {
		o.Persons, o.Past, o.Seconds, o.Rounds, o.Vault = c.Persons, c.Past, c.Seconds, c.Rounds, c.Vault
		o.Grown = c.Grown
		return bench.Run(ctx, o)
	})
}

type benchAuditingCmd struct {
	Entries int    `default:"1000000" help:"Entries of the log."`
	Seconds int    `default:"10" help:"Seconds that look-ups are measured, with and without an export."`
	Rounds  int    `default:"3" help:"How often what is compared is measured in turns; the median counts."`
	Dir     string `type:"path" placeholder:"DIR" help:"Directory to work in; by default a temporary one, removed at the end."`
}

// Run measures.
func (c *benchAuditingCmd) Run(ctx context.Context, w *world) error {
	return benchIn(c.Dir, w, func(o bench.Options) error {
		o.Past, o.Seconds, o.Rounds = c.Entries, c.Seconds, c.Rounds
		return bench.Auditing(ctx, o)
	})
}

type benchLeadsCmd struct {
	Plans  int    `default:"100000" help:"Plans of the authority."`
	Rounds int    `default:"3" help:"How often each measurement is repeated; the median counts."`
	Dir    string `type:"path" placeholder:"DIR" help:"Directory to work in; by default a temporary one, removed at the end."`
}

// Run measures.
func (c *benchLeadsCmd) Run(ctx context.Context, w *world) error {
	return benchIn(c.Dir, w, func(o bench.Options) error {
		o.Rounds = c.Rounds
		return bench.Leads(ctx, o, c.Plans)
	})
}

type benchTimingCmd struct {
	Pairs   int           `default:"2000" help:"Pairs of a flagged and an unflagged person to ask about, in each way of asking."`
	Persons int           `default:"150000" help:"People with plans."`
	Hold    time.Duration `default:"10ms" help:"How long answers are held back, as CPIS_LOOKUP_HOLD says."`
	Vault   bool          `help:"Keep the keys in a real Vault."`
	Dir     string        `type:"path" placeholder:"DIR" help:"Directory to work in; by default a temporary one, removed at the end."`
}

// Run measures.
func (c *benchTimingCmd) Run(ctx context.Context, w *world) error {
	return benchIn(c.Dir, w, func(o bench.Options) error {
		o.Persons, o.Hold, o.Vault = c.Persons, c.Hold, c.Vault
		return bench.Timing(ctx, o, c.Pairs)
	})
}

// benchIn creates a directory if none is given, and what all measurements need.
func benchIn(dir string, w *world, measure func(bench.Options) error) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "cpis-bench"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	return measure(bench.Options{
		Dir: dir, Out: w.stdout, Program: program, Now: time.Now,
		Migrate: func(ctx context.Context, database, origin string, getenv func(string) string) error {
			return prepareBench(ctx, databaseFlags{Database: database, LogOrigin: origin}, &world{getenv: getenv, stderr: w.stderr})
		},
	})
}

// prepareBench brings a database up to date, and adds the organisations that only
// people of the identity provider for trying out work for.
func prepareBench(ctx context.Context, target databaseFlags, w *world) error {
	keeper, done, err := keeperFrom(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	if err := migrate(ctx, target.Database, &migrateCmd{databaseFlags: target}, keeper, w.stderr); err != nil {
		return err
	}
	admin, closeAll, err := target.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer closeAll()
	return addOrganisations(ctx, &directory.Admin{Command: admin.Command})
}

type benchEchoCmd struct {
	Address string `arg:""`
}

// Run serves the echo.
func (c *benchEchoCmd) Run(ctx context.Context) error { return bench.Echo(ctx, c.Address, time.Now) }
