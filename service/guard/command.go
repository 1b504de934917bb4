package guard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/store"
)

// Command is what an administrator does on the machine, with rights of the
// database's and the keeper's own. Everything it changes is in the log.
type Command struct {
	DB  *store.DB
	Log store.Log
	Now func() time.Time
	// Operator names who runs the command, as the operating system knows them.
	Operator string
	// Copy says that the database is a copy that nobody has claimed: what would
	// write to its log is refused with ErrCopy.
	Copy bool
}

// adminClient is the client that stands in entries of commands.
const adminClient = "cpis-command"

// Do runs fn in one transaction with an entry that names the command.
func (a *Command) Do(ctx context.Context, command string, counts audit.Counts, fn func(*store.Tx) error) error {
	return a.DoSaying(ctx, audit.Entry{Rule: command, Counts: counts}, fn)
}

// DoSaying is Do with an entry that says more: why, and for whom. Its Rule names the
// command.
func (a *Command) DoSaying(ctx context.Context, e audit.Entry, fn func(*store.Tx) error) error {
	if a.Copy {
		return fmt.Errorf("%w: %s would write to its log", ErrCopy, e.Rule)
	}
	return a.enter(ctx, e, fn)
}

// record is Do for what may be done to a copy: claiming it.
func (a *Command) record(ctx context.Context, command string, counts audit.Counts, fn func(*store.Tx) error) error {
	return a.enter(ctx, audit.Entry{Rule: command, Counts: counts}, fn)
}

// enter runs fn with an entry, of which all is filled in that commands have in
// common. What fn changes in the counts is entered.
func (a *Command) enter(ctx context.Context, e audit.Entry, fn func(*store.Tx) error) error {
	e.Version, e.Actor, e.Client, e.Role = audit.Version, Clip(a.Operator), adminClient, policy.Administrator.String()
	e.Action, e.Request, e.Outcome = string(policy.Configure), NewID().String(), OutcomeDone
	return a.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := appendEntries(ctx, tx, a.Log, a.Now(), &e)
		return err
	})
}

// Claim records that the log is from now on written for the database with the
// marks of the request, and no other. It is an entry of the log.
func (a *Command) Claim(ctx context.Context, r *ClaimRequest) error {
	var check domain.Reader
	reason := check.Text("reason", r.Reason, maxClaimReason, "the cluster was lost on 3 May and restored from its backup")
	if reason == "" {
		check.Add("reason", "is required", "the cluster was lost on 3 May and restored from its backup")
	}
	if err := check.Err(); err != nil {
		return err
	}
	claims, err := a.DB.Claims.Latest(ctx)
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
		return tx.Claims.Insert(ctx, &store.ClaimRow{
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
	claims, err := a.DB.Claims.Latest(ctx)
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
	logs, err := a.DB.Logs.All(ctx)
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
