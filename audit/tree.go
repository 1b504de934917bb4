package audit

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash of a leaf, of a node, or of a whole tree.
type Hash = tlog.Hash

// maxSize bounds the size of a tree. It keeps tlog's numbering of nodes, which
// needs twice as many numbers as there are leaves, within an int64.
const maxSize = 1 << 62

// leafPrefix distinguishes leaves from nodes, as RFC 6962 demands.
const leafPrefix = 0x00

// LeafHash returns the hash of an entry's line as it stands in the tree:
// SHA-256(0x00 ‖ line). The line comes without its line break.
func LeafHash(line []byte) Hash {
	var buf [1024]byte // longer than nearly every entry; keeps the hashing free of allocations
	if len(line) < len(buf) {
		buf[0] = leafPrefix
		n := copy(buf[1:], line)
		return sha256.Sum256(buf[:1+n])
	}
	return tlog.RecordHash(line)
}

// Tree is the Merkle tree of RFC 6962 over the leaves of a log, reduced to what
// is needed to make it grow: its size and its frontier, which are the roots of
// the perfect subtrees it is composed of, one for each bit set in the size.
//
// The zero value is the empty tree. Trees are values: an assignment makes an
// independent copy, and == tells whether two are the same.
type Tree struct {
	size int64
	// edge[l] is the root of the perfect subtree of 2^l leaves if bit l of
	// size is set, else zero (so that == means what it should).
	edge [62]Hash
}

// NewTree returns the tree of a size with a frontier as Frontier returns it. It
// says nothing about whether they are true; compare the Root with a known one.
func NewTree(size int64, frontier []Hash) (Tree, error) {
	if size < 0 || size >= maxSize {
		return Tree{}, fmt.Errorf("%w tree: size out of range", ErrMalformed)
	}
	if len(frontier) != bits.OnesCount64(unsigned(size)) {
		return Tree{}, fmt.Errorf("%w tree: %d frontier hashes do not fit size %d", ErrMalformed, len(frontier), size)
	}
	t := Tree{size: size}
	for level := range t.edge {
		if t.has(level) {
			last := len(frontier) - 1
			t.edge[level], frontier = frontier[last], frontier[:last]
		}
	}
	return t, nil
}

// ParseTree returns the tree of a size with a frontier as AppendFrontier wrote
// it. What NewTree says holds.
func ParseTree(size int64, frontier []byte) (Tree, error) {
	if len(frontier)%tlog.HashSize != 0 {
		return Tree{}, fmt.Errorf("%w tree: frontier of %d bytes", ErrMalformed, len(frontier))
	}
	hashes := make([]Hash, 0, len(frontier)/tlog.HashSize)
	for h := range slices.Chunk(frontier, tlog.HashSize) {
		hashes = append(hashes, Hash(h))
	}
	return NewTree(size, hashes)
}

// Append adds a leaf. It costs one node hash on average.
func (t *Tree) Append(leaf Hash) {
	t.appendSubtree(0, leaf)
}

// appendSubtree adds 2^level leaves at once, given the root over them. The
// tree's size must be a multiple of 2^level.
func (t *Tree) appendSubtree(level int, root Hash) {
	for ; t.has(level); level++ {
		root = tlog.NodeHash(t.edge[level], root)
		t.edge[level] = Hash{}
		t.size -= 1 << level
	}
	t.edge[level] = root
	t.size += 1 << level
}

// has reports whether the tree has a perfect subtree of 2^level leaves in its
// frontier.
func (t *Tree) has(level int) bool {
	return t.size>>level&1 == 1
}

// unsigned returns a size for looking at its bits. It is never negative.
func unsigned(size int64) uint64 {
	return uint64(size) //nolint:gosec // see above
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Frontier returns the roots of the perfect subtrees that make up the tree,
// from the largest, which is leftmost, to the smallest: one for each bit set in
// the size.
func (t *Tree) Frontier() []Hash {
	frontier := make([]Hash, 0, bits.OnesCount64(unsigned(t.size)))
	for level := len(t.edge) - 1; level >= 0; level-- {
		if t.has(level) {
			frontier = append(frontier, t.edge[level])
		}
	}
	return frontier
}

// AppendFrontier appends the frontier's hashes to dst, 32 bytes each, in the
// order of Frontier. Together with the size it is all that ParseTree needs.
func (t *Tree) AppendFrontier(dst []byte) []byte {
	for level := len(t.edge) - 1; level >= 0; level-- {
		if t.has(level) {
			dst = append(dst, t.edge[level][:]...)
		}
	}
	return dst
}

// Root returns the root hash. It costs one node hash for each bit set in the
// size but the first, so an appender of many leaves asks once, at the end.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	level := bits.TrailingZeros64(unsigned(t.size))
	root := t.edge[level]
	for level++; level < len(t.edge); level++ {
		if t.has(level) {
			root = tlog.NodeHash(t.edge[level], root)
		}
	}
	return root
}

// Checkpoint returns the statement to be signed about the tree as the state of
// the log called origin.
func (t *Tree) Checkpoint(origin string) Checkpoint {
	return Checkpoint{Origin: origin, Size: t.size, Root: t.Root()}
}

// fold returns the root over a power of two of hashes, which it overwrites.
func fold(hashes []Hash) Hash {
	for n := len(hashes); n > 1; n /= 2 {
		for i := range n / 2 {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	return hashes[0]
}
