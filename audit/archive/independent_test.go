package archive_test

import (
	"bytes"
	"io"
	"testing"

	"filippo.io/torchwood"
	formats "github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cpis/audit"
)

// Other people's tools accept what is in an archive: the signature of the manifest,
// the checkpoint, and for each line the proof that is made of the one for all.
func TestIndependentVerifiersAcceptArchives(t *testing.T) {
	t.Parallel()
	const each = 3
	l := newLog(origin, 300)
	files := map[string][]byte{}
	for _, m := range unpack(t, mustWrite(t, sourceOf(l.part(t, 0, each)))) {
		files[m.name] = m.content
	}
	key, err := note.NewVerifier(string(keysOf(t, origin)[0]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(files["manifest.txt"], note.VerifierList(key)); err != nil {
		t.Errorf("the manifest: %v", err)
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(key))
	signed := files["log-1/checkpoint.txt"]
	theirs, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		t.Fatal(err)
	}
	others, _, _, err := formats.ParseCheckpoint(signed, origin, key)
	if err != nil || int64(others.Size) != theirs.N || tlog.Hash(others.Hash) != theirs.Hash || theirs.Hash != l.tree.Root() {
		t.Errorf("the checkpoint is read as %+v and %+v, %v", theirs, others, err)
	}
	lines := bytes.SplitAfter(files["log-1/entries.ndjson"], []byte("\n"))
	for index := 0; index < len(l.lines); index += each {
		text := proofOf(t, signed, files["log-1/proof.txt"], int64(index), lines)
		if err := torchwood.VerifyProof(policy, l.leaves[index], text); err != nil {
			t.Errorf("entry %d, by torchwood: %v", index, err)
		}
		if torchwood.VerifyProof(policy, l.leaves[index+1], text) == nil {
			t.Errorf("entry %d: another is proved, too", index)
		}
		checkByFormats(t, text, key, l.leaves[index])
	}
}

// proofOf makes the proof of a single entry from the files of an archive.
func proofOf(t *testing.T, signed, subset []byte, index int64, lines [][]byte) []byte {
	t.Helper()
	p, err := audit.ProveOne(signed, bytes.NewReader(subset), index, func() (audit.Hash, error) {
		if len(lines) == 0 {
			return audit.Hash{}, io.ErrUnexpectedEOF
		}
		line := bytes.TrimSuffix(lines[0], []byte("\n"))
		lines = lines[1:]
		return audit.LeafHash(line), nil
	})
	if err != nil {
		t.Fatalf("entry %d: %v", index, err)
	}
	return p.Text()
}

// checkByFormats has a proof read and verified by transparency-dev's packages.
func checkByFormats(t *testing.T, text []byte, key note.Verifier, leaf audit.Hash) {
	t.Helper()
	var p tlogproof.TLogProof
	if err := p.Unmarshal(text); err != nil {
		t.Error(err)
		return
	}
	cp, _, _, err := formats.ParseCheckpoint(p.Checkpoint, origin, key)
	if err != nil {
		t.Error(err)
		return
	}
	hashes := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, cp.Size, leaf[:], hashes, cp.Hash); err != nil {
		t.Errorf("entry %d, by merkle: %v", p.Index, err)
	}
}
