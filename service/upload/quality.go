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
	r := quality{s: s, authority: c.Organisation, out: QualityReport{ValidNumbersPercent: -1, DaysSince: -1, ContactsDays: -1}}
	a := guard.Act{Caller: c, Action: policy.ReadUploads, Own: true, Request: q.Request, Prepare: r.fill}
	return guard.Answer(ctx, s.guard, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*QualityReport, error) {
		e.Counts = audit.Counts{"plans": int64(r.out.Active)}
		return &r.out, nil
	})
}

// quality is how good an authority's records are, while that is found out.
type quality struct {
	s         *Uploads
	authority string
	out       QualityReport
}

// fill fills in the report. Its plans are read like those of a file: a few at
// a time, so that nobody notices.
func (r *quality) fill(ctx context.Context) error {
	leave, err := r.s.turns.Acquire(ctx, r.authority, reportWait)
	if err != nil {
		return err
	}
	defer leave()
	for _, part := range []func(context.Context) error{r.countPlans, r.lastFiles, r.contactsAge} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// countPlans counts the plans in force, and those that want looking after.
func (r *quality) countPlans(ctx context.Context) error {
	out, today := &r.out, r.s.clock.Today()
	from := today.AddDays(-domain.VisibleAfterEnd) // an unborn child's plan may be overdue for long
	plans := reader{s: r.s, in: r.s.db.Tx, gently: true}
	page := func(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]store.PlanRow, error) {
		return tx.Plans.InForce(ctx, r.authority, from.Time(), after, rowsAtOnce)
	}
	return plans.each(ctx, page, everyPlan, func(h *record.Record, own *record.Plan) {
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
func (r *quality) lastFiles(ctx context.Context) error {
	read := []string{string(Checked), string(Waiting), string(Applying), string(Applied), string(Rejected)}
	list, err := r.s.latest(ctx, r.authority, Whole, read)
	if err != nil {
		return err
	}
	if list != nil && list.counts.Rows > 0 {
		r.out.ValidNumbersPercent = 100 * float64(list.counts.ValidNumbers) / float64(list.counts.Rows)
	}
	last, err := r.s.latest(ctx, r.authority, "", read)
	if err != nil {
		return err
	}
	if last != nil {
		r.out.Rejected = last.details.Reasons
	}
	applied, err := r.s.latest(ctx, r.authority, "", []string{string(Applied)})
	if err != nil {
		return err
	}
	if applied != nil {
		r.out.LastApplied = applied.row.ChangedAt
		r.out.DaysSince = daysSince(applied.row.ChangedAt, r.s.clock.Now())
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
func (r *quality) contactsAge(ctx context.Context) error {
	all, err := r.s.db.Directory.Authorities(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].GSS == r.authority && all[i].ConfirmedAt != nil {
			r.out.ContactsDays = daysSince(*all[i].ConfirmedAt, r.s.clock.Now())
		}
	}
	return nil
}

// daysSince returns whole days.
func daysSince(then, now time.Time) int { return max(0, int(now.Sub(then)/(24*time.Hour))) }
