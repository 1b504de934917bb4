package keys

import "encoding/binary"

// Context is the associated data of a sealed value: where it lives. It is not
// stored with the value but has to be given again to open it, so that a
// ciphertext cannot be moved to another column, row or table, nor an old
// version be put in place of a newer one.
//
// It is encoded so that no two contexts have the same bytes (lengths and
// numbers are big-endian):
//
//	size  content
//	1     format of the sealed value, 0x01
//	4     length p of Purpose
//	p     Purpose
//	4     length t of Table
//	t     Table
//	4     length r of Row
//	r     Row
//	8     Version
type Context struct {
	Purpose string // what the value is: "details", "reason"
	Table   string // the table that holds it: "person_version"
	Row     string // the row's own id
	Version int    // the version of the row
}

// appendTo appends the encoded context to dst.
func (c Context) appendTo(dst []byte) []byte {
	dst = append(dst, sealedFormat)
	dst = appendPart(dst, c.Purpose)
	dst = appendPart(dst, c.Table)
	dst = appendPart(dst, c.Row)
	return binary.BigEndian.AppendUint64(dst, uint64(int64(c.Version))) //nolint:gosec // all 64 bits are kept: no two versions have the same bytes
}

// appendPart appends the length of s and s. No part reaches 4 GiB: all come
// from fields that the service limits to a few kilobytes.
func appendPart[T string | []byte](dst []byte, s T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s))) //nolint:gosec // see above
	return append(dst, s...)
}
