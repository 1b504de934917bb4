package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// UploadRulesRow says when files that an authority's systems send are approved
// by themselves.
type UploadRulesRow struct {
	Authority          string // GSS code
	Version            int    // from 1
	ApproveSystems     bool
	MaxNew             int
	MaxChanged         int
	MaxEnding          int
	MaxRejectedPercent int
	BrakePercent       int
	By                 string // who made this version
	At                 time.Time
}

// UploadRules gives the newest version of an authority's rules; ErrNotFound if
// it never made any.
func (q queries) UploadRules(ctx context.Context, authority string) (UploadRulesRow, error) {
	return one(ctx, q.q, "reading upload rules",
		func(row pgx.CollectableRow) (r UploadRulesRow, err error) {
			err = row.Scan(&r.Authority, &r.Version, &r.ApproveSystems, &r.MaxNew, &r.MaxChanged, &r.MaxEnding,
				&r.MaxRejectedPercent, &r.BrakePercent, &r.By, &r.At)
			return r, err
		}, `
		SELECT authority, version, approve_systems, max_new, max_changed, max_ending, max_rejected_percent, brake_percent,
		       made_by, made_at
		FROM cpis.upload_rules
		WHERE authority = $1
		ORDER BY version DESC
		LIMIT 1`, authority)
}

// InsertUploadRules makes a version of an authority's rules. ErrConflict says
// that somebody else made it at the same moment.
func (tx *Tx) InsertUploadRules(ctx context.Context, r *UploadRulesRow) error {
	_, err := tx.exec(ctx, "making upload rules", `
		INSERT INTO cpis.upload_rules (authority, version, approve_systems, max_new, max_changed, max_ending,
		    max_rejected_percent, brake_percent, made_by, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.Authority, r.Version, r.ApproveSystems, r.MaxNew, r.MaxChanged, r.MaxEnding,
		r.MaxRejectedPercent, r.BrakePercent, r.By, r.At)
	return err
}
