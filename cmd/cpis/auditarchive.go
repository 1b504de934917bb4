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

// verifyArchive verifies an export of a report, which is one file.
func (c *auditVerifyCmd) verifyArchive(ctx context.Context, w *world, known []audit.VerifierKey) error {
	if len(c.Kept) > 0 || c.First != nil {
		return errors.New("--kept and --first are for exports of a whole log, which are directories")
	}
	file, err := os.Open(c.Dir)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	report, err := archive.Verify(ctx, file, info.Size(), known)
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
