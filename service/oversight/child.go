package oversight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// findChild finds by which tags entries name a child: under each index key, also
// those that were retired, by the number that was asked for, by the others that
// the person has or had, and by those of people whose records were ever joined
// with this one's. A child of whom nothing is held is known by the one number.
//
// It asks the keeper, whether or not somebody is held, so it runs before the
// transaction.
func (s *Reports) findChild(ctx context.Context, q *asked) error {
	first := tagsAsked(s.records, q)
	if first == nil {
		return nil
	}
	var err error
	if q.people, err = s.peopleBehind(ctx, first, !q.apart); err != nil {
		return err
	}
	tags, numbers := numbersOf(s.records, q.people)
	tags.add(first...)
	if !q.number.IsZero() {
		numbers = append(numbers, q.number.Reveal())
	}
	for _, h := range q.people {
		q.restricted = q.restricted || h.Row.Restricted
	}
	former, err := s.formerTags(ctx, numbers)
	if err != nil {
		return err
	}
	tags.add(former.tags...)
	q.filter.Subjects = tags.bytes()
	marked, err := s.db.Index.MarkedRestricted(ctx, q.filter.Subjects)
	q.restricted = q.restricted || len(marked) > 0
	nobody := len(numbers) == 0 && !former.last.IsZero()
	q.filter.CareOnly = (q.restricted || nobody) && !q.own
	return err
}

// numbersOf returns the numbers of people who are opened, and their tags.
func numbersOf(records *record.Records, people []*record.Record) (all *tags, numbers []string) {
	all = newTags(nil)
	for _, h := range people {
		for _, n := range h.Person.Numbers() {
			all.add(records.StoreTags(n)...)
			numbers = append(numbers, n.Reveal())
		}
	}
	return all, numbers
}

// former is what index keys that were retired still say.
type former struct {
	tags []store.Tag // of some numbers
	last time.Time   // when the last key was retired; zero if none ever was
}

// formerTags returns the tags of numbers under index keys that were retired. What
// only such a tag leads to may be anybody, a restricted child too.
func (s *Reports) formerTags(ctx context.Context, numbers []string) (former, error) {
	rows, err := s.db.Keys.FormerIndex(ctx)
	if err != nil || len(rows) == 0 {
		return former{}, guard.Translate(err)
	}
	made, err := s.ring.FormerTags(ctx, record.WrappedIndexKeys(rows), numbers)
	if err != nil {
		return former{}, s.records.KeyError(err)
	}
	f := former{last: lastRetired(rows)}
	for _, t := range made {
		f.tags = append(f.tags, store.Tag(t))
	}
	return f, nil
}

// lastRetired returns when the last of some index keys was retired; the zero time
// if there is none.
func lastRetired(rows []store.IndexKeyRow) (last time.Time) {
	for i := range rows {
		if rows[i].RetiredAt.After(last) {
			last = rows[i].RetiredAt
		}
	}
	return last
}

// tagsAsked are the tags of the child as it was asked for; nil where none was.
func tagsAsked(records *record.Records, q *asked) []store.Tag {
	switch {
	case !q.number.IsZero():
		return records.StoreTags(q.number)
	case q.tag != nil:
		return []store.Tag{store.Tag(*q.tag)}
	}
	return nil
}

// peopleBehind opens the people whom tags lead to, and those whose records were
// ever joined with theirs, by merges that were undone only if undone says so.
func (s *Reports) peopleBehind(ctx context.Context, tags []store.Tag, undone bool) ([]*record.Record, error) {
	found, err := s.db.People.ByTags(ctx, tags)
	if err != nil {
		return nil, fmt.Errorf("finding the child: %w", guard.Translate(err))
	}
	var ids []uuid.UUID
	for i := range found {
		ids = append(ids, found[i].ID)
	}
	people, err := s.openPeople(ctx, ids, undone)
	if err == nil && len(people) == 0 { // who watches the time learns nothing
		_, err = s.ring.New(ctx, []string{"decoy"})
		err = keeperError(err)
	}
	return people, err
}

// openPeople opens people, and those whose records were ever joined with theirs.
func (s *Reports) openPeople(ctx context.Context, ids []uuid.UUID, undone bool) ([]*record.Record, error) {
	ids, err := s.db.Index.JoinedPersons(ctx, ids, undone)
	if err != nil {
		return nil, guard.Translate(err)
	}
	rows, err := s.db.People.ByID(ctx, ids)
	if err != nil {
		return nil, guard.Translate(err)
	}
	var people []*record.Record
	for _, row := range rows {
		if row.WrappedKey != "" {
			people = append(people, &record.Record{Row: row})
		}
	}
	return people, s.records.OpenAlone(ctx, people...)
}

// keeperError puts an error of the keeper in the service's words.
func keeperError(err error) error {
	if errors.Is(err, keys.ErrUnavailable) {
		return guard.ErrUnavailable
	}
	return err
}

// tags are some tags, each once.
type tags struct {
	all  []store.Tag
	seen map[store.Tag]bool
}

func newTags(first []store.Tag) *tags {
	t := &tags{seen: map[store.Tag]bool{}}
	t.add(first...)
	return t
}

func (t *tags) add(more ...store.Tag) {
	for _, tag := range more {
		if !t.seen[tag] {
			t.seen[tag] = true
			t.all = append(t.all, tag)
		}
	}
}

func (t *tags) bytes() [][]byte {
	b := make([][]byte, len(t.all))
	for i := range t.all {
		b[i] = t.all[i][:]
	}
	return b
}
