package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/keys"
)

// exitBroken is the status of commands that verify, if what they read
// contradicts what was signed. What cannot be read is a failure like others.
const exitBroken = 3

// exportTo exports the log into a new directory.
func exportTo(ctx context.Context, admin *auditlog.Admin, name string) (auditlog.Exported, error) {
	dir, err := makeDir(name)
	if err != nil {
		return auditlog.Exported{}, fmt.Errorf("making the directory: %w", err)
	}
	exported, err := admin.Export(ctx, audit.CreateIn(dir))
	if err != nil {
		err = fmt.Errorf("exporting: %w", err)
	}
	return exported, errors.Join(err, dir.Close())
}

// printExported says what an export holds, and whether there is more.
func printExported(out io.Writer, e auditlog.Exported, name string) error {
	var p page
	p.line("Exported %d entries of %s to %s.", e.Checkpoint.Size, e.Checkpoint.Origin, name)
	if e.Copy {
		p.line("This database is a copy that nobody has claimed: the export is no entry of its log.")
	}
	switch e.Unsigned {
	case 0:
	case 1:
		p.line("1 newer entry is not signed yet: a running server signs it within a second.")
	default:
		p.line("%d newer entries are not signed yet: a running server signs them within a second.", e.Unsigned)
	}
	_, err := io.WriteString(out, p.String())
	return err
}

// printKeys prints a log's public keys as an auditor needs them.
func printKeys(ctx context.Context, keeper keys.Keeper, origin string, out io.Writer) error {
	pubs, err := keeper.PublicKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the public keys: %w", err)
	}
	for _, pub := range pubs {
		key, err := audit.NewVerifierKey(origin, pub)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, key); err != nil {
			return err
		}
	}
	return nil
}

type auditVerifyCmd struct {
	Dir  string   `arg:"" type:"existingdir" help:"Directory of the export."`
	Key  []string `required:"" placeholder:"KEY|FILE" help:"Public key of the log, as \"cpis audit key\" prints it, or a file with such lines. Get it from someone other than the person who gave you the export."`
	Kept []string `type:"existingfile" placeholder:"FILE" help:"Checkpoint of the log that somebody kept, as it is or as the service answers in JSON: the export must contain it unchanged."`
}

// Run verifies an export and says what it found.
func (c *auditVerifyCmd) Run(ctx context.Context, w *world) error {
	known, err := verifierKeys(c.Key)
	if err != nil {
		return err
	}
	kept := make([][]byte, len(c.Kept))
	for i, name := range c.Kept {
		if kept[i], err = readSigned(name, "checkpoint"); err != nil {
			return err
		}
	}
	if err := holdsExport(c.Dir); err != nil {
		return err
	}
	report, err := audit.Verify(ctx, os.DirFS(c.Dir), known[0].Origin(), known, kept...)
	if errors.Is(err, audit.ErrBroken) {
		_, _ = fmt.Fprintf(w.stdout, "NOT VERIFIED: %v\n", err)
		return exitError(exitBroken)
	}
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	if report.First > 0 {
		_, _ = fmt.Fprintf(w.stdout, "ATTENTION: the lines of the first %d entries are not in the export. "+
			"Of them only the hashes are verified: compare with what retention was allowed to remove.\n", report.First)
	}
	_, err = fmt.Fprintf(w.stdout, "VERIFIED: %d entries of %s, from index %d, are as they were signed (size %d, root %v).\n",
		report.Entries, report.Checkpoint.Origin, report.First, report.Checkpoint.Size, report.Checkpoint.Root)
	return err
}

// holdsExport says whether a directory holds any part of an export. What is
// missing from one is for the verifier to judge.
func holdsExport(dir string) error {
	for _, name := range []string{"checkpoint", "entries.ndjson", "tile"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s holds no export of an audit log", dir)
}

// verifierKeys reads public keys, each given as it is or in a file.
func verifierKeys(given []string) ([]audit.VerifierKey, error) {
	var known []audit.VerifierKey
	for _, text := range given {
		if b, err := os.ReadFile(text); err == nil {
			text = string(b)
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			key, err := audit.ParseVerifierKey(line)
			if err != nil {
				return nil, fmt.Errorf("reading the log's public key: %w", err)
			}
			known = append(known, key)
		}
	}
	if len(known) == 0 {
		return nil, errors.New("no public key given")
	}
	return known, nil
}
