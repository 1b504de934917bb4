package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"cpis/audit"
	"cpis/audit/archive"
)

// openSized opens a file, and says how long it is.
func openSized(name string) (*os.File, int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close() // only read
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// takeOut takes an entry out of the export of a report: its line, and its proof.
func (c *auditProofCmd) takeOut(w *world) error {
	file, size, err := openSized(c.Archive)
	if err != nil {
		return fmt.Errorf("reading the export: %w", err)
	}
	defer file.Close()
	proof, line, err := archive.Prove(file, size, c.Log, c.Index)
	if errors.Is(err, audit.ErrBroken) {
		return notVerified(w, err)
	}
	if err != nil {
		return fmt.Errorf("entry %d: %w", c.Index, err)
	}
	if c.Line != "" {
		if err := os.WriteFile(c.Line, append(line, '\n'), 0o600); err != nil {
			return fmt.Errorf("writing the line: %w", err)
		}
	}
	leaf := audit.LeafHash(line)
	proof.Extra = leaf[:]
	_, err = w.stdout.Write(proof.Text())
	return err
}

// verifyArchive verifies an export of a report, which is one file.
func (c *auditVerifyCmd) verifyArchive(ctx context.Context, w *world, known []audit.VerifierKey) error {
	if len(c.Kept) > 0 || c.First != nil {
		return errors.New("--kept and --first are for exports of a whole log, which are directories")
	}
	file, size, err := openSized(c.Dir)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	defer file.Close()
	report, err := archive.Verify(ctx, file, size, known)
	if errors.Is(err, audit.ErrBroken) {
		return notVerified(w, err)
	}
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	return printArchive(w.stdout, &report)
}

// printArchive says what an archive is, once all of it was found to be true.
func printArchive(out io.Writer, r *archive.Report) error {
	m := &r.Manifest
	var p page
	p.line("VERIFIED: %s of report %s, asked for by %s of %s at %s (%s).",
		entryCount(r.Entries), m.Report, m.For.Actor, m.For.Organisation, m.Made.Format("2006-01-02 15:04:05Z"), m.Reason)
	for _, l := range m.Logs {
		p.line("%s of %s (size %d, root %s).", entryCount(l.Entries), l.Origin, l.Size, l.Root)
	}
	p.line("Complete up to %s.", m.CompleteUntil.Format("2006-01-02 15:04:05Z"))
	if r.WithoutLine > 0 {
		p.line("Of %s the line is withheld or was removed: that they are in the log is proved, what is shown of them only signed.", entryCount(r.WithoutLine))
	}
	if m.AuthoritiesLeftOut {
		p.line("The child is restricted: what authorities did is left out.")
	}
	_, err := io.WriteString(out, p.String())
	return err
}
