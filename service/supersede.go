package service

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Replacement gives the NHS number that replaces a person's. Its texts are as
// the caller sent them.
type Replacement struct {
	Old         string
	New         string
	DateOfBirth string // YYYY-MM-DD, as a check
	Reason      string
	Request     string `json:"-"` // request id
}

// Replaced is the answer to a Replacement.
type Replaced struct {
	Receipt `json:"-"`
}

// ReplaceNHSNumber records that the NHS number of a person was superseded.
// Look-ups then find the person by both, and say of the old one that it was
// replaced; the other authorities that hold plans are told. A former number may
// become the current one again: the numbers that came after it are taken back,
// and nobody is found by them any more. The error is ErrDenied, *InvalidError,
// *OverloadedError, ErrNotFound where the caller's authority holds no plan,
// ErrReused, ErrUnrecorded, ErrUnavailable or ErrDamaged.
func (s *Service) ReplaceNHSNumber(ctx context.Context, c *identity.Caller, q *Replacement) (*Replaced, error) {
	check := checker{form: requestForms, today: s.today()}
	r := replacing{
		s: s, old: check.numberOf("old_nhs_number", q.Old), fresh: check.numberOf("new_nhs_number", q.New),
		born: check.born(q.DateOfBirth), by: changeBy(c, "replace_number", check.reason(q.Reason)),
	}
	if !r.old.IsZero() && r.old.Reveal() == r.fresh.Reveal() {
		check.add("new_nhs_number", "is the old one", "")
	}
	a := act{
		caller: c, action: policy.ReplaceNumber, own: true, request: q.Request, asks: q,
		subject: s.subject(r.old), check: check.err(),
		prepare: func(ctx context.Context) error {
			s.fetchKeysOf(ctx, c.Organisation, r.old, r.fresh)
			return nil
		},
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Replaced, error) {
		return &Replaced{}, r.run(ctx, tx, e)
	})
}

// numberOf reads an NHS number of a field that has a name of its own.
func (c *checker) numberOf(field, text string) NHSNumber {
	n, problem := c.form.number(text)
	if problem != "" {
		c.add(field, string(problem), exampleNHSNumber)
	}
	return n
}

// fetchKeysOf gets the keys of persons with NHS numbers, as fetchKey does, and
// makes none. It does so where the authority holds a plan about one of them, and
// says whether it does: how long it takes says nothing about whom others know.
func (s *Service) fetchKeysOf(ctx context.Context, authority string, numbers ...NHSNumber) (own bool) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	found, err := s.findPersons(ctx, s.db.PersonsByTags, numbers)
	if err != nil {
		return false
	}
	all := make([]*held, 0, len(found))
	ids := make([]uuid.UUID, 0, len(found))
	for _, h := range found {
		all, ids = append(all, h), append(ids, h.row.ID)
	}
	plans, err := s.db.PlansOf(ctx, ids, authority) // also of nobody
	if err != nil || !slices.ContainsFunc(plans, func(l store.PlanRow) bool { return !l.Removed }) {
		return false
	}
	_ = s.unwrapKeys(ctx, all)
	return true
}

// replacing is a Replacement on its way through the door.
type replacing struct {
	s          *Service
	old, fresh NHSNumber
	born       Date
	by         change
}

// run replaces the number. It may run again.
func (r *replacing) run(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
	s := r.s
	found, err := s.findHeld(ctx, tx, tx.LockPersonsByTags, r.by.Organisation, []NHSNumber{r.old, r.fresh})
	if err != nil {
		return err
	}
	tag := s.ring.LocalTag(r.old.Reveal())
	h := found[tag]
	if h == nil || len(h.plans) == 0 {
		return ErrNotFound
	}
	if err := s.openPeople(ctx, people{tag: h}); err != nil {
		return err
	}
	e.Restricted = h.row.Restricted
	other := found[s.ring.LocalTag(r.fresh.Reveal())]
	if other != nil && other != h {
		if err := s.openAlone(ctx, other); err != nil {
			return err
		}
	}
	if err := r.fits(h, other); err != nil {
		return err
	}
	back, err := r.takenBack(ctx, tx, h)
	if err != nil {
		return err
	}
	if len(back) > 0 {
		e.Reason = reasonTakenBack
	}
	h.person.renumber(r.old, r.fresh, back, s.moment())
	if err := s.updatePersons(ctx, tx, h); err != nil {
		return err
	}
	if err := s.retag(ctx, tx, []*held{h}, nil); err != nil {
		return err
	}
	return r.tell(ctx, tx, h, len(back) > 0)
}

// fits says what keeps a person from getting the new number, under which
// another may be held.
func (r *replacing) fits(h, other *held) error {
	var v violations
	switch {
	case h.person.DateOfBirth != r.born:
		v.add("date_of_birth", problemOtherBirth, "")
		return errors.Join(v.err(), errWrongPerson)
	case !h.person.NHSNumber.is(r.old):
		v.add("old_nhs_number", "was replaced before: give the one that replaced it", "")
	case other != nil && other != h && !other.isBorn(r.born): // the same words: it is not the caller's to know
		v.add("date_of_birth", problemOtherBirth, "")
		return errors.Join(v.err(), errWrongPerson)
	case other != nil && other != h:
		v.add("new_nhs_number", "is that of another record: propose to merge the two instead", "")
	}
	return v.err()
}

// tell tells the other authorities that hold plans about the person.
func (r *replacing) tell(ctx context.Context, tx *store.Tx, h *held, takenBack bool) error {
	plans, err := tx.PlansOf(ctx, []uuid.UUID{h.row.ID}, "")
	if err != nil {
		return err
	}
	n := news{kind: NoticeNumberReplaced, person: h.row.ID, key: h.key, organisation: r.by.Organisation}
	if takenBack {
		n.text = textTakenBack
	}
	if h.row.Restricted { // who else knows the person is not to be revealed
		n.organisation = ""
	}
	for _, authority := range authoritiesOf(plans) {
		if n.to = authority; authority != r.by.Organisation {
			r.s.tell(tx, n)
		}
	}
	return nil
}

// authoritiesOf gives whose the plans are that are not errors, in order.
func authoritiesOf(plans []store.PlanRow) []string {
	var all []string
	for i := range plans {
		if !plans[i].Removed {
			all = append(all, plans[i].Authority)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// updatePersons writes the next versions of persons, as they are now.
func (s *Service) updatePersons(ctx context.Context, tx *store.Tx, changed ...*held) error {
	rows := make([]store.PersonRow, len(changed))
	for i, h := range changed {
		h.row.Version++
		h.row.At = s.moment()
		var err error
		if h.row.Sealed, err = sealPerson(h.key, h.row.ID, h.row.Version, h.person); err != nil {
			return err
		}
		rows[i] = h.row
	}
	return tx.UpdatePersons(ctx, rows)
}
