package auditlog_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// benchCheckpoints is how many checkpoints the log of the benchmark has.
const benchCheckpoints = 2000

// benchLog is a long log of which only what proofs need is stored: all tiles, many
// checkpoints, and the lines of the tile that is not full.
type benchLog struct {
	*servicetest.Fixture

	b    *testing.B
	log  store.LogID
	size int64
}

// newBenchLog makes a log of 300,000 entries, or as many as TEST_PROOF_ENTRIES
// says.
func newBenchLog(b *testing.B) *benchLog {
	b.Helper()
	l := &benchLog{Fixture: servicetest.New(b), b: b, size: 300_000}
	if text := os.Getenv("TEST_PROOF_ENTRIES"); text != "" {
		var err error
		if l.size, err = strconv.ParseInt(text, 10, 64); err != nil {
			b.Fatal(err)
		}
	}
	log, err := l.DB.Logs.Find(b.Context(), dbtest.Origin)
	if err != nil {
		b.Fatal(err)
	}
	l.log = log.ID
	l.fill()
	if err := l.Sign(b.Context()); err != nil {
		b.Fatal(err)
	}
	return l
}

func (l *benchLog) fill() {
	l.b.Helper()
	builder := &audit.Builder{}
	every := max(l.size/benchCheckpoints, 1)
	var rows []store.CheckpointRow
	for i := range l.size {
		line := binary.BigEndian.AppendUint64([]byte("entry "), uint64(i))
		if i >= l.size/audit.TileWidth*audit.TileWidth {
			l.Exec(`INSERT INTO cpis.entry (log, idx, line) VALUES ($1, $2, $3)`, l.log, i, line)
		}
		builder.Append(audit.LeafHash(line))
		if tree := builder.Tree(); (i+1)%every == 0 || i+1 == l.size {
			rows = append(rows, l.checkpoint(tree))
		}
		if len(builder.Full()) >= 1000 || i+1 == l.size {
			l.keep(builder, rows)
			rows = rows[:0]
		}
	}
	head := builder.Tree()
	root := head.Root()
	l.Exec(`UPDATE cpis.log_head SET size = $2, frontier = $3, root = $4 WHERE log = $1`, l.log, head.Size(), head.AppendFrontier(nil), root[:])
}

func (l *benchLog) checkpoint(tree audit.Tree) store.CheckpointRow {
	l.b.Helper()
	cp := tree.Checkpoint(dbtest.Origin)
	sig, pub, err := l.Keeper.Sign(l.b.Context(), cp.Body())
	if err != nil {
		l.b.Fatal(err)
	}
	note, err := audit.SignCheckpoint(cp, pub, sig)
	if err != nil {
		l.b.Fatal(err)
	}
	return store.CheckpointRow{Log: l.log, Tree: tree, Note: string(note), At: l.Clock.Now()}
}

func (l *benchLog) keep(builder *audit.Builder, checkpoints []store.CheckpointRow) {
	l.b.Helper()
	var tiles []store.TileRow
	for _, full := range builder.Full() {
		tiles = append(tiles, store.TileRow{Level: full.Tile.Level, Index: full.Tile.Index, Hashes: full.Hashes})
	}
	builder.Forget()
	l.Tx(l.DB, func(tx *store.Tx) error {
		for _, row := range checkpoints {
			if err := tx.Checkpoints.Insert(l.b.Context(), row); err != nil {
				return err
			}
		}
		_, err := tx.Tiles.Insert(l.b.Context(), l.log, tiles)
		return err
	})
}

// measure makes proofs for random sizes, and reports how long the slowest of a
// hundred takes.
func (l *benchLog) measure(b *testing.B, prove func(ctx context.Context, at int64) error) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	var took []time.Duration
	for b.Loop() {
		at := rnd.Int64N(l.size)
		began := time.Now()
		if err := prove(b.Context(), at); err != nil {
			b.Fatalf("at %d: %v", at, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(l.size), "entries")
}

func BenchmarkProofs(b *testing.B) {
	l := newBenchLog(b)
	b.Run("inclusion", func(b *testing.B) {
		l.measure(b, func(ctx context.Context, at int64) error {
			_, err := l.InclusionProof(ctx, nurse, &auditlog.ProofRequest{Index: at})
			return err
		})
	})
	b.Run("consistency", func(b *testing.B) {
		l.measure(b, func(ctx context.Context, at int64) error {
			_, err := l.ConsistencyProof(ctx, nurse, &auditlog.ConsistencyRequest{Size: at})
			return err
		})
	})
	b.Run("tile", func(b *testing.B) {
		l.measure(b, func(ctx context.Context, at int64) error {
			tile := audit.Tile{Index: at / audit.TileWidth / 2, Width: audit.TileWidth}
			_, err := l.Tile(ctx, nurse, &auditlog.TileRequest{Number: int64(l.log), Path: tile.Path()})
			return err
		})
	})
}
