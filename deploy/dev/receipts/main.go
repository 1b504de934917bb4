// Receipts is an example of a client that keeps the receipts of what it asked,
// and checks them later, be it a month or ten years: that the service logged what
// it was asked, and has changed nothing of its log since. It believes nothing but
// signatures of the log's key.
//
//	receipts keep DIRECTORY     looks up the NHS number on its standard input, and keeps the receipt
//	receipts check DIRECTORY    checks all receipts that were kept
//
// CPIS_URL is the service's address, CPIS_TOKEN an access token, CPIS_LOG_KEY the
// public key of the log, as "cpis audit key" prints it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/encoding/protojson"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "receipts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: receipts keep|check DIRECTORY")
	}
	key, err := audit.ParseVerifierKey(getenv("CPIS_LOG_KEY"))
	if err != nil {
		return fmt.Errorf("CPIS_LOG_KEY: %w", err)
	}
	c := &client{dir: args[1], key: key, out: out, service: dial(getenv("CPIS_URL"), getenv("CPIS_TOKEN"))}
	switch args[0] {
	case "keep":
		return c.keep(ctx, in)
	case "check":
		return c.check(ctx)
	}
	return fmt.Errorf("%q is neither keep nor check", args[0])
}

// dial returns a client of the service that shows a token.
func dial(address, token string) *connect.Client {
	show := func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			ctx, info := connect.NewClientContext(ctx)
			info.RequestHeader().Set("Authorization", "Bearer "+token)
			return next(ctx, spec)
		}
	}
	return connect.NewClient(connecthttp.NewTransport(http.DefaultClient, address), show)
}

// client keeps receipts in a directory, a line each; beside them the newest
// checkpoint that it has verified, and a proof for each receipt that was checked.
type client struct {
	dir     string
	key     audit.VerifierKey
	service *connect.Client
	out     io.Writer
}

// keep looks somebody up, and keeps the receipt of the answer.
func (c *client) keep(ctx context.Context, in io.Reader) error {
	number, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	q := &cpisv1.LookUpRequest{NhsNumber: strings.TrimSpace(number)}
	answer, err := cpisv1connect.NewLookupServiceClient(c.service).LookUp(ctx, q)
	if err != nil {
		return fmt.Errorf("looking up: %w", err)
	}
	receipt, err := protojson.Marshal(answer.GetReceipt())
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.file("receipts.ndjson"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(receipt, '\n'))
	fmt.Fprintf(c.out, "kept the receipt of entry %d\n", answer.GetReceipt().GetIndex())
	return errors.Join(err, f.Sync(), f.Close())
}

func (c *client) file(name string) string { return filepath.Join(c.dir, name) }

// check checks that the log has only grown since it was checked last, and that
// every receipt is in it.
func (c *client) check(ctx context.Context) error {
	if err := c.checkLog(ctx); err != nil {
		return fmt.Errorf("the log: %w", err)
	}
	text, err := os.ReadFile(c.file("receipts.ndjson"))
	if err != nil {
		return err
	}
	checked := 0
	for line := range bytes.Lines(text) {
		var r cpisv1.Receipt
		if err := protojson.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("reading a receipt: %w", err)
		}
		if err := c.checkReceipt(ctx, &r); err != nil {
			return fmt.Errorf("the receipt of entry %d: %w", r.GetIndex(), err)
		}
		checked++
	}
	_, err = fmt.Fprintf(c.out, "%d receipts are in the log %s\n", checked, c.key.Origin())
	return err
}

// checkLog compares the log with the checkpoint that was kept, and keeps the
// newer one.
func (c *client) checkLog(ctx context.Context) error {
	kept, err := c.keptCheckpoint()
	if err != nil {
		return err
	}
	q := &cpisv1.GetConsistencyProofRequest{Log: c.key.Origin(), Size: kept.Size}
	answer, err := cpisv1connect.NewLogServiceClient(c.service).GetConsistencyProof(ctx, q)
	if err != nil {
		return err // not found: it has fewer entries than it had
	}
	note := []byte(answer.GetCheckpoint())
	latest, err := c.open(note)
	if err != nil {
		return err
	}
	proof := make([]audit.Hash, len(answer.GetHashes()))
	for i, raw := range answer.GetHashes() {
		copy(proof[i][:], raw)
	}
	if err := audit.VerifyConsistency(proof, kept, latest); err != nil {
		return err
	}
	return os.WriteFile(c.file("checkpoint"), note, 0o600)
}

// keptCheckpoint returns the checkpoint that was kept; that of an empty log at
// first.
func (c *client) keptCheckpoint() (audit.Checkpoint, error) {
	note, err := os.ReadFile(c.file("checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		var empty audit.Tree
		return empty.Checkpoint(c.key.Origin()), nil
	}
	if err != nil {
		return audit.Checkpoint{}, err
	}
	return c.open(note)
}

func (c *client) open(note []byte) (audit.Checkpoint, error) {
	return audit.OpenCheckpoint(note, c.key.Origin(), []audit.VerifierKey{c.key})
}

// checkReceipt checks that a receipt is in the log, and keeps the proof, which
// convinces anybody who has the key, for ever and without the service.
func (c *client) checkReceipt(ctx context.Context, r *cpisv1.Receipt) error {
	name := c.file(fmt.Sprintf("%d.tlog-proof", r.GetIndex()))
	proof, err := os.ReadFile(name)
	if err == nil {
		return c.proves(proof, r)
	}
	q := &cpisv1.GetInclusionProofRequest{Log: r.GetLog(), Index: r.GetIndex()}
	answer, err := cpisv1connect.NewLogServiceClient(c.service).GetInclusionProof(ctx, q)
	if err != nil {
		return err
	}
	proof = []byte(answer.GetProof())
	if err := c.proves(proof, r); err != nil {
		return err
	}
	return os.WriteFile(name, proof, 0o600)
}

// proves fails unless a proof shows the entry that a receipt names.
func (c *client) proves(proof []byte, r *cpisv1.Receipt) error {
	if len(r.GetLeafHash()) != len(audit.Hash{}) {
		return errors.New("it names no leaf hash")
	}
	index, _, err := audit.VerifyProof(proof, audit.Hash(r.GetLeafHash()), c.key.Origin(), []audit.VerifierKey{c.key})
	if err == nil && index != r.GetIndex() {
		err = fmt.Errorf("%w: entry %d is proved", audit.ErrBroken, index)
	}
	return err
}
