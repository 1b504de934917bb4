package archive

import (
	"bufio"
	"errors"
	"io"

	"cpis/audit"
)

// How many lines are hashed at once, at most.
const (
	batchText  = 64 << 10 // bytes
	batchLines = 512
)

// hashedLines are the lines of a file, each with its leaf hash. Reading and hashing
// them is the work of a goroutine of its own, beside that of judging them.
type hashedLines struct {
	*ahead[batch]

	at int // the next line of the batch
}

// batch is some lines, one after the other.
type batch struct {
	text   []byte
	ends   []int // of the lines in the text
	leaves []audit.Hash
	err    error // why none follow
}

func hashLines(from io.Reader) *hashedLines {
	lines := bufio.NewReaderSize(from, 2*audit.MaxLine)
	return &hashedLines{ahead: workAhead(func(b *batch) bool {
		b.fill(lines)
		return b.err == nil
	})}
}

// fill reads lines until there are enough.
func (b *batch) fill(from *bufio.Reader) {
	b.text, b.ends, b.leaves = b.text[:0], b.ends[:0], b.leaves[:0]
	for len(b.text) < batchText && len(b.ends) < batchLines {
		line, err := from.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		if b.err = err; err != nil {
			return
		}
		line = line[:len(line)-1]
		b.text = append(b.text, line...)
		b.ends = append(b.ends, len(b.text))
		b.leaves = append(b.leaves, audit.LeafHash(line))
	}
}

// line returns the next line and its leaf hash; it is valid until the one after.
// The error is io.EOF if there is none, io.ErrUnexpectedEOF if it has no end, and
// bufio.ErrBufferFull if it is longer than any line may be.
func (l *hashedLines) line() (text []byte, leaf audit.Hash, err error) {
	for l.now == nil || l.at == len(l.now.ends) {
		if l.now != nil && l.now.err != nil {
			return nil, audit.Hash{}, l.now.err
		}
		l.next()
		l.at = 0
	}
	start := 0
	if l.at > 0 {
		start = l.now.ends[l.at-1]
	}
	text, leaf = l.now.text[start:l.now.ends[l.at]], l.now.leaves[l.at]
	l.at++
	return text, leaf, nil
}
