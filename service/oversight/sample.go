package oversight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

const (
	// DefaultSample is how many of a hundred look-ups are in a sample.
	DefaultSample = 1
	// maxSample is how many look-ups of an organisation are in the sample of a week at
	// most: what nobody can read is not read.
	maxSample = 25
	// sampleWeeks is how many weeks are made up for, if the index was damaged or no
	// server ran.
	sampleWeeks = 2
	// samplePage is for how many organisations samples are drawn at once.
	samplePage = 100

	// actionSample stands in the entry of a sample.
	actionSample = "draw_sample"
)

// DrawSamples puts look-ups of the week that ended last, drawn by lot, into the queue
// of each organisation: once, however many servers run. It waits until the index has
// all of the week. It returns how many samples were drawn.
//
// The lot is the log's, so that nobody can choose and everybody can check. The seed
// is the leaf hash of the first entry after the week, which nobody knows before; the
// look-ups with the smallest SHA-256(seed ‖ index) are in the sample.
func (s *Reports) DrawSamples(ctx context.Context) (drawn int, err error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	now := s.clock.Moment()
	complete, err := indexedUntil(ctx, s.db, now)
	if err != nil {
		return 0, err
	}
	last := lastWeek(now.Add(-digestAfter))
	for n := range sampleWeeks {
		from := last.AddDate(0, 0, -7*(sampleWeeks-1-n))
		until := from.AddDate(0, 0, 7)
		if until.Unix() <= s.sampled.Load() || until.After(complete) {
			continue
		}
		more, waits, err := s.drawWeek(ctx, from, until)
		if drawn += more; err != nil {
			return drawn, fmt.Errorf("drawing samples: %w", guard.Translate(err))
		}
		if !waits {
			s.sampled.Store(until.Unix())
		}
	}
	return drawn, nil
}

// drawWeek draws the samples of a week that nobody has drawn. waits says that a log
// has no entry after the week yet, and so no seed.
func (s *Reports) drawWeek(ctx context.Context, from, until time.Time) (drawn int, waits bool, err error) {
	lacking, err := s.db.Reviews.Unsampled(ctx, domain.DateOf(from).Time(), from, until, samplePage)
	for i := 0; err == nil && i < len(lacking); i++ {
		d := draw{SampleRow: lacking[i], from: from, until: until}
		switch err = s.draw(ctx, &d); {
		case errors.Is(err, errNoSeed):
			waits, err = true, nil
		case err == nil:
			drawn++
		}
	}
	return drawn, waits || len(lacking) == samplePage, err // the rest in the next round
}

// errNoSeed says that nothing stands in a log after a week yet.
var errNoSeed = errors.New("the log has no entry after the week")

// draw is the sample of an organisation's week.
type draw struct {
	store.SampleRow

	from, until time.Time
	seed        int64 // the entry whose leaf hash it is
	of          int64 // look-ups that it was drawn from
	found       []store.IndexRow
}

// draw draws a sample, unless another server was first.
func (s *Reports) draw(ctx context.Context, d *draw) error {
	if err := s.drawLots(ctx, d); err != nil {
		return err
	}
	rows, err := s.newReviews(ctx, store.ReviewSample, d.found)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		kept, err := tx.Reviews.KeepSample(ctx, d.SampleRow, domain.DateOf(d.from).Time())
		if err != nil || !kept {
			return err
		}
		return s.queue(ctx, tx, rows, &audit.Entry{
			Action: actionSample, Organisation: d.Organisation,
			Counts: audit.Counts{"reviews": int64(len(rows)), "of": d.of, "seed": d.seed},
		})
	})
}

// drawLots finds the look-ups that are in a sample.
func (s *Reports) drawLots(ctx context.Context, d *draw) (err error) {
	d.seed, err = s.db.Index.FirstFrom(ctx, d.Log, d.until)
	if errors.Is(err, store.ErrNotFound) {
		return errNoSeed
	}
	if err != nil {
		return err
	}
	seed, err := s.leafOf(ctx, d.Log, d.seed)
	if err != nil {
		return err
	}
	if d.of, err = s.db.Index.CountPlain(ctx, d.SampleRow, d.from, d.until); err != nil {
		return err
	}
	size := min((int(d.of)*s.sample+99)/100, maxSample) // of few look-ups, at least one
	d.found, err = s.db.Index.Sample(ctx, d.SampleRow, d.from, d.until, seed[:], size)
	return err
}

// leafOf returns the leaf hash of an entry.
func (s *Reports) leafOf(ctx context.Context, log store.LogID, index int64) (audit.Hash, error) {
	for stored, err := range s.db.Logs.StoredEntries(ctx, log, index, index+1) {
		return audit.LeafHash(stored.Line), err
	}
	return audit.Hash{}, fmt.Errorf("entry %d is no longer stored: %w", index, guard.ErrDamaged)
}
