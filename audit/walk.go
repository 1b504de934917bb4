package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// verifier verifies an export from left to right.
//
// It goes down the tree from hashes that are known to be true: those of the
// frontier, because they add up to the signed root, and then those of every
// tile that adds up to a hash known to be true. So a damaged tile is recognised
// as such, and an entry is compared with a leaf hash that can be relied on.
type verifier struct {
	export fs.FS
	tiles  Tiles
	lines  lineSource
	size   int64        // how many entries the checkpoint covers
	first  int64        // index of the first line
	may    bool         // lines before the first may have been removed
	part   bool         // only entries from one index up to another are verified
	from   int64        // the one
	to     int64        // the other
	kept   []Checkpoint // those not reached yet, smallest first
	tree   Tree         // of all that has been confirmed
	report Report

	malformed  *BadEntry // the first line that is as signed, but no entry
	uncompared int       // kept checkpoints that fell among unknown leaves
	badFile    string    // the first file with hashes that is damaged

	held    [maxTileLevel + 1]heldTile // the tile last read, by level
	entry   Entry                      // used again for each line
	leaves  [TileWidth]Hash            // hashes of the lines of a group
	scratch [TileWidth]Hash            // for folding
}

// heldTile is a tile that was read.
type heldTile struct {
	tile Tile
	data []byte // nil if it is not there
	bad  bool   // it has been counted as bad
}

// node verifies the n-th subtree of 2^level entries, whose root is known to be
// want.
func (v *verifier) node(ctx context.Context, level int, n int64, want Hash) error {
	if v.outside(n<<level, (n+1)<<level) {
		return nil
	}
	if level <= TileHeight {
		return v.group(ctx, level, n, want)
	}
	hashes, err := v.children(ctx, level, n, want)
	if err != nil {
		return err
	}
	switch {
	case hashes == nil && (n+1)<<level <= v.first: // no lines to verify
		return v.confirm(nil, level, want)
	case hashes == nil && v.part: // there may be millions of lines under it
		return fmt.Errorf("%w: hashes do not add up to what was signed, so entries %d to %d cannot be told", ErrBroken, n<<level, (n+1)<<level-1)
	case hashes == nil:
		return v.blind(ctx, n<<level, (n+1)<<level, want)
	}
	below := (level - 1) / TileHeight * TileHeight
	for i, h := range hashes {
		if err := v.node(ctx, below, n<<(level-below)+int64(i), h); err != nil {
			return err
		}
	}
	return nil
}

// children returns the hashes in the tile under a node, known to be true
// because they add up to want. If the tile is damaged they are made from the
// tiles below it, and if those are too, they are nil.
func (v *verifier) children(ctx context.Context, level int, n int64, want Hash) ([]Hash, error) {
	hashes, t, err := v.under(ctx, level, n)
	if err != nil || v.addUp(hashes, want) {
		return hashes, err
	}
	v.bad(t)
	width := 1 << (level - t.Level*TileHeight)
	hashes = make([]Hash, 0, width)
	for i := range int64(width) {
		below, err := readTile(ctx, v.tiles, Tile{t.Level - 1, n*int64(width) + i, TileWidth})
		if err != nil {
			return nil, err
		}
		root, err := TileRoot(below)
		if err != nil {
			return nil, nil //nolint:nilerr // not there: nothing can be made of it
		}
		hashes = append(hashes, root)
	}
	if !v.addUp(hashes, want) {
		return nil, nil
	}
	return hashes, nil
}

// under returns what the tile right under a node claims its descendants there
// to be, nil if there is no such tile, and which tile that is.
func (v *verifier) under(ctx context.Context, level int, n int64) ([]Hash, Tile, error) {
	tileLevel := max(level-1, 0) / TileHeight
	depth := level - tileLevel*TileHeight // of the tile's hashes under the node: 0 to 8
	index := n << depth >> TileHeight
	t := Tile{tileLevel, index, widthAt(tileLevel, index, v.size)}
	data, err := v.hold(ctx, t)
	if err != nil || data == nil {
		return nil, t, err
	}
	hashes := splitTile(make([]Hash, 0, t.Width), data)
	from := n<<depth - index<<TileHeight
	return hashes[from : from+1<<depth], t, nil
}

// addUp reports whether hashes, a power of two of them or none, are those of a
// subtree with the given root.
func (v *verifier) addUp(hashes []Hash, root Hash) bool {
	return len(hashes) > 0 && fold(append(v.scratch[:0], hashes...)) == root
}

// hold returns a tile, read once as long as it is the last of its level.
func (v *verifier) hold(ctx context.Context, t Tile) ([]byte, error) {
	held := &v.held[t.Level]
	if held.tile == t {
		return held.data, nil
	}
	data, err := readTile(ctx, v.tiles, t)
	if err != nil {
		return nil, err
	}
	*held = heldTile{tile: t, data: data}
	return data, nil
}

// bad counts the tile last read of its level as damaged, once.
func (v *verifier) bad(t Tile) {
	held := &v.held[t.Level]
	if held.bad {
		return
	}
	held.bad = true
	v.report.BadFiles++
	if v.badFile == "" {
		v.badFile = t.Path()
	}
}

// checkEdge looks at the one hash of a tile at the right edge that the walk
// does not pass by, because it is the root of a full tile below.
func (v *verifier) checkEdge(ctx context.Context, level int, n int64, want Hash) error {
	if level == 0 || level%TileHeight != 0 {
		return nil
	}
	tileLevel, index := level/TileHeight, n>>TileHeight
	t := Tile{tileLevel, index, widthAt(tileLevel, index, v.size)}
	data, err := v.hold(ctx, t)
	if err != nil {
		return err
	}
	at := int(n-index<<TileHeight) * len(want)
	if data == nil || Hash(data[at:at+len(want)]) != want {
		v.bad(t)
	}
	return nil
}

// group verifies the n-th subtree of 2^level entries, at most a tile's width of
// them, whose root is known to be want.
func (v *verifier) group(ctx context.Context, level int, n int64, want Hash) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stored, t, err := v.under(ctx, level, n)
	if err != nil {
		return err
	}
	lo, hi := n<<level, (n+1)<<level
	if hi <= v.first {
		return v.removed(stored, t, level, want)
	}
	leaves, err := v.readGroup(lo, hi, stored)
	if err != nil {
		return err
	}
	from := max(lo, v.first)
	switch {
	case int64(len(leaves)) == hi-lo && v.addUp(leaves, want):
		if !slices.Equal(stored, leaves) {
			v.bad(t)
		}
		v.report.Entries += hi - from
		return v.confirm(leaves, level, want)
	case v.addUp(stored, want):
		return v.locate(ctx, lo, stored, leaves)
	}
	return v.unlocated(from, hi)
}

// removed goes past a group whose lines retention has removed. There is nothing
// to see but whether the hashes are still true.
func (v *verifier) removed(stored []Hash, t Tile, level int, want Hash) error {
	if !v.addUp(stored, want) {
		v.bad(t)
		stored = nil
	}
	return v.confirm(stored, level, want)
}

// confirm adds a subtree that was found true to the tree, and compares with the
// kept checkpoints that end in it. Leaves is nil if they are not known.
func (v *verifier) confirm(leaves []Hash, level int, root Hash) error {
	if v.part {
		return nil
	}
	err := v.checkKept(leaves)
	v.tree.appendSubtree(level, root)
	return err
}

// readGroup returns the leaf hashes of the entries from lo up to hi, or of
// fewer if the lines end before. For entries whose lines were removed, it takes
// those that are stored.
func (v *verifier) readGroup(lo, hi int64, stored []Hash) ([]Hash, error) {
	leaves := v.leaves[:0]
	for i := lo; i < hi; i++ {
		if i < v.first {
			leaves = append(leaves, nth(stored, i-lo))
			continue
		}
		line, h, more, err := v.nextLine()
		if err != nil || !more {
			return leaves, err
		}
		leaves = append(leaves, h)
		v.judge(i, line)
	}
	return leaves, nil
}

// nth returns a hash of a tile, or none if the tile is not there.
func nth(hashes []Hash, i int64) Hash {
	if i >= int64(len(hashes)) {
		return Hash{}
	}
	return hashes[i]
}

// judge notes whether a line is a well-formed entry. If it is not even as
// signed, that is the graver finding, and will end the verification.
func (v *verifier) judge(index int64, line []byte) {
	if v.entry.parse(line) == nil {
		first, removes := v.entry.Retains()
		v.may = v.may || removes && first == v.first
		return
	}
	v.report.Malformed++
	if v.malformed == nil {
		v.malformed = &BadEntry{Index: index, Last: index, Problem: NotAnEntry, Other: -1}
	}
}

// nextLine returns the next line, its hash, and whether there was one.
func (v *verifier) nextLine() ([]byte, Hash, bool, error) {
	line, h, err := v.lines.read()
	if errors.Is(err, io.EOF) {
		return nil, Hash{}, false, nil
	}
	if err != nil {
		return nil, Hash{}, false, fmt.Errorf("reading entries: %w", err)
	}
	return line, h, true, nil
}
