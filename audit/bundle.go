package audit

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// bundlePrefix is where C2SP tlog-tiles has entry bundles: the lines whose leaf
// hashes are in the tile of level 0 of the same name.
const bundlePrefix = "tile/entries/"

// BundlePath returns where the lines lie whose leaf hashes are in a tile of level
// 0: "tile/entries/x001/234", and for one that is not full
// "tile/entries/001.p/17".
func BundlePath(t Tile) string {
	return bundlePrefix + strings.TrimPrefix(Tile{Index: t.Index, Width: t.Width}.Path(), levelZero)
}

// levelZero begins the paths of tiles of level 0.
const levelZero = "tile/0/"

// ParseBundlePath returns the tile of level 0 that BundlePath was called on.
func ParseBundlePath(path string) (Tile, error) {
	if rest, ok := strings.CutPrefix(path, bundlePrefix); ok {
		return ParseTilePath(levelZero + rest)
	}
	return Tile{}, fmt.Errorf("%w path of a bundle", ErrMalformed)
}

// AppendBundled appends a line, which is no longer than MaxLine, to an entry
// bundle: its length in two bytes, and the line.
func AppendBundled(bundle, line []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(line))) //nolint:gosec // see above
	return append(bundle, line...)
}

// ReadBundle returns the lines of an entry bundle.
func ReadBundle(bundle []byte) ([][]byte, error) {
	var lines [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 {
			return nil, fmt.Errorf("%w bundle: cut off", ErrMalformed)
		}
		length := int(binary.BigEndian.Uint16(bundle))
		if len(bundle)-2 < length {
			return nil, fmt.Errorf("%w bundle: cut off", ErrMalformed)
		}
		lines, bundle = append(lines, bundle[2:2+length]), bundle[2+length:]
	}
	return lines, nil
}
