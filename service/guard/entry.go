package guard

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/store"
)

// Outcomes of entries that are not verdicts.
const (
	OutcomeDone      = "done"
	outcomeDenied    = "denied"
	outcomeInvalid   = "invalid"
	OutcomeRefused   = "refused"   // it does not fit what is held; nothing was changed
	OutcomeFailed    = "failed"    // not confirmed: it may have happened
	OutcomeAbandoned = "abandoned" // the caller hung up before anything was read
)

// OutcomeOf returns the word that stands in an act's entry for what became of it.
func OutcomeOf(err error) string {
	var invalid *domain.InvalidError
	switch {
	case err == nil:
		return OutcomeDone
	case errors.Is(err, ErrDenied):
		return outcomeDenied
	case errors.As(err, &invalid):
		return outcomeInvalid
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict), errors.Is(err, ErrState), errors.Is(err, ErrReused),
		errors.Is(err, ErrSamePerson):
		return OutcomeRefused
	}
	return OutcomeFailed
}

// IsRefusal reports whether an outcome says that nothing was done for who asked.
func IsRefusal(outcome string) bool {
	switch outcome {
	case outcomeDenied, outcomeInvalid, OutcomeRefused:
		return true
	}
	return false
}

// appendEntries appends entries to a log: the last thing in its transaction,
// because every other append waits from here. The receipt is that of the first.
func appendEntries(
	ctx context.Context, tx *store.Tx, log store.Log, now time.Time, entries ...*audit.Entry,
) (Receipt, error) {
	lines, subjects := make([][]byte, len(entries)), make([][]byte, len(entries))
	for i, e := range entries {
		e.Time = now.UTC().Truncate(time.Microsecond) // what PostgreSQL keeps
		_, _ = rand.Read(e.Salt[:])                   // never fails: it ends the program instead
		lines[i], subjects[i] = e.AppendLine(nil), e.Subject
	}
	first, tree, err := tx.Logs.Append(ctx, log.ID, lines, subjects)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Log: log.Origin, Index: first, TreeSize: tree.Size(), Leaf: audit.LeafHash(lines[0])}, nil
}

// Entry begins the entry of an act by a caller.
func Entry(c *identity.Caller, a policy.Action, request string) audit.Entry {
	return audit.Entry{
		Version:      audit.Version,
		Actor:        Clip(c.ID),
		Client:       Clip(c.ClientID),
		Issuer:       Clip(c.Issuer),
		Assurance:    c.Assurance,
		From:         c.From,
		Organisation: c.Organisation,
		Action:       string(a),
		Procedure:    c.Procedure,
		Request:      request,
	}
}

// Decided notes in an entry what a policy decided, and which policy it was.
func Decided(e *audit.Entry, p *policy.Enforcer, d policy.Decision) {
	e.Role, e.Mode, e.Rule, e.BreakGlass, e.Policy = d.Role.String(), string(d.Mode), d.Rule, d.BreakGlass, p.Hash()
}

// maxName is the longest name that a token may bring into an entry, in bytes.
// With it no line comes near audit.MaxLine.
const maxName = 256

// Clip cuts a name to what an entry takes.
func Clip(name string) string {
	if len(name) <= maxName {
		return name
	}
	return strings.ToValidUTF8(name[:maxName], "")
}

// ActorService is the actor of entries of what the service does by itself.
const ActorService = "service"

// NewID returns a new identifier. Identifiers sort by the time of their making.
func NewID() uuid.UUID {
	return uuid.Must(uuid.NewV7()) // fails only if there is no randomness
}
