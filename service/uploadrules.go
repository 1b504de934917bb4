package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

const (
	// alwaysMayEnd is how many plans a file may end without being held by
	// the safety brake, however few there are.
	alwaysMayEnd = 10
	// defaultBrake is the share of plans in force that it may, in percent.
	defaultBrake = 5
	// brakeSpan is for how long what files ended counts, where another is to be
	// approved by rule: else many small ones would do what one large must not.
	brakeSpan = 24 * time.Hour
)

// UploadRules say when files that an authority's systems send are approved by
// themselves: those that are not held by the safety brake, have no gap before
// them and stay within all thresholds.
type UploadRules struct {
	ApproveSystems     bool
	MaxNew             int
	MaxChanged         int
	MaxEnding          int
	MaxRejectedPercent int // of all rows
	BrakePercent       int // of the plans in force
	Version            int // 0 for the defaults
}

// defaultRules hold until an authority makes its own.
func defaultRules() UploadRules { return UploadRules{BrakePercent: defaultBrake} }

// OwnUploadRules are an authority's rules.
type OwnUploadRules struct {
	Receipt

	Rules UploadRules
}

// SettingUploadRules changes rules.
type SettingUploadRules struct {
	Rules   UploadRules // with the version that the caller saw
	Request string      `json:"-"` // request id
}

// UploadRulesKept is the answer to SettingUploadRules.
type UploadRulesKept struct {
	Receipt `json:"-"`

	Version int
}

// uploadRules reads the rules of an authority.
func (s *Service) uploadRules(
	ctx context.Context, find func(context.Context, string) (store.UploadRulesRow, error), authority string,
) (UploadRules, error) {
	row, err := find(ctx, authority)
	if errors.Is(err, store.ErrNotFound) {
		return defaultRules(), nil
	}
	return UploadRules{
		ApproveSystems: row.ApproveSystems, MaxNew: row.MaxNew, MaxChanged: row.MaxChanged, MaxEnding: row.MaxEnding,
		MaxRejectedPercent: row.MaxRejectedPercent, BrakePercent: row.BrakePercent, Version: row.Version,
	}, err
}

// brakes says whether the safety brake holds a file that ends so many of the
// plans in force.
func (r *UploadRules) brakes(ending, inForce int) bool {
	return ending > max(alwaysMayEnd, inForce*r.BrakePercent/100)
}

// against says what keeps the rules from approving a file before which others
// ended plans. Where systems are not approved at all, nothing needs saying.
func (r *UploadRules) against(c *UploadCounts, ended int) []string {
	if !r.ApproveSystems {
		return nil
	}
	var all []string
	if ends := c.Ends(); ends > 0 && !r.brakes(ends, c.InForce) && r.brakes(ends+ended, c.InForce+ended) {
		all = append(all, fmt.Sprintf("safety brake: this file ends %d plans, and others ended %d within a day", ends, ended))
	}
	beyond := func(n, most int, what string) {
		if n > most {
			all = append(all, fmt.Sprintf("%s: %d, more than the %d that are approved by rule", what, n, most))
		}
	}
	beyond(c.New, r.MaxNew, "new plans")
	beyond(c.Changed, r.MaxChanged, "changed plans")
	beyond(c.Ends(), r.MaxEnding, "plans that end")
	if c.Rejected*100 > r.MaxRejectedPercent*c.Rows {
		all = append(all, fmt.Sprintf("rejected rows: %d of %d, more than the %d percent that are approved by rule", c.Rejected, c.Rows, r.MaxRejectedPercent))
	}
	return all
}

// GetUploadRules shows the rules of the caller's authority. The error is
// ErrDenied, *OverloadedError, ErrUnrecorded or ErrUnavailable.
func (s *Service) GetUploadRules(ctx context.Context, c *identity.Caller, request string) (*OwnUploadRules, error) {
	a := act{caller: c, action: policy.ReadUploads, own: true, request: request}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*OwnUploadRules, error) {
		rules, err := s.uploadRules(ctx, tx.UploadRules, c.Organisation)
		return &OwnUploadRules{Rules: rules}, err
	})
}

// SetUploadRules changes the rules of the caller's authority. The error is
// ErrDenied, *InvalidError, *StaleError, *OverloadedError, ErrReused,
// ErrUnrecorded or ErrUnavailable.
func (s *Service) SetUploadRules(ctx context.Context, c *identity.Caller, q *SettingUploadRules) (*UploadRulesKept, error) {
	a := act{caller: c, action: policy.SetUploadRules, own: true, request: q.Request, asks: q, check: q.Rules.check()}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*UploadRulesKept, error) {
		held, err := s.uploadRules(ctx, tx.UploadRules, c.Organisation)
		if err != nil {
			return nil, err
		}
		if held.Version != q.Rules.Version {
			return nil, &StaleError{Current: held.Version}
		}
		out := &UploadRulesKept{Version: held.Version + 1}
		return out, tx.InsertUploadRules(ctx, &store.UploadRulesRow{
			Authority: c.Organisation, Version: out.Version, ApproveSystems: q.Rules.ApproveSystems,
			MaxNew: q.Rules.MaxNew, MaxChanged: q.Rules.MaxChanged, MaxEnding: q.Rules.MaxEnding,
			MaxRejectedPercent: q.Rules.MaxRejectedPercent, BrakePercent: q.Rules.BrakePercent,
			By: clip(c.ID), At: s.moment(),
		})
	})
}

// check says what is wrong with rules.
func (r *UploadRules) check() error {
	var v violations
	for _, f := range []struct {
		field string
		n     int
		most  int
	}{
		{"rules.max_new", r.MaxNew, maxThreshold},
		{"rules.max_changed", r.MaxChanged, maxThreshold},
		{"rules.max_ending", r.MaxEnding, maxThreshold},
		{"rules.max_rejected_percent", r.MaxRejectedPercent, 100},
		{"rules.brake_percent", r.BrakePercent, 100},
		{"rules.version", r.Version, maxThreshold},
	} {
		if f.n < 0 || f.n > f.most {
			v.add(f.field, "must be 0 to "+strconv.Itoa(f.most), "5")
		}
	}
	return v.err()
}

// maxThreshold is more than any file has rows.
const maxThreshold = 1_000_000
