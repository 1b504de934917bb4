// Package wrapping reads and writes the text of a wrapped data key, which both
// keepers write alike:
//
//	<keeper>:v<version>:<base64 of nonce ‖ encrypted key ‖ tag>
//
// It is strict: every key has exactly one text, so that a changed text never
// passes for the unchanged one.
package wrapping

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Size is the length of a sealed key: a nonce of 12 bytes, 32 bytes of key and
// a tag of 16 bytes. It divides by three, so its base64 has neither padding
// nor spare bits.
const Size = 12 + 32 + 16

// Format writes the text.
func Format(keeper string, version int, sealed []byte) string {
	return keeper + ":v" + strconv.Itoa(version) + ":" + base64.StdEncoding.EncodeToString(sealed)
}

// Parse reads the text. It says no to what Format cannot have written.
func Parse(keeper, text string) (version int, sealed []byte, ok bool) {
	rest, ok := strings.CutPrefix(text, keeper+":v")
	if !ok {
		return 0, nil, false
	}
	digits, encoded, ok := strings.Cut(rest, ":")
	if !ok || len(encoded) != base64.StdEncoding.EncodedLen(Size) {
		return 0, nil, false
	}
	version, err := strconv.Atoi(digits)
	if err != nil || version < 1 || strconv.Itoa(version) != digits {
		return 0, nil, false
	}
	sealed, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(sealed) != Size {
		return 0, nil, false // a line break among the letters, for one
	}
	return version, sealed, true
}
