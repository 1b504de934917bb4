package upload

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

const (
	// alwaysMayEnd is how many plans a file may end without being held by
	// the safety brake, however few there are.
	alwaysMayEnd = 10
	// defaultBrake is the share of plans in force that it may, in percent.
	defaultBrake = 5
	// brakeSpan is for how long what files ended counts, if another is to be
	// approved by rule: else many small ones would do what one large must not.
	brakeSpan = 24 * time.Hour
)

// Rules say when files that an authority's systems send are approved by
// themselves: those that are not held by the safety brake, have no gap before
// them and stay within all thresholds.
type Rules struct {
	ApproveSystems     bool
	MaxNew             int
	MaxChanged         int
	MaxEnding          int
	MaxRejectedPercent int // of all rows
	BrakePercent       int // of the plans in force
	Version            int // 0 for the defaults
}

// defaultRules hold until an authority makes its own.
func defaultRules() Rules { return Rules{BrakePercent: defaultBrake} }

// GetRulesRequest asks for rules.
type GetRulesRequest struct {
	Request string // request id
}

// RulesAnswer are an authority's rules.
type RulesAnswer struct {
	guard.Receipt

	Rules Rules
}

// SetRulesRequest changes rules.
type SetRulesRequest struct {
	Rules   Rules  // with the version that the caller saw
	Request string `json:"-"` // request id
}

// SetRulesResult is the answer to SetRulesRequest.
type SetRulesResult struct {
	guard.Receipt `json:"-"`

	Version int
}

// rulesOf reads the rules of an authority.
func rulesOf(
	ctx context.Context, find func(context.Context, string) (store.UploadRulesRow, error), authority string,
) (Rules, error) {
	row, err := find(ctx, authority)
	if errors.Is(err, store.ErrNotFound) {
		return defaultRules(), nil
	}
	return Rules{
		ApproveSystems: row.ApproveSystems, MaxNew: row.MaxNew, MaxChanged: row.MaxChanged, MaxEnding: row.MaxEnding,
		MaxRejectedPercent: row.MaxRejectedPercent, BrakePercent: row.BrakePercent, Version: row.Version,
	}, err
}

// brakes reports whether the safety brake holds a file that ends so many of the
// plans in force.
func (r *Rules) brakes(ending, inForce int) bool {
	return ending > max(alwaysMayEnd, inForce*r.BrakePercent/100)
}

// against says what keeps the rules from approving a file before which others
// ended plans. If systems are not approved at all, nothing needs saying.
func (r *Rules) against(c *Counts, ended int) []string {
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

// GetUploadRules shows the rules of the caller's authority.
func (s *Uploads) GetUploadRules(ctx context.Context, c *identity.Caller, q *GetRulesRequest) (*RulesAnswer, error) {
	a := guard.Act{Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*RulesAnswer, error) {
		rules, err := rulesOf(ctx, tx.Uploads.Rules, c.Organisation)
		return &RulesAnswer{Rules: rules}, err
	})
}

// SetUploadRules changes the rules of the caller's authority. Its own error is
// *StaleError.
func (s *Uploads) SetUploadRules(ctx context.Context, c *identity.Caller, q *SetRulesRequest) (*SetRulesResult, error) {
	a := guard.Act{Caller: c, Action: policy.SetUploadRules, Own: true, Request: q.Request, Asks: q, Check: q.Rules.check()}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*SetRulesResult, error) {
		held, err := rulesOf(ctx, tx.Uploads.Rules, c.Organisation)
		if err != nil {
			return nil, err
		}
		if held.Version != q.Rules.Version {
			return nil, &guard.StaleError{Current: held.Version}
		}
		out := &SetRulesResult{Version: held.Version + 1}
		return out, tx.Uploads.InsertRules(ctx, &store.UploadRulesRow{
			Authority: c.Organisation, Version: out.Version, ApproveSystems: q.Rules.ApproveSystems,
			MaxNew: q.Rules.MaxNew, MaxChanged: q.Rules.MaxChanged, MaxEnding: q.Rules.MaxEnding,
			MaxRejectedPercent: q.Rules.MaxRejectedPercent, BrakePercent: q.Rules.BrakePercent,
			By: guard.Clip(c.ID), At: s.clock.Moment(),
		})
	})
}

// check says what is wrong with rules.
func (r *Rules) check() error {
	var v domain.Violations
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
			v.Add(f.field, "must be 0 to "+strconv.Itoa(f.most), "5")
		}
	}
	return v.Err()
}

// maxThreshold is more than any file has rows.
const maxThreshold = 1_000_000
