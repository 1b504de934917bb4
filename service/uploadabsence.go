package service

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/planfile"
	"cpis/service/store"
)

// endedByAbsence stands with plans that ended because a whole list lacks them.
const endedByAbsence = "not in the list"

// absence finds out which plans a whole list lacks, and which of them end.
//
// A row that is wrong is about some plan all the same. Where its NHS number can
// be read, no plan of that person ends. Where it cannot, the plans with its
// reference do not; and where there is no such plan, nobody knows which one the
// row is about, and none ends.
type absence struct {
	own        map[uuid.UUID]struct{} // plans that the file is about
	inForce    int                    // of them, plans in force before
	persons    map[keys.Tag]struct{}  // whom wrong rows are about
	references map[string]bool        // of wrong rows without a number; whether a plan was found
	rowsOf     map[string]struct{}    // references of all wrong rows
	blind      bool                   // there is a wrong row with neither
}

func newAbsence() absence {
	return absence{
		own: make(map[uuid.UUID]struct{}), persons: make(map[keys.Tag]struct{}),
		references: make(map[string]bool), rowsOf: make(map[string]struct{}),
	}
}

// seen notes that the file is about a plan.
func (a *absence) seen(p *ownPlan, day Date) {
	a.own[p.row.ID] = struct{}{}
	if p.runsOn(day) {
		a.inForce++
	}
}

// protect notes what a wrong row may be about.
func (a *absence) protect(ring *keys.Ring, r *uploadRow) {
	if r.Reference != "" {
		a.rowsOf[r.Reference] = struct{}{}
	}
	switch n := r.draft.person.NHSNumber; {
	case !n.IsZero():
		a.persons[ring.LocalTag(n.Reveal())] = struct{}{}
	case r.Reference != "":
		a.references[r.Reference] = false
	default:
		a.blind = true
	}
}

// runsOn says whether a plan is in force on a day, and will be the day after
// for all that is known.
func (p *ownPlan) runsOn(day Date) bool {
	return (p.End.IsZero() || p.End.After(day)) && (p.Kind != UCPP || !p.visibleUntil().Before(day))
}

// missing is a plan in force that the file lacks.
type missing struct {
	plan, person uuid.UUID
	version      int
	reference    string
	end          Date // as it is held
	protected    bool
}

// endMissing finds the plans in force that a whole list lacks, and ends them,
// or says that it would.
func (p *pass) endMissing(ctx context.Context) error {
	all, err := p.findMissing(ctx)
	if err != nil {
		return err
	}
	p.counts.InForce = p.absence.inForce + len(all)
	heldBack := p.absence.blind || slices.Contains(slices.Collect(maps.Values(p.absence.references)), false)
	ending := all[:0]
	for i := range all {
		m := &all[i]
		out := RowResult{Outcome: RowHeldBack, PlanID: m.plan.String(), Version: m.version, Reference: m.reference}
		if heldBack || m.protected {
			p.counts.HeldBack++
		} else {
			p.counts.Ending++
			out.Outcome = RowEnding
			out.Changes = []FieldChange{{planfile.FieldEnd, m.end.String(), p.day.String()}}
			if p.write != nil {
				out.Version++
			}
		}
		if err := p.keepResult(ctx, &out); err != nil {
			return err
		}
		if out.Outcome == RowEnding {
			ending = append(ending, *m)
		}
	}
	if p.write == nil {
		return nil
	}
	for batch := range slices.Chunk(ending, rowsAtOnce) {
		if err := p.end(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// findMissing finds the plans in force that the file lacks.
func (p *pass) findMissing(ctx context.Context) ([]missing, error) {
	var all []missing
	for after := uuid.Nil; ; {
		var rows []store.PlanRow
		err := p.in(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.PlansInForce(ctx, p.u.row.Authority, p.day.Time(), after, rowsAtOnce)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return all, nil
		}
		after = rows[len(rows)-1].ID
		rows = slices.DeleteFunc(rows, func(r store.PlanRow) bool {
			_, own := p.absence.own[r.ID]
			return own
		})
		err = p.open(ctx, rows, func(h *held, own *ownPlan) {
			if own.runsOn(p.day) {
				all = append(all, p.absence.miss(p.s.ring, h, own))
			}
		})
		if err != nil {
			return nil, err
		}
	}
}

// miss notes that the file lacks a plan.
func (a *absence) miss(ring *keys.Ring, h *held, own *ownPlan) missing {
	m := missing{plan: own.row.ID, person: own.row.Person, version: own.row.Version, reference: own.Reference, end: own.End}
	for _, n := range h.person.numbers() {
		if _, about := a.persons[ring.LocalTag(n.Reveal())]; about {
			m.protected = true
		}
	}
	if own.Reference == "" {
		return m
	}
	if _, there := a.rowsOf[own.Reference]; there {
		m.protected = true
	}
	if _, there := a.references[own.Reference]; there {
		a.references[own.Reference] = true
	}
	return m
}

// open opens plans and whom they are about.
func (p *pass) open(ctx context.Context, rows []store.PlanRow, do func(*held, *ownPlan)) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Person
	}
	var byID map[uuid.UUID]*held
	err := p.in(ctx, func(tx *store.Tx) (err error) {
		byID, err = p.s.openPersons(ctx, tx, ids)
		return err
	})
	if err != nil {
		return err
	}
	for i := range rows {
		own, h := &ownPlan{row: rows[i]}, byID[rows[i].Person]
		if h == nil {
			continue // erased: nothing about the person can be read any more
		}
		if err := p.s.openOwn(h.key, own); err != nil {
			return err
		}
		do(h, own)
	}
	return nil
}

// errMoved says that a plan which was to end is another person's or another
// authority's now.
var errMoved = errors.New("plan has moved")

// end ends plans that the file lacks.
func (p *pass) end(ctx context.Context, batch []missing) error {
	ids := make([]uuid.UUID, len(batch))
	ends := make(map[uuid.UUID]bool, len(batch))
	for i, m := range batch {
		ids[i], ends[m.plan] = m.person, true
	}
	rows, err := p.write.PlansOf(ctx, ids, p.u.row.Authority)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.PlanRow) bool { return !ends[r.ID] })
	if len(rows) != len(batch) {
		return errMoved
	}
	in := &intake{s: p.s, authority: p.u.row.Authority, change: p.by, now: p.s.moment()}
	err = p.open(ctx, rows, func(h *held, own *ownPlan) {
		to := own.recorded
		to.End, to.EndReason = p.day, endedByAbsence
		in.alter(h, own, to)
	})
	if err != nil {
		return err
	}
	return in.writeRows(ctx, p.write)
}
