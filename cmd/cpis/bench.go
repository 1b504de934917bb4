package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"cpis/deploy/dev/bench"
)

type benchCmd struct {
	Measure benchRunCmd  `cmd:"" name:"run" default:"withargs" help:"Measure, and print the ratios."`
	Echo    benchEchoCmd `cmd:"" hidden:"" help:"Serve the bare echo that look-ups are measured against."`
}

type benchRunCmd struct {
	Persons int    `default:"150000" help:"People with plans."`
	Entries int    `default:"0" help:"Entries in the log at the beginning."`
	Seconds int    `default:"5" help:"Of each measurement."`
	Rounds  int    `default:"3" help:"Of each measurement; the median counts."`
	Vault   bool   `default:"true" negatable:"" help:"Also with keys in a real Vault."`
	Dir     string `type:"path" placeholder:"DIR" help:"Where to work; a temporary directory, removed in the end, if not given."`
}

// Run measures.
func (c *benchRunCmd) Run(ctx context.Context, w *world) (err error) {
	dir := c.Dir
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
	return bench.Run(ctx, bench.Options{
		Dir: dir, Persons: c.Persons, Entries: c.Entries, Seconds: c.Seconds, Rounds: c.Rounds, Vault: c.Vault,
		Out: w.stdout, Program: program, Now: time.Now,
		Migrate: func(ctx context.Context, database, origin string, getenv func(string) string) error {
			keeper, done, err := keeperFrom(ctx, &world{getenv: getenv})
			if err != nil {
				return err
			}
			defer done()
			return migrate(ctx, database, origin, keeper, w.stderr)
		},
	})
}

type benchEchoCmd struct {
	Address string `arg:""`
}

// Run serves the echo.
func (c *benchEchoCmd) Run(ctx context.Context) error { return bench.Echo(ctx, c.Address, time.Now) }
