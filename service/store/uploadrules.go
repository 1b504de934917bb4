package store

import (
	"context"
	"time"
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

// targets are where the columns of rules go.
func (r *UploadRulesRow) targets() []any {
	return []any{
		&r.Authority, &r.Version, &r.ApproveSystems, &r.MaxNew, &r.MaxChanged, &r.MaxEnding,
		&r.MaxRejectedPercent, &r.BrakePercent, &r.By, &r.At,
	}
}

func (r *UploadRulesRow) cover(c *cover) {
	c.of("upload_rules")
	c.str("authority", r.Authority)
	c.int("version", r.Version)
	c.bool("approve_systems", r.ApproveSystems)
	c.int("max_new", r.MaxNew)
	c.int("max_changed", r.MaxChanged)
	c.int("max_ending", r.MaxEnding)
	c.int("max_rejected_percent", r.MaxRejectedPercent)
	c.int("brake_percent", r.BrakePercent)
	c.str("made_by", r.By)
	c.time("made_at", r.At)
}

const uploadRulesColumns = `s.authority, s.version, s.approve_systems, s.max_new, s.max_changed, s.max_ending,
		       s.max_rejected_percent, s.brake_percent, s.made_by, s.made_at, s.mac`

// Rules returns the newest version of an authority's rules; ErrNotFound if
// it never made any.
func (q uploadReads) Rules(ctx context.Context, authority string) (UploadRulesRow, error) {
	return one(ctx, q.q, "reading upload rules",
		scanner[UploadRulesRow](q.guard), `
		SELECT `+uploadRulesColumns+`
		FROM cpis.upload_rules AS s
		WHERE s.authority = $1
		ORDER BY s.version DESC
		LIMIT 1`, authority)
}

// InsertRules creates a version of an authority's rules. ErrConflict says
// that somebody else made it at the same moment.
func (tx uploadWrites) InsertRules(ctx context.Context, r *UploadRulesRow) error {
	_, err := tx.exec(ctx, "making upload rules", `
		INSERT INTO cpis.upload_rules (authority, version, approve_systems, max_new, max_changed, max_ending,
		    max_rejected_percent, brake_percent, made_by, made_at, mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.Authority, r.Version, r.ApproveSystems, r.MaxNew, r.MaxChanged, r.MaxEnding,
		r.MaxRejectedPercent, r.BrakePercent, r.By, r.At, tx.guard.mac(r))
	return err
}
