package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// blind verifies the entries from lo up to hi, whose root is known to be want,
// where no tile can be relied on to say what each of them should be. If
// something is wrong, it cannot say where.
func (v *verifier) blind(ctx context.Context, lo, hi int64, want Hash) error {
	from := max(lo, v.first)
	unlocated := v.unlocated(from, hi)
	var part Tree
	var forked error // found on the way; counts only once want is reached
	for at := lo; at < hi; at += TileWidth {
		leaves, err := v.readBlind(ctx, at, min(at+TileWidth, hi))
		if err != nil {
			return err
		}
		if at+int64(len(leaves)) < min(at+TileWidth, hi) {
			return unlocated
		}
		forked = errors.Join(forked, v.checkKept(leaves))
		for _, leaf := range leaves {
			part.Append(leaf)
			v.tree.Append(leaf)
		}
	}
	if part.Root() != want {
		return unlocated
	}
	v.report.Entries += hi - from
	return forked
}

// unlocated says that entries do not add up; or, if there are no lines to be
// wrong, that hashes do not.
func (v *verifier) unlocated(from, hi int64) error {
	if from >= hi {
		return fmt.Errorf("%w: the hashes do not add up to the checkpoint", ErrBroken)
	}
	return &BadEntry{Index: from, Last: hi - 1, Problem: Unlocated, Other: -1}
}

// readBlind returns the leaf hashes of at most a tile's width of entries.
func (v *verifier) readBlind(ctx context.Context, lo, hi int64) ([]Hash, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var stored []Hash
	if lo < v.first {
		data, err := v.hold(ctx, Tile{0, lo >> TileHeight, widthAt(0, lo>>TileHeight, v.size)})
		if err != nil {
			return nil, err
		}
		stored = splitTile(nil, data)
	}
	return v.readGroup(lo, hi, stored)
}

// locate names the first bad entry of a group that starts at index lo. Stored
// are the true leaf hashes, leaves those of the lines that stand there, which
// may be fewer. What is wrong with the entry is found by looking for it, and
// for what stands in its place, in all of the export.
func (v *verifier) locate(ctx context.Context, lo int64, stored, leaves []Hash) error {
	i := 0
	for i < len(leaves) && leaves[i] == stored[i] {
		i++
	}
	bad := &BadEntry{Index: lo + int64(i), Last: lo + int64(i), Other: -1}
	switch {
	case i == len(leaves):
		bad.Problem, bad.Last = Missing, v.size-1
		return bad
	case v.part:
		bad.Problem = Changed
		if leaves[i] == (Hash{}) {
			bad.Problem = Missing
		}
		return bad
	case v.lines.cutOff() && i == len(leaves)-1:
		bad.Problem, bad.Last = Truncated, v.size-1
		return bad
	}
	var err error
	if bad.Other, err = v.indexOf(ctx, leaves[i]); err != nil {
		return err
	}
	later, again, err := v.standsLater(ctx, stored[i], leaves[i], leaves[i+1:])
	if err != nil {
		return err
	}
	bad.classify(later, again)
	return bad
}

// classify says what is wrong at Index, where the line of the entry Other
// stands, or of none. Later says that the right line comes further down, again
// that the one which stands here does.
func (e *BadEntry) classify(later, again bool) {
	ahead := e.Other > e.Index
	switch {
	case later && ahead && !again:
		e.Problem = OutOfOrder
	case later:
		e.Problem = Inserted
	case ahead && !again:
		e.Problem, e.Last = Missing, e.Other-1
	default:
		e.Problem = Changed
	}
}

// indexOf returns the index of the entry with the given leaf hash, or -1. The
// tiles it looks at may lie; this is only for telling what happened to an entry
// that is known to be bad.
func (v *verifier) indexOf(ctx context.Context, leaf Hash) (int64, error) {
	for index := int64(0); index<<TileHeight < v.size; index++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		data, err := readTile(ctx, v.tiles, Tile{0, index, widthAt(0, index, v.size)})
		if err != nil {
			return 0, err
		}
		if i := slices.Index(splitTile(nil, data), leaf); i >= 0 {
			return index<<TileHeight + int64(i), nil
		}
	}
	return -1, nil
}

// standsLater reports whether either of two lines, given by their hashes, is
// among the hashes read already or the lines yet to be read.
func (v *verifier) standsLater(ctx context.Context, want, got Hash, read []Hash) (later, again bool, err error) {
	later, again = slices.Contains(read, want), slices.Contains(read, got)
	for !later || !again {
		if err := ctx.Err(); err != nil {
			return false, false, err
		}
		_, h, more, err := v.nextLine()
		if err != nil {
			return false, false, fmt.Errorf("looking for the entry: %w", err)
		}
		if !more {
			break
		}
		later = later || h == want
		again = again || h == got
	}
	return later, again, nil
}
