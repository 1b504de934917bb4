package oversight

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"cpis/service/record"
	"cpis/service/store"
)

// The log names people by the ids that their identity providers vouch for. The
// service keeps a name only where it was shown to somebody: sealed with the
// history of a person whose flag was looked up in unscheduled mode. It is opened
// for one answer, and kept nowhere else.

// entryKey is where an entry stands.
type entryKey struct {
	log   string // origin
	index int64
}

// staff are the names of people by the entries of what they did.
type staff map[entryKey]string

// staffOf opens the names of people who looked at a child, as far as the service
// keeps them.
func (s *Reports) staffOf(ctx context.Context, tx *store.Tx, q *asked) (staff, error) {
	ids, keyOf := make([]uuid.UUID, len(q.people)), map[uuid.UUID]*record.Record{}
	for i, h := range q.people {
		ids[i], keyOf[h.Row.ID] = h.Row.ID, h
	}
	rows, err := tx.Accesses.Between(ctx, ids, q.filter.From, q.filter.Until)
	if err != nil {
		return nil, err
	}
	origins, err := originsOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	names := staff{}
	for i := range rows {
		row := &rows[i]
		if row.Sealed == nil || row.Damage.Has(store.DamagedAccess) {
			continue
		}
		text, err := keyOf[row.Person].Key.Open(row.Sealed, record.AccessContext(row.ID))
		var who record.Who
		if err != nil || json.Unmarshal(text, &who) != nil {
			return nil, s.records.Damaged(record.TableAccess)
		}
		names[entryKey{origins[row.Log], int64(row.Entry)}] = who.String()
	}
	return names, nil
}

// name returns who did what an entry says: name and id if the name is kept, and
// the id alone if it is not.
func (s staff) name(e *Entry) string {
	if name := s[entryKey{e.Log, e.Index}]; name != "" {
		return name + " (" + e.Actor + ")"
	}
	return e.Actor
}

// originsOf returns the origins of all logs.
func originsOf(ctx context.Context, tx *store.Tx) (map[store.LogID]string, error) {
	states, err := tx.Index.States(ctx)
	origins := make(map[store.LogID]string, len(states))
	for i := range states {
		origins[states[i].Log] = states[i].Origin
	}
	return origins, err
}
