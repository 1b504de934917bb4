package oversight

import (
	"context"
	"iter"
	"time"

	"cpis/service/store"
)

// Selection is the entries that a report has, so that they can be read later, one
// after the other. What is shown of them is decided when they are read.
type Selection struct {
	Filter        store.EntryFilter `json:"filter"`
	Own           bool              `json:"own"`               // only what belongs to the organisation of who asked
	Subject       string            `json:"subject,omitempty"` // what the log calls the child that is asked about
	Bounds        []Bound           `json:"bounds"`
	CompleteUntil time.Time         `json:"complete_until"`
}

// Bound says that entries of a log before an index are looked at.
type Bound struct {
	Log  store.LogID `json:"log"`
	Next int64       `json:"next"`
}

// Select returns the entries that a question asks for, as far as the index reaches.
func (s *Reports) Select(ctx context.Context, tx *store.Tx, q *Question) (Selection, Coverage, error) {
	coverage, states, err := s.reach(ctx, tx, q.asked)
	if err != nil {
		return Selection{}, coverage, err
	}
	out := Selection{Filter: q.filter, Own: q.own, CompleteUntil: coverage.CompleteUntil}
	for _, state := range states {
		out.Bounds = append(out.Bounds, Bound{state.Log, state.Next})
	}
	if tags := s.tagsAsked(q.asked); len(tags) > 0 {
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
func (s *Reports) Find(ctx context.Context, sel *Selection, in Bound) iter.Seq2[*Found, error] {
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
func (s *Reports) findPage(ctx context.Context, sel *Selection, in Bound, from int64) (out []Found, next int64, err error) {
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
			if !withheld.lineOf(&found[i], &out[i].Entry) && !(sel.Own && untold(&found[i].IndexRow)) {
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
