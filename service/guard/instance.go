package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	claims, err := db.Claims.Latest(ctx)
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
