package keys

import "encoding/binary"

// briefPart is how long the version of the index key is, before what is sealed.
const briefPart = 4

// SealBriefly seals what lives for hours, and must open while the keeper is away:
// under a key of the row's own that is derived from the newest index key. What it
// makes opens until that index key retires.
//
//	size  content
//	4     version of the index key, big-endian
//	n     as DataKey.Seal makes it
func (r *Ring) SealBriefly(plaintext []byte, c Context) []byte {
	x := r.newest()
	key := x.mac.seal(c)
	return append(binary.BigEndian.AppendUint32(nil, rowVersion(x)), newDataKey(&key).Seal(plaintext, c)...)
}

// OpenBriefly opens what SealBriefly made. The error is ErrTampered, also if the
// index key has retired.
func (r *Ring) OpenBriefly(sealed []byte, c Context) ([]byte, error) {
	if len(sealed) < briefPart {
		return nil, ErrTampered
	}
	indexes := *r.indexes.Load()
	for i := range indexes {
		if rowVersion(&indexes[i]) == binary.BigEndian.Uint32(sealed) {
			key := indexes[i].mac.seal(c)
			return newDataKey(&key).Open(sealed[briefPart:], c)
		}
	}
	return nil, ErrTampered
}
