package audit

import (
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// ProveOne makes the proof of one entry out of the proof of several. Leaf returns
// the leaf hash of each entry whose line goes along, in their order.
func ProveOne(signed []byte, subset io.Reader, index int64, leaf func(index int64) (Hash, error)) (Proof, error) {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return Proof{}, err
	}
	if index < 0 || index >= c.Size {
		return Proof{}, fmt.Errorf("proving entry %d: only %d entries are covered by the checkpoint", index, c.Size)
	}
	s := siblings{index: index, ranges: siblingsOf(index, 0, c.Size)}
	s.trees = make([]Tree, len(s.ranges))
	r := NewSubsetReader(c, subset)
	r.node = s.take
	if err := readSubset(r, leaf); err != nil {
		return Proof{}, err
	}
	if !s.found {
		return Proof{}, fmt.Errorf("proving entry %d: it is none of those that are proved", index)
	}
	p := Proof{Index: index, Leaf: s.leaf, Checkpoint: signed}
	for i := range s.trees {
		p.Hashes = append(p.Hashes, s.trees[i].Root())
	}
	if tlog.CheckRecord(p.Hashes, c.Size, c.Root, index, s.leaf) != nil {
		return Proof{}, fmt.Errorf("%w: the proof does not show entry %d", ErrBroken, index)
	}
	return p, nil
}

// readSubset reads all of a proof.
func readSubset(r *SubsetReader, leaf func(index int64) (Hash, error)) error {
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && e.Line {
			e.Leaf, err = leaf(e.Index)
		}
		if err != nil {
			return err
		}
		r.Confirm(e.Leaf)
	}
}

// siblings collects the subtrees beside the way from an entry to the root.
type siblings struct {
	index  int64
	ranges [][2]int64 // from the entry's neighbour upwards
	trees  []Tree     // over those ranges
	leaf   Hash
	found  bool
}

// take takes a subtree of the proof: none straddles two of the ranges.
func (s *siblings) take(level int, at int64, h Hash) {
	if level == 0 && at == s.index {
		s.leaf, s.found = h, true
		return
	}
	for i, r := range s.ranges {
		if at >= r[0] && at < r[1] {
			s.trees[i].appendSubtree(level, h)
			return
		}
	}
}

// siblingsOf returns the ranges of entries under the siblings of an entry, of the tree
// over entries lo up to hi, from the leaf upwards.
func siblingsOf(index, lo, hi int64) [][2]int64 {
	if hi-lo <= 1 {
		return nil
	}
	middle := lo + int64(1)<<(bits.Len64(unsigned(hi-lo-1))-1)
	if index < middle {
		return append(siblingsOf(index, lo, middle), [2]int64{middle, hi})
	}
	return append(siblingsOf(index, middle, hi), [2]int64{lo, middle})
}
