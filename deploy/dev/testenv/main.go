// Command testenv starts a private PostgreSQL and a real Vault, runs a command
// that finds their addresses in its environment, stops both, and ends as the
// command ended. So one server of each serves the tests of all packages.
//
//	testenv -- go test ./...
//
// It sets TEST_DATABASE_URL (a superuser's address), TEST_VAULT_ADDR and
// TEST_VAULT_TOKEN (the root token). What is set already is used as it is, and
// not started. Both servers forget everything: nothing is kept but what the
// command itself writes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// failed is the exit code of testenv's own failures, as of a command that could
// not be run.
const failed = 125

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code, err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
	}
	os.Exit(code)
}

// run starts the servers, runs the command of args and stops the servers,
// whatever happened in between. It returns the command's exit code.
func run(ctx context.Context, args, environ []string, out, errOut io.Writer) (code int, err error) {
	command, err := commandOf(args)
	if err != nil {
		return failed, err
	}
	s := &servers{environ: environ, say: errOut}
	defer func() {
		if stopErr := s.stop(ctx); stopErr != nil {
			code, err = max(code, 1), errors.Join(err, stopErr)
		}
	}()
	if err := s.start(ctx); err != nil {
		return failed, err
	}
	return execute(ctx, command, s.environ, out, errOut)
}

// commandOf takes the command from behind the two hyphens.
func commandOf(args []string) ([]string, error) {
	if len(args) < 2 || args[0] != "--" {
		return nil, errors.New("want -- and a command, as in: testenv -- go test ./")
	}
	return args[1:], nil
}
