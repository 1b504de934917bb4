package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
)

type auditCheckpointCmd struct {
	connection `embed:""`

	Log string `placeholder:"NAME" help:"Name of the log; by default the one that the server writes."`
}

// Run prints the latest signed checkpoint and nothing else, so that it can be
// kept as a file.
func (c *auditCheckpointCmd) Run(ctx context.Context, w *world) error {
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	answer, err := service.log.GetCheckpoint(withRequestID(ctx, uuid.NewString()), &cpisv1.GetCheckpointRequest{Log: c.Log})
	if err != nil {
		return &refusedError{err}
	}
	_, err = fmt.Fprint(w.stdout, answer.GetCheckpoint())
	return err
}

type auditProofCmd struct {
	connection `embed:""`

	Index int64  `arg:"" help:"Index of the entry, as the receipt of an answer has it."`
	Log   string `placeholder:"NAME" help:"Name of the log; by default the one that the server writes, or the first one of the file."`

	Archive string `type:"existingfile" placeholder:"FILE.zip" help:"Take the proof out of the export of a report, without asking the service. It names the entry, as that of \"cpis audit prove\" does."`
	Line    string `type:"path" placeholder:"FILE" help:"With --archive: write the entry's line to this file."`
}

// Run prints the proof of an entry and nothing else.
func (c *auditProofCmd) Run(ctx context.Context, w *world) error {
	if c.Archive != "" {
		return c.takeOut(w)
	}
	if c.Line != "" {
		return errors.New("--line is for --archive: the service has no proof with its line")
	}
	proof, err := c.fetchProof(ctx, c.Log, c.Index)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(w.stdout, proof)
	return err
}

type auditVerifyProofCmd struct {
	Proof    string   `arg:"" type:"existingfile" help:"File with the proof, as \"cpis audit prove\" and \"cpis audit proof\" print it or as the service answers in JSON."`
	Key      []string `required:"" placeholder:"KEY|FILE" help:"Public key of the log, as \"cpis audit key\" prints it, or a file with such lines. Get it from someone other than the person who gave you the proof."`
	Receipt  string   `type:"existingfile" xor:"entry" placeholder:"FILE" help:"File with the answer that the receipt came with, in JSON, or with the receipt alone."`
	Entry    string   `type:"existingfile" xor:"entry" placeholder:"FILE" help:"File with the line of the log."`
	LeafHash string   `xor:"entry" placeholder:"BASE64" help:"Leaf hash of the entry, as the receipt has it. Without any of the three, the one that the proof names, as \"cpis audit prove\" makes it."`
}

// Help says what the statuses mean.
func (auditVerifyProofCmd) Help() string {
	return "Needs no service and no database. Exit status: 0 the entry is in the log, 3 the proof does not hold, " +
		"1 something could not be read."
}

// Run verifies a proof offline.
func (c *auditVerifyProofCmd) Run(w *world) error {
	known, err := verifierKeys(c.Key)
	if err != nil {
		return err
	}
	text, err := readSigned(c.Proof, "proof")
	if err != nil {
		return err
	}
	claim, err := c.claim(text)
	if err != nil {
		return err
	}
	index, checkpoint, err := audit.VerifyProof(text, claim.leaf, known[0].Origin(), known)
	if err == nil {
		err = claim.check(index, checkpoint)
	}
	if errors.Is(err, audit.ErrBroken) {
		return notVerified(w, err)
	}
	if err != nil {
		return fmt.Errorf("reading the proof: %w", err)
	}
	_, err = fmt.Fprintf(w.stdout, "VERIFIED: entry %d is in the log %s (size %d, root %v, leaf hash of the entry %v).\n",
		index, checkpoint.Origin, checkpoint.Size, checkpoint.Root, claim.leaf)
	return err
}

// entryClaim is what somebody says of an entry. A receipt also says where it
// stands.
type entryClaim struct {
	leaf    audit.Hash
	receipt *cpisv1.Receipt
}

// check compares a claim with what was proved.
func (c entryClaim) check(index int64, proved audit.Checkpoint) error {
	r := c.receipt
	if r == nil || (r.GetIndex() == index && r.GetLog() == proved.Origin) {
		return nil
	}
	return fmt.Errorf("%w: the receipt is for entry %d of %q, and the proof for entry %d of %q",
		audit.ErrBroken, r.GetIndex(), r.GetLog(), index, proved.Origin)
}

// claim reads what the flags say of the entry, or else the proof.
func (c *auditVerifyProofCmd) claim(proof []byte) (entryClaim, error) {
	switch {
	case c.Receipt != "":
		r, err := readReceipt(c.Receipt)
		if err != nil {
			return entryClaim{}, err
		}
		leaf, err := leafHash(r.GetLeafHash())
		return entryClaim{leaf, r}, err
	case c.Entry != "":
		line, err := os.ReadFile(c.Entry)
		if err != nil {
			return entryClaim{}, fmt.Errorf("reading --entry: %w", err)
		}
		return entryClaim{leaf: audit.LeafHash(bytes.TrimRight(line, "\r\n"))}, nil
	case c.LeafHash == "":
		return claimOf(proof)
	}
	raw, err := base64.StdEncoding.DecodeString(c.LeafHash)
	if err != nil {
		return entryClaim{}, errors.New("--leaf-hash is not base64")
	}
	leaf, err := leafHash(raw)
	return entryClaim{leaf: leaf}, err
}

// claimOf reads which entry a proof names. That it is in the log, the hashes say.
func claimOf(proof []byte) (entryClaim, error) {
	p, err := audit.ParseProof(proof)
	if err != nil {
		return entryClaim{}, fmt.Errorf("reading the proof: %w", err)
	}
	leaf, err := leafHash(p.Extra)
	if err != nil {
		return entryClaim{}, errors.New("the proof does not name its entry: say which by --receipt, --entry or --leaf-hash")
	}
	return entryClaim{leaf: leaf}, nil
}

func leafHash(raw []byte) (h audit.Hash, err error) {
	if len(raw) != len(h) {
		return h, fmt.Errorf("the leaf hash is %d bytes long instead of %d", len(raw), len(h))
	}
	return audit.Hash(raw), nil
}

// readReceipt reads a receipt, alone or in the answer that it came with.
func readReceipt(name string) (*cpisv1.Receipt, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading --receipt: %w", err)
	}
	var answer struct {
		Receipt json.RawMessage `json:"receipt"`
	}
	if json.Unmarshal(text, &answer) == nil && answer.Receipt != nil {
		text = answer.Receipt
	}
	var r cpisv1.Receipt
	if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &r) != nil || len(r.GetLeafHash()) == 0 {
		return nil, errors.New("--receipt holds no receipt in JSON")
	}
	return &r, nil
}

// readSigned reads a signed text, as it is or as the member of that name of an
// answer in JSON.
func readSigned(name, member string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", member, err)
	}
	if !strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		return text, nil
	}
	var answer map[string]json.RawMessage
	var signed string
	if json.Unmarshal(text, &answer) != nil || json.Unmarshal(answer[member], &signed) != nil {
		return nil, fmt.Errorf("%s is JSON without a %s", name, member)
	}
	return []byte(signed), nil
}
