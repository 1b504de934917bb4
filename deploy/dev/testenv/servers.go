package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"cpis/deploy/dev/pgdev"
	"cpis/deploy/dev/vaultdev"
)

// stopping is how long a server may take to stop before it is killed.
const stopping = 30 * time.Second

// settings make one small PostgreSQL enough for the tests of all packages at
// once.
var settings = map[string]string{"max_connections": "300"}

// servers are what the command is given, and what must be stopped after it.
type servers struct {
	environ []string
	say     io.Writer // what was started, and how long it took
	stops   []func(context.Context) error
}

// start starts what the environment does not name yet. What it started before
// an error is stopped by stop.
func (s *servers) start(ctx context.Context) error {
	if !s.has("TEST_DATABASE_URL") {
		if err := s.timed("PostgreSQL", func() error { return s.startPostgres(ctx) }); err != nil {
			return err
		}
	}
	if !s.has("TEST_VAULT_ADDR") {
		if err := s.timed("Vault", func() error { return s.startVault(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// stop stops what was started, the last first, also when ctx has ended.
func (s *servers) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	var errs []error
	for _, stop := range slices.Backward(s.stops) {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// startPostgres starts a cluster that nothing outlives. It is fast rather than
// durable: tests of durability start their own.
func (s *servers) startPostgres(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "cpis-testenv-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	cluster, err := pgdev.Start(ctx, pgdev.Options{Dir: dir, Fast: true, Temporary: true, Settings: settings})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.stops = append(s.stops, cluster.Stop)
	s.set("TEST_DATABASE_URL", cluster.AdminURL())
	return nil
}

// startVault starts a server that keeps everything in memory.
func (s *servers) startVault(ctx context.Context) error {
	server, err := vaultdev.Start(ctx, vaultdev.Options{})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, server.Stop)
	s.set("TEST_VAULT_ADDR", server.Address())
	s.set("TEST_VAULT_TOKEN", server.RootToken())
	return nil
}

// timed starts a server and says so.
func (s *servers) timed(name string, start func() error) error {
	began := time.Now()
	if err := start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	fmt.Fprintf(s.say, "testenv: started %s in %.1f s\n", name, time.Since(began).Seconds())
	return nil
}

func (s *servers) has(name string) bool {
	return slices.ContainsFunc(s.environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
}

func (s *servers) set(name, value string) { s.environ = append(s.environ, name+"="+value) }
