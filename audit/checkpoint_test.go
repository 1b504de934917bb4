package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"cpis/audit"
)

func TestCheckpointIsAsSpecified(t *testing.T) {
	t.Parallel()
	l := newLog(3)
	golden(t, "checkpoint.golden", l.signed(t))
	golden(t, "key.golden", []byte(logKeys(t)[0]+"\n"))
}

// TestCheckpointIsASignedNote opens ours with the note package, and makes the
// same with it.
func TestCheckpointIsASignedNote(t *testing.T) {
	t.Parallel()
	signed := newLog(3).signed(t)
	verifier, err := note.NewVerifier(string(logKeys(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	tree := newLog(3).tree
	if want := string(tree.Checkpoint(origin).Body()); opened.Text != want {
		t.Errorf("got %q, want %q", opened.Text, want)
	}
	again, err := note.Sign(&note.Note{Text: opened.Text}, noteSigner{verifier, signer(1)})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, signed) {
		t.Errorf("the note package writes\n%s, we\n%s", again, signed)
	}
}

// noteSigner signs notes as anybody's.
type noteSigner struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// cosign adds a signature of another name and key to a note.
func cosign(tb testing.TB, signed []byte, name string, priv ed25519.PrivateKey) []byte {
	tb.Helper()
	verifier, err := note.NewVerifier(string(keyOf(tb, name, priv)))
	if err != nil {
		tb.Fatal(err)
	}
	text := signed[:bytes.LastIndex(signed, []byte("\n\n"))+1]
	other, err := note.Sign(&note.Note{Text: string(text)}, noteSigner{verifier, priv})
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(signed), other[len(text)+1:]...)
}

func TestOpenCheckpoint(t *testing.T) {
	t.Parallel()
	tree := newLog(3).tree
	want := tree.Checkpoint(origin)
	signed := mustSign(t, want, signer(1))
	old, key, other := keyOf(t, origin, signer(2)), keyOf(t, origin, signer(1)), keyOf(t, "other.example/log", signer(1))
	elsewhere := want
	elsewhere.Origin = "other.example/log"

	for name, c := range map[string]struct {
		signed []byte
		keys   []audit.VerifierKey
		want   error
	}{
		"by its key":                      {signed, []audit.VerifierKey{key}, nil},
		"by the newer of two keys":        {signed, []audit.VerifierKey{old, key}, nil},
		"by the older of two keys":        {mustSign(t, want, signer(2)), []audit.VerifierKey{old, key}, nil},
		"by both":                         {cosign(t, signed, origin, signer(2)), []audit.VerifierKey{old, key}, nil},
		"key given twice":                 {signed, []audit.VerifierKey{key, key}, nil},
		"with a witness nobody knows":     {cosign(t, signed, "witness.example", signer(9)), []audit.VerifierKey{key}, nil},
		"no keys":                         {signed, nil, audit.ErrSignature},
		"by a key that is not given":      {signed, []audit.VerifierKey{old}, audit.ErrSignature},
		"same key, other name":            {signed, []audit.VerifierKey{other}, audit.ErrSignature},
		"only a witness":                  {cosign(t, mustSign(t, want, signer(3)), "other.example/log", signer(1)), []audit.VerifierKey{other}, audit.ErrSignature},
		"of another log":                  {mustSign(t, elsewhere, signer(1)), []audit.VerifierKey{key, other}, audit.ErrOtherLog},
		"of another log, by our key":      {cosign(t, mustSign(t, elsewhere, signer(1)), origin, signer(1)), []audit.VerifierKey{key}, audit.ErrOtherLog},
		"one good and one bad signature":  {damaged(cosign(t, signed, origin, signer(2)), -10), []audit.VerifierKey{key, old}, audit.ErrSignature},
		"a key that is none":              {signed, []audit.VerifierKey{audit.VerifierKey(origin + "+00000000+AAAA")}, audit.ErrMalformed},
		"empty":                           {nil, []audit.VerifierKey{key}, audit.ErrMalformed},
		"no signatures":                   {want.Body(), []audit.VerifierKey{key}, audit.ErrMalformed},
		"signature cut off":               {signed[:len(signed)-1], []audit.VerifierKey{key}, audit.ErrMalformed},
		"text before":                     {append([]byte("x\n"), signed...), []audit.VerifierKey{key}, audit.ErrMalformed},
		"extension line":                  {bytes.Replace(signed, []byte("\n\n"), []byte("\nextension\n\n"), 1), []audit.VerifierKey{key}, audit.ErrMalformed},
		"size with a leading nought":      {bytes.Replace(signed, []byte("\n3\n"), []byte("\n03\n"), 1), []audit.VerifierKey{key}, audit.ErrMalformed},
		"size with a sign":                {bytes.Replace(signed, []byte("\n3\n"), []byte("\n+3\n"), 1), []audit.VerifierKey{key}, audit.ErrMalformed},
		"size out of range":               {bytes.Replace(signed, []byte("\n3\n"), []byte("\n4611686018427387904\n"), 1), []audit.VerifierKey{key}, audit.ErrMalformed},
		"size changed":                    {bytes.Replace(signed, []byte("\n3\n"), []byte("\n4\n"), 1), []audit.VerifierKey{key}, audit.ErrSignature},
		"longer than anybody would write": {append(bytes.Clone(signed), make([]byte, 256<<10)...), []audit.VerifierKey{key}, audit.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := audit.OpenCheckpoint(c.signed, origin, c.keys)
			if !errors.Is(err, c.want) || c.want == nil && got != want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
			if c.want != nil && got != (audit.Checkpoint{}) {
				t.Errorf("a checkpoint came out: %v", got)
			}
		})
	}
}

// damaged returns b with one byte changed, counted from the end if negative.
func damaged(b []byte, at int) []byte {
	b = bytes.Clone(b)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	return b
}

func TestNoChangedCheckpointOpens(t *testing.T) {
	t.Parallel()
	signed := newLog(3).signed(t)
	want, err := audit.OpenCheckpoint(signed, origin, logKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		for _, bit := range []int{0, 1, 5, 7} {
			changed := bytes.Clone(signed)
			changed[i] ^= 1 << bit
			got, err := audit.OpenCheckpoint(changed, origin, logKeys(t))
			// Base64 has bits that mean nothing at the end of the signature.
			if err == nil && (got != want || i < len(signed)-4) {
				t.Errorf("bit %d of byte %d: got %v", bit, i, got)
			}
		}
	}
}

func TestSignCheckpointRefuses(t *testing.T) {
	t.Parallel()
	c := audit.Checkpoint{Origin: origin, Size: 3, Root: leafNumber(1)}
	priv := signer(1)
	sig := ed25519.Sign(priv, c.Body())
	withOrigin := func(name string) audit.Checkpoint { return audit.Checkpoint{Origin: name, Size: 3} }
	for name, try := range map[string]struct {
		c    audit.Checkpoint
		pub  ed25519.PublicKey
		sig  []byte
		want error
	}{
		"a signature by another key": {c, public(signer(2)), sig, audit.ErrSignature},
		"a signature over another":   {c, public(priv), ed25519.Sign(priv, []byte("x")), audit.ErrSignature},
		"no signature":               {c, public(priv), nil, audit.ErrSignature},
		"half a key":                 {c, public(priv)[:16], sig, audit.ErrMalformed},
		"no origin":                  {withOrigin(""), public(priv), sig, audit.ErrMalformed},
		"an origin of two lines":     {withOrigin("a\nb"), public(priv), sig, audit.ErrMalformed},
		"an origin with a plus":      {withOrigin("a+b"), public(priv), sig, audit.ErrMalformed},
		"an origin with a space":     {withOrigin("a\u00a0b"), public(priv), sig, audit.ErrMalformed},
		"an origin not in UTF-8":     {withOrigin("a\xff"), public(priv), sig, audit.ErrMalformed},
		"a negative size":            {audit.Checkpoint{Origin: origin, Size: -1}, public(priv), sig, audit.ErrMalformed},
	} {
		if got, err := audit.SignCheckpoint(try.c, try.pub, try.sig); !errors.Is(err, try.want) || got != nil {
			t.Errorf("%s: got %q, %v, want %v", name, got, err, try.want)
		}
	}
}

func TestVerifierKeyComesBack(t *testing.T) {
	t.Parallel()
	key := logKeys(t)[0]
	got, err := audit.ParseVerifierKey(string(key))
	if err != nil || got != key || got.Origin() != origin {
		t.Errorf("got %v of %v, %v", got, got.Origin(), err)
	}
	for _, text := range []string{"", "x", string(key) + "A", strings.ToUpper(string(key)), origin} {
		if _, err := audit.ParseVerifierKey(text); !errors.Is(err, audit.ErrMalformed) {
			t.Errorf("%q: got %v, want ErrMalformed", text, err)
		}
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	signed := newLog(3).signed(f)
	keys := []audit.VerifierKey{keyOf(f, origin, signer(1)), keyOf(f, origin, signer(2))}
	f.Add(signed)
	f.Add(cosign(f, signed, origin, signer(2)))
	f.Add(cosign(f, signed, "witness.example", signer(9)))
	f.Add([]byte("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— a AAAAAAA=\n"))
	tree := newLog(3).tree
	want := tree.Checkpoint(origin)
	f.Fuzz(func(t *testing.T, signed []byte) {
		got, err := audit.OpenCheckpoint(signed, origin, keys)
		if err == nil && got != want {
			t.Fatalf("a forgery: %v", got)
		}
		if c, err := audit.ParseCheckpointBody(signed); err == nil && !bytes.Equal(c.Body(), signed) {
			t.Fatalf("%q is written %q", signed, c.Body())
		}
	})
}
