package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cpis/audit"
	"cpis/service/store"
)

// ErrCopy says that a database is not the one that its log was claimed for: a
// restored backup, a snapshot, or staging loaded from production. Whoever wrote
// its log would make a second one of the same name.
var ErrCopy = errors.New("this database is a copy, or has moved, and nobody has claimed it")

// Marks tell the database of an installation from its copies. A restart, a
// standby that takes over and a new version of the program change none of them;
// each kind of copy changes one at least.
type Marks struct {
	store.Place
	Name    string // what servers and commands call the installation
	Address string // under which the database is reached
}

// ReadMarks returns the marks of a database that is reached under an address.
func ReadMarks(ctx context.Context, db *store.DB, name, address string) (Marks, error) {
	place, err := db.Place(ctx)
	return Marks{Place: place, Name: name, Address: address}, err
}

// Claimed returns nil if the log is claimed for a database with these marks,
// and otherwise ErrCopy with what differs.
func Claimed(ctx context.Context, db *store.DB, log store.Log, here *Marks) error {
	claims, err := db.LatestClaims(ctx)
	if err != nil {
		return err
	}
	claim := latestOf(claims, log.ID)
	if claim == nil {
		return fmt.Errorf("%w: the log %s was never claimed", ErrCopy, log.Origin)
	}
	if other := here.differences(claim); len(other) > 0 {
		return fmt.Errorf("%w: the log %s was claimed for %s", ErrCopy, log.Origin, strings.Join(other, "; "))
	}
	return nil
}

func latestOf(claims []store.ClaimRow, log store.LogID) *store.ClaimRow {
	i := slices.IndexFunc(claims, func(c store.ClaimRow) bool { return c.Log == log })
	if i < 0 {
		return nil
	}
	return &claims[i]
}

// differences says in which marks a claim differs.
func (m *Marks) differences(c *store.ClaimRow) []string {
	var other []string
	if c.Name != m.Name {
		other = append(other, fmt.Sprintf("the installation %q, and here CPIS_INSTANCE is %q", c.Name, m.Name))
	}
	if c.System != m.System {
		other = append(other, "another cluster of PostgreSQL")
	}
	if c.System == m.System && c.Database != m.Database {
		other = append(other, "another database of this cluster")
	}
	if !slices.Contains(c.Addresses, m.Address) {
		other = append(other, "the address "+strings.Join(c.Addresses, " or ")+", and here it is "+m.Address)
	}
	return other
}

// ClaimRequest is what an operator claims, and why.
type ClaimRequest struct {
	Marks
	Addresses []string // others under which servers reach the database
	Reason    string
	// Continue says that a log with entries, which was not written for this
	// database or not said to be, goes on here: no other will write it again.
	Continue bool
}

// ErrContinues says that a claim would go on with the log of another database.
var ErrContinues = errors.New("the log has entries that may be another database's, which may still write it: " +
	"choose another origin for the log of this one, or, if no other will ever write it again, say so")

// maxClaimReason bounds what an operator says about a claim, in characters.
const maxClaimReason = 500

// Claim records that the log is from now on written for the database with the
// marks of the request, and no other. It is an entry of the log.
func (a *Command) Claim(ctx context.Context, r *ClaimRequest) error {
	var check checker
	reason := check.text("reason", r.Reason, maxClaimReason, "the cluster was lost on 3 May and restored from its backup")
	if reason == "" {
		check.add("reason", "is required", "the cluster was lost on 3 May and restored from its backup")
	}
	if err := check.err(); err != nil {
		return err
	}
	claims, err := a.DB.LatestClaims(ctx)
	if err != nil {
		return err
	}
	last := latestOf(claims, a.Log.ID)
	head, err := a.DB.Head(ctx, a.Log.ID)
	if err != nil {
		return err
	}
	known := last != nil && len(r.differences(last)) == 0
	if head.Size() > 0 && !known && !r.Continue {
		return ErrContinues
	}
	return a.claim(ctx, last, r, reason)
}

func (a *Command) claim(ctx context.Context, last *store.ClaimRow, r *ClaimRequest, reason string) error {
	number := 1
	if last != nil {
		number = last.Number + 1
	}
	addresses := append([]string{r.Address}, r.Addresses...)
	slices.Sort(addresses)
	return a.record(ctx, "claim_instance", audit.Counts{"claim": int64(number)}, func(tx *store.Tx) error {
		return tx.InsertClaim(ctx, &store.ClaimRow{
			Log: a.Log.ID, Number: number, Name: r.Name, System: r.System, Database: r.Database,
			Addresses: slices.Compact(addresses), Reason: reason, Operator: a.Operator, At: a.Now().UTC(),
		})
	})
}

// EnsureClaim claims a log that was never claimed, if this cannot be a copy:
// because nothing was written yet, because another log is claimed for the same
// database, or because servers of an earlier version, which knew no claims, are
// at work. It reports whether the log is claimed now, for whichever database.
func (a *Command) EnsureClaim(ctx context.Context, r *ClaimRequest) (claimed bool, err error) {
	claims, err := a.DB.LatestClaims(ctx)
	if err != nil || latestOf(claims, a.Log.ID) != nil {
		return err == nil, err
	}
	why, err := a.original(ctx, claims, &r.Marks)
	if err != nil || why == "" {
		return false, err
	}
	return true, a.claim(ctx, nil, r, why)
}

// original says why a database cannot be a copy; nothing if it may be one.
func (a *Command) original(ctx context.Context, claims []store.ClaimRow, here *Marks) (why string, err error) {
	for i := range claims {
		if len(here.differences(&claims[i])) == 0 {
			return "another log of the same database", nil
		}
	}
	if len(claims) > 0 {
		return "", nil
	}
	empty, err := a.nothingWritten(ctx)
	if err != nil || empty {
		return "the database is new", err
	}
	served, err := a.DB.Served(ctx)
	if err != nil || !served {
		return "", err
	}
	return "servers of an earlier version were at work", nil
}

// nothingWritten reports whether all logs are empty.
func (a *Command) nothingWritten(ctx context.Context) (bool, error) {
	logs, err := a.DB.Logs(ctx)
	if err != nil {
		return false, err
	}
	for _, log := range logs {
		head, err := a.DB.Head(ctx, log.ID)
		if err != nil || head.Size() > 0 {
			return false, err
		}
	}
	return true, nil
}
