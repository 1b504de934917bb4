package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// How far a file is read ahead.
const (
	aheadBlock  = 64 << 10 // bytes
	aheadBlocks = 3
)

// reading is a file of the archive that is read ahead: decompressing it and making
// its sum are the work of a goroutine of its own, beside that of judging it.
type reading struct {
	name string
	from io.ReadCloser
	full chan []byte // what was read; closed when nothing is read any more
	free chan []byte // blocks that were used up
	stop chan struct{}

	rest, block []byte // what is left of a block
	n           int64  // bytes that were handed out
	whole       bool   // all of them

	// Of the goroutine, until full is closed.
	err    error // that ended it, io.EOF at the end
	hashed hash.Hash
}

func readAhead(name string, from io.ReadCloser) *reading {
	r := &reading{
		name: name, from: from, hashed: sha256.New(), full: make(chan []byte, aheadBlocks), free: make(chan []byte, aheadBlocks),
		stop: make(chan struct{}),
	}
	go r.run()
	return r
}

// run reads until the end, or until it is stopped.
func (r *reading) run() {
	defer close(r.full)
	for i := 0; r.err == nil; i++ {
		var block []byte
		if i < aheadBlocks {
			block = make([]byte, aheadBlock)
		} else {
			select {
			case block = <-r.free:
			case <-r.stop:
				return
			}
		}
		n := 0
		for n < len(block) && r.err == nil {
			var some int
			some, r.err = r.from.Read(block[n:])
			n += some
		}
		r.hashed.Write(block[:n])
		select {
		case r.full <- block[:n]:
		case <-r.stop:
			return
		}
	}
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.block != nil {
			r.free <- r.block[:cap(r.block)]
			r.block = nil
		}
		block, more := <-r.full
		if !more {
			return 0, r.atEnd()
		}
		r.block, r.rest = block, block
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
	close(r.stop)
	for range r.full { // what was read ahead is not needed
	}
	_ = r.from.Close() // only read
}
