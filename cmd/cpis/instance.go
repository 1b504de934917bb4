package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"cpis/service/guard"
	"cpis/service/store"
)

// claimedEvery is how often a server looks whether its database is still the
// one that the log was claimed for: a name may come to lead to another.
const claimedEvery = 10 * time.Second

// addressOf returns under which address a URL reaches its database.
func addressOf(url string) (string, error) {
	machine, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("reading the machine's name: %w", err)
	}
	return store.AddressOf(url, machine)
}

// findLog finds a log, and says what to do if there is none.
func findLog(ctx context.Context, db *store.DB, origin string) (store.Log, error) {
	log, err := db.Logs.Find(ctx, origin)
	if errors.Is(err, store.ErrNotFound) {
		return log, fmt.Errorf(`CPIS_LOG_ORIGIN: this database has no log %s: check the name, or run "cpis migrate", which makes it`, origin)
	}
	return log, err
}

// checkClaim refuses a database that its log was not claimed for.
func checkClaim(ctx context.Context, db *store.DB, log store.Log, name, url string) error {
	address, err := addressOf(url)
	if err != nil {
		return err
	}
	here, err := guard.ReadMarks(ctx, db, name, address)
	if err != nil {
		return err
	}
	return guard.Claimed(ctx, db, log, &here)
}

// advice says what to do about a copy.
const advice = `To try a restored backup, "cpis serve --drill"; to serve from here, see "cpis instance claim --help"`

// claimed refuses to serve from a copy.
func (s *server) claimed(ctx context.Context) error {
	log, err := findLog(ctx, s.db, s.cfg.LogOrigin)
	if err != nil {
		return err
	}
	err = checkClaim(ctx, s.db, log, s.cfg.Instance, s.cfg.DatabaseURL)
	if errors.Is(err, guard.ErrCopy) {
		return fmt.Errorf("%w. %s", err, advice)
	}
	return err
}

// keepClaimed ends the server as soon as its database is found to be another.
// What cannot be found out now is found out later.
func (s *server) keepClaimed(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(claimedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.claimed(ctx); errors.Is(err, guard.ErrCopy) {
			s.log.Error().Err(err).Msg("database is another than the log was claimed for: stopping")
			end(err)
			return
		}
	}
}

type instanceCmd struct {
	Claim instanceClaimCmd `cmd:"" help:"Claim the log for this database: from now on no other writes it."`
	Show  instanceShowCmd  `cmd:"" help:"Show for which database each log was claimed, when and why."`
}

type instanceClaimCmd struct {
	databaseFlags
	serverFlags
	Reason      string `required:"" help:"The reason, for auditors. It must name nobody."`
	ContinueLog bool   `help:"Continue a log that has entries already. Only if no other database will ever write it again."`
}

// Help says when it is needed.
func (instanceClaimCmd) Help() string {
	return `A copy of the database (a restored backup, a snapshot, staging loaded from production) signs, sends and records nothing until it is ` +
		`claimed, because its log would become a second one of the same name. Claim it if it takes the place of the original: after a disaster, ` +
		`or when the database has moved to another address or cluster. Compare the log with the newest checkpoint that somebody else kept first, and see to it that the ` +
		`original never runs again. Otherwise set another CPIS_LOG_ORIGIN, run "cpis migrate", and claim that. Restarts, standbys that take over and updates need no claim.`
}

// Run claims the database for the log.
func (c *instanceClaimCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	r, err := c.claim(ctx, admin.DB, c.serverFlags)
	if err != nil {
		return err
	}
	r.Reason, r.Continue = c.Reason, c.ContinueLog
	err = admin.Claim(ctx, r)
	if errors.Is(err, guard.ErrContinues) {
		return fmt.Errorf("%w: --continue-log", err)
	}
	if err != nil {
		return explained(err)
	}
	_, err = fmt.Fprintf(w.stdout, "The log %s is now written for this database, reached as %s.\n",
		c.LogOrigin, strings.Join(append([]string{r.Address}, r.Addresses...), " or "))
	return err
}

// serverFlags say under which addresses servers reach the database.
type serverFlags struct {
	Servers []string `name:"servers" env:"CPIS_DATABASE_URL" sep:"none" placeholder:"URL" help:"Address under which servers reach the database, if it is another. May be repeated."`
}

// claim creates a request of the marks of the database.
func (f *databaseFlags) claim(ctx context.Context, db *store.DB, servers serverFlags) (*guard.ClaimRequest, error) {
	address, err := addressOf(f.Database)
	if err != nil {
		return nil, err
	}
	here, err := guard.ReadMarks(ctx, db, f.Instance, address)
	if err != nil {
		return nil, err
	}
	r := &guard.ClaimRequest{Marks: here}
	for _, url := range servers.Servers {
		other, err := addressOf(url)
		if err != nil {
			return nil, err
		}
		if other != address {
			r.Addresses = append(r.Addresses, other)
		}
	}
	return r, nil
}

type instanceShowCmd struct{ databaseFlags }

// Run shows the claims.
func (c *instanceShowCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	claims, err := admin.DB.Claims.Latest(ctx)
	if err != nil {
		return err
	}
	logs, err := admin.DB.Logs.All(ctx)
	if err != nil {
		return err
	}
	var p page
	for _, log := range logs {
		p.line("%s", log.Origin)
		for _, claim := range claims {
			if claim.Log == log.ID {
				p.line("  claim %d, %s, by %s: %s", claim.Number, claim.At.Format(time.RFC3339), claim.Operator, claim.Reason)
				p.line("  reached as %s", strings.Join(claim.Addresses, " or "))
			}
		}
	}
	if admin.Copy {
		p.line("This database is a copy, or has moved: %s is not claimed for it.", c.LogOrigin)
	}
	_, err = io.WriteString(w.stdout, p.String())
	return err
}
