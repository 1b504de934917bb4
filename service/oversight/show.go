package oversight

import (
	"context"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/store"
)

// Entry is an entry of the log, as a report shows it.
type Entry struct {
	audit.Entry

	Log           string // its origin
	Index         int64
	Organised     string // the organisation's name, as it is registered now
	Subject       string // what the log calls the person, base64url; empty where that is withheld
	Encounter     bool   // one was named
	ReviewID      string // of a break-glass look-up
	Reviewed      time.Time
	ReviewOutcome string
	LineMissing   bool // the line is no longer stored: the index's word alone
}

// find finds the next entries that a query asks for, in its order, at most as
// many as its size says, and shows them as its caller may see them. It returns
// where to go on, nil at the end. The query was resolved before.
func (s *Reports) find(ctx context.Context, tx *store.Tx, q *asked) (entries []Entry, next *store.EntryPlace, err error) {
	found, err := tx.Index.Find(ctx, &q.filter, q.size)
	if err != nil {
		return nil, nil, err
	}
	if len(found) == q.size {
		last := &found[len(found)-1]
		next = &store.EntryPlace{At: last.At, Log: last.Log, Index: last.Index}
	}
	entries, err = s.show(ctx, tx, q, found)
	return entries, next, err
}

// show makes of what was found what a caller sees: the lines themselves, each
// compared with what the index says of it.
func (s *Reports) show(ctx context.Context, tx *store.Tx, q *asked, found []store.FoundEntry) ([]Entry, error) {
	withheld, err := s.withheld(ctx, tx, q.own, found)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(found))
	for i := range found {
		if out[i], err = s.showEntry(&found[i], withheld); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// showEntry shows an entry as its line says, as far as that is not withheld.
func (s *Reports) showEntry(f *store.FoundEntry, withheld people) (Entry, error) {
	e := Entry{
		Log: f.Origin, Index: f.Index, Organised: f.Organised, Encounter: f.Encounter,
		Subject: SubjectText(f.Subject), ReviewOutcome: f.ReviewOutcome,
	}
	if withheld.subjectOf(f) {
		e.Subject = ""
	}
	if f.Review.Valid {
		e.ReviewID = f.Review.UUID.String()
	}
	if f.ReviewedAt != nil {
		e.Reviewed = f.ReviewedAt.UTC()
	}
	if f.Line == nil {
		e.Entry, e.LineMissing = ofIndex(&f.IndexRow), true
		e.Restricted = e.Restricted && !untold(&f.IndexRow)
		return e, nil
	}
	line, err := audit.ParseLine(f.Line)
	want := indexRow(f.Log, f.Index, &line)
	if err != nil || !same(&want, &f.IndexRow) {
		s.observe.Damaged("entry_index")
		return Entry{}, fmt.Errorf("entry %d: %w: %w", f.Index, errOther, guard.ErrDamaged)
	}
	e.Entry = line
	e.Restricted = e.Restricted && !untold(&f.IndexRow)
	return e, nil
}

// untold reports whether an entry may say of somebody that whereabouts must not be
// revealed though whoever acted was not told so: of a report that was asked for, of
// a look-up that nothing came of, of what care settings report, which is answered
// alike for everybody. Then no report shows that mark: nobody is to learn it from
// the entry of their own question.
func untold(r *store.IndexRow) bool {
	switch {
	case r.Subject == nil:
		return false
	case r.Topic == store.TopicReports:
		return true
	case r.Topic == store.TopicLookUp:
		return r.Outcome == outcomeCannotSay
	}
	return r.Action == string(policy.ReportMissed) || r.Action == string(policy.ReportWrongPatient)
}

// outcomeCannotSay is what a look-up's entry says of which nothing came.
const outcomeCannotSay = "cannot_say"

// ofIndex is as much of an entry as the index knows.
func ofIndex(r *store.IndexRow) audit.Entry {
	e := audit.Entry{
		Time: r.At, Actor: r.Actor, Organisation: r.Organisation, Role: r.Role, Action: r.Action, Mode: r.Mode, Purpose: r.Purpose,
		Outcome: r.Outcome, BreakGlass: r.BreakGlass, Restricted: r.Restricted,
	}
	if r.Request.Valid {
		e.Request = r.Request.UUID.String()
	}
	return e
}

// givesCare reports whether organisations of a class give care. Whatever else
// there is may be an authority.
func givesCare(class string) bool {
	switch policy.Class(class) { //nolint:exhaustive // all others do
	case "", policy.LocalAuthority, policy.Oversight, policy.Operator:
		return false
	}
	return true
}

// people are some people, by their tags.
type people map[string]bool

// subjectOf reports whether whom an entry is about must not be shown.
func (p people) subjectOf(f *store.FoundEntry) bool {
	return p[string(f.Subject)] && !givesCare(f.Class)
}

// withheld are the people whom entries must not name to this caller: restricted
// ones, so that nobody can tell from what an authority did that it knows them.
// An organisation's own entries say nothing new to it.
func (s *Reports) withheld(ctx context.Context, tx *store.Tx, own bool, found []store.FoundEntry) (people, error) {
	withheld := people{}
	if own {
		return withheld, nil
	}
	all := newTags(nil)
	for i := range found {
		if tag := found[i].Subject; len(tag) == len(store.Tag{}) {
			all.add(store.Tag(tag))
		}
	}
	marked, err := tx.Index.MarkedRestricted(ctx, all.bytes())
	if err != nil {
		return nil, err
	}
	for _, tag := range marked {
		withheld[string(tag)] = true
	}
	held, err := tx.People.ByTags(ctx, all.all)
	if err != nil {
		return nil, err
	}
	known := people{}
	for i := range held {
		known[string(held[i].Tag[:])] = true
		if held[i].Restricted {
			withheld[string(held[i].Tag[:])] = true
		}
	}
	retired, err := tx.Keys.FormerIndex(ctx)
	if err != nil {
		return nil, err
	}
	for i, last := 0, lastRetired(retired); i < len(found); i++ {
		if tag := string(found[i].Subject); !known[tag] && found[i].At.Before(last) {
			withheld[tag] = true // perhaps a tag of a key that was retired: nobody knows whose
		}
	}
	return withheld, nil
}
