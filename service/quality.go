package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// GoLivePercent is the share of records with a valid NHS number, in percent,
// that an authority must reach before its plans are shown.
const GoLivePercent = 95

// reportWait is how long a report waits for uploads that are worked on.
const reportWait = 10 * time.Second

// QualityReport says how good an authority's records are.
type QualityReport struct {
	Receipt

	ValidNumbersPercent float64   // of the rows of the last whole list; -1 where there was none
	LastApplied         time.Time // zero where no file was
	DaysSince           int       // whole days; -1 where no file was
	Rejected            []ReasonCount
	Active              int // plans in force
	Overdue             int // plans for unborn children whose expected date has passed
	Adults              int // plans in force for children who are 18 or older
	ContactsDays        int // whole days since they were confirmed; -1 where they never were
}

// GetQualityReport says how good the records of the caller's authority are. The
// error is ErrDenied, *OverloadedError, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
func (s *Service) GetQualityReport(ctx context.Context, c *identity.Caller, request string) (*QualityReport, error) {
	out := &QualityReport{ValidNumbersPercent: -1, DaysSince: -1, ContactsDays: -1}
	a := act{
		caller: c, action: policy.ReadUploads, own: true, request: request,
		prepare: func(ctx context.Context) error { return s.quality(ctx, c.Organisation, out) },
	}
	return answer(ctx, s, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*QualityReport, error) {
		e.Counts = audit.Counts{"plans": int64(out.Active)}
		return out, nil
	})
}

// quality fills in the report. Its plans are read like those of a file: a few at
// a time, so that nobody notices.
func (s *Service) quality(ctx context.Context, authority string, out *QualityReport) error {
	leave, err := s.turns.take(ctx, authority, reportWait)
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
func (s *Service) countPlans(ctx context.Context, authority string, out *QualityReport) error {
	today := s.today()
	p := s.newPass(&upload{row: store.UploadRow{Authority: authority}}, today, nil, nil)
	from := today.AddDays(-visibleAfterEnd) // an unborn child's plan may be overdue for long
	for after := uuid.Nil; ; {
		spell := s.spell()
		rows, err := s.db.PlansInForce(ctx, authority, from.Time(), after, rowsAtOnce)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		err = p.open(ctx, rows, func(h *held, own *ownPlan) {
			inForce := own.runsOn(today)
			if inForce {
				out.Active++
			}
			if own.Kind == UCPP && own.End.IsZero() && own.Expected.Before(today) {
				out.Overdue++
			}
			if own.Kind != UCPP && inForce && !today.Before(h.person.DateOfBirth.AddYears(adultAge)) {
				out.Adults++
			}
		})
		if err != nil {
			return err
		}
		if err := spell.end(ctx, true); err != nil {
			return err
		}
	}
}

// lastFiles says what the latest files tell.
func (s *Service) lastFiles(ctx context.Context, authority string, out *QualityReport) error {
	read := []string{string(UploadChecked), string(UploadWaiting), string(UploadApplying), string(UploadApplied), string(UploadRejected)}
	list, err := s.latestUpload(ctx, authority, UploadWhole, read)
	if err != nil {
		return err
	}
	if list != nil && list.counts.Rows > 0 {
		out.ValidNumbersPercent = 100 * float64(list.counts.ValidNumbers) / float64(list.counts.Rows)
	}
	latest, err := s.latestUpload(ctx, authority, "", read)
	if err != nil {
		return err
	}
	if latest != nil {
		out.Rejected = latest.details.Reasons
	}
	applied, err := s.latestUpload(ctx, authority, "", []string{string(UploadApplied)})
	if err != nil {
		return err
	}
	if applied != nil {
		out.LastApplied = applied.row.ChangedAt
		out.DaysSince = daysSince(applied.row.ChangedAt, s.now())
	}
	return nil
}

// latestUpload opens the upload in one of some states that arrived last; nil
// where there is none.
func (s *Service) latestUpload(ctx context.Context, authority string, extent UploadExtent, states []string) (*upload, error) {
	row, err := s.db.LatestUpload(ctx, authority, string(extent), states)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.openUpload(ctx, &row)
}

// contactsAge says how long ago the authority's contacts were confirmed.
func (s *Service) contactsAge(ctx context.Context, authority string, out *QualityReport) error {
	all, err := s.db.Authorities(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].GSS == authority && all[i].ConfirmedAt != nil {
			out.ContactsDays = daysSince(*all[i].ConfirmedAt, s.now())
		}
	}
	return nil
}

// daysSince gives whole days.
func daysSince(then, now time.Time) int { return max(0, int(now.Sub(then)/(24*time.Hour))) }
