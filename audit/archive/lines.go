package archive

import (
	"bufio"
	"errors"
	"io"

	"cpis/audit"
)

// How far lines are hashed ahead.
const (
	batchText  = 64 << 10 // bytes
	batchLines = 512
	batches    = 3
)

// hashedLines are the lines of a file, each with its leaf hash. Reading and hashing
// them is the work of a goroutine of its own, beside that of judging them.
type hashedLines struct {
	full chan *batch // closed when nothing is read any more
	free chan *batch // that were used up
	stop chan struct{}

	now *batch
	at  int // the next line of it
}

// batch is some lines, one after the other.
type batch struct {
	text   []byte
	ends   []int // of the lines in the text
	leaves []audit.Hash
	err    error // why none follow
}

func hashLines(from io.Reader) *hashedLines {
	l := &hashedLines{
		full: make(chan *batch, batches), free: make(chan *batch, batches), stop: make(chan struct{}),
	}
	for range batches {
		l.free <- &batch{}
	}
	go l.run(bufio.NewReaderSize(from, 2*audit.MaxLine))
	return l
}

// run reads until the end, or until it is stopped.
func (l *hashedLines) run(from *bufio.Reader) {
	defer close(l.full)
	for {
		select {
		case b := <-l.free:
			b.fill(from)
			l.full <- b // has room for all there are
			if b.err != nil {
				return
			}
		case <-l.stop:
			return
		}
	}
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

// next returns the next line and its leaf hash; it is valid until the one after.
// The error is io.EOF if there is none, io.ErrUnexpectedEOF if it has no end, and
// bufio.ErrBufferFull if it is longer than any line may be.
func (l *hashedLines) next() (line []byte, leaf audit.Hash, err error) {
	for l.now == nil || l.at == len(l.now.ends) {
		switch {
		case l.now == nil:
		case l.now.err != nil:
			return nil, audit.Hash{}, l.now.err
		default:
			l.free <- l.now
		}
		l.now, l.at = <-l.full, 0
	}
	start := 0
	if l.at > 0 {
		start = l.now.ends[l.at-1]
	}
	line, leaf = l.now.text[start:l.now.ends[l.at]], l.now.leaves[l.at]
	l.at++
	return line, leaf, nil
}

// close ends the reading, and waits until nothing is read any more.
func (l *hashedLines) close() {
	close(l.stop)
	for range l.full { // what was read ahead is not needed
	}
}
