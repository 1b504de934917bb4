package oversight

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/service/guard"
	"cpis/service/store"
)

// Selection is the entries that a report has, so that they can be read later, one
// after the other. What is shown of them is decided when they are read.
type Selection struct {
	Filter        store.EntryFilter `json:"filter"`
	Own           bool              `json:"own"`               // only what belongs to the organisation of who asked
	Subject       string            `json:"subject,omitempty"` // what the log calls the child that is asked about
	Bounds        []store.LogEnd    `json:"bounds"`            // entries behind them are not looked at
	CompleteUntil time.Time         `json:"complete_until"`
}

// Select returns the entries that a question asks for, as far as the index reaches.
func (s *Reports) Select(ctx context.Context, tx *store.Tx, q *Question) (Selection, Coverage, error) {
	coverage, states, err := s.reach(ctx, tx, q.asked)
	if err != nil {
		return Selection{}, coverage, err
	}
	out := Selection{Filter: q.filter, Own: q.own, CompleteUntil: coverage.CompleteUntil}
	for _, state := range states {
		out.Bounds = append(out.Bounds, store.LogEnd{Log: state.Log, Next: state.Next})
	}
	if tags := tagsAsked(s.records, q.asked); len(tags) > 0 {
		out.Subject = SubjectText(tags[0][:])
	}
	return out, coverage, nil
}

// LeaveOut leaves out what authorities did if the child was restricted since a
// selection was made.
func (s *Reports) LeaveOut(ctx context.Context, sel *Selection, made time.Time) error {
	f := &sel.Filter
	if sel.Own || sel.Subject == "" || f.CareOnly {
		return nil
	}
	found := make([]store.FoundEntry, len(f.Subjects))
	for i, tag := range f.Subjects {
		found[i].Subject, found[i].At = tag, made
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		restricted, err := s.withheld(ctx, tx, false, found)
		f.CareOnly = len(restricted) > 0
		return err
	})
}

const (
	// longestAct is longer than anything takes from its beginning until it is
	// recorded, such as the application of a file of plans, and than clocks of
	// servers differ.
	longestAct = 24 * time.Hour
	// maxRestricted is how many people are looked at who were restricted since: if
	// there are more, each of them may be in the file.
	maxRestricted = 1000
)

// Outdated reports whether a selection, read when logs had some ends, has somebody
// who was restricted since: then more was shown than may be shown now. It looks for
// those few who were, and not for the many whom a report may be about. asked is a
// time before it was read.
func (s *Reports) Outdated(ctx context.Context, sel *Selection, ends []store.LogEnd, asked time.Time) (bool, error) {
	if sel.Own {
		return false, nil
	}
	ids, err := s.db.People.RestrictedSince(ctx, ends, asked.Add(-longestAct), maxRestricted)
	if err != nil || len(ids) == 0 {
		return false, guard.Translate(err)
	}
	if len(ids) == maxRestricted {
		return true, nil
	}
	tags, err := s.tagsOf(ctx, ids)
	if err != nil {
		return false, err
	}
	return has(ctx, s.db, sel, tags)
}

// tagsOf returns by which tags entries name some people.
func (s *Reports) tagsOf(ctx context.Context, ids []uuid.UUID) (*tags, error) {
	people, err := s.openPeople(ctx, ids, true)
	if err != nil {
		return nil, err
	}
	all, numbers := numbersOf(s.records, people)
	former, err := s.formerTags(ctx, numbers)
	all.add(former.tags...)
	return all, err
}

// has reports whether a selection has an entry about any of some people.
func has(ctx context.Context, db *store.DB, sel *Selection, about *tags) (bool, error) {
	f := sel.Filter
	if f.Subjects == nil {
		f.Subjects = about.bytes()
	} else {
		f.Subjects = slices.DeleteFunc(slices.Clone(f.Subjects), func(tag []byte) bool {
			return len(tag) != len(store.Tag{}) || !about.seen[store.Tag(tag)]
		})
	}
	if len(f.Subjects) == 0 {
		return false, nil
	}
	there := false
	err := db.Tx(ctx, func(tx *store.Tx) error {
		for _, in := range sel.Bounds {
			found, err := tx.Index.FindInOrder(ctx, &f, in.Log, 0, in.Next, 1)
			if there = len(found) > 0; err != nil || there {
				return err
			}
		}
		return nil
	})
	return there, guard.Translate(err)
}

// Found is an entry of the log with its line.
type Found struct {
	Entry

	// Line is nil if it is no longer stored, or if the report may not show all
	// that stands in it.
	Line []byte
}

// foundPage is how many entries are read at once.
const foundPage = 1000

// Find yields the entries of a log that a selection has, in the order of the log,
// as a report shows them now. Each is valid until the next.
func (s *Reports) Find(ctx context.Context, sel *Selection, in store.LogEnd) iter.Seq2[*Found, error] {
	return func(yield func(*Found, error) bool) {
		for from := int64(0); from < in.Next; {
			found, next, err := s.findPage(ctx, sel, in, from)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range found {
				if !yield(&found[i], nil) {
					return
				}
			}
			from = next
		}
	}
}

// findPage reads the next entries of a log, and says where to go on.
func (s *Reports) findPage(ctx context.Context, sel *Selection, in store.LogEnd, from int64) (out []Found, next int64, err error) {
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		found, err := tx.Index.FindInOrder(ctx, &sel.Filter, in.Log, from, in.Next, foundPage)
		if err != nil {
			return err
		}
		withheld, err := s.withheld(ctx, tx, sel.Own, found)
		if err != nil {
			return err
		}
		out, next = make([]Found, len(found)), in.Next
		for i := range found {
			if out[i].Entry, err = s.showEntry(&found[i], withheld); err != nil {
				return err
			}
			// Whether it is left out depends on what was done, not on whom it says
			// to be restricted: nobody learns anything from that.
			hidden := withheld.lineOf(&found[i], &out[i].Entry) || sel.Own && untold(&found[i].IndexRow)
			if !hidden {
				out[i].Line = found[i].Line
			}
		}
		if len(found) == foundPage {
			next = found[len(found)-1].Index + 1
		}
		return nil
	})
	return out, next, err
}

// lineOf reports whether the line of an entry must not be shown: one that says
// whom it is about where the report does not, and one that says which plans of
// such a person were shown, because an authority's own entries name them, too.
func (p people) lineOf(f *store.FoundEntry, e *Entry) bool {
	return p.subjectOf(f) || p[string(f.Subject)] && len(e.Disclosed) > 0
}
