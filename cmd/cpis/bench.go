package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"cpis/deploy/dev/bench"
)

type benchCmd struct {
	Measure benchRunCmd    `cmd:"" name:"run" default:"withargs" help:"Measure, and print the ratios."`
	Timing  benchTimingCmd `cmd:"" help:"Measure what the time of an answer says about a flag."`
	Echo    benchEchoCmd   `cmd:"" hidden:"" help:"Serve the bare echo that look-ups are measured against."`
}

type benchRunCmd struct {
	Persons int    `default:"150000" help:"People with plans."`
	Entries int    `default:"0" help:"Entries in the log at the beginning."`
	Grown   int    `default:"0" help:"Entries in a second log, measured in turns with the first."`
	Seconds int    `default:"10" help:"Seconds that a measurement takes; at least 10, for pgbench to reach its speed."`
	Rounds  int    `default:"3" help:"How often each measurement is repeated; the median counts."`
	Vault   bool   `default:"true" negatable:"" help:"Also with keys in a real Vault."`
	Dir     string `type:"path" placeholder:"DIR" help:"Directory to work in; by default a temporary one, removed at the end."`
}

// Run measures.
func (c *benchRunCmd) Run(ctx context.Context, w *world) error {
	return benchIn(c.Dir, w, func(o bench.Options) error {
		o.Persons, o.Entries, o.Seconds, o.Rounds, o.Vault = c.Persons, c.Entries, c.Seconds, c.Rounds, c.Vault
		o.Grown = c.Grown
		return bench.Run(ctx, o)
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
			keeper, done, err := keeperFrom(ctx, &world{getenv: getenv})
			if err != nil {
				return err
			}
			defer done()
			return migrate(ctx, database, &migrateCmd{databaseFlags: databaseFlags{Database: database, LogOrigin: origin}}, keeper, w.stderr)
		},
	})
}

type benchEchoCmd struct {
	Address string `arg:""`
}

// Run serves the echo.
func (c *benchEchoCmd) Run(ctx context.Context) error { return bench.Echo(ctx, c.Address, time.Now) }
