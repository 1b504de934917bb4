package archive_test

import (
	"bytes"
	"errors"
	"testing"

	"filippo.io/torchwood"
	formats "github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cpis/audit"
	"cpis/audit/archive"
)

// Other people's tools accept what is in an archive: the signature of the manifest,
// the checkpoint, and for each line the proof that Prove makes of the one for all.
func TestIndependentVerifiersAcceptArchives(t *testing.T) {
	t.Parallel()
	const each = 3
	l := newLog(origin, 300)
	files := map[string][]byte{}
	file := mustWrite(t, sourceOf(l.part(t, 0, each)))
	for _, m := range unpack(t, file) {
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
	proved := 0
	for index := 0; index < len(l.lines); index += each {
		p, line, err := archive.Prove(bytes.NewReader(file), int64(len(file)), origin, int64(index))
		if index%10 == 5 || index%10 == 7 { // those without a line
			if !errors.Is(err, archive.ErrNoEntry) {
				t.Errorf("entry %d has no line: got %q, %v", index, line, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(line, l.lines[index]) {
			t.Fatalf("entry %d: got %q, %v", index, line, err)
		}
		proved++
		if err := torchwood.VerifyProof(policy, l.leaves[index], p.Text()); err != nil {
			t.Errorf("entry %d, by torchwood: %v", index, err)
		}
		if torchwood.VerifyProof(policy, l.leaves[index+1], p.Text()) == nil {
			t.Errorf("entry %d: another is proved, too", index)
		}
		checkByFormats(t, p.Text(), key, l.leaves[index])
	}
	if proved < 50 {
		t.Errorf("only %d lines were proved", proved)
	}
}

// Prove says when there is nothing to prove.
func TestProve_OfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	other := newLog("cpis.example/log/2", 9)
	file := mustWrite(t, sourceOf(newLog(origin, 30).part(t, 0, 3), other.part(t, 1, 2)))
	prove := func(file []byte, origin string, index int64) error {
		_, _, err := archive.Prove(bytes.NewReader(file), int64(len(file)), origin, index)
		return err
	}
	if err := prove(file, other.origin, 1); err != nil {
		t.Errorf("of the second log: %v", err)
	}
	if err := prove(file, "", 3); err != nil {
		t.Errorf("of the first: %v", err)
	}
	if err := prove(file, "cpis.example/log/3", 1); !errors.Is(err, archive.ErrNoEntry) {
		t.Errorf("of no log: %v", err)
	}
	for _, index := range []int64{-1, 1, 30} {
		if err := prove(file, origin, index); err == nil {
			t.Errorf("entry %d was proved", index)
		}
	}
	files := unpack(t, file)
	m := find(files, "log-1/entries.ndjson")
	m.content = bytes.Replace(m.content, []byte("555254240100"), []byte("555254240101"), 1)
	if err := prove(pack(t, files), origin, 3); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("of a log that was changed: %v", err)
	}
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
