package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// aheadBlocks is how many blocks are worked on ahead, and held.
const aheadBlocks = 3

// ahead is work that a goroutine of its own does before it is asked for, block by
// block, in memory that does not grow.
type ahead[B any] struct {
	full chan *B // closed after the last
	free chan *B // blocks that were used up
	stop chan struct{}
	now  *B
}

// workAhead has fill fill one block after another, until it returns false. What fill
// writes elsewhere may be read once next has returned nil.
func workAhead[B any](fill func(*B) bool) *ahead[B] {
	a := &ahead[B]{full: make(chan *B, aheadBlocks), free: make(chan *B, aheadBlocks), stop: make(chan struct{})}
	for range aheadBlocks {
		a.free <- new(B)
	}
	go a.run(fill)
	return a
}

// run fills blocks until the last, or until it is stopped.
func (a *ahead[B]) run(fill func(*B) bool) {
	defer close(a.full)
	for more := true; more; {
		select {
		case b := <-a.free:
			more = fill(b)
			a.full <- b // has room for all there are
		case <-a.stop:
			return
		}
	}
}

// next returns the next block, and nil after the last. The one before is filled
// again.
func (a *ahead[B]) next() *B {
	if a.now != nil {
		a.free <- a.now
	}
	a.now = <-a.full
	return a.now
}

// close ends the work, and waits until nothing is done any more.
func (a *ahead[B]) close() {
	close(a.stop)
	for range a.full { // what was done ahead is not needed
	}
}

// reading is a file of the archive that is read ahead: decompressing it and making
// its sum are the work of a goroutine of its own, beside that of judging it.
type reading struct {
	*ahead[block]

	name  string
	from  io.ReadCloser
	rest  []byte // what is left of a block
	n     int64  // bytes that were handed out
	whole bool   // all of them

	// Of the goroutine, until the last block was taken.
	err    error // that ended it, io.EOF at the end
	hashed hash.Hash
}

// block is what was read at once.
type block struct {
	bytes [64 << 10]byte
	n     int
}

func readAhead(name string, from io.ReadCloser) *reading {
	r := &reading{name: name, from: from, hashed: sha256.New()}
	r.ahead = workAhead(r.fill)
	return r
}

// fill reads a block.
func (r *reading) fill(b *block) (more bool) {
	b.n = 0
	for b.n < len(b.bytes) && r.err == nil {
		var some int
		some, r.err = r.from.Read(b.bytes[b.n:])
		b.n += some
	}
	r.hashed.Write(b.bytes[:b.n])
	return r.err == nil
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		b := r.next()
		if b == nil {
			return 0, r.atEnd()
		}
		r.rest = b.bytes[:b.n]
	}
	n := copy(p, r.rest)
	r.rest, r.n = r.rest[n:], r.n+int64(n)
	return n, nil
}

// atEnd says why nothing is left.
func (r *reading) atEnd() error {
	if r.whole = errors.Is(r.err, io.EOF); r.whole {
		return io.EOF
	}
	return fmt.Errorf("%s: %w", r.name, r.err)
}

// sum is the SHA-256 of what was read to its end; before the end there is none.
func (r *reading) sum() string {
	if !r.whole {
		return ""
	}
	return hex.EncodeToString(r.hashed.Sum(nil))
}

// close ends the reading, and waits until nothing is read any more.
func (r *reading) close() {
	r.ahead.close()
	_ = r.from.Close() // only read
}
