package upload

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"

	"cpis/service/planfile"
	"cpis/service/record"
)

// findPart is how pieces of a file are read: in a transaction, or outside.
type findPart func(ctx context.Context, upload uuid.UUID, n int) ([]byte, error)

// keptFile is the file of an upload as it was kept: whatever its size, two
// pieces of it are in memory.
type keptFile struct {
	ctx    context.Context //nolint:containedctx // of the one run that reads the file
	s      *Uploads
	u      *upload
	find   findPart
	latest [2]keptPiece // the one read last comes first
}

type keptPiece struct {
	n    int
	text []byte // nil if there is none
}

// sources returns the files of an upload. They are not safe for concurrent use.
func (s *Uploads) sources(ctx context.Context, u *upload, find findPart) []planfile.Source {
	kept := &keptFile{ctx: ctx, s: s, u: u, find: find}
	all := make([]planfile.Source, len(u.details.Files))
	for i, f := range u.details.Files {
		all[i] = planfile.Source{Name: f.Name, Size: f.Size, At: io.NewSectionReader(kept, f.Offset, f.Size)}
	}
	return all
}

// ReadAt implements io.ReaderAt.
func (k *keptFile) ReadAt(p []byte, off int64) (read int, err error) {
	for len(p) > 0 {
		if off < 0 || off >= k.u.row.Size {
			return read, io.EOF
		}
		piece, err := k.piece(int(off / pieceSize))
		if err != nil {
			return read, err
		}
		from := int(off % pieceSize)
		if from >= len(piece) {
			return read, k.s.records.Damaged(record.TableUploadPart) // shorter than it was
		}
		n := copy(p, piece[from:])
		p, off, read = p[n:], off+int64(n), read+n
	}
	return read, nil
}

// piece returns one piece of the file.
func (k *keptFile) piece(n int) ([]byte, error) {
	for i, l := range k.latest {
		if l.text != nil && l.n == n {
			k.latest[0], k.latest[i] = k.latest[i], k.latest[0]
			return l.text, nil
		}
	}
	sealed, err := k.find(k.ctx, k.u.row.ID, n)
	if err != nil {
		return nil, fmt.Errorf("reading file: %w", err)
	}
	text, err := k.u.key.Open(sealed, record.FileContext(k.u.row.ID, n))
	if err != nil {
		return nil, k.s.records.Damaged(record.TableUploadPart)
	}
	k.latest[0], k.latest[1] = keptPiece{n, text}, k.latest[0]
	return text, nil
}
