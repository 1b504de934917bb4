package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// pieceSize is how much of a file is sealed together.
const pieceSize = 256 << 10

// pieces are those of a file of an export that are kept.
type pieces struct {
	s   *Exports
	ctx context.Context //nolint:containedctx // of the one act that reads or writes the file
	key *keys.DataKey
	at  store.ExportPart // the stream; N counts those that are kept
}

// open returns a piece that is kept.
func (p *pieces) open(n int) ([]byte, error) {
	at := p.at
	at.N = n
	sealed, err := p.s.db.Exports.Part(p.ctx, at)
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", guard.Translate(err))
	}
	text, err := p.key.Open(sealed, record.PieceContext(at.Export, at.Attempt, at.Stream, n))
	if err != nil {
		return nil, p.s.records.Damaged(record.TableExportPart)
	}
	return text, nil
}

// file is one that is being made. It can be read meanwhile: what is not kept yet
// is in memory.
type file struct {
	pieces

	buf  []byte
	size int64
}

// Write implements io.Writer.
func (f *file) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		n := min(len(b), pieceSize-len(f.buf))
		f.buf, b = append(f.buf, b[:n]...), b[n:]
		f.size, written = f.size+int64(n), written+n
		if len(f.buf) == pieceSize {
			if err := f.keep(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// keep keeps the piece that came together; the last one may be shorter.
func (f *file) keep() error {
	if len(f.buf) == 0 {
		return nil
	}
	sealed := f.key.Seal(f.buf, record.PieceContext(f.at.Export, f.at.Attempt, f.at.Stream, f.at.N))
	err := f.s.db.Tx(f.ctx, func(tx *store.Tx) error { return tx.Exports.InsertPart(f.ctx, f.at, sealed) })
	if err != nil {
		return fmt.Errorf("keeping a file: %w", err)
	}
	f.at.N++
	f.buf = f.buf[:0]
	return nil
}

// From implements archive.File.
func (f *file) From(offset int64) io.Reader { return &reading{f: f, at: offset} }

// reading reads a file that is being made.
type reading struct {
	f     *file
	at    int64
	n     int    // which piece is in memory
	piece []byte // nil if none is
}

// Read implements io.Reader.
func (r *reading) Read(b []byte) (int, error) {
	n, from := int(r.at/pieceSize), int(r.at%pieceSize)
	piece := r.f.buf
	if n < r.f.at.N {
		if r.piece == nil || r.n != n {
			opened, err := r.f.open(n)
			if err != nil {
				return 0, err
			}
			r.piece, r.n = opened, n
		}
		piece = r.piece
	}
	if from >= len(piece) {
		return 0, io.EOF
	}
	read := copy(b, piece[from:])
	r.at += int64(read)
	return read, nil
}

// errGone says that an attempt to make an export does not count any more: it was
// deleted, or another server took it over.
var errGone = errors.New("the export is another server's, or was deleted")
