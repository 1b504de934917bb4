package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/keys"
	"cpis/service/store"
)

// Admin is what an administrator does by command, on the machine, with rights
// of the database's and the keeper's own. Everything it changes is in the log.
type Admin struct {
	DB     *store.DB
	Keeper keys.Keeper // not needed for organisations and contacts
	Log    store.Log
	Now    func() time.Time
	// Operator names who runs the command, as the operating system knows them.
	Operator string
}

// adminClient is the client that stands in entries of commands.
const adminClient = "cpis-command"

// do runs fn in one transaction with an entry that names the command.
func (a *Admin) do(ctx context.Context, command string, counts audit.Counts, fn func(*store.Tx) error) error {
	return a.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := enter(ctx, tx, a.Log, a.Now(), &audit.Entry{
			Version: audit.Version,
			Actor:   a.Operator,
			Client:  adminClient,
			Role:    policy.Administrator.String(),
			Action:  string(policy.Configure),
			Request: newID().String(),
			Rule:    command,
			Outcome: outcomeDone,
			Counts:  counts,
		})
		return err
	})
}

// AddOrganisation makes an organisation known, or corrects it.
func (a *Admin) AddOrganisation(ctx context.Context, code, name string, class policy.Class) error {
	return a.do(ctx, "add_organisation", nil, func(tx *store.Tx) error {
		return tx.PutOrganisation(ctx, store.OrganisationRow{Code: code, Name: name, Class: string(class)})
	})
}

// SetContact says whom to ring at an authority. hours are as ParseHours reads
// them.
func (a *Admin) SetContact(ctx context.Context, gss, office, hours, duty string) error {
	if _, err := ParseHours(hours); err != nil {
		return err
	}
	return a.do(ctx, "set_contact", nil, func(tx *store.Tx) error {
		return tx.SetAuthorityContact(ctx, gss, office, hours, duty, a.Now().UTC())
	})
}

// EnsureIndexKey makes the first index key, where there is none.
func (a *Admin) EnsureIndexKey(ctx context.Context) error {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return nil
	}
	return a.addIndexKey(ctx, 1)
}

func (a *Admin) addIndexKey(ctx context.Context, version int) error {
	wrapped, err := keys.NewIndexKey(ctx, a.Keeper, version)
	if err != nil {
		return fmt.Errorf("making the index key: %w", err)
	}
	return a.do(ctx, "add_index_key", audit.Counts{"version": int64(version)}, func(tx *store.Tx) error {
		return tx.InsertIndexKey(ctx, store.IndexKeyRow{Version: version, Wrapped: wrapped.Text, At: a.Now().UTC()})
	})
}

// ErrRotating says that the index key is being rotated already, or is not.
var ErrRotating = errors.New("not possible in this state of the index key's rotation")

// RotateIndex begins to rotate the index key: it adds a new one. Servers take
// it into use when they start again; then Retag, then RetireIndex.
func (a *Admin) RotateIndex(ctx context.Context) (version int, err error) {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 {
		return 0, ErrRotating
	}
	version = rows[0].Version + 1
	return version, a.addIndexKey(ctx, version)
}

// page is how many rows a command treats in one transaction.
const page = keys.MaxBatch

// Retag gives every person a tag under the newest index key. It may be
// interrupted and run again. ring must hold both keys.
func (a *Admin) Retag(ctx context.Context, ring *keys.Ring, progress func(done int)) error {
	after, done := uuid.Nil, 0
	for {
		persons, err := a.DB.PersonsWithoutTag(ctx, ring.IndexVersion(), after, page)
		if err != nil || len(persons) == 0 {
			return err
		}
		after = persons[len(persons)-1].ID
		tags, err := newTags(ctx, ring, persons)
		if err != nil {
			return err
		}
		err = a.do(ctx, "retag", audit.Counts{"persons": int64(len(tags))}, func(tx *store.Tx) error {
			return tx.InsertTags(ctx, tags)
		})
		if err != nil {
			return err
		}
		done += len(tags)
		progress(done)
	}
}

// newTags makes the newest tags of persons, from their opened details.
func newTags(ctx context.Context, ring *keys.Ring, persons []store.PersonRow) ([]store.TagRow, error) {
	wrapped := make([]keys.Wrapped, len(persons))
	for i, p := range persons {
		wrapped[i] = keys.Wrapped{Owner: owner(p.ID), Text: p.WrappedKey}
	}
	tags := make([]store.TagRow, len(persons))
	for i, r := range ring.Unwrap(ctx, wrapped) {
		if r.Err != nil {
			return nil, fmt.Errorf("unwrapping a person's key: %w", r.Err)
		}
		p, err := openPerson(r.Value, &persons[i])
		if err != nil {
			return nil, err
		}
		tags[i] = store.TagRow{
			Tag:          store.Tag(ring.Tag(p.NHSNumber.Reveal())),
			Person:       persons[i].ID,
			IndexVersion: ring.IndexVersion(),
		}
	}
	return tags, nil
}

// RetireIndex ends the rotation: it removes the old tags and the old key. It
// refuses while any person has no new tag.
func (a *Admin) RetireIndex(ctx context.Context) error {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return err
	}
	if len(rows) != 2 {
		return ErrRotating
	}
	left, err := a.DB.PersonsWithoutTag(ctx, rows[0].Version, uuid.Nil, 1)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("some persons have no new tag yet: %w", ErrRotating)
	}
	old := rows[1].Version
	for removed := int64(1); removed > 0; {
		err := a.do(ctx, "delete_tags", audit.Counts{"version": int64(old)}, func(tx *store.Tx) error {
			removed, err = tx.DeleteTags(ctx, old, 10*page)
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.do(ctx, "retire_index_key", audit.Counts{"version": int64(old)}, func(tx *store.Tx) error {
		return tx.DeleteIndexKey(ctx, old)
	})
}

// Rewrap wraps all data keys and index keys anew under the newest
// key-encryption key. It may be interrupted and run again: what is wrapped
// newly already stays as it is.
func (a *Admin) Rewrap(ctx context.Context, progress func(done int)) error {
	if err := a.rewrapIndex(ctx); err != nil {
		return err
	}
	done := 0
	owners := map[store.KeyTable]func(uuid.UUID) string{
		store.PersonKeys: owner,
		store.ReviewKeys: func(uuid.UUID) string { return reviewOwner },
	}
	for table, owner := range owners {
		for after := uuid.Nil; ; {
			rows, err := a.DB.KeysAfter(ctx, table, after, page)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			after = rows[len(rows)-1].ID
			if err := a.rewrapRows(ctx, table, owner, rows); err != nil {
				return err
			}
			done += len(rows)
			progress(done)
		}
	}
	return nil
}

func (a *Admin) rewrapIndex(ctx context.Context) error {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		r, err := a.Keeper.Rewrap(ctx, []keys.Wrapped{{Owner: fmt.Sprintf("index/%d", row.Version), Text: row.Wrapped}})
		if err == nil {
			err = r[0].Err
		}
		if err != nil {
			return fmt.Errorf("re-wrapping the index key: %w", err)
		}
		if r[0].Value.Text == row.Wrapped {
			continue
		}
		err = a.do(ctx, "rewrap_index_key", audit.Counts{"version": int64(row.Version)}, func(tx *store.Tx) error {
			return tx.ReplaceIndexKey(ctx, row.Version, row.Wrapped, r[0].Value.Text)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrapRows re-wraps one page.
func (a *Admin) rewrapRows(ctx context.Context, table store.KeyTable, owner func(uuid.UUID) string, rows []store.KeyRow) error {
	wrapped := make([]keys.Wrapped, len(rows))
	for i, row := range rows {
		wrapped[i] = keys.Wrapped{Owner: owner(row.ID), Text: row.Wrapped}
	}
	results, err := a.Keeper.Rewrap(ctx, wrapped)
	if err != nil {
		return fmt.Errorf("re-wrapping: %w", err)
	}
	var changed []store.Rewrapped
	for i, r := range results {
		if r.Err != nil {
			return fmt.Errorf("re-wrapping: %w", r.Err)
		}
		if r.Value.Text != rows[i].Wrapped {
			changed = append(changed, store.Rewrapped{ID: rows[i].ID, Old: rows[i].Wrapped, New: r.Value.Text})
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return a.do(ctx, "rewrap", audit.Counts{"keys": int64(len(changed))}, func(tx *store.Tx) error {
		_, err := tx.ReplaceKeys(ctx, table, changed)
		return err
	})
}
