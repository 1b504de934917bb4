package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A subset proof shows, for some entries of a log, that each is in the log of a
// signed checkpoint and at which index. The proofs share their nodes: what is
// stated are the roots of the largest subtrees that hold none of the entries,
// so that with the entries they add up to the root of the checkpoint.
//
// It is a text. A header is followed by what stands in the log from left to
// right:
//
//	run <marks>   entries one after the other whose lines are there: of each, the
//	              first six bytes of its leaf hash, base64. They prove nothing;
//	              without them a changed line could be detected, but not be named
//	leaf <hash>   an entry whose line is not there
//	gap <n>       n entries that are none of them; then, a line for each, the
//	              roots of the subtrees that they fill, from left to right
const subsetHeader = "cpis-subset-proof/v1"

const (
	markSize   = 6                             // bytes
	markText   = markSize / 3 * 4              // characters
	maxRun     = TileWidth                     // marks in a line
	maxSubset  = len("run ") + maxRun*markText // characters in a line
	hashText   = 44                            // characters of a hash
	gapsAtOnce = 1024                          // nodes that are read from tiles at once
)

// subtrees yields the largest subtrees that entries from one index up to another
// fill, from left to right: their levels, and where they begin.
func subtrees(from, to int64) iter.Seq2[int, int64] {
	return func(yield func(int, int64) bool) {
		for from < to {
			level := bits.Len64(unsigned(to-from)) - 1
			if from > 0 {
				level = min(level, bits.TrailingZeros64(unsigned(from)))
			}
			if !yield(level, from) {
				return
			}
			from += 1 << level
		}
	}
}

// SubsetWriter writes a subset proof, in memory that depends neither on the size
// of the log nor on the number of entries.
type SubsetWriter struct {
	ctx        context.Context //nolint:containedctx // of the one proof that is written
	checkpoint Checkpoint
	tiles      Tiles
	out        *bufio.Writer
	end        int64   // the entry after the last one that is spoken of
	steps      []step  // not written yet
	nodes      []int64 // numbers of the nodes that they need
	tree       Tree    // of all that is written
	marks      []byte  // of the run that is written
}

// step is an entry, or as many as fill a subtree.
type step struct {
	level int   // of the subtree, 0 of an entry
	gap   int64 // with the first subtree of a gap: how many entries it has
	node  bool  // its hash is read from tiles
	line  bool  // the entry's line is there
	hash  Hash
}

// NewSubsetWriter returns a writer of a proof under a checkpoint. What is read
// from tiles is compared with it, by Close.
func NewSubsetWriter(ctx context.Context, c Checkpoint, tiles Tiles, out io.Writer) *SubsetWriter {
	w := &SubsetWriter{ctx: ctx, checkpoint: c, tiles: tiles, out: bufio.NewWriter(out)}
	_, _ = w.out.WriteString(subsetHeader + "\n") // the writer remembers its error
	return w
}

// Add adds the entry at an index by its leaf hash. Entries come in the order of
// the log. Line says whether the entry's line goes along with the proof.
func (w *SubsetWriter) Add(index int64, leaf Hash, line bool) error {
	if index < w.end || index >= w.checkpoint.Size {
		return fmt.Errorf("proving entry %d: not between %d and %d", index, w.end, w.checkpoint.Size)
	}
	w.skip(index)
	w.steps = append(w.steps, step{hash: leaf, line: line})
	w.end++
	return w.flushIf(len(w.steps) >= gapsAtOnce)
}

// AddUnknown is Add for an entry of which only its hash is left: it is read from
// the tiles, and returned.
func (w *SubsetWriter) AddUnknown(index int64) (Hash, error) {
	leaf, err := HashReader(w.ctx, w.checkpoint.Size, w.tiles).ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return Hash{}, fmt.Errorf("reading the hash of entry %d: %w", index, err)
	}
	return leaf[0], w.Add(index, leaf[0], false)
}

// skip leaves out the entries up to an index.
func (w *SubsetWriter) skip(to int64) {
	gap := to - w.end
	for level, at := range subtrees(w.end, to) {
		w.steps = append(w.steps, step{level: level, gap: gap, node: true})
		w.nodes = append(w.nodes, tlog.StoredHashIndex(level, at>>level))
		gap = 0
	}
	w.end = to
}

// Close writes what is left. The error wraps ErrBroken if entries and tiles do
// not add up to the checkpoint: then what was written proves nothing.
func (w *SubsetWriter) Close() error {
	w.skip(w.checkpoint.Size)
	if err := w.flushIf(true); err != nil {
		return err
	}
	w.endRun()
	if w.tree.Root() != w.checkpoint.Root {
		return fmt.Errorf("%w: the entries and the tiles do not add up to the checkpoint", ErrBroken)
	}
	return w.out.Flush()
}

// flushIf writes the steps, if it is time to.
func (w *SubsetWriter) flushIf(now bool) error {
	if !now {
		return nil
	}
	nodes, err := HashReader(w.ctx, w.checkpoint.Size, w.tiles).ReadHashes(w.nodes)
	if err != nil {
		return fmt.Errorf("reading the hashes beside the entries: %w", err)
	}
	for _, s := range w.steps {
		if s.node {
			s.hash, nodes = nodes[0], nodes[1:]
		}
		w.write(&s)
		w.tree.appendSubtree(s.level, s.hash)
	}
	w.steps, w.nodes = w.steps[:0], w.nodes[:0]
	return nil
}

func (w *SubsetWriter) write(s *step) {
	if s.line {
		w.marks = append(w.marks, s.hash[:markSize]...)
		if len(w.marks) == maxRun*markSize {
			w.endRun()
		}
		return
	}
	w.endRun()
	if s.gap > 0 {
		_, _ = fmt.Fprintf(w.out, "gap %d\n", s.gap)
	}
	if !s.node {
		_, _ = w.out.WriteString("leaf ")
	}
	_, _ = w.out.WriteString(s.hash.String() + "\n")
}

// endRun writes the run, if there is one.
func (w *SubsetWriter) endRun() {
	if len(w.marks) == 0 {
		return
	}
	line := append(w.out.AvailableBuffer(), "run "...)
	line = append(base64.StdEncoding.AppendEncode(line, w.marks), '\n')
	_, _ = w.out.Write(line)
	w.marks = w.marks[:0]
}

// SubsetReader reads a subset proof entry by entry, in constant memory. It is
// told the leaf hash of each line, and at the end whether all of it holds.
type SubsetReader struct {
	checkpoint Checkpoint
	in         *bufio.Reader
	tree       Tree
	run        []byte // marks that were not asked for yet
	buf        [maxRun * markSize]byte
	node       func(level int, at int64, h Hash) // told of what is stated, if set
}

// SubsetEntry is an entry that a proof speaks of.
type SubsetEntry struct {
	Index int64
	Line  bool // its line goes along; otherwise Leaf is stated
	Leaf  Hash
	mark  [markSize]byte
}

// Fits reports whether a line with this leaf hash can be the entry's. It is no
// proof, but names the line that makes the proof fail.
func (e *SubsetEntry) Fits(leaf Hash) bool {
	if !e.Line {
		return leaf == e.Leaf
	}
	return [markSize]byte(leaf[:markSize]) == e.mark
}

// NewSubsetReader returns a reader of a proof under a checkpoint whose signature
// was verified.
func NewSubsetReader(c Checkpoint, in io.Reader) *SubsetReader {
	return &SubsetReader{checkpoint: c, in: bufio.NewReaderSize(in, 2*maxSubset)}
}

// errSubset says that a text is no subset proof.
var errSubset = fmt.Errorf("%w: %w subset proof", ErrBroken, ErrMalformed)

// Next returns the next entry, and io.EOF after the last. The error wraps
// ErrBroken if the text is no proof. Confirm must follow for each entry.
func (r *SubsetReader) Next() (SubsetEntry, error) {
	if r.tree.size == 0 && r.run == nil {
		if line, err := r.line(); err != nil || string(line) != subsetHeader {
			return SubsetEntry{}, noSubset(err)
		}
		r.run = r.buf[:0]
	}
	for len(r.run) == 0 {
		if r.tree.size == r.checkpoint.Size {
			return SubsetEntry{}, r.atEnd()
		}
		e, found, err := r.read()
		if err != nil || found {
			return e, err
		}
	}
	e := SubsetEntry{Index: r.tree.size, Line: true, mark: [markSize]byte(r.run)}
	r.run = r.run[markSize:]
	if e.Index >= r.checkpoint.Size {
		return e, errSubset
	}
	return e, nil
}

// read reads a line of the text, and with a gap those that belong to it.
func (r *SubsetReader) read() (e SubsetEntry, found bool, err error) {
	line, err := r.line()
	if err != nil {
		return e, false, noSubset(err)
	}
	what, value, _ := strings.Cut(string(line), " ")
	switch what {
	case "run":
		return e, false, r.readRun(value)
	case "leaf":
		e = SubsetEntry{Index: r.tree.size}
		e.Leaf, err = parseHash(value)
		return e, true, err
	case "gap":
		return e, false, r.readGap(value)
	}
	return e, false, errSubset
}

func (r *SubsetReader) readRun(marks string) error {
	n := base64.StdEncoding.DecodedLen(len(marks))
	if n == 0 || n > len(r.buf) || n%markSize != 0 || len(marks)%markText != 0 {
		return errSubset
	}
	n, err := base64.StdEncoding.Strict().Decode(r.buf[:n], []byte(marks))
	if err != nil || n%markSize != 0 {
		return errSubset
	}
	r.run = r.buf[:n]
	return nil
}

func (r *SubsetReader) readGap(count string) error {
	n, err := parseSize(count)
	if err != nil || n == 0 || n > r.checkpoint.Size-r.tree.size {
		return errSubset
	}
	for level, at := range subtrees(r.tree.size, r.tree.size+n) {
		line, err := r.line()
		if err != nil {
			return noSubset(err)
		}
		h, err := parseHash(string(line))
		if err != nil {
			return err
		}
		r.append(level, at, h)
	}
	return nil
}

// Confirm takes the leaf hash of the entry that Next returned last.
func (r *SubsetReader) Confirm(leaf Hash) { r.append(0, r.tree.size, leaf) }

func (r *SubsetReader) append(level int, at int64, h Hash) {
	if r.node != nil {
		r.node(level, at, h)
	}
	r.tree.appendSubtree(level, h)
}

// atEnd returns io.EOF if all of the text holds.
func (r *SubsetReader) atEnd() error {
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return noSubset(err)
	}
	if r.tree.Root() != r.checkpoint.Root {
		return fmt.Errorf("%w: the entries do not add up to the checkpoint", ErrBroken)
	}
	return io.EOF
}

// line returns the next line of the text, valid until the next is read.
func (r *SubsetReader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errSubset
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}

func parseHash(text string) (Hash, error) {
	h, err := tlog.ParseHash(text)
	if err != nil || len(text) != hashText || h.String() != text {
		return h, errSubset
	}
	return h, nil
}

// noSubset says that a text is no subset proof, unless it could not be read.
func noSubset(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, ErrBroken) {
		return errSubset
	}
	return err
}
