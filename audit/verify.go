package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Report says what a verification looked at. It is filled as far as the
// verification came.
type Report struct {
	// Checkpoint is what the log's key signed.
	Checkpoint Checkpoint
	// First is the index of the first line in the export. If it is more than
	// 0, the lines before it are not there and nothing is known of what they
	// said: only that their hashes are the signed ones, and that an entry of the
	// log, or whoever verifies, says that lines before this index may be gone.
	First int64
	// Entries is how many lines were found to be as they were signed.
	Entries int64
	// Malformed is how many of them are not well-formed entries.
	Malformed int64
	// BadFiles is how many files with hashes were found damaged or missing.
	BadFiles int64
	// Kept is how many of the kept checkpoints were found to agree.
	Kept int
}

// Verify verifies an export: that its checkpoint is signed by one of the keys
// for the log called origin, that its lines are exactly the entries that were
// signed, in their order, that each is a well-formed entry, and that its tiles
// are true.
//
// Kept are signed checkpoints of the same log that somebody kept elsewhere. The
// log must contain each of them unchanged. They are what reveals that an
// operator who holds the signing key rewrote the log or cut off its end.
//
// Lines may be missing at the beginning only if an entry of the log says that
// lines before exactly this index are removed (SayRetained); VerifyFrom takes the
// word of whoever verifies instead.
//
// Verify reads the export once, in constant memory. If something does not
// verify, the error wraps ErrBroken and is or wraps
//
//   - a *BadEntry that names the first bad entry,
//   - a *BadTile if only hashes are damaged, and all entries are as signed,
//   - ErrMalformed, ErrSignature or ErrOtherLog if a checkpoint is no good,
//   - ErrForked or ErrRolledBack if a kept checkpoint contradicts the export.
//
// Any other error says that something could not be read. That includes a kept
// checkpoint that is none (ErrMalformed) or is of another log (ErrOtherLog): it
// says nothing about this log.
func Verify(ctx context.Context, export fs.FS, origin string, keys []VerifierKey, kept ...[]byte) (Report, error) {
	v := verifier{export: export, tiles: exported{export}}
	if err := v.open(origin, keys, kept); err != nil {
		return v.report, err
	}
	err := v.readAll(ctx)
	return v.report, err
}

// VerifyFrom is Verify for whoever knows at which index the log begins, because
// they know what was removed: no entry of the log needs to say so, and none that
// says something else counts.
func VerifyFrom(ctx context.Context, export fs.FS, first int64, origin string, keys []VerifierKey, kept ...[]byte) (Report, error) {
	v := verifier{export: export, tiles: exported{export}}
	if err := v.open(origin, keys, kept); err != nil {
		return v.report, err
	}
	switch {
	case v.first > first:
		return v.report, &BadEntry{Index: first, Last: v.first - 1, Problem: Removed, Other: -1}
	case v.first < first:
		return v.report, fmt.Errorf("%w: it begins with entry %d, and should with %d", ErrBroken, v.first, first)
	}
	v.may = true
	err := v.readAll(ctx)
	return v.report, err
}

// readAll verifies what open has opened.
func (v *verifier) readAll(ctx context.Context) error {
	lines, err := openLines(v.export)
	if err != nil {
		return err
	}
	defer lines.close()
	v.lines = lines
	return v.run(ctx)
}

// open reads everything but lines and tiles.
func (v *verifier) open(origin string, keys []VerifierKey, kept [][]byte) error {
	signed, err := readFile(v.export, checkpointFile, maxNote)
	if err != nil {
		return err
	}
	if signed == nil {
		return fmt.Errorf("%w: the export has no checkpoint", ErrBroken)
	}
	c, err := OpenCheckpoint(signed, origin, keys)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	v.report.Checkpoint, v.size = c, c.Size
	if v.first, err = v.readFirst(); err != nil {
		return err
	}
	v.report.First = v.first
	return v.openKept(origin, keys, kept)
}

// readFirst returns the index of the first line. If it is a lie, the lines will
// not match the hashes.
func (v *verifier) readFirst() (int64, error) {
	text, err := readFile(v.export, firstFile, 32)
	if err != nil || text == nil {
		return 0, err
	}
	number, ok := strings.CutSuffix(string(text), "\n")
	first, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || first < 0 || first > v.size {
		return 0, fmt.Errorf("%w: %w index of the first line", ErrBroken, ErrMalformed)
	}
	return first, nil
}

// openKept opens the kept checkpoints, smallest first.
func (v *verifier) openKept(origin string, keys []VerifierKey, kept [][]byte) error {
	for i, signed := range kept {
		c, err := OpenCheckpoint(signed, origin, keys)
		switch {
		case errors.Is(err, ErrMalformed), errors.Is(err, ErrOtherLog):
			return fmt.Errorf("kept checkpoint %d: %w", i+1, err)
		case err != nil:
			return fmt.Errorf("%w: kept checkpoint %d: %w", ErrBroken, i+1, err)
		}
		if c.Size > v.size {
			return fmt.Errorf("%w: %w: kept checkpoint %d covers %d entries, the export %d", ErrBroken, ErrRolledBack, i+1, c.Size, v.size)
		}
		v.kept = append(v.kept, c)
	}
	slices.SortFunc(v.kept, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return nil
}

// run verifies lines and tiles against the checkpoint.
func (v *verifier) run(ctx context.Context) error {
	if err := v.walk(ctx); err != nil {
		return err
	}
	if err := v.checkEnd(); err != nil {
		return err
	}
	if err := v.checkKept(nil); err != nil {
		return err
	}
	// All that was confirmed on the way adds up to the signed root. This holds
	// if the walk is right; if it ever is not, it must not be believed.
	if v.tree.Root() != v.report.Checkpoint.Root {
		return fmt.Errorf("%w: the entries do not add up to the checkpoint", ErrBroken)
	}
	switch {
	case v.first > 0 && !v.may:
		return &BadEntry{Index: 0, Last: v.first - 1, Problem: Removed, Other: -1}
	case v.malformed != nil:
		return v.malformed
	case v.uncompared > 0:
		return fmt.Errorf("%w: the hashes are damaged that %d of the kept checkpoints should be compared with", ErrBroken, v.uncompared)
	case v.report.BadFiles > 0:
		return &BadTile{Path: v.badFile, Count: v.report.BadFiles}
	}
	return v.checkDamage()
}

// maxDamage bounds how much is read of what whoever exported the log found.
const maxDamage = 64 << 10

// checkDamage repeats what whoever exported the log found to be wrong beside it.
// Nobody signed that, but nobody exports it of a log that is as it should be.
func (v *verifier) checkDamage() error {
	text, err := readFile(v.export, damageFile, maxDamage)
	if err != nil || text == nil {
		return err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, first)
	return fmt.Errorf("%w: all entries verify, but whoever exported it found: %s", ErrBroken, clean)
}

// walk goes through the log from left to right, one perfect subtree of the
// frontier after the other.
func (v *verifier) walk(ctx context.Context) error {
	trusted, ok, err := v.frontier(ctx)
	if err != nil {
		return err
	}
	if !ok {
		return v.blind(ctx, 0, v.size, v.report.Checkpoint.Root)
	}
	return v.descend(ctx, &trusted)
}

// descend verifies the subtrees of a tree that is known to be true.
func (v *verifier) descend(ctx context.Context, trusted *Tree) error {
	for level := len(trusted.edge) - 1; level >= 0; level-- {
		if !trusted.has(level) {
			continue
		}
		n := trusted.size >> (level + 1) << 1 // all larger subtrees lie before it
		if err := v.checkEdge(ctx, level, n, trusted.edge[level]); err != nil {
			return err
		}
		if err := v.node(ctx, level, n, trusted.edge[level]); err != nil {
			return err
		}
	}
	return nil
}

// frontier returns the tree of the checkpoint with a frontier that adds up to
// the signed root, and so is as good as signed. It is looked for where it
// should be, and then wherever it could be got from if that is damaged.
func (v *verifier) frontier(ctx context.Context) (Tree, bool, error) {
	stored, err := readFile(v.export, frontierFile, 64*32)
	if err != nil {
		return Tree{}, false, err
	}
	if stored != nil {
		if t, err := ParseTree(v.size, stored); err == nil && t.Root() == v.report.Checkpoint.Root {
			return t, true, nil
		}
		v.report.BadFiles, v.badFile = 1, frontierFile
	}
	lastLeaves := func(ctx context.Context, from, to int64) ([]Hash, error) {
		tile, err := readTile(ctx, v.tiles, Tile{0, from >> TileHeight, int(to - from)})
		return splitTile(nil, tile), err
	}
	for _, tiles := range []Tiles{v.tiles, Derive(v.tiles, lastLeaves)} {
		t, err := ReadTree(ctx, v.size, tiles)
		switch {
		case errors.Is(err, ErrNoTile):
		case err != nil:
			return Tree{}, false, err
		case t.Root() == v.report.Checkpoint.Root:
			return t, true, nil
		}
	}
	return Tree{}, false, nil
}

// checkEnd makes sure that no lines are left.
func (v *verifier) checkEnd() error {
	_, _, more, err := v.nextLine()
	if err != nil || !more {
		return err
	}
	return &BadEntry{Index: v.size, Last: v.size, Problem: Extra, Other: -1}
}

// checkKept compares with those kept checkpoints that end at the tree as
// confirmed so far, or within the leaves that follow it.
func (v *verifier) checkKept(leaves []Hash) error {
	for len(v.kept) > 0 && v.kept[0].Size-v.tree.size <= int64(len(leaves)) {
		k := v.kept[0]
		v.kept = v.kept[1:]
		if k.Size < v.tree.size { // went past it without knowing the leaves
			v.uncompared++
			continue
		}
		then := v.tree
		for _, leaf := range leaves[:k.Size-v.tree.size] {
			then.Append(leaf)
		}
		if then.Root() != k.Root {
			return fmt.Errorf("%w: %w: kept checkpoint of %d entries", ErrBroken, ErrForked, k.Size)
		}
		v.report.Kept++
	}
	return nil
}
