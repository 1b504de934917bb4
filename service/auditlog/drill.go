package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// Drill tries whether a copy of the database could be served: whether its log
// verifies from the newest checkpoint on, and whether the keys at hand open
// everything that is sealed about people. It changes nothing, signs nothing and
// sends nothing, and what it opens it does not show.
type Drill struct {
	DB   *store.DB // opened with ReadOnly
	Ring *keys.Ring
	Log  store.Log
}

// Drilled says what a drill found.
type Drilled struct {
	Checkpoint audit.Checkpoint // the newest one, whose signature verifies
	Entries    int64            // of the log: those behind the checkpoint add up to its head
	Persons    int              // people whose details open
	Findable   int              // of them, those whom their NHS number finds
	Plans      int              // their plans, all of which open
}

// Run tries everything. The error is ErrDamaged if something is not as it was
// written, keys.ErrTampered if the keys at hand are others.
func (d *Drill) Run(ctx context.Context) (Drilled, error) {
	var found Drilled
	if err := d.verifyLog(ctx, &found); err != nil {
		return found, fmt.Errorf("verifying the log: %w", err)
	}
	for after := uuid.Nil; ; {
		persons, err := d.DB.People.After(ctx, after, keys.MaxBatch)
		if err != nil || len(persons) == 0 {
			return found, err
		}
		after = persons[len(persons)-1].ID
		if err := d.open(ctx, persons, &found); err != nil {
			return found, err
		}
	}
}

// verifyLog checks the newest checkpoint, and that the entries behind it lead
// to the head. The entries before it are for `audit verify`.
func (d *Drill) verifyLog(ctx context.Context, found *Drilled) error {
	row, err := d.DB.Checkpoints.Latest(ctx, d.Log.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		row = store.CheckpointRow{}
	case err != nil:
		return err
	default:
		if err := openSigned(ctx, d.Ring.Keeper(), d.Log, &row); err != nil {
			return err
		}
	}
	found.Checkpoint = row.Tree.Checkpoint(d.Log.Origin)
	head, err := d.DB.Head(ctx, d.Log.ID)
	if err != nil {
		return err
	}
	tree := row.Tree
	for tree.Size() < head.Size() {
		leaves, err := hashLines(ctx, d.DB, d.Log.ID, tree.Size(), min(head.Size(), tree.Size()+signChunk))
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			tree.Append(leaf)
		}
	}
	if tree != head {
		return fmt.Errorf("entries do not add up to the head: %w", guard.ErrDamaged)
	}
	found.Entries = head.Size()
	return nil
}

// open opens what is sealed about people and their plans.
func (d *Drill) open(ctx context.Context, persons []store.PersonRow, found *Drilled) error {
	persons = slices.DeleteFunc(persons, func(p store.PersonRow) bool { return p.WrappedKey == "" })
	opened, err := d.keysOf(ctx, persons)
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(persons))
	var tags []store.Tag
	for i := range persons {
		ids[i] = persons[i].ID
		p, err := record.OpenPerson(opened[persons[i].ID], &persons[i])
		if err != nil {
			return err
		}
		tags = append(tags, store.Tag(d.Ring.Tag(p.NHSNumber.Reveal())))
	}
	found.Persons += len(persons)
	leads, err := d.DB.People.ByTags(ctx, tags)
	if err != nil {
		return err
	}
	found.Findable += len(leads)
	return d.openPlans(ctx, ids, opened, found)
}

func (d *Drill) openPlans(ctx context.Context, persons []uuid.UUID, opened map[uuid.UUID]*keys.DataKey, found *Drilled) error {
	plans, err := d.DB.Plans.Of(ctx, persons, "")
	if err != nil {
		return err
	}
	for i := range plans {
		if _, err := record.OpenDetails(opened[plans[i].Person], &plans[i]); err != nil {
			return err
		}
	}
	found.Plans += len(plans)
	return nil
}

// keysOf has the keeper open the keys of people.
func (d *Drill) keysOf(ctx context.Context, persons []store.PersonRow) (map[uuid.UUID]*keys.DataKey, error) {
	wrapped := make([]keys.Wrapped, len(persons))
	for i := range persons {
		wrapped[i] = keys.Wrapped{Owner: store.PersonKeys.Owner(persons[i].ID), Text: persons[i].WrappedKey}
	}
	opened := make(map[uuid.UUID]*keys.DataKey, len(persons))
	for i, r := range d.Ring.Unwrap(ctx, wrapped) {
		if r.Err != nil {
			return nil, fmt.Errorf("opening the key of a person: %w", r.Err)
		}
		opened[persons[i].ID] = r.Value
	}
	return opened, nil
}
