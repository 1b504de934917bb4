package archive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cpis/audit"
)

// manifestHead begins the first line of a manifest; the origin of the log whose
// key signs it ends it. No log's origin has a space in it, and so no checkpoint
// begins like a manifest, nor a manifest like a checkpoint: a signature of the
// one is worth nothing for the other.
const manifestHead = "cpis export v1 of "

// maxManifest bounds a manifest that is read.
const maxManifest = 1 << 20

// Manifest says what an archive is.
type Manifest struct {
	ID   string    `json:"id"`   // of the export
	Made time.Time `json:"made"` // when it was asked for
	For  Requester `json:"for"`
	// Report, Reason and Query are what was asked for; a child stands in it as the
	// entries call it.
	Report string            `json:"report"`
	Reason string            `json:"reason"`
	Query  map[string]string `json:"query"`
	// CompleteUntil says how far it reaches: all that was done up to then and that
	// the query lets through is in it.
	CompleteUntil time.Time `json:"complete_until"`
	// AuthoritiesLeftOut says that the child is restricted, so that nothing is
	// shown of what authorities did.
	AuthoritiesLeftOut bool      `json:"authorities_left_out,omitempty"`
	Formats            []Format  `json:"formats"`
	Entries            int64     `json:"entries"`
	Logs               []LogPart `json:"logs"`
	Files              []FileSum `json:"files"`
}

// Requester is who asked for an export.
type Requester struct {
	Actor        string `json:"actor"`
	Issuer       string `json:"issuer"`
	Organisation string `json:"organisation"`
}

// LogPart is what an archive has of one log.
type LogPart struct {
	Origin string `json:"origin"`
	// Size and Root are those of the checkpoint under which entries are proved.
	Size int64  `json:"size"`
	Root string `json:"root"`
	// Witnesses are who signed the checkpoint besides the log.
	Witnesses []string `json:"witnesses,omitempty"`
	Entries   int64    `json:"entries"`
	// WithoutLine is of how many of them the line is not there: withheld, or
	// removed from the log. That they are entries of it is proved all the same.
	WithoutLine int64 `json:"without_line,omitempty"`
}

// FileSum names a file.
type FileSum struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hexadecimal, as sha256sum prints it
}

// Body returns the text of the manifest: exactly the bytes to be signed with the
// key of the log called origin.
func (m *Manifest) Body(origin string) ([]byte, error) {
	if err := audit.CheckOrigin(origin); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString(manifestHead + origin + "\n")
	enc := json.NewEncoder(asciiOnly{&text})
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("writing the manifest: %w", err)
	}
	return text.Bytes(), nil
}

// asciiOnly writes JSON with every other character as \uXXXX: a signed note must
// not hold what cannot be seen.
type asciiOnly struct{ to *bytes.Buffer }

// Write implements io.Writer. The encoder writes all of it at once.
func (w asciiOnly) Write(p []byte) (int, error) {
	for _, r := range string(p) {
		switch {
		case r < 0x7f:
			w.to.WriteByte(byte(r)) //nolint:gosec // below 0x7f
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(w.to, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(w.to, `\u%04x`, r)
		}
	}
	return len(p), nil
}

// SignManifest puts a signature that was made elsewhere, over Body, to a manifest.
// One that does not verify is refused with audit.ErrSignature.
func SignManifest(body []byte, pub ed25519.PublicKey, sig []byte) ([]byte, error) {
	origin, _, err := parseManifest(body)
	if err != nil {
		return nil, err
	}
	key, err := audit.NewVerifierKey(origin, pub)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(string(key))
	if err != nil {
		return nil, fmt.Errorf("%w key: %w", audit.ErrMalformed, err)
	}
	if !ed25519.Verify(pub, body, sig) {
		return nil, audit.ErrSignature
	}
	idAndSig := append(binary.BigEndian.AppendUint32(nil, verifier.KeyHash()), sig...)
	return fmt.Appendf(body, "\n— %s %s\n", origin, base64.StdEncoding.EncodeToString(idAndSig)), nil
}

// OpenManifest returns what a signed manifest says if one of the keys signed it,
// and the log whose key that is. The error wraps audit.ErrMalformed or
// audit.ErrSignature.
func OpenManifest(signed []byte, keys []audit.VerifierKey) (origin string, m Manifest, err error) {
	split := bytes.LastIndex(signed, []byte("\n\n"))
	if split < 0 || len(signed) > maxManifest {
		return "", m, fmt.Errorf("%w manifest: no signatures", audit.ErrMalformed)
	}
	if origin, m, err = parseManifest(signed[:split+1]); err != nil {
		return "", m, err
	}
	var known []note.Verifier
	for _, key := range keys {
		v, err := note.NewVerifier(string(key))
		if err != nil {
			return "", m, fmt.Errorf("%w key: %w", audit.ErrMalformed, err)
		}
		if key.Origin() == origin {
			known = append(known, v)
		}
	}
	if _, err := note.Open(signed, note.VerifierList(known...)); err != nil {
		return "", m, fmt.Errorf("%w: manifest: %w", audit.ErrSignature, err)
	}
	return origin, m, nil
}

// parseManifest reads what Body wrote.
func parseManifest(body []byte) (origin string, m Manifest, err error) {
	head, text, ok := strings.Cut(string(body), "\n")
	origin, is := strings.CutPrefix(head, manifestHead)
	if !ok || !is || audit.CheckOrigin(origin) != nil {
		return "", m, fmt.Errorf("%w manifest: its first line is not that of one", audit.ErrMalformed)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() {
		return "", m, fmt.Errorf("%w manifest", errors.Join(audit.ErrMalformed, err))
	}
	if again, err := m.Body(origin); err != nil || !bytes.Equal(again, body) {
		return "", m, fmt.Errorf("%w manifest: not as it is written", audit.ErrMalformed)
	}
	return origin, m, nil
}

// signers are the names of those who signed a note.
func signers(signed []byte) (names []string) {
	split := bytes.LastIndex(signed, []byte("\n\n"))
	for line := range strings.Lines(string(signed[split+1:])) {
		if rest, ok := strings.CutPrefix(line, "— "); ok {
			name, _, _ := strings.Cut(rest, " ")
			names = append(names, name)
		}
	}
	return names
}
