package upload

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/record"
	"cpis/service/store"
)

// mode is what a check and an application of a file do differently.
type mode interface {
	// meet is told whom the file is about, while it is read for the first time.
	meet(n domain.NHSNumber)
	// prepare comes before it is read again.
	prepare(ctx context.Context) error
	// made returns a new plan's identifier and version, as they are kept.
	made(plan string) (string, int)
	// next returns the version of a plan that changes, as it is kept.
	next(version int) int
	// placed comes after some rows were placed.
	placed(ctx context.Context, in *plan.Intake) error
	// end comes when it is known which plans end because a whole list lacks them.
	end(ctx context.Context, ending []missing) error
	// keep comes with each page of results, in its transaction.
	keep(ctx context.Context, tx *store.Tx) error
	// finish comes last.
	finish(ctx context.Context) error
}

// checking finds out what a file does, and changes nothing.
type checking struct{ *pass }

func (checking) meet(domain.NHSNumber) {}

func (c checking) prepare(ctx context.Context) error { return c.findErrors(ctx) }

func (checking) made(string) (string, int) { return "", 0 }

func (checking) next(version int) int { return version }

func (checking) placed(context.Context, *plan.Intake) error { return nil }

func (checking) end(context.Context, []missing) error { return nil }

// keep keeps other servers away: a long check is still attended to.
func (c checking) keep(ctx context.Context, tx *store.Tx) error {
	return tx.Uploads.Lease(ctx, c.u.row.ID, c.u.row.Version, c.s.clock.Moment().Add(workLease))
}

func (checking) finish(context.Context) error { return nil }

// applying does what a file does, in one transaction.
type applying struct {
	*pass

	tx    *store.Tx
	locks []store.Tag    // of people whom the file may change
	tags  []store.TagRow // of people who are new
}

func (a *applying) meet(n domain.NHSNumber) { a.locks = append(a.locks, a.s.records.StoreTags(n)...) }

func (a *applying) prepare(ctx context.Context) error {
	return a.tx.Plans.LockForUpload(ctx, a.locks, a.u.row.Authority, a.u.whole(), a.day.Time())
}

func (*applying) made(plan string) (string, int) { return plan, 1 }

func (*applying) next(version int) int { return version + 1 }

// placed writes what is new and changed, and tells others of overlaps.
func (a *applying) placed(ctx context.Context, in *plan.Intake) error {
	if err := in.WriteRows(ctx, a.tx); err != nil {
		return err
	}
	a.tags = append(a.tags, in.Tags()...)
	for tag, h := range in.People {
		if person := a.persons[tag]; person != nil && h.Row.Version > 0 && !person.known {
			person.made, person.version = h.Row.ID, h.Row.Version
		}
	}
	for _, n := range in.Plans {
		a.absence.own[n.Row.ID] = struct{}{}
	}
	news, err := a.s.notices.OverlapNews(ctx, a.tx, in.Plans)
	if err != nil {
		return err
	}
	a.s.notices.Tell(a.tx, news...)
	return nil
}

// errMoved says that a plan which was to end is another person's or another
// authority's now.
var errMoved = errors.New("plan has moved")

// end ends plans that the file lacks, some at a time.
func (a *applying) end(ctx context.Context, ending []missing) error {
	for batch := range slices.Chunk(ending, rowsAtOnce) {
		spell := a.s.background.Begin()
		if err := a.endBatch(ctx, batch); err != nil {
			return err
		}
		if err := spell.End(ctx, a.gently); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) endBatch(ctx context.Context, batch []missing) error {
	ids := make([]uuid.UUID, len(batch))
	ends := make(map[uuid.UUID]bool, len(batch))
	for i, m := range batch {
		ids[i], ends[m.plan] = m.person, true
	}
	rows, err := a.tx.Plans.Of(ctx, ids, a.u.row.Authority)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.PlanRow) bool { return !ends[r.ID] })
	if len(rows) != len(batch) {
		return errMoved
	}
	in := a.s.plans.Intake(a.u.row.Authority, a.by, nil, nil)
	err = a.open(ctx, rows, everyPlan, func(h *record.Record, own *record.Plan) {
		to := own.Content
		to.End, to.EndReason = a.day, endedByAbsence
		in.Alter(h, own, to)
	})
	if err != nil {
		return err
	}
	return in.WriteRows(ctx, a.tx)
}

func (*applying) keep(context.Context, *store.Tx) error { return nil }

// finish makes those findable who are new, in one order, so that files that
// overlap do not deadlock. Tags lie all over their index, so some hundred of them
// are much to be written to disk: the commits of look-ups would wait for more,
// and the commit of the file must not have it all to do.
func (a *applying) finish(ctx context.Context) error {
	slices.SortFunc(a.tags, func(x, y store.TagRow) int { return bytes.Compare(x.Tag[:], y.Tag[:]) })
	for batch := range slices.Chunk(a.tags, rowsAtOnce) {
		spell := a.s.background.Begin()
		if err := record.InsertTags(ctx, a.tx, batch); err != nil {
			return err
		}
		if err := spell.End(ctx, a.gently); err != nil {
			return err
		}
	}
	return nil
}
