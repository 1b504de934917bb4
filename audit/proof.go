package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// proofHeader is the first line of a proof in the format of C2SP tlog-proof.
const proofHeader = "c2sp.org/tlog-proof@v1"

// maxProof bounds the number of hashes in a proof: the levels of the largest
// tree.
const maxProof = 62

// Proof shows that an entry is in the log of a checkpoint. With the entry's
// line and the log's public key it can be verified by anybody, offline, for
// ever.
type Proof struct {
	Index      int64  // of the entry
	Leaf       Hash   // of the entry; not part of the text, so absent from a proof that was parsed
	Hashes     []Hash // the inclusion proof of RFC 6962, from the leaf's sibling upwards
	Extra      []byte // anything, proved by nothing; this service writes none
	Checkpoint []byte // the signed note, word for word
}

// Prove creates the proof for the entry at index in the log of a signed
// checkpoint. It does not ask who signed the checkpoint; it does make sure that
// the proof verifies against it, so that nothing wrong leaves: tiles that do not
// add up to the checkpoint yield ErrBroken.
func Prove(ctx context.Context, tiles Tiles, signed []byte, index int64) (Proof, error) {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return Proof{}, err
	}
	if index < 0 || index >= c.Size {
		return Proof{}, fmt.Errorf("proving entry %d: only %d entries are covered by the checkpoint", index, c.Size)
	}
	nodes := HashReader(ctx, c.Size, tiles)
	hashes, err := tlog.ProveRecord(c.Size, index, nodes)
	if err != nil {
		return Proof{}, fmt.Errorf("proving entry %d: %w", index, err)
	}
	leaf, err := nodes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return Proof{}, fmt.Errorf("proving entry %d: %w", index, err)
	}
	if tlog.CheckRecord(hashes, c.Size, c.Root, index, leaf[0]) != nil {
		return Proof{}, fmt.Errorf("%w: the tiles do not prove entry %d", ErrBroken, index)
	}
	return Proof{Index: index, Leaf: leaf[0], Hashes: hashes, Checkpoint: signed}, nil
}

// Contains reports whether the entry at an index of a tree that is known to be
// true has the given leaf hash. If tiles that would tell are not there, or do not
// add up, it does not.
func Contains(ctx context.Context, tree Tree, tiles Tiles, index int64, leaf Hash) (bool, error) {
	hashes, err := tlog.ProveRecord(tree.size, index, HashReader(ctx, tree.size, tiles))
	if errors.Is(err, ErrNoTile) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for entry %d: %w", index, err)
	}
	return tlog.CheckRecord(hashes, tree.size, tree.Root(), index, leaf) == nil, nil
}

// Shows reports whether the proof leads from a leaf hash to the root that its
// checkpoint states, whoever signed that.
func (p Proof) Shows(leaf Hash) bool {
	c, err := ReadCheckpoint(p.Checkpoint)
	return err == nil && tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, leaf) == nil
}

// Text returns the proof in the format of C2SP tlog-proof.
func (p Proof) Text() []byte {
	text := []byte(proofHeader + "\n")
	if len(p.Extra) > 0 {
		text = fmt.Appendf(text, "extra %s\n", base64.StdEncoding.EncodeToString(p.Extra))
	}
	text = fmt.Appendf(text, "index %d\n", p.Index)
	for _, h := range p.Hashes {
		text = fmt.Appendf(text, "%s\n", h)
	}
	text = append(text, '\n')
	return append(text, p.Checkpoint...)
}

// ParseProof reads what Text wrote. It verifies nothing.
func ParseProof(text []byte) (Proof, error) {
	if len(text) > 2*maxNote {
		return Proof{}, fmt.Errorf("%w proof: longer than %d bytes", ErrMalformed, 2*maxNote)
	}
	head, checkpoint, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 2 || lines[0] != proofHeader {
		return Proof{}, fmt.Errorf("%w proof: no header", ErrMalformed)
	}
	p := Proof{Checkpoint: checkpoint}
	if err := p.parseHead(lines[1:]); err != nil {
		return Proof{}, err
	}
	if !bytes.Equal(p.Text(), text) {
		return Proof{}, fmt.Errorf("%w proof: not in canonical form", ErrMalformed)
	}
	return p, nil
}

// parseHead reads the lines between header and checkpoint.
func (p *Proof) parseHead(lines []string) error {
	if extra, ok := strings.CutPrefix(lines[0], "extra "); len(lines) > 1 && ok {
		var err error
		if p.Extra, err = base64.StdEncoding.DecodeString(extra); err != nil {
			return fmt.Errorf("%w proof: extra data", ErrMalformed)
		}
		lines = lines[1:]
	}
	return p.parseHashes(lines)
}

// parseHashes reads the index and the hashes.
func (p *Proof) parseHashes(lines []string) error {
	index, ok := strings.CutPrefix(lines[0], "index ")
	n, err := parseSize(index)
	if !ok || err != nil || len(lines)-1 > maxProof {
		return fmt.Errorf("%w proof: index", ErrMalformed)
	}
	p.Index = n
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return fmt.Errorf("%w proof: hash", ErrMalformed)
		}
		p.Hashes = append(p.Hashes, h)
	}
	return nil
}

// VerifyProof verifies a proof in text form for the entry with the given leaf
// hash (LeafHash of its line). The checkpoint in it must be one that
// OpenCheckpoint accepts. It returns the entry's index and the checkpoint.
//
// The error wraps ErrMalformed if the text is no proof. It wraps ErrBroken if
// the proof does not hold: the entry is not in the log at that index, or the
// checkpoint is not signed (ErrSignature) or of another log (ErrOtherLog).
func VerifyProof(text []byte, leaf Hash, origin string, keys []VerifierKey) (int64, Checkpoint, error) {
	p, err := ParseProof(text)
	if err != nil {
		return 0, Checkpoint{}, err
	}
	c, err := OpenCheckpoint(p.Checkpoint, origin, keys)
	switch {
	case errors.Is(err, ErrSignature), errors.Is(err, ErrOtherLog):
		return 0, Checkpoint{}, fmt.Errorf("%w: %w", ErrBroken, err)
	case err != nil:
		return 0, Checkpoint{}, err
	}
	if tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, leaf) != nil {
		return 0, Checkpoint{}, fmt.Errorf("%w: the proof does not show this entry", ErrBroken)
	}
	return p.Index, c, nil
}

// ProveConsistency creates the proof that everything the earlier of two
// checkpoints covers stands unchanged in the later one. Like Prove, it verifies
// what it made: checkpoints that contradict each other yield ErrForked, tiles
// that do not belong to them as well, because the two cannot be told apart.
func ProveConsistency(ctx context.Context, tiles Tiles, earlier, later Checkpoint) ([]Hash, error) {
	var proof []Hash
	if earlier.Size > 0 && earlier.Size < later.Size {
		var err error
		proof, err = tlog.ProveTree(later.Size, earlier.Size, HashReader(ctx, later.Size, tiles))
		if err != nil {
			return nil, fmt.Errorf("proving consistency: %w", err)
		}
	}
	return proof, VerifyConsistency(proof, earlier, later)
}

// VerifyConsistency verifies a proof by ProveConsistency. The error wraps
// ErrOtherLog, ErrRolledBack or ErrForked; the latter two wrap ErrBroken too.
func VerifyConsistency(proof []Hash, earlier, later Checkpoint) error {
	empty := Tree{}
	switch {
	case earlier.Origin != later.Origin:
		return ErrOtherLog
	case earlier.Size > later.Size:
		return fmt.Errorf("%w: %w", ErrBroken, ErrRolledBack)
	case earlier.Size == 0 && earlier.Root == empty.Root() && len(proof) == 0:
		return nil
	case earlier.Size == 0 || tlog.CheckTree(proof, later.Size, later.Root, earlier.Size, earlier.Root) != nil:
		return fmt.Errorf("%w: %w", ErrBroken, ErrForked)
	}
	return nil
}
