package oversight

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// placeSize is how many bytes a place has.
const placeSize = 8 + 2 + 8

// placeText writes a place in a report as the contract has it: opaque.
//
//	microseconds since 1970, 8 bytes ‖ log, 2 bytes ‖ index, 8 bytes; big endian, base64url
func placeText(p store.EntryPlace) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.At.UnixMicro()))
	b = binary.BigEndian.AppendUint16(b, uint16(p.Log))   //nolint:gosec // likewise
	b = binary.BigEndian.AppendUint64(b, uint64(p.Index)) //nolint:gosec // likewise
	return base64.RawURLEncoding.EncodeToString(b)
}

// parsePlace reads what placeText wrote.
func parsePlace(text string) (p store.EntryPlace, ok bool) {
	b, err := guard.DecodePlace(text)
	if err != nil || len(b) != placeSize {
		return p, false
	}
	p.At = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // bits, as they were written
	p.Log = store.LogID(binary.BigEndian.Uint16(b[8:]))            //nolint:gosec // likewise
	p.Index = int64(binary.BigEndian.Uint64(b[10:]))               //nolint:gosec // likewise
	return p, p.Log > 0 && p.Index >= 0 && p.At.Year() >= 1970 && p.At.Year() <= 9999
}

// SubjectText writes what the log calls a person, as entries have it.
func SubjectText(tag []byte) string { return base64.RawURLEncoding.EncodeToString(tag) }

// ParseSubject reads what SubjectText wrote.
func ParseSubject(text string) (*keys.Tag, bool) {
	tag, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(tag) != len(keys.Tag{}) {
		return nil, false
	}
	return (*keys.Tag)(tag), true
}
