package service

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// uploadPlaces are the rights to upload: few in all, and one for each
// organisation, so that none keeps the others out.
type uploadPlaces struct {
	all  chan struct{}
	mu   sync.Mutex
	each map[string]chan struct{} // by organisation, of which there are few
}

func newUploadPlaces() *uploadPlaces {
	return &uploadPlaces{all: make(chan struct{}, maxUploads), each: make(map[string]chan struct{})}
}

// take waits for a place. leave gives it back, and does nothing where there is
// none; the error is *OverloadedError then, or that of ctx.
func (p *uploadPlaces) take(ctx context.Context, organisation string, wait time.Duration) (leave func(), err error) {
	none := func() {}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	own, err := takePlace(waiting, p.of(organisation), wait)
	if err != nil {
		return none, whyNone(ctx, wait)
	}
	one, err := takePlace(waiting, p.all, wait)
	if err != nil {
		own()
		return none, whyNone(ctx, wait)
	}
	return func() {
		one()
		own()
	}, nil
}

// of gives the places of one organisation.
func (p *uploadPlaces) of(organisation string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each[organisation] == nil {
		p.each[organisation] = make(chan struct{}, 1)
	}
	return p.each[organisation]
}

// whyNone says why no place was taken: the caller hung up, or there was none.
func whyNone(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &OverloadedError{RetryAfter: wait}
}

// timedReader reads a file until a context is over, even where nothing comes
// any more. It reads ahead of nobody: what it reads goes through a buffer of
// its own, because a read that is given up may still end.
type timedReader struct {
	ctx    context.Context //nolint:containedctx // of the one call that reads the file
	file   io.Reader
	buffer []byte
	read   chan readResult
	err    error // of the context: from then on buffer is no longer ours
}

type readResult struct {
	n   int
	err error
}

// timedReadSize is how much is read at once.
const timedReadSize = 64 << 10

func newTimedReader(ctx context.Context, file io.Reader) *timedReader {
	return &timedReader{ctx: ctx, file: file, buffer: make([]byte, timedReadSize), read: make(chan readResult, 1)}
}

// Read implements io.Reader.
func (r *timedReader) Read(p []byte) (int, error) {
	if r.err == nil {
		r.err = r.ctx.Err() // and nothing more is asked for
	}
	if r.err != nil {
		return 0, r.err
	}
	into := r.buffer[:min(len(p), len(r.buffer))]
	go func() {
		n, err := r.file.Read(into)
		r.read <- readResult{n, err}
	}()
	select {
	case got := <-r.read:
		return copy(p, into[:got.n]), got.err
	case <-r.ctx.Done():
		r.err = fmt.Errorf("reading file: %w", r.ctx.Err())
		return 0, r.err
	}
}
