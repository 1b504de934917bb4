package upload

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// GoLivePercent is the share of records with a valid NHS number, in percent,
// that an authority must reach before its plans are shown.
const GoLivePercent = 95

// reportWait is how long a report waits for uploads that are worked on.
const reportWait = 10 * time.Second

// QualityReportRequest asks how good the records of the caller's authority are.
type QualityReportRequest struct {
	Request string // request id
}

// QualityReport says how good an authority's records are.
type QualityReport struct {
	guard.Receipt

	ValidNumbersPercent float64   // of the rows of the last whole list; -1 if there was none
	LastApplied         time.Time // zero if no file was
	DaysSince           int       // whole days; -1 if no file was
	Rejected            []ReasonCount
	Active              int // plans in force
	Overdue             int // plans for unborn children whose expected date has passed
	Adults              int // plans in force for children who are 18 or older
	ContactsDays        int // whole days since they were confirmed; -1 if they never were
}

// GetQualityReport says how good the records of the caller's authority are. The
// error is ErrDenied, *OverloadedError, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
func (s *Uploads) GetQualityReport(ctx context.Context, c *identity.Caller, q *QualityReportRequest) (*QualityReport, error) {
	out := &QualityReport{ValidNumbersPercent: -1, DaysSince: -1, ContactsDays: -1}
	a := guard.Act{
		Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request,
		Prepare: func(ctx context.Context) error { return s.quality(ctx, c.Organisation, out) },
	}
	return guard.Answer(ctx, s.guard, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*QualityReport, error) {
		e.Counts = audit.Counts{"plans": int64(out.Active)}
		return out, nil
	})
}

// quality fills in the report. Its plans are read like those of a file: a few at
// a time, so that nobody notices.
func (s *Uploads) quality(ctx context.Context, authority string, out *QualityReport) error {
	leave, err := s.turns.Acquire(ctx, authority, reportWait)
	if err != nil {
		return err
	}
	defer leave()
	for _, fill := range []func(context.Context, string, *QualityReport) error{s.countPlans, s.lastFiles, s.contactsAge} {
		if err := fill(ctx, authority, out); err != nil {
			return err
		}
	}
	return nil
}

// countPlans counts the plans in force, and those that want looking after.
func (s *Uploads) countPlans(ctx context.Context, authority string, out *QualityReport) error {
	today := s.clock.Today()
	from := today.AddDays(-domain.VisibleAfterEnd) // an unborn child's plan may be overdue for long
	r := reader{s: s, in: s.db.Tx, gently: true}
	page := func(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]store.PlanRow, error) {
		return tx.Plans.InForce(ctx, authority, from.Time(), after, rowsAtOnce)
	}
	return r.each(ctx, page, everyPlan, func(h *record.Record, own *record.Plan) {
		inForce := own.RunsOn(today)
		if inForce {
			out.Active++
		}
		if own.Kind == domain.UCPP && own.End.IsZero() && own.Expected.Before(today) {
			out.Overdue++
		}
		if own.Kind != domain.UCPP && inForce && !today.Before(h.Person.DateOfBirth.AddYears(domain.AdultAge)) {
			out.Adults++
		}
	})
}

// lastFiles says what the latest files tell.
func (s *Uploads) lastFiles(ctx context.Context, authority string, out *QualityReport) error {
	read := []string{string(Checked), string(Waiting), string(Applying), string(Applied), string(Rejected)}
	list, err := s.latest(ctx, authority, Whole, read)
	if err != nil {
		return err
	}
	if list != nil && list.counts.Rows > 0 {
		out.ValidNumbersPercent = 100 * float64(list.counts.ValidNumbers) / float64(list.counts.Rows)
	}
	last, err := s.latest(ctx, authority, "", read)
	if err != nil {
		return err
	}
	if last != nil {
		out.Rejected = last.details.Reasons
	}
	applied, err := s.latest(ctx, authority, "", []string{string(Applied)})
	if err != nil {
		return err
	}
	if applied != nil {
		out.LastApplied = applied.row.ChangedAt
		out.DaysSince = daysSince(applied.row.ChangedAt, s.clock.Now())
	}
	return nil
}

// latest opens the upload in one of some states that arrived last; nil
// if there is none.
func (s *Uploads) latest(ctx context.Context, authority string, extent Extent, states []string) (*upload, error) {
	row, err := s.db.Uploads.Latest(ctx, authority, string(extent), states)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.open(ctx, &row)
}

// contactsAge says how long ago the authority's contacts were confirmed.
func (s *Uploads) contactsAge(ctx context.Context, authority string, out *QualityReport) error {
	all, err := s.db.Directory.Authorities(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].GSS == authority && all[i].ConfirmedAt != nil {
			out.ContactsDays = daysSince(*all[i].ConfirmedAt, s.clock.Now())
		}
	}
	return nil
}

// daysSince returns whole days.
func daysSince(then, now time.Time) int { return max(0, int(now.Sub(then)/(24*time.Hour))) }
