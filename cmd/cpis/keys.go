package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cpis/service/keys"
	"cpis/service/store"
)

type keysCmd struct {
	Rewrap      rewrapCmd      `cmd:"" help:"Wrap all data keys anew under the newest key-encryption key. Safe to interrupt and to run again. Run it again an hour after a rotation: 0 re-wrapped keys mean that the old key-encryption key is no longer needed."`
	RotateIndex rotateIndexCmd `cmd:"" help:"Begin to rotate the index key: add a new one, which running servers start to use by themselves. Run retag a minute later, and then retire-index."`
	Retag       retagCmd       `cmd:"" help:"Tag every person and every row with the new index key. Safe to interrupt and to run again. Exit status: 0 if all are, 4 if damaged rows were left, which it lists."`
	RetireIndex retireIndexCmd `cmd:"" help:"End the rotation of the index key: remove the old tags and the old key. Exit status: 0 if it ended, 1 if it was refused, 4 if damaged rows were given up."`
	VerifyRows  verifyRowsCmd  `cmd:"" help:"List all rows of the database that do not verify. Exit status: 0 if there are none, 1 if there are."`
}

type rewrapCmd struct{ databaseFlags }

// Run re-wraps all keys. Rotating the key-encryption key itself is Vault's:
// "vault write -f transit/keys/cpis-kek/rotate".
func (c *rewrapCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	changed, err := admin.Rewrap(ctx, progress(w, "keys"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "All keys are wrapped under the newest key-encryption key; %d were re-wrapped.\n", changed)
	return err
}

type rotateIndexCmd struct{ databaseFlags }

// Run adds an index key.
func (c *rotateIndexCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	version, err := admin.RotateIndex(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "Index key %d is there, and servers take it into use. In a minute run: cpis keys retag\n", version)
	return err
}

type retagCmd struct{ databaseFlags }

// Run makes the missing tags.
func (c *retagCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	ring, err := openRing(ctx, admin.DB, admin.Keeper, keys.RingConfig{CacheSize: keys.MaxBatch, Now: time.Now})
	if err != nil {
		return err
	}
	damaged, err := admin.Retag(ctx, ring, progress(w, "persons"))
	if len(damaged) > 0 {
		return exitDamaged(w, damaged, err)
	}
	if err != nil {
		return err
	}
	next := "."
	if len(ring.IndexVersions()) > 1 {
		next = ". Now run: cpis keys retire-index"
	}
	_, err = fmt.Fprintln(w.stdout, "Every person has the tag of the newest key"+next)
	return err
}

type retireIndexCmd struct {
	databaseFlags
	GiveUpDamaged bool `help:"Go on although rows are damaged: without the old key they can never be put back from a backup. People who have no new tag are never given up."`
}

// Run removes the old index key.
func (c *retireIndexCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	damaged, err := admin.RetireIndex(ctx, c.GiveUpDamaged)
	if err == nil {
		_, err = fmt.Fprintln(w.stdout, "The old index key and its tags are gone.")
	}
	if len(damaged) > 0 {
		return exitDamaged(w, damaged, err)
	}
	return err
}

type verifyRowsCmd struct{ databaseFlags }

// Run verifies the MACs of all rows.
func (c *verifyRowsCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	damaged, err := admin.DB.MACs.Damaged(ctx)
	if err != nil {
		return err
	}
	if err := nameRows(w.stdout, damaged); err != nil {
		return err
	}
	if len(damaged) > 0 {
		return fmt.Errorf("%d rows do not verify", len(damaged))
	}
	_, err = fmt.Fprintln(w.stdout, "All rows verify.")
	return err
}

// nameRows names rows, one a line.
func nameRows(out io.Writer, rows []store.DamagedRow) error {
	for _, d := range rows {
		if _, err := fmt.Fprintf(out, "%s\t%s\n", d.Table, d.Row); err != nil {
			return err
		}
	}
	return nil
}

// printDamaged names rows that a command left as they are, and says what to do.
func printDamaged(out io.Writer, rows []store.DamagedRow) error {
	_, err := fmt.Fprintf(out, "ATTENTION: damaged rows were left as they are, %d of them. "+
		"Put them back from a backup, whole, and run this again; docs/operations.md says how.\n", len(rows))
	if err != nil {
		return err
	}
	return nameRows(out, rows)
}

// errDamagedRows is the exit status of a command that did all but what concerns
// damaged rows.
const errDamagedRows exitError = 4

// exitDamaged ends a command that met damaged rows: with err, if it failed.
func exitDamaged(w *world, rows []store.DamagedRow, err error) error {
	if printed := printDamaged(w.stdout, rows); err != nil || printed != nil {
		return errors.Join(err, printed)
	}
	return errDamagedRows
}

// progress prints how far a command is, on one line of a terminal that the next
// line then takes.
func progress(w *world, what string) func(int) {
	if !onTerminal(w.stderr) {
		return func(int) {}
	}
	return func(done int) { _, _ = fmt.Fprintf(w.stderr, "%d %s\r", done, what) }
}
