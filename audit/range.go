package audit

import (
	"context"
	"fmt"
	"io"
	"iter"
)

// CheckRange verifies the entries of a log from one index up to another against
// a tree that is known to be true, because it is that of a signed checkpoint:
// with tiles that are believed only as far as they add up to it, as Verify does
// for a whole export. Both indexes are multiples of TileWidth, or the size of the
// tree.
//
// Lines yields the lines in their order, and nil for one that is not there. The
// error is or wraps *BadEntry, *BadTile or ErrBroken as that of Verify. What a bad
// entry says is not looked for elsewhere.
func CheckRange(ctx context.Context, signed Tree, from, to int64, tiles Tiles, lines iter.Seq2[[]byte, error]) (Report, error) {
	if from%TileWidth != 0 || to%TileWidth != 0 && to != signed.size || from > to || to > signed.size {
		return Report{}, fmt.Errorf("checking entries %d to %d of %d: not the ends of tiles", from, to, signed.size)
	}
	next, stop := iter.Pull2(lines)
	defer stop()
	v := verifier{tiles: tiles, lines: &givenLines{next: next}, size: signed.size, from: from, to: to, part: true}
	err := v.descend(ctx, &signed)
	switch {
	case err != nil:
		return v.report, err
	case v.malformed != nil:
		return v.report, v.malformed
	case v.report.BadFiles > 0:
		return v.report, &BadTile{Path: v.badFile, Count: v.report.BadFiles}
	}
	return v.report, nil
}

// outside reports whether a subtree is none of those to be verified.
func (v *verifier) outside(lo, hi int64) bool {
	return v.part && (hi <= v.from || lo >= v.to)
}

// givenLines are lines that come one by one.
type givenLines struct {
	next func() ([]byte, error, bool)
}

// read implements lineSource.
func (g *givenLines) read() ([]byte, Hash, error) {
	line, err, more := g.next()
	switch {
	case !more:
		return nil, Hash{}, io.EOF
	case err != nil:
		return nil, Hash{}, err
	case line == nil:
		return nil, Hash{}, nil // no entry has this hash
	}
	return line, LeafHash(line), nil
}

// cutOff implements lineSource.
func (g *givenLines) cutOff() bool { return false }
