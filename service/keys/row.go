package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// A row's MAC is a list of parts, one for each index key that made it, the
// newest first:
//
//	size  content
//	4     version of the index key, big-endian
//	32    HMAC-SHA-256(index key, "cpis row v1" ‖ 0x00 ‖ text)
//
// While the index key rotates there are two, so that a server which knows only
// one of the keys can check what any other wrote.
const rowPart = 4 + sha256.Size

// RowMAC returns the MAC of a row from the text of its columns: the proof that
// somebody who holds an index key wrote them.
func (r *Ring) RowMAC(text []byte) []byte {
	indexes := *r.indexes.Load()
	out := make([]byte, 0, rowPart*len(indexes))
	for i := range indexes {
		sum := indexes[i].mac.row(text)
		out = binary.BigEndian.AppendUint32(out, rowVersion(&indexes[i]))
		out = append(out, sum[:]...)
	}
	return out
}

// VerifiesRow reports whether a MAC is that of a row's text, under any of the index
// keys. It allocates nothing.
func (r *Ring) VerifiesRow(text, rowMAC []byte) bool {
	indexes := *r.indexes.Load()
	for ; len(rowMAC) >= rowPart; rowMAC = rowMAC[rowPart:] {
		for i := range indexes {
			if binary.BigEndian.Uint32(rowMAC) != rowVersion(&indexes[i]) {
				continue
			}
			sum := indexes[i].mac.row(text)
			return hmac.Equal(sum[:], rowMAC[4:rowPart])
		}
	}
	return false
}

func rowVersion(x *index) uint32 { return uint32(x.version) } //nolint:gosec // counts rotations of one key.
