package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxNote bounds the size of a signed note that is read: room for a checkpoint
// with dozens of cosignatures, post-quantum ones among them.
const maxNote = 256 << 10

// Checkpoint states what a log contained when it had a certain size. Signed, it
// binds the log to every entry up to there: C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string // the log's name; also the name of its signing key
	Size   int64  // how many entries
	Root   Hash   // the root hash of the tree over them
}

// CheckOrigin says why origin cannot be the name of a log, or returns nil. A
// name is a URL without scheme such as "cpis.example.org/log/1": no spaces, no
// control characters, no plus sign.
func CheckOrigin(origin string) error {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '+' }
	if origin == "" || !utf8.ValidString(origin) || strings.ContainsFunc(origin, bad) {
		return fmt.Errorf("%w origin: empty, or with a space, a plus sign or a control character", ErrMalformed)
	}
	return nil
}

// Body returns the text of the checkpoint: exactly the bytes to be signed.
func (c Checkpoint) Body() []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpointBody reads what Body wrote. Extension lines, which C2SP
// discourages and this log never writes, are refused.
func ParseCheckpointBody(body []byte) (Checkpoint, error) {
	malformed := func(what string) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: %s", ErrMalformed, what)
	}
	lines := strings.Split(string(body), "\n")
	if len(lines) != 4 || lines[3] != "" {
		return malformed("not three lines")
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if CheckOrigin(c.Origin) != nil {
		return malformed("origin")
	}
	if c.Size, err = parseSize(lines[1]); err != nil {
		return malformed("size")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return malformed("root hash")
	}
	if !bytes.Equal(c.Body(), body) {
		return malformed("not in canonical form")
	}
	return c, nil
}

// parseSize reads a decimal number without leading zeros that can be the size
// of a tree.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n >= maxSize || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%w number", ErrMalformed)
	}
	return n, nil
}

// VerifierKey is the public key of a log in the text form of signed notes:
// name, key id and key, joined by plus signs. It is what an auditor is given,
// once, on paper or by another way that the operator of the log does not
// control.
type VerifierKey string

// NewVerifierKey returns the text form of a log's public key.
func NewVerifierKey(origin string, pub ed25519.PublicKey) (VerifierKey, error) {
	if err := CheckOrigin(origin); err != nil {
		return "", err
	}
	text, err := note.NewEd25519VerifierKey(origin, pub)
	if err != nil {
		return "", fmt.Errorf("%w key: %d bytes", ErrMalformed, len(pub))
	}
	return VerifierKey(text), nil
}

// ParseVerifierKey checks that text is the text form of a public key.
func ParseVerifierKey(text string) (VerifierKey, error) {
	if _, err := note.NewVerifier(text); err != nil {
		return "", fmt.Errorf("%w key: %w", ErrMalformed, err)
	}
	return VerifierKey(text), nil
}

// Origin returns the name of the log whose key it is.
func (k VerifierKey) Origin() string {
	origin, _, _ := strings.Cut(string(k), "+")
	return origin
}

// id returns the key id that marks the key's signatures.
func (k VerifierKey) id() (uint32, error) {
	v, err := note.NewVerifier(string(k))
	if err != nil {
		return 0, fmt.Errorf("%w key: %w", ErrMalformed, err)
	}
	return v.KeyHash(), nil
}

// SignCheckpoint creates a signed note of a checkpoint and the Ed25519 signature
// over its Body that was made elsewhere, where the private key is. A signature
// that does not verify is refused with ErrSignature, so that no checkpoint
// leaves that nobody could open.
func SignCheckpoint(c Checkpoint, pub ed25519.PublicKey, sig []byte) ([]byte, error) {
	if _, err := ParseCheckpointBody(c.Body()); err != nil {
		return nil, err
	}
	return SignNote(c.Origin, c.Body(), pub, sig)
}

// SignNote creates a signed note of a text and the Ed25519 signature over it that
// was made elsewhere. The text ends with a line break, and must be no checkpoint
// by its first line. A signature that does not verify is refused with
// ErrSignature.
func SignNote(origin string, text []byte, pub ed25519.PublicKey, sig []byte) ([]byte, error) {
	key, err := NewVerifierKey(origin, pub)
	if err != nil {
		return nil, err
	}
	id, err := key.id()
	if err != nil {
		return nil, err
	}
	if !ed25519.Verify(pub, text, sig) {
		return nil, ErrSignature
	}
	idAndSig := append(binary.BigEndian.AppendUint32(nil, id), sig...)
	return fmt.Appendf(slices.Clone(text), "\n— %s %s\n", origin, base64.StdEncoding.EncodeToString(idAndSig)), nil
}

// OpenCheckpoint returns what a signed note states if it is a checkpoint of the
// log called origin, signed by at least one of the keys. Several keys are given
// while a log's key rotates. Keys of other names count for nothing, and so do
// signatures by keys that are not given; a signature by one that is must verify.
//
// The error wraps ErrMalformed, ErrSignature or ErrOtherLog.
func OpenCheckpoint(signed []byte, origin string, keys []VerifierKey) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: longer than %d bytes", ErrMalformed, maxNote)
	}
	// Before the signature, so that the checkpoint of another log is called
	// that, and not badly signed.
	stated, err := ReadCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	if stated.Origin != origin {
		return Checkpoint{}, ErrOtherLog
	}
	known, err := verifiers(origin, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	opened, err := note.Open(signed, known)
	if err != nil {
		return Checkpoint{}, signatureError(err)
	}
	if !slices.ContainsFunc(opened.Sigs, isCanonical) {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: signature not in canonical form", ErrMalformed)
	}
	return ParseCheckpointBody([]byte(opened.Text))
}

// isCanonical reports whether a signature is written in the one way that there
// is: base64 lets the last character be another that means the same.
func isCanonical(sig note.Signature) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	return err == nil
}

// verifiers returns those keys that belong to origin, each once.
func verifiers(origin string, keys []VerifierKey) (note.Verifiers, error) {
	var known []note.Verifier
	for i, key := range keys {
		if key.Origin() != origin || slices.Contains(keys[:i], key) {
			continue
		}
		v, err := note.NewVerifier(string(key))
		if err != nil {
			return nil, fmt.Errorf("%w key: %w", ErrMalformed, err)
		}
		known = append(known, v)
	}
	return note.VerifierList(known...), nil
}

// signatureError translates the errors of note.Open.
func signatureError(err error) error {
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unverified) || errors.As(err, &invalid) {
		return ErrSignature
	}
	return fmt.Errorf("%w checkpoint: %w", ErrMalformed, err)
}

// ReadCheckpoint returns what a signed note states without asking who signed
// it.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	split := bytes.LastIndex(signed, []byte("\n\n"))
	if split < 0 {
		return Checkpoint{}, fmt.Errorf("%w checkpoint: no signatures", ErrMalformed)
	}
	return ParseCheckpointBody(signed[:split+1])
}
