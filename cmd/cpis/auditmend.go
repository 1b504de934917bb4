package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cpis/service/auditlog"
)

// signWait is how long a command waits for a running server to sign.
const signWait = 30 * time.Second

// openMender opens what mends the log.
func (f *databaseFlags) openMender(ctx context.Context, w *world) (*auditlog.Mender, func(), error) {
	keeper, closeKeeper, err := keeperFrom(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	command, closeDB, err := f.open(ctx)
	if err != nil {
		closeKeeper()
		return nil, nil, err
	}
	return &auditlog.Mender{Command: command, Keeper: keeper, Wait: signWait}, func() { closeDB(); closeKeeper() }, nil
}

type auditRetainCmd struct {
	databaseFlags
	Before string `required:"" placeholder:"DATE" help:"Remove what had been signed before this day, such as 2018-12-01."`
	Reason string `required:"" help:"Why, for those who audit: name nobody."`
}

// Help says in which order it is done.
func (auditRetainCmd) Help() string {
	return `Export the log, verify the export and put it where it is to be kept, then run this. It verifies what is to be removed, writes an entry that says so, waits until a running ` +
		`server has signed that, and removes the lines. An export then begins at the index that the entry names, and "cpis audit verify" accepts exactly that. It may be run again if it was interrupted.`
}

// Run removes old lines.
func (c *auditRetainCmd) Run(ctx context.Context, w *world) error {
	before, err := time.Parse(time.DateOnly, c.Before)
	if err != nil {
		return errors.New("--before must be a day such as 2018-12-01")
	}
	m, done, err := c.openMender(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	if before.After(m.Now()) {
		return errors.New("--before lies in the future")
	}
	removed, err := m.Retain(ctx, before, c.Reason)
	if err != nil {
		return explained(err)
	}
	if removed.Nothing {
		_, err = io.WriteString(w.stdout, "Nothing is that old: no lines were removed.\n")
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "The lines before entry %d are removed, as entry %d says: %d partitions and %d single lines now.\n",
		removed.First, removed.Entry, removed.Dropped, removed.Deleted)
	return err
}

type auditRebuildTilesCmd struct {
	databaseFlags
	Reason string `required:"" help:"Why, for those who audit: name nobody."`
}

// Run makes tiles anew.
func (c *auditRebuildTilesCmd) Run(ctx context.Context, w *world) error {
	m, done, err := c.openMender(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	mended, err := m.RebuildTiles(ctx, c.Reason)
	if err != nil {
		return explained(err)
	}
	_, err = fmt.Fprintf(w.stdout, "The lines are as they were signed. %d tiles were wrong or missing, and are right now.\n", mended.Tiles)
	return err
}

type auditSetAsideCmd struct {
	databaseFlags
	Reason string `required:"" help:"Why, for those who audit: name nobody."`
}

// Run sets aside what is none of the log.
func (c *auditSetAsideCmd) Run(ctx context.Context, w *world) error {
	m, done, err := c.openMender(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	mended, err := m.SetAside(ctx, c.Reason)
	if err != nil {
		return explained(err)
	}
	_, err = fmt.Fprintf(w.stdout, "Set aside: %d entries, %d checkpoints. Exports hold them.\n", mended.Entries, mended.Checkpoints)
	if err == nil && mended.Checkpoints > 0 {
		_, err = io.WriteString(w.stdout, "Servers that have stopped answering because of the checkpoints must be started anew.\n")
	}
	return err
}
