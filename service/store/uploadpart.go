package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func scanSealed(row pgx.CollectableRow) (sealed []byte, err error) {
	err = row.Scan(&sealed)
	return sealed, err
}

// InsertParts keeps pieces of a file, the first of them as the one with
// number first.
func (tx fileWrites) InsertParts(ctx context.Context, upload uuid.UUID, first int, sealed [][]byte) error {
	_, err := tx.exec(ctx, "keeping parts of upload", `
		INSERT INTO cpis.upload_part (upload_id, n, sealed)
		SELECT $1, $2 + p.n - 1, p.sealed
		FROM unnest($3::bytea[]) WITH ORDINALITY AS p (sealed, n)`, upload, first, sealed)
	return err
}

// Part returns one piece of a file; ErrNotFound if there is none with that
// number.
func (q fileReads) Part(ctx context.Context, upload uuid.UUID, n int) ([]byte, error) {
	return one(ctx, q.q, "reading part of upload", scanSealed, `
		SELECT sealed
		FROM cpis.upload_part
		WHERE upload_id = $1
		  AND n = $2`, upload, n)
}

// DeleteParts removes all pieces of a file.
func (tx fileWrites) DeleteParts(ctx context.Context, upload uuid.UUID) error {
	_, err := tx.exec(ctx, "removing parts of upload", `
		DELETE FROM cpis.upload_part
		WHERE upload_id = $1`, upload)
	return err
}

// DeleteOldParts removes the pieces of files in certain states whose state changed
// before a time.
func (tx fileWrites) DeleteOldParts(ctx context.Context, before time.Time, states []string) error {
	_, err := tx.exec(ctx, "removing old parts of uploads", `
		DELETE FROM cpis.upload_part
		WHERE upload_id IN (SELECT u.id FROM cpis.upload AS u WHERE u.changed_at < $1 AND u.state = ANY ($2::text[]))`, before, states)
	return err
}

// InsertRows keeps what a run says about some rows, as page n.
func (tx fileWrites) InsertRows(ctx context.Context, upload, run uuid.UUID, n int, sealed []byte) error {
	_, err := tx.exec(ctx, "keeping rows of upload", `
		INSERT INTO cpis.upload_rows (upload_id, run, n, sealed)
		VALUES ($1, $2, $3, $4)`, upload, run, n, sealed)
	return err
}

// Rows returns a page of what a run says about the rows; ErrNotFound if
// there is none with that number.
func (q fileReads) Rows(ctx context.Context, upload, run uuid.UUID, n int) ([]byte, error) {
	return one(ctx, q.q, "reading rows of upload", scanSealed, `
		SELECT sealed
		FROM cpis.upload_rows
		WHERE upload_id = $1
		  AND run = $2
		  AND n = $3`, upload, run, n)
}

// DeleteRows removes what was said about the rows by all runs but one.
func (tx fileWrites) DeleteRows(ctx context.Context, upload, but uuid.UUID) error {
	_, err := tx.exec(ctx, "removing rows of upload", `
		DELETE FROM cpis.upload_rows
		WHERE upload_id = $1
		  AND run <> $2`, upload, but)
	return err
}
