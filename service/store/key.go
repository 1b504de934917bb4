package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// IndexKeyRow is a wrapped key of the blind index.
type IndexKeyRow struct {
	Version int
	Wrapped string
	At      time.Time // when it was made

	RetiredAt time.Time // of a former one: when that was
}

// IndexKeys returns the keys of the blind index, the newest first: one, or two
// while it rotates. They are read over a connection kept for look-ups, which
// cannot go on without knowing them.
func (db *DB) IndexKeys(ctx context.Context) ([]IndexKeyRow, error) {
	return all(ctx, db.pool, "reading index keys",
		func(row pgx.CollectableRow) (k IndexKeyRow, err error) {
			err = row.Scan(&k.Version, &k.Wrapped, &k.At)
			return k, err
		}, `
		SELECT version, wrapped, created_at
		FROM cpis.index_key
		ORDER BY version DESC`)
}

// FormerIndex returns the keys of the blind index that were retired, the newest
// first. Nothing is found by them but entries of the log.
func (q keyReads) FormerIndex(ctx context.Context) ([]IndexKeyRow, error) {
	return all(ctx, q.q, "reading former index keys",
		func(row pgx.CollectableRow) (k IndexKeyRow, err error) {
			err = row.Scan(&k.Version, &k.Wrapped, &k.At, (*timeTarget)(&k.RetiredAt))
			return k, err
		}, `
		SELECT version, wrapped, created_at, retired_at
		FROM cpis.former_index_key
		ORDER BY version DESC`)
}

// InsertIndex keeps a new key. If two servers make the first one at the same
// moment, the transaction of the second runs again and then finds it.
func (tx keyWrites) InsertIndex(ctx context.Context, k IndexKeyRow) error {
	_, err := tx.exec(ctx, "keeping index key", `
		INSERT INTO cpis.index_key (version, wrapped, created_at)
		VALUES ($1, $2, $3)`, k.Version, k.Wrapped, k.At)
	return tryAgain(err)
}

// RetireIndex makes a key a former one, which no tag needs any more; while one
// does, the database refuses.
func (tx keyWrites) RetireIndex(ctx context.Context, version int, at time.Time) error {
	_, err := tx.exec(ctx, "retiring index key", `
		WITH gone AS (
		    DELETE FROM cpis.index_key
		    WHERE version = $1
		    RETURNING version, wrapped, created_at
		)
		INSERT INTO cpis.former_index_key (version, wrapped, created_at, retired_at)
		SELECT g.version, g.wrapped, g.created_at, $2
		FROM gone AS g`, version, at)
	return err
}

// ReplaceIndex puts the new wrapping of a key, or of a former one, in the place
// of its old one; ErrConflict if that is not what is stored.
func (tx keyWrites) ReplaceIndex(ctx context.Context, k IndexKeyRow, rewrapped string) error {
	table := "index_key"
	if !k.RetiredAt.IsZero() {
		table = "former_index_key"
	}
	return tx.execAll(ctx, 1, "re-wrapping index key", `
		UPDATE cpis.`+table+`
		SET wrapped = $3
		WHERE version = $1
		  AND wrapped = $2`, k.Version, k.Wrapped, rewrapped)
}

// KeyTable names a table whose rows carry a wrapped data key each.
type KeyTable int

// The tables.
const (
	PersonKeys KeyTable = iota
	ReviewKeys
	ChannelKeys
	UploadKeys
	ColleagueKeys
	ReportKeys
	ReleaseKeys
	ExportKeys
)

// keyTables are their names. A key that was forgotten is empty in all of them.
var keyTables = [...]string{
	PersonKeys: "person", ReviewKeys: "review", ChannelKeys: "channel", UploadKeys: "upload", ColleagueKeys: "colleague",
	ReportKeys: "report", ReleaseKeys: "release", ExportKeys: "export",
}

// KeyTables are all tables.
func KeyTables() []KeyTable {
	return []KeyTable{PersonKeys, ReviewKeys, ChannelKeys, UploadKeys, ColleagueKeys, ReportKeys, ReleaseKeys, ExportKeys}
}

// Owner returns the name under which the data key of a row is wrapped. The keys
// that seal the reasons of break-glass are no row's own, and share one.
func (t KeyTable) Owner(id uuid.UUID) string {
	if t == ReviewKeys {
		return keyTables[t]
	}
	return keyTables[t] + "/" + id.String()
}

// KeyRow is the wrapped data key of a row.
type KeyRow struct {
	ID      uuid.UUID // the person, review, channel, upload, colleague, report, release or export
	Wrapped string
}

// After pages through the wrapped keys of a table that were not forgotten,
// in order of the ids; start after the zero id.
func (q keyReads) After(ctx context.Context, table KeyTable, after uuid.UUID, limit int) ([]KeyRow, error) {
	return all(ctx, q.q, "reading wrapped keys",
		func(row pgx.CollectableRow) (k KeyRow, err error) {
			err = row.Scan(&k.ID, &k.Wrapped)
			return k, err
		}, `
		SELECT id, wrapped_key
		FROM cpis.`+keyTables[table]+`
		WHERE id > $1
		  AND wrapped_key <> ''
		ORDER BY id
		LIMIT $2`, after, limit)
}

// Rewrapped is a wrapped data key, and the new wrapping of the same key.
type Rewrapped struct {
	ID       uuid.UUID
	Old, New string
}

// Replace puts new wrappings in the place of old ones, any number at once,
// and returns how many: rows whose wrapping is no longer the old one, because
// somebody else was first or the key was forgotten, stay as they are.
func (tx keyWrites) Replace(ctx context.Context, table KeyTable, keys []Rewrapped) (int64, error) {
	ids, olds, news := make([]uuid.UUID, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		ids[i], olds[i], news[i] = k.ID, k.Old, k.New
	}
	return tx.exec(ctx, "re-wrapping keys", `
		UPDATE cpis.`+keyTables[table]+` AS t
		SET wrapped_key = n.new
		FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (id, old, new)
		WHERE t.id = n.id
		  AND t.wrapped_key = n.old`, ids, olds, news)
}
