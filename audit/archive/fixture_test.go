package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"io"
	"iter"
	"testing"
	"time"

	"cpis/audit"
	"cpis/audit/archive"
)

const origin = "cpis.example/log/1"

// signer returns the private key number n of the tests.
func signer(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(priv ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(priv[ed25519.SeedSize:])
}

// keysOf are the public keys of logs.
func keysOf(tb testing.TB, origins ...string) (keys []audit.VerifierKey) {
	tb.Helper()
	for _, o := range origins {
		key, err := audit.NewVerifierKey(o, public(signer(1)))
		if err != nil {
			tb.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// memory is a file in memory.
type memory struct{ bytes []byte }

func (m *memory) Write(p []byte) (int, error) {
	m.bytes = append(m.bytes, p...)
	return len(p), nil
}

func (m *memory) From(offset int64) io.Reader { return bytes.NewReader(m.bytes[offset:]) }

// log is a log in memory.
type log struct {
	origin string
	lines  [][]byte
	leaves []audit.Hash
	tree   audit.Tree
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// entry is the n-th entry of a log: each tenth with everything in it.
func entry(n int) audit.Entry {
	e := audit.Entry{
		Time: noon.Add(time.Duration(n) * time.Second), Actor: "555254240100", Client: "ed-system-7", Issuer: "https://am.example.nhs.uk",
		Organisation: "RJ1", Role: "clinician_unscheduled", Action: "look_up", Mode: "unscheduled", Purpose: "direct_care",
		Subject: bytes.Repeat([]byte{0xa5}, 32), Request: "0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11", Outcome: "no_flag_known", Rule: "U1",
	}
	binary.BigEndian.PutUint64(e.Salt[:], uint64(n)+1)
	if n%10 == 3 {
		e.Actor, e.Outcome, e.Encounter = "=HYPERLINK(\"x\")\u200b<&>_x0041_", "flag_held", bytes.Repeat([]byte{0x3c}, 16)
		e.BreakGlass, e.Restricted, e.Degraded, e.Reason = true, true, true, "kinds_only"
		e.Disclosed = []audit.Disclosed{{Plan: "01935970-2a4b-7a10-9d3e-6a5f1c2b3d4e", Version: 3}}
	}
	if n%10 == 5 {
		e = audit.Entry{Time: e.Time, Salt: e.Salt, Actor: "lead", Organisation: "E09000019", Action: "list_plans", Outcome: "done", Counts: audit.Counts{"shown": 3}}
	}
	return e
}

func newLog(origin string, n int) *log {
	l := &log{origin: origin}
	for i := range n {
		e := entry(i)
		line := e.AppendLine(nil)
		l.lines = append(l.lines, line)
		l.leaves = append(l.leaves, audit.LeafHash(line))
		l.tree.Append(l.leaves[i])
	}
	return l
}

func (l *log) signed(tb testing.TB) []byte {
	tb.Helper()
	c := l.tree.Checkpoint(l.origin)
	signed, err := audit.SignCheckpoint(c, public(signer(1)), ed25519.Sign(signer(1), c.Body()))
	if err != nil {
		tb.Fatal(err)
	}
	return signed
}

// noTiles are no tiles: all are derived.
type noTiles struct{}

func (noTiles) ReadTiles(_ context.Context, tiles []audit.Tile) ([][]byte, error) {
	return make([][]byte, len(tiles)), nil
}

// part is what an archive takes from the log: the entries from one on, each so
// many. Of some the line is withheld or gone, of some there is a review.
func (l *log) part(tb testing.TB, from, each int) archive.Log {
	tb.Helper()
	return archive.Log{
		Checkpoint: l.signed(tb),
		Tiles:      audit.Derive(noTiles{}, func(_ context.Context, from, to int64) ([]audit.Hash, error) { return l.leaves[from:to], nil }),
		Entries:    l.found(from, each),
	}
}

func (l *log) found(from, each int) iter.Seq2[*archive.Found, error] {
	return func(yield func(*archive.Found, error) bool) {
		for i := from; i < len(l.lines); i += each {
			f := &archive.Found{Index: int64(i), Line: l.lines[i]}
			e := entry(i)
			switch i % 10 {
			case 3:
				f.Reviewed, f.ReviewOutcome = noon.Add(time.Hour), "justified"
			case 5:
				f.Without, f.Shown = archive.Withheld, &audit.Entry{Time: e.Time, Actor: e.Actor, Action: e.Action, Outcome: e.Outcome}
			case 7:
				f.Line, f.Without, f.Shown = nil, archive.Removed, &audit.Entry{Time: e.Time, Actor: e.Actor, Action: e.Action}
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// sourceOf is a report of some logs in all formats.
func sourceOf(logs ...archive.Log) archive.Source {
	return archive.Source{
		Manifest: archive.Manifest{
			ID: "01935970-2a4b-7a10-9d3e-6a5f1c2b3d4e", Made: noon, For: archive.Requester{Actor: "auditor", Issuer: "https://issuer.example", Organisation: "TSTOVS"},
			Report: "everything", Reason: "routine", Query: map[string]string{"actor": "J\u00f6rg\u202e"}, CompleteUntil: noon,
			Formats: archive.Formats(),
		},
		Logs:   logs,
		Signer: origin,
		Sign: func(_ context.Context, body []byte) ([]byte, ed25519.PublicKey, error) {
			return ed25519.Sign(signer(1), body), public(signer(1)), nil
		},
		Scratch: func() (archive.File, error) { return &memory{}, nil },
	}
}

// mustWrite writes an archive.
func mustWrite(tb testing.TB, src archive.Source) []byte {
	tb.Helper()
	out := &memory{}
	if _, err := archive.Write(tb.Context(), src, out); err != nil {
		tb.Fatalf("Write: %v", err)
	}
	return out.bytes
}

func verify(tb testing.TB, file []byte, keys []audit.VerifierKey) (archive.Report, error) {
	tb.Helper()
	return archive.Verify(tb.Context(), bytes.NewReader(file), int64(len(file)), keys)
}

// member is a file of an archive.
type member struct {
	name    string
	content []byte
	method  uint16
}

// unpack returns the files of an archive.
func unpack(tb testing.TB, file []byte) (all []member) {
	tb.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, member{name: f.Name, content: content, method: f.Method})
	}
	return all
}

// pack makes an archive of files, in a container as it is written.
func pack(tb testing.TB, all []member) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range all {
		to, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: m.method, Modified: noon})
		if err == nil {
			_, err = to.Write(m.content)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
