package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

type auditProveCmd struct {
	connection `embed:""`

	Receipt string   `arg:"" type:"existingfile" help:"File with the answer that the receipt came with, in JSON, or with the receipt alone."`
	Export  string   `type:"existingdir" placeholder:"DIR" help:"Make the proof from an export of the log, without asking the service."`
	LogKey  []string `placeholder:"KEY|FILE" help:"Public key of the log, as \"cpis audit key\" prints it, or a file with such lines: nothing is written that it does not verify."`
}

// Help says what the proof is for.
func (auditProveCmd) Help() string {
	return "Prints a proof (C2SP tlog-proof) to be kept in a file, beside the receipt: it names the entry by its leaf hash, and verifies for ever with the log's public key alone, " +
		"by \"cpis audit verify-proof\" or other people's tools."
}

// Run prints the proof of a receipt and nothing else.
func (c *auditProveCmd) Run(ctx context.Context, w *world) error {
	receipt, err := readReceipt(c.Receipt)
	if err != nil {
		return err
	}
	leaf, err := leafHash(receipt.GetLeafHash())
	if err != nil {
		return err
	}
	proof, err := c.proof(ctx, receipt)
	if err != nil {
		return err
	}
	if !proof.Shows(leaf) {
		_, _ = fmt.Fprintf(w.stderr, "NOT PROVED: entry %d of the log is another than that of the receipt. Keep both, and tell whoever audits.\n", receipt.GetIndex())
		return exitError(exitBroken)
	}
	proof.Extra = leaf[:]
	if err := c.verify(proof, leaf); err != nil {
		return err
	}
	_, err = w.stdout.Write(proof.Text())
	return err
}

// proof has the proof made for the entry that a receipt names.
func (c *auditProveCmd) proof(ctx context.Context, r *cpisv1.Receipt) (audit.Proof, error) {
	if c.Export == "" {
		text, err := c.fetchProof(ctx, r.GetLog(), r.GetIndex())
		if err != nil {
			return audit.Proof{}, err
		}
		return audit.ParseProof([]byte(text))
	}
	signed, err := os.ReadFile(filepath.Join(c.Export, "checkpoint"))
	if err != nil {
		return audit.Proof{}, fmt.Errorf("reading the export: %w", err)
	}
	return audit.Prove(ctx, audit.ExportedTiles(os.DirFS(c.Export)), signed, r.GetIndex())
}

// verify verifies a proof before it is written, if there is a key to do it with.
func (c *auditProveCmd) verify(proof audit.Proof, leaf audit.Hash) error {
	if len(c.LogKey) == 0 {
		return nil
	}
	known, err := verifierKeys(c.LogKey)
	if err != nil {
		return err
	}
	if _, _, err := audit.VerifyProof(proof.Text(), leaf, known[0].Origin(), known); err != nil {
		return fmt.Errorf("verifying the proof: %w", err)
	}
	return nil
}

// fetchProof fetches the proof of an entry.
func (c *connection) fetchProof(ctx context.Context, log string, index int64) (string, error) {
	service, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	q := &cpisv1.GetInclusionProofRequest{Log: log, Index: index}
	answer, err := service.log.GetInclusionProof(withRequestID(ctx, uuid.NewString()), q)
	if connect.CodeOf(err) == connect.CodeNotFound {
		return "", fmt.Errorf("no signed checkpoint covers entry %d: if it was made just now, ask again in a second", index)
	}
	if err != nil {
		return "", &refusedError{err}
	}
	return answer.GetProof(), nil
}

type auditConsistencyCmd struct {
	connection `embed:""`

	Kept   string   `arg:"" type:"existingfile" help:"Checkpoint of the log that you kept, as \"cpis audit checkpoint\" prints it or as the service answers in JSON."`
	LogKey []string `required:"" placeholder:"KEY|FILE" help:"Public key of the log, as \"cpis audit key\" prints it, or a file with such lines. Get it from someone who does not run the service."`
	Save   string   `type:"path" placeholder:"FILE" help:"Write the newer checkpoint to this file once it has verified, to be kept in the place of the other."`
}

// Help says how it is found out.
func (auditConsistencyCmd) Help() string {
	return "Asks the service to prove that its log still holds, unchanged, all that it held when the checkpoint was signed, and verifies the proof."
}

// Run verifies that the log has only grown since a checkpoint.
func (c *auditConsistencyCmd) Run(ctx context.Context, w *world) error {
	known, err := verifierKeys(c.LogKey)
	if err != nil {
		return err
	}
	signed, err := readSigned(c.Kept, "checkpoint")
	if err != nil {
		return err
	}
	note, kept, later, err := c.compare(ctx, signed, known)
	if errors.Is(err, audit.ErrBroken) || errors.Is(err, audit.ErrSignature) {
		return notVerified(w, err)
	}
	if err != nil {
		return err
	}
	if c.Save != "" {
		if err := os.WriteFile(c.Save, note, 0o600); err != nil {
			return fmt.Errorf("keeping the newer checkpoint: %w", err)
		}
	}
	_, err = fmt.Fprintf(w.stdout, "VERIFIED: the first %d of the %d entries of %s are as they were when the checkpoint was kept (root %v).\n",
		kept.Size, later.Size, later.Origin, later.Root)
	return err
}

// compare returns the latest checkpoint of the log after comparing it with the
// one that was kept.
func (c *auditConsistencyCmd) compare(ctx context.Context, signed []byte, known []audit.VerifierKey) (note []byte, kept, later audit.Checkpoint, err error) {
	if kept, err = audit.OpenCheckpoint(signed, known[0].Origin(), known); err != nil {
		return nil, kept, later, fmt.Errorf("the checkpoint that was kept: %w", err)
	}
	service, err := c.dial(ctx)
	if err != nil {
		return nil, kept, later, err
	}
	note, proof, err := consistency(ctx, service.log, kept)
	if err != nil {
		return nil, kept, later, &refusedError{err}
	}
	if later, err = audit.OpenCheckpoint(note, kept.Origin, known); err != nil {
		return nil, kept, later, fmt.Errorf("%w: the latest checkpoint: %w", audit.ErrBroken, err)
	}
	return note, kept, later, audit.VerifyConsistency(proof, kept, later)
}

// consistency fetches the latest checkpoint with the proof that it continues the
// one that was kept; without one if it is of fewer entries, which says enough.
func consistency(ctx context.Context, log cpisv1connect.LogServiceClient, kept audit.Checkpoint) ([]byte, []audit.Hash, error) {
	q := &cpisv1.GetConsistencyProofRequest{Log: kept.Origin, Size: kept.Size}
	answer, err := log.GetConsistencyProof(withRequestID(ctx, uuid.NewString()), q)
	if connect.CodeOf(err) == connect.CodeNotFound {
		latest, err := log.GetCheckpoint(withRequestID(ctx, uuid.NewString()), &cpisv1.GetCheckpointRequest{Log: kept.Origin})
		return []byte(latest.GetCheckpoint()), nil, err
	}
	var proof []audit.Hash
	for _, raw := range answer.GetHashes() {
		var h audit.Hash
		copy(h[:], raw) // one that is shorter proves nothing
		proof = append(proof, h)
	}
	return []byte(answer.GetCheckpoint()), proof, err
}
