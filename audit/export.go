package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// The files of an export, besides its tiles.
const (
	entriesFile    = "entries.ndjson"  // the lines, each ended by a line feed
	firstFile      = "first"           // index of the first line, where it is not 0
	frontierFile   = "frontier"        // the frontier stored with the checkpoint
	unsignedFile   = "unsigned.ndjson" // the lines that the checkpoint does not cover yet
	damageFile     = "damage"          // what whoever exported it found to be wrong
	asideDir       = "aside/"          // what is none of the log, and was found in its place
	checkpointFile = "checkpoint"      // the signed note
)

// exportBatch is how many tiles an export reads at once: half a megabyte.
const exportBatch = 64

// Source is what an export is made from. Nothing in it is judged: an export of
// a log that was tampered with must succeed, for it is the evidence.
type Source struct {
	// Checkpoint is the signed note that the export ends with. Without one, which
	// is what a log has whose checkpoints were all destroyed, nothing can be
	// verified, and what there is is written all the same.
	Checkpoint []byte
	// Size is how many entries are exported, if there is no checkpoint.
	Size int64
	// First is the index of the first line. It is more than 0 where retention
	// has removed older lines; their hashes are still exported.
	First int64
	// Lines yields the stored lines from First up to the last one that the
	// checkpoint covers, byte for byte and without line breaks. A line is
	// valid until the next one is asked for. Required.
	Lines iter.Seq2[[]byte, error]
	// Tiles supplies the tiles as they were stored when the entries were
	// written. If they were made anew from the lines, a changed line could
	// still be detected, but no longer be named. Required.
	Tiles Tiles
	// Unsigned yields the lines that the checkpoint does not cover yet, nil if
	// there are none. Nothing vouches for them.
	Unsigned iter.Seq2[[]byte, error]
	// Aside yields what was found in the log's place and is none of it: evidence.
	// Nil if there is none.
	Aside iter.Seq2[Aside, error]
	// Damage says what was found to be wrong, a line for each. It is asked last.
	Damage func() []string
	// Tree is the tree that was stored with the checkpoint. It helps to name
	// what was changed among the last entries, whose tile is not full and
	// hence not stored. Leave it empty if it is not known.
	Tree Tree
}

// Aside is something that is none of the log.
type Aside struct {
	Name    string // of its file
	Content []byte
}

// Create makes a file of an export. Names are slash-separated relative paths;
// one file is closed before the next is made.
type Create func(name string) (io.WriteCloser, error)

// Export writes a log as a set of files that Verify reads, in memory that does
// not depend on the size of the log.
func Export(ctx context.Context, src Source, create Create) error {
	size := src.Size
	if src.Checkpoint != nil {
		c, err := ReadCheckpoint(src.Checkpoint)
		if err != nil {
			return fmt.Errorf("exporting: %w", err)
		}
		size = c.Size
	}
	if err := exportLines(ctx, src, create); err != nil {
		return fmt.Errorf("exporting entries: %w", err)
	}
	if err := exportTiles(ctx, src.Tiles, size, create); err != nil {
		return fmt.Errorf("exporting tiles: %w", err)
	}
	if src.Tree.Size() == size && src.Checkpoint != nil {
		if err := writeFile(create, frontierFile, src.Tree.AppendFrontier(nil)); err != nil {
			return fmt.Errorf("exporting frontier: %w", err)
		}
	}
	if err := exportEvidence(ctx, src, create); err != nil {
		return fmt.Errorf("exporting what is none of the log: %w", err)
	}
	if src.Checkpoint == nil {
		return nil
	}
	// Last: an export that was interrupted has no checkpoint and verifies as
	// nothing.
	if err := writeFile(create, checkpointFile, src.Checkpoint); err != nil {
		return fmt.Errorf("exporting checkpoint: %w", err)
	}
	return nil
}

// exportEvidence writes what stands beside the log, and what is wrong.
func exportEvidence(ctx context.Context, src Source, create Create) error {
	if src.Unsigned != nil {
		if err := exportTo(ctx, create, unsignedFile, src.Unsigned); err != nil {
			return err
		}
	}
	if src.Aside != nil {
		for aside, err := range src.Aside {
			if err != nil {
				return err
			}
			if err := writeFile(create, asideDir+aside.Name, aside.Content); err != nil {
				return err
			}
		}
	}
	if src.Damage == nil {
		return nil
	}
	damage := src.Damage()
	if len(damage) == 0 {
		return nil
	}
	return writeFile(create, damageFile, []byte(strings.Join(damage, "\n")+"\n"))
}

func exportLines(ctx context.Context, src Source, create Create) error {
	if src.First > 0 {
		first := strconv.AppendInt(nil, src.First, 10)
		if err := writeFile(create, firstFile, append(first, '\n')); err != nil {
			return err
		}
	}
	return exportTo(ctx, create, entriesFile, src.Lines)
}

// exportTo writes lines into a file.
func exportTo(ctx context.Context, create Create, name string, lines iter.Seq2[[]byte, error]) error {
	file, err := create(name)
	if err != nil {
		return err
	}
	return errors.Join(copyLines(ctx, file, lines), file.Close())
}

func copyLines(ctx context.Context, w io.Writer, lines iter.Seq2[[]byte, error]) error {
	buf := bufio.NewWriterSize(w, 256<<10)
	for line, err := range lines {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		_, _ = buf.Write(line) // the buffer remembers its error
		if err := buf.WriteByte('\n'); err != nil {
			return err
		}
	}
	return buf.Flush()
}

// exportTiles writes every tile there is. One that is not there is left out,
// for the verifier to notice.
func exportTiles(ctx context.Context, tiles Tiles, size int64, create Create) error {
	batch := make([]Tile, 0, exportBatch)
	for t := range TilesAt(size) {
		if batch = append(batch, t); len(batch) < cap(batch) {
			continue
		}
		if err := exportBatchOf(ctx, tiles, batch, create); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return exportBatchOf(ctx, tiles, batch, create)
}

func exportBatchOf(ctx context.Context, tiles Tiles, batch []Tile, create Create) error {
	if err := ctx.Err(); err != nil || len(batch) == 0 {
		return err
	}
	data, err := tiles.ReadTiles(ctx, batch)
	if err != nil {
		return err
	}
	for i, t := range batch {
		if i >= len(data) || data[i] == nil {
			continue
		}
		if err := writeFile(create, t.Path(), data[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(create Create, name string, data []byte) error {
	file, err := create(name)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// CreateIn returns a Create that makes files in a directory, with the
// directories they need. A file that exists is never overwritten.
func CreateIn(dir *os.Root) Create {
	return func(name string) (io.WriteCloser, error) {
		if err := dir.MkdirAll(path.Dir(name), 0o755); err != nil {
			return nil, err
		}
		return dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	}
}

// ExportedTiles returns the tiles of an export, so that proofs can be made from
// it without the service that wrote it.
func ExportedTiles(export fs.FS) Tiles { return exported{export} }

type exported struct{ files fs.FS }

// ReadTiles implements Tiles. A file of the wrong length is as good as none.
func (e exported) ReadTiles(ctx context.Context, tiles []Tile) ([][]byte, error) {
	result := make([][]byte, len(tiles))
	for i, t := range tiles {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := readFile(e.files, t.Path(), int64(t.Width)*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		if len(data) == t.Width*tlog.HashSize {
			result[i] = data
		}
	}
	return result, nil
}

// readFile reads a file of at most limit bytes, or one byte more if it is
// longer. A file that does not exist is nil.
func readFile(files fs.FS, name string, limit int64) ([]byte, error) {
	file, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := bytes.NewBuffer(make([]byte, 0, min(limit, TileSize)+2*bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(file, limit+1)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data.Bytes(), nil
}
