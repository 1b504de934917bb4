package upload

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// pieceSize is how much of a file is sealed together.
	pieceSize = 256 << 10
	// maxFiles is how many files may make one upload.
	maxFiles = 16
	// arriveLease is how long a file may take to arrive and to wait for its turn
	// before another server looks after it.
	arriveLease = receiveTimeout + time.Minute
	turnLease   = attendTimeout + time.Minute
)

// arrival is a file on its way in. It is kept in pieces as it comes; until it
// is whole, it can be found by nobody.
type arrival struct {
	s       *Uploads
	caller  *identity.Caller
	q       *Request
	content content // known once all came
	id      uuid.UUID
	key     *keys.DataKey
	row     store.UploadRow
	files   []fileSpan
	piece   []byte // of the file, not kept yet
	pieces  int    // kept
	size    int64
}

// receiveInTurn waits until it may take a file, and keeps all parts of it.
func (in *arrival) receiveInTurn(ctx context.Context, next func() (Part, error)) error {
	leave, err := in.s.arrivals.Acquire(ctx, in.caller.Organisation, receiveWait)
	if err != nil {
		return err
	}
	defer leave()
	return in.receive(ctx, next)
}

// receive keeps all parts of a file.
func (in *arrival) receive(ctx context.Context, next func() (Part, error)) error {
	if err := in.q.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, receiveTimeout)
	defer cancel()
	if err := in.begin(ctx); err != nil {
		return guard.Translate(err)
	}
	sum := sha256.New()
	for parts := newTimedParts(ctx, next); ; {
		p, err := parts.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = in.take(ctx, sum, &p)
		}
		if err != nil {
			return guard.Translate(err)
		}
	}
	in.content.Digest = sum.Sum(nil)
	return guard.Translate(in.keep(ctx))
}

// check says what is wrong with the request.
func (q *Request) check() error {
	var v domain.Violations
	if q.Format != CSV && q.Format != SSD {
		v.Add("format", "must be csv or ssd", string(CSV))
	}
	if q.Extent != Delta && q.Extent != Whole {
		v.Add("extent", "must be delta or whole", string(Delta))
	}
	if q.Sequence < 0 {
		v.Add("sequence", "must not be negative", "1")
	}
	return v.Err()
}

// begin creates the upload.
func (in *arrival) begin(ctx context.Context) error {
	id := guard.NewID()
	made, err := in.s.ring.New(ctx, []string{store.UploadKeys.Owner(id)})
	if err != nil {
		return in.s.records.KeyError(err)
	}
	now := in.s.clock.Moment()
	lease := now.Add(arriveLease)
	in.key = made[0].Key
	in.row = store.UploadRow{
		ID: id, Authority: in.caller.Organisation, Version: 1, State: string(receiving),
		Format: string(in.q.Format), Extent: string(in.q.Extent), Sequence: in.q.Sequence,
		WrappedKey: made[0].Wrapped.Text, Sealed: []byte{}, Counts: []byte("{}"), SentAt: now, ChangedAt: now, LeaseUntil: &lease,
	}
	err = in.s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Uploads.Insert(ctx, &in.row) })
	if err == nil {
		in.id = id
	}
	return err
}

// take takes the next part.
func (in *arrival) take(ctx context.Context, sum hash.Hash, p *Part) error {
	if p.File != "" {
		if len(in.files) == maxFiles {
			var v domain.Violations
			v.Add("file", "comes after "+strconv.Itoa(maxFiles)+" others: an upload has no more", "")
			return v.Err()
		}
		in.files = append(in.files, fileSpan{Name: p.File, Offset: in.size})
		sum.Write([]byte("\x00file\x00" + p.File + "\x00"))
	} else if len(in.files) == 0 && len(p.Chunk) > 0 {
		in.files = append(in.files, fileSpan{})
	}
	sum.Write(p.Chunk)
	for rest := p.Chunk; len(rest) > 0; {
		n := min(len(rest), pieceSize-len(in.piece))
		in.piece, rest = append(in.piece, rest[:n]...), rest[n:]
		in.size += int64(n)
		in.files[len(in.files)-1].Size += int64(n)
		if len(in.piece) == pieceSize {
			if err := in.keep(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep keeps the piece that came together.
func (in *arrival) keep(ctx context.Context) error {
	if len(in.piece) == 0 {
		return nil
	}
	sealed := in.key.Seal(in.piece, record.FileContext(in.id, in.pieces))
	err := in.s.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.Files.InsertParts(ctx, in.id, in.pieces, [][]byte{sealed})
	})
	if err != nil {
		return fmt.Errorf("keeping part of file: %w", err)
	}
	in.pieces++
	in.piece = in.piece[:0]
	return nil
}

// arrive makes a file that came whole known to its authority.
func (in *arrival) arrive(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
	u := upload{row: in.row, key: in.key}
	u.row.Size = in.size
	digest := in.s.ring.HashBytes(hashFile, in.content.Digest)
	u.row.Digest = digest[:]
	u.details = details{
		Sent: record.AuthorOf(in.caller, record.ActUpload, ""), System: in.caller.System, Request: in.q.Request,
		Claimed: in.q.Authority, Files: in.files,
	}
	e.Counts = audit.Counts{"bytes": in.size, "files": int64(len(in.files))}
	guard.ShowOne(e, guard.KindUpload, in.id)
	return u.move(ctx, tx, Received, in.s.clock.Moment(), turnLease)
}

// hashFile is the domain of the hashes of files.
const hashFile = "upload"

// drop forgets a file that did not arrive, or that was here already. If that
// fails, it is forgotten later.
func (in *arrival) drop(ctx context.Context) {
	if in.id == uuid.Nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.Timeout)
	defer cancel()
	_ = in.s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Uploads.Delete(ctx, in.id) })
}

// timedParts asks for parts until a context is over, even if nothing comes
// any more.
type timedParts struct {
	ctx  context.Context //nolint:containedctx // of the one call that receives the file
	more chan struct{}
	came chan timedPart
}

type timedPart struct {
	part Part
	err  error
}

// newTimedParts begins to ask, in a goroutine of its own: it ends with the
// parts or, if it is given up, with the request that they belong to.
func newTimedParts(ctx context.Context, next func() (Part, error)) *timedParts {
	t := &timedParts{ctx: ctx, more: make(chan struct{}), came: make(chan timedPart, 1)}
	go func() {
		for {
			select {
			case <-t.more:
			case <-ctx.Done():
				return
			}
			part, err := next()
			t.came <- timedPart{part, err}
			if err != nil {
				return
			}
		}
	}()
	return t
}

// next returns the next part. What it gave before is not ours any more.
func (t *timedParts) next() (Part, error) {
	select {
	case t.more <- struct{}{}:
	case <-t.ctx.Done():
		return Part{}, fmt.Errorf("receiving file: %w", t.ctx.Err())
	}
	select {
	case got := <-t.came:
		return got.part, got.err
	case <-t.ctx.Done():
		return Part{}, fmt.Errorf("receiving file: %w", t.ctx.Err())
	}
}
