// Command cpis runs and administers the child protection information sharing
// service. Here is only wiring: configuration, and the order in which the
// parts start and stop.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the service."`
	Dev     devCmd     `cmd:"" help:"Try the service out on this machine, with invented children."`
	Migrate migrateCmd `cmd:"" help:"Create or update the database, its reference data, its keys and the audit log."`

	Lookup lookupCmd `cmd:"" help:"Look a person up."`
	Token  tokenCmd  `cmd:"" help:"Get a token from the demo's identity provider."`

	SignIn  signInCmd  `cmd:"" help:"Sign in with your browser; other commands then ask as you."`
	SignOut signOutCmd `cmd:"" help:"Forget the sign-in."`

	Plan      verbs   `cmd:"" help:"Record and read the plans of your authority."`
	Person    verbs   `cmd:"" help:"Find and show the people that your authority holds plans about."`
	Work      verbs   `cmd:"" help:"See what waits for your authority today."`
	Upload    uploads `cmd:"" help:"Upload files of plans."`
	Notice    verbs   `cmd:"" help:"Read the notices to your authority, and record what was done."`
	Channel   verbs   `cmd:"" help:"Manage the channels that notices are sent on to."`
	Contact   verbs   `cmd:"" help:"Manage the telephone numbers that look-ups show."`
	Encounter verbs   `cmd:"" help:"Report missed appointments and wrong patients."`
	Admin     verbs   `cmd:"" help:"Read the rules of the service, ask why they decide as they do, and see how it does."`
	Report    reports `cmd:"" help:"Ask the audit log who looked, and why."`

	Audit        auditCmd        `cmd:"" help:"Export the audit log, fetch checkpoints and proofs, and verify them."`
	Keys         keysCmd         `cmd:"" help:"Rotate keys."`
	Instance     instanceCmd     `cmd:"" help:"Claim the audit log for a database, or show for which one it was claimed."`
	Organisation organisationCmd `cmd:"" help:"List organisations, and add those that are not in the reference data."`
	Authority    authorityCmd    `cmd:"" help:"List local authorities, and set their telephone numbers."`
	Version      versionCmd      `cmd:"" help:"Say which program this is: its version, and the commit that it was built from."`
	Bench        benchCmd        `cmd:"" help:"Measure look-ups against pgbench and a bare echo."`
}

// uploads are the commands about files of plans.
type uploads struct {
	Send   uploadCmd       `cmd:"" name:"send" default:"withargs" help:"Upload a file, see what it would do, and approve it."`
	Result uploadResultCmd `cmd:"" help:"Save a file with what becomes of its rows, to correct it and upload it again."`
	verbs
}

// Help says what the short form means.
func (uploads) Help() string { return "cpis upload FILE is short for cpis upload send FILE." }

// newCLI creates the command line for arguments of which it is given the first.
// Commands that call procedures one by one are made of the contract: those of
// the group that is asked for, or all if there is a flag instead. Making all of
// them takes longer than most commands do.
func newCLI(first string) *cli {
	of := func(group string) verbs {
		if first != group && !strings.HasPrefix(first, "-") {
			return verbs{}
		}
		return verbsOf(group)
	}
	return &cli{
		Plan: of("plan"), Person: of("person"), Work: of("work"), Upload: uploads{verbs: of("upload")}, Notice: of("notice"),
		Channel: of("channel"), Contact: of("contact"), Encounter: of("encounter"),
		Admin:  of("admin"),
		Report: reports{verbs: of("report")},
	}
}

// world is what the commands touch of the world outside.
type world struct {
	getenv  func(string) string
	environ func() []string // all variables with their values; nil if there are none
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the program at once
	code := run(ctx, os.Args[1:], &world{os.Getenv, os.Environ, os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// check refuses an environment with settings that would not be heard.
func (w *world) check(model *kong.Application) error {
	if w.environ == nil {
		return nil
	}
	return checkEnvironment(w.environ(), knownVariables(model))
}

// exitError ends the program with a status of its own; what there was to say
// has been said.
type exitError int

// Error says which status.
func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run carries out a command line and returns the exit status: 0 for success, 1
// for failure, 2 for a command line that cannot be understood, and what a
// command documents of its own. An empty one is answered with the help.
func run(ctx context.Context, args []string, w *world) int {
	if len(args) == 0 {
		_ = run(ctx, []string{"--help"}, &world{w.getenv, nil, w.stdin, w.stderr, w.stderr})
		return 2
	}
	exited := -1 // kong exits after help
	parser, err := kong.New(newCLI(args[0]),
		kong.Name("cpis"),
		kong.Description("Child protection information sharing: look-ups, plans, and a log that can be verified."),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true}),
		kong.Writers(w.stdout, w.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(w),
	)
	if err != nil {
		_, _ = fmt.Fprintln(w.stderr, "cpis:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		_, _ = fmt.Fprintln(w.stderr, "cpis:", err)
		return 2
	}
	err = w.check(parser.Model)
	if err == nil {
		err = command.Run()
	}
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	_, _ = fmt.Fprintln(w.stderr, "cpis:", err)
	return 1
}
