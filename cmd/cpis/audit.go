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
	"cpis/policy"
	"cpis/service/auditlog"
	"cpis/service/keys"
)

// exitBroken is the status of commands that verify, if what they read
// contradicts what was signed. What cannot be read is a failure like others.
const exitBroken = 3

type auditCmd struct {
	Export auditExportCmd `cmd:"" help:"Write the log, up to its latest checkpoint and what lies behind it, into a directory."`
	Verify auditVerifyCmd `cmd:"" help:"Verify an export offline. Exit status: 0 it verifies, 3 it does not, 1 something could not be read."`
	Key    auditKeyCmd    `cmd:"" help:"Print the public keys of the log, which verify needs."`
	Policy auditPolicyCmd `cmd:"" help:"Print the policy that this program decides by. The beginning of its SHA-256 stands in entries as \"policy\"."`

	Checkpoint  auditCheckpointCmd  `cmd:"" help:"Fetch the latest signed checkpoint, to be kept where the operator cannot reach it."`
	Consistency auditConsistencyCmd `cmd:"" help:"Verify that the log has only grown since a checkpoint that you kept. Exit status: 0 it has, 3 it was changed, 1 something could not be read."`
	Proof       auditProofCmd       `cmd:"" help:"Fetch the proof that an entry is in the log, by its index."`
	Prove       auditProveCmd       `cmd:"" help:"Make the proof that a receipt is in the log, which verifies with the log's public key alone."`
	VerifyProof auditVerifyProofCmd `cmd:"" help:"Verify such a proof offline. Exit status: 0 it holds, 3 it does not, 1 something could not be read."`

	Retain       auditRetainCmd       `cmd:"" help:"Remove lines that are old enough. That they are removed is signed first; their hashes stay."`
	RebuildTiles auditRebuildTilesCmd `cmd:"" help:"Make the tiles of the log anew from its lines, after comparing them with what was signed."`
	SetAside     auditSetAsideCmd     `cmd:"" help:"Set aside what somebody has put where the log goes on, so that it can go on. It is kept as evidence."`
}

type auditExportCmd struct {
	Database            string   `env:"CPIS_OWNER_DATABASE_URL" placeholder:"URL" help:"Address of the database, for cpis_owner, without the password. The export is then an entry of the log."`
	PasswordFile        string   `env:"CPIS_OWNER_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the password of cpis_owner, if it has one."`
	AuditorDatabase     string   `env:"CPIS_AUDITOR_DATABASE_URL" placeholder:"URL" help:"Address of the database, for cpis_auditor, who can read the log and nothing else. Used if given."`
	AuditorPasswordFile string   `env:"CPIS_AUDITOR_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the password of cpis_auditor, if it has one."`
	LogOrigin           string   `env:"CPIS_LOG_ORIGIN" required:"" placeholder:"NAME" help:"Audit log to export, such as cpis.example.org/log/1."`
	Instance            string   `env:"CPIS_INSTANCE" placeholder:"NAME" help:"Name of the installation, if servers have one."`
	Operator            string   `env:"CPIS_OPERATOR" placeholder:"USER" help:"User id of whoever runs the command, if several work as one user of the operating system. It stands in the log."`
	Reason              string   `enum:",subject_access,complaint,concern,incident,court,routine" default:"" placeholder:"WORD" help:"Why: subject_access, complaint, concern, incident, court or routine. It stands in the log, and is required unless the export is no entry of it."`
	For                 string   `placeholder:"CODE" help:"Code of the organisation that the export is for, if it is another. It stands in the log."`
	Key                 []string `placeholder:"KEY|FILE" help:"Public key of the log, as \"cpis audit key\" prints it, or a file with such lines: a checkpoint that it did not sign is exported as evidence, and not as the checkpoint."`
	Dir                 string   `arg:"" type:"path" help:"Directory to create. It must not exist yet."`
}

// Help says what it needs.
func (auditExportCmd) Help() string {
	return "Needs no server, and nothing of the log to be right: what was tampered with is written as it stands, because it is the evidence, and what is wrong is named."
}

// Run exports the log.
func (c *auditExportCmd) Run(ctx context.Context, w *world) error {
	var known []audit.VerifierKey
	var err error
	if len(c.Key) > 0 {
		if known, err = verifierKeys(c.Key); err != nil {
			return err
		}
	}
	admin, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	if c.Reason == "" && !admin.ReadOnly && !admin.Copy {
		return errors.New("--reason is required: the export is an entry of the log, which says why")
	}
	exported, err := exportTo(ctx, admin, c.Dir, known)
	if err != nil {
		return err
	}
	return printExported(w.stdout, exported, c.Dir)
}

// open opens the database as the auditor, or else as its owner.
func (c *auditExportCmd) open(ctx context.Context) (*auditlog.Admin, func(), error) {
	f := databaseFlags{Database: c.Database, PasswordFile: c.PasswordFile, LogOrigin: c.LogOrigin, Instance: c.Instance, Operator: c.Operator}
	as := asOwner
	if c.AuditorDatabase != "" {
		f.Database, f.PasswordFile, as = c.AuditorDatabase, c.AuditorPasswordFile, asAuditor
	}
	if f.Database == "" {
		return nil, nil, errors.New("CPIS_AUDITOR_DATABASE_URL or CPIS_OWNER_DATABASE_URL is required")
	}
	command, done, err := f.openAs(ctx, as)
	return &auditlog.Admin{Command: command, ReadOnly: as.options.ReadOnly, Purpose: c.Reason, Recipient: strings.ToUpper(c.For)}, done, err
}

// exportTo exports the log into a new directory.
func exportTo(ctx context.Context, admin *auditlog.Admin, name string, known []audit.VerifierKey) (auditlog.Exported, error) {
	dir, err := makeDir(name)
	if err != nil {
		return auditlog.Exported{}, fmt.Errorf("making the directory: %w", err)
	}
	exported, err := admin.Export(ctx, audit.CreateIn(dir), known...)
	if err != nil {
		err = fmt.Errorf("exporting: %w", err)
	}
	return exported, errors.Join(err, dir.Close())
}

// printExported says what an export holds, and whether there is more.
func printExported(out io.Writer, e auditlog.Exported, name string) error {
	var p page
	if e.Checkpoint.Origin == "" {
		p.line("ATTENTION: the log has no checkpoint that is one. What there is was exported to %s; nothing vouches for it.", name)
	} else {
		p.line("Exported %d entries of %s to %s.", e.Checkpoint.Size, e.Checkpoint.Origin, name)
	}
	if e.Unrecorded != "" {
		p.line("The export is no entry of the log: %s.", e.Unrecorded)
	}
	switch e.Unsigned {
	case 0:
	case 1:
		p.line("1 newer entry is not signed yet: a running server signs it within a second.")
	default:
		p.line("%d newer entries are not signed yet: a running server signs them within a second.", e.Unsigned)
	}
	for _, damage := range e.Damage {
		p.line("ATTENTION: %s.", damage)
	}
	_, err := io.WriteString(out, p.String())
	return err
}

type auditPolicyCmd struct{}

// Run prints the policy, byte for byte.
func (auditPolicyCmd) Run(_ context.Context, w *world) error {
	enforcer, err := policy.New()
	if err != nil {
		return fmt.Errorf("reading the policy: %w", err)
	}
	_, err = io.WriteString(w.stdout, enforcer.Text())
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
	Dir   string   `arg:"" type:"path" help:"Directory of the export; or the file, if it is the export of a report."`
	Key   []string `required:"" placeholder:"KEY|FILE" help:"Public key of the log, as \"cpis audit key\" prints it, or a file with such lines. Get it from someone other than the person who gave you the export."`
	First *int64   `placeholder:"INDEX" help:"Index of the first line, if lines before it were removed and no entry of the log says so."`
	Kept  []string `type:"existingfile" placeholder:"FILE" help:"Checkpoint of the log that somebody kept, as it is or as the service answers in JSON: the export must contain it unchanged."`
}

// Validate says whether there is anything.
func (c *auditVerifyCmd) Validate() error {
	_, err := os.Stat(c.Dir)
	return err
}

// Run verifies an export and says what it found.
func (c *auditVerifyCmd) Run(ctx context.Context, w *world) error {
	known, err := verifierKeys(c.Key)
	if err != nil {
		return err
	}
	if info, err := os.Stat(c.Dir); err == nil && info.Mode().IsRegular() {
		return c.verifyArchive(ctx, w, known)
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
	report, err := c.verify(ctx, known, kept)
	if errors.Is(err, audit.ErrBroken) {
		return notVerified(w, err)
	}
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	if report.First > 0 {
		_, _ = fmt.Fprintf(w.stdout, "The lines of the first %d entries were removed, as %s. Of them only the hashes are verified.\n", report.First, c.whoSays())
	}
	_, err = fmt.Fprintf(w.stdout, "VERIFIED: %d entries of %s, from index %d, are as they were signed (size %d, root %v).\n",
		report.Entries, report.Checkpoint.Origin, report.First, report.Checkpoint.Size, report.Checkpoint.Root)
	return err
}

// verify verifies the export, of which the auditor may know where it begins.
func (c *auditVerifyCmd) verify(ctx context.Context, known []audit.VerifierKey, kept [][]byte) (audit.Report, error) {
	if c.First != nil {
		return audit.VerifyFrom(ctx, os.DirFS(c.Dir), *c.First, known[0].Origin(), known, kept...)
	}
	return audit.Verify(ctx, os.DirFS(c.Dir), known[0].Origin(), known, kept...)
}

// whoSays names who says that lines were removed.
func (c *auditVerifyCmd) whoSays() string {
	if c.First != nil {
		return "--first says"
	}
	return "an entry of the log says"
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

// notVerified says what does not hold, and returns the status for that.
func notVerified(w *world, err error) error {
	_, _ = fmt.Fprintf(w.stdout, "NOT VERIFIED: %v\n", err)
	return exitError(exitBroken)
}
