package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// TileRow is a full tile of a log's tree: 256 hashes, 8,192 bytes.
type TileRow struct {
	Level  int
	Index  int64
	Hashes []byte
}

// TileID says which tile it is.
type TileID struct {
	Level int
	Index int64
}

// Get returns those of some tiles that are kept, lower levels first and each in
// order of the indexes.
func (q tileReads) Get(ctx context.Context, log LogID, tiles []TileID) ([]TileRow, error) {
	levels, indexes := make([]int16, len(tiles)), make([]int64, len(tiles))
	for i, t := range tiles {
		levels[i], indexes[i] = int16(t.Level), t.Index //nolint:gosec // levels are below 64.
	}
	return all(ctx, q.q, "reading tiles", scanTile, `
		SELECT t.level, t.idx, t.hashes
		FROM unnest($2::smallint[], $3::bigint[]) AS n (level, idx)
		JOIN cpis.tile AS t ON t.log = $1 AND t.level = n.level AND t.idx = n.idx
		ORDER BY t.level, t.idx`, log, levels, indexes)
}

func scanTile(row pgx.CollectableRow) (t TileRow, err error) {
	err = row.Scan(&t.Level, &t.Index, &t.Hashes)
	return t, err
}

// Count returns how many tiles at a level are kept without a gap from the
// first on, if Insert was given them in order.
func (q tileReads) Count(ctx context.Context, log LogID, level int) (int64, error) {
	return one(ctx, q.q, "counting tiles", pgx.RowTo[int64], `
		SELECT coalesce(max(idx), -1) + 1
		FROM cpis.tile
		WHERE log = $1
		  AND level = $2`, log, level)
}

// Insert keeps full tiles, and returns those of which others are kept: a
// tile follows from the entries, so one that differs was planted. It stays as it
// is, for whoever may change it, see Replace. Nothing is promised by
// keeping tiles, so ON CONFLICT DO NOTHING is right here.
func (tx tileWrites) Insert(ctx context.Context, log LogID, tiles []TileRow) (differ []TileRow, err error) {
	levels, indexes, hashes := tileArgs(tiles)
	_, err = tx.exec(ctx, "keeping tiles", `
		INSERT INTO cpis.tile (log, level, idx, hashes)
		SELECT $1, n.level, n.idx, n.hashes
		FROM `+givenTiles+`
		ORDER BY n.level, n.idx
		ON CONFLICT DO NOTHING`, log, levels, indexes, hashes)
	if err != nil {
		return nil, err
	}
	// Not in the same statement: it would not see what another wrote meanwhile.
	return all(ctx, tx.q, "comparing tiles", scanTile, `
		SELECT t.level, t.idx, t.hashes
		FROM `+givenTiles+`
		JOIN cpis.tile AS t ON t.log = $1 AND t.level = n.level AND t.idx = n.idx
		WHERE t.hashes <> n.hashes
		ORDER BY t.level, t.idx`, log, levels, indexes, hashes)
}

const givenTiles = `unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS n (level, idx, hashes)`

func tileArgs(tiles []TileRow) (levels []int16, indexes []int64, hashes [][]byte) {
	n := len(tiles)
	levels, indexes, hashes = make([]int16, n), make([]int64, n), make([][]byte, n)
	for i, t := range tiles {
		levels[i], indexes[i], hashes[i] = int16(t.Level), t.Index, t.Hashes //nolint:gosec // levels are below 64.
	}
	return levels, indexes, hashes
}
