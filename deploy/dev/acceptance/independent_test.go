package acceptance_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"os"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/store/dbtest"
)

// bearing shows a token with each request.
type bearing struct {
	base  http.RoundTripper
	token string
}

func (b *bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.base.RoundTrip(r)
}

// outsider reads the log as other people's tools do: over HTTP, with nothing of
// ours but a token and the public key.
type outsider struct {
	*site

	key     note.Verifier
	policy  torchwood.Policy
	fetcher *torchwood.TileFetcher
	logs    cpisv1connect.LogServiceClient
}

func newOutsider(s *site, person string) *outsider {
	s.tb.Helper()
	token := s.token(person)
	o := &outsider{site: s, logs: cpisv1connect.NewLogServiceClient(s.connection(protocols[0], token))}
	var err error
	o.key, err = note.NewVerifier(string(s.verifiers()[0]))
	must(s.tb, err)
	o.policy = torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(dbtest.Origin), torchwood.SingleVerifierPolicy(o.key))
	transport := &http.Transport{}
	s.tb.Cleanup(transport.CloseIdleConnections)
	o.fetcher, err = torchwood.NewTileFetcher(s.base+"/log/1", torchwood.WithHTTPClient(&http.Client{Transport: &bearing{transport, token}}))
	must(s.tb, err)
	return o
}

// checkpoint fetches the checkpoint, and has it opened by all who can.
func (o *outsider) checkpoint() ([]byte, torchwood.Checkpoint) {
	o.tb.Helper()
	signed, err := o.fetcher.ReadEndpoint(o.tb.Context(), "checkpoint")
	must(o.tb, err)
	theirs, _, err := torchwood.VerifyCheckpoint(signed, o.policy)
	must(o.tb, err)
	others, rest, _, err := log.ParseCheckpoint(signed, dbtest.Origin, o.key)
	must(o.tb, err)
	opened, err := note.Open(signed, note.VerifierList(o.key))
	must(o.tb, err)
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + opened.Text[len(dbtest.Origin)+1:]))
	must(o.tb, err)
	if len(rest) > 0 || int64(others.Size) != theirs.N || tlog.Hash(others.Hash) != theirs.Hash || tree != theirs.Tree {
		o.tb.Errorf("one checkpoint is read as %+v, %+v and %+v", theirs, others, tree)
	}
	return signed, theirs
}

// grow has the log grow by look-ups, and signs it.
func (o *outsider) grow(n int) {
	o.tb.Helper()
	ask := o.asker()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := ask(); err != nil {
				o.tb.Error(err)
			}
		})
	}
	all.Wait()
	must(o.tb, o.service.Log.Sign(o.tb.Context()))
}

// Other people's tools read the log over HTTP, and accept its checkpoint, its
// tiles, all its lines, and the proofs of both kinds. Each bundle of lines that
// they read is an entry.
func TestIndependentVerifiersAcceptTheLog(t *testing.T) {
	t.Parallel()
	o := newOutsider(newSite(t), "auditor")
	o.grow(300)
	_, earlier := o.checkpoint()
	o.grow(230)
	signed, latest := o.checkpoint()
	if earlier.N >= latest.N {
		t.Fatalf("%d entries, and then %d", earlier.N, latest.N)
	}
	leaves := o.readAll(latest)
	for _, index := range []int64{0, 255, 256, earlier.N - 1, earlier.N, latest.N - 1} {
		o.checkInclusion(index, leaves[index])
	}
	for _, size := range []int64{1, 255, 256, earlier.N} {
		o.checkConsistency(leaves, size, latest)
	}
	o.checkExport(signed, latest)
}

// readAll reads all lines, compared by torchwood with their tiles, and these with
// the checkpoint. It returns their leaf hashes.
func (o *outsider) readAll(cp torchwood.Checkpoint) []tlog.Hash {
	o.tb.Helper()
	before := o.size()
	client, err := torchwood.NewClient(o.fetcher)
	must(o.tb, err)
	var leaves []tlog.Hash
	for i, line := range client.AllEntries(o.tb.Context(), cp.Tree, 0) {
		if _, err := audit.ParseLine(line); err != nil {
			o.tb.Fatalf("entry %d: %v", i, err)
		}
		leaves = append(leaves, tlog.RecordHash(line))
	}
	must(o.tb, client.Err())
	if int64(len(leaves)) != cp.N {
		o.tb.Fatalf("%d lines of %d were read", len(leaves), cp.N)
	}
	read := 0
	for _, e := range o.entries(before) {
		if e.Action == "read_log" && e.Outcome == "done" && e.Actor != "" {
			read++
		}
	}
	if want := int((cp.N + audit.TileWidth - 1) / audit.TileWidth); read != want {
		o.tb.Errorf("%d readings are in the log, want one for each of %d bundles", read, want)
	}
	return leaves
}

// checkInclusion has the proof of an entry verified: as a file, and by its hashes.
func (o *outsider) checkInclusion(index int64, leaf tlog.Hash) {
	o.tb.Helper()
	answer, err := o.logs.GetInclusionProof(o.tb.Context(), &cpisv1.GetInclusionProofRequest{Index: index})
	must(o.tb, err)
	text := []byte(answer.GetProof())
	must(o.tb, torchwood.VerifyProof(o.policy, leaf, text))
	var theirs tlogproof.TLogProof
	must(o.tb, theirs.Unmarshal(text))
	cp, _, _, err := log.ParseCheckpoint(theirs.Checkpoint, dbtest.Origin, o.key)
	must(o.tb, err)
	must(o.tb, proof.VerifyInclusion(rfc6962.DefaultHasher, theirs.Index, cp.Size, leaf[:], answer.GetHashes(), cp.Hash))
	must(o.tb, tlog.CheckRecord(hashesOf(answer.GetHashes()), int64(cp.Size), tlog.Hash(cp.Hash), index, leaf))
	if torchwood.VerifyProof(o.policy, tlog.Hash(sha256.Sum256(leaf[:])), text) == nil {
		o.tb.Error("another entry is proved, too")
	}
}

// checkConsistency has the proof verified that the log continues what it was.
func (o *outsider) checkConsistency(leaves []tlog.Hash, size int64, latest torchwood.Checkpoint) {
	o.tb.Helper()
	answer, err := o.logs.GetConsistencyProof(o.tb.Context(), &cpisv1.GetConsistencyProofRequest{Size: size})
	must(o.tb, err)
	now, _, err := torchwood.VerifyCheckpoint([]byte(answer.GetCheckpoint()), o.policy)
	must(o.tb, err)
	if now.N < latest.N {
		o.tb.Errorf("the checkpoint of the proof has %d entries, want %d or more", now.N, latest.N)
	}
	then := rootOf(leaves[:size])
	must(o.tb, tlog.CheckTree(hashesOf(answer.GetHashes()), now.N, now.Hash, size, then))
	must(o.tb, proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(size), uint64(now.N), answer.GetHashes(), then[:], now.Hash[:]))
}

// checkExport has the tiles of an export compared with its checkpoint.
func (o *outsider) checkExport(signed []byte, latest torchwood.Checkpoint) {
	o.tb.Helper()
	must(o.tb, o.service.Log.Sign(o.tb.Context()))
	dir := os.DirFS(o.export())
	tiles, err := torchwood.NewTileFS(dir)
	must(o.tb, err)
	text, err := tiles.ReadEndpoint(o.tb.Context(), "checkpoint")
	must(o.tb, err)
	cp, _, err := torchwood.VerifyCheckpoint(text, o.policy)
	must(o.tb, err)
	compared := torchwood.TileHashReaderWithContext(o.tb.Context(), cp.Tree, tiles)
	leaf, err := compared.ReadHashes([]int64{tlog.StoredHashIndex(0, 299)})
	must(o.tb, err)
	record, err := tlog.ProveRecord(cp.N, 299, compared)
	must(o.tb, err)
	must(o.tb, tlog.CheckRecord(record, cp.N, cp.Hash, 299, leaf[0]))
	tree, err := tlog.ProveTree(cp.N, latest.N, compared)
	must(o.tb, err)
	must(o.tb, tlog.CheckTree(tree, cp.N, cp.Hash, latest.N, latest.Hash))
	made := torchwood.FormatProof(299, record, text)
	if index, _, err := audit.VerifyProof(made, leaf[0], dbtest.Origin, o.verifiers()); err != nil || index != 299 {
		o.tb.Errorf("a proof that others made of the export: entry %d, %v", index, err)
	}
	if _, err := audit.OpenCheckpoint(signed, dbtest.Origin, o.verifiers()); err != nil {
		o.tb.Error(err)
	}
}

func hashesOf(raw [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(raw))
	for i := range raw {
		hashes[i] = tlog.Hash(raw[i])
	}
	return hashes
}

// rootOf is the root over leaves, as transparency-dev's hasher makes it.
func rootOf(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := rootOf(leaves[:split]), rootOf(leaves[split:])
	return tlog.Hash(rfc6962.DefaultHasher.HashChildren(left[:], right[:]))
}

// Whoever is not at oversight checks the log by its hashes, and reads none of its
// lines; and a stranger reads nothing.
func TestLogIsReadByWhomItMayBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	nurse := newOutsider(s, "nurse")
	nurse.grow(260)
	_, cp := nurse.checkpoint()
	tiles := torchwood.TileHashReaderWithContext(t.Context(), cp.Tree, nurse.fetcher)
	if _, err := tiles.ReadHashes([]int64{tlog.StoredHashIndex(0, 7)}); err != nil {
		t.Errorf("a nurse reads hashes: %v", err)
	}
	for path, want := range map[string]int{
		"checkpoint": http.StatusOK, "tile/0/000": http.StatusOK, "tile/0/001": http.StatusNotFound, "tile/entries/000": http.StatusForbidden,
	} {
		if got := s.status(t.Context(), s.token("nurse"), path); got != want {
			t.Errorf("a nurse reads %s: got %d, want %d", path, got, want)
		}
		if got := s.status(t.Context(), "nobody", path); got != http.StatusUnauthorized {
			t.Errorf("a stranger reads %s: got %d", path, got)
		}
	}
}

// status asks for a path of the log.
func (s *site) status(ctx context.Context, token, path string) int {
	s.tb.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/log/1/"+path, http.NoBody)
	must(s.tb, err)
	res, err := (&bearing{http.DefaultTransport, token}).RoundTrip(req)
	must(s.tb, err)
	must(s.tb, res.Body.Close())
	return res.StatusCode
}
