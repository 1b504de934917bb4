package person

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// ReplaceNHSNumberRequest names the NHS number that replaces a person's. Its texts
// are as the caller sent them.
type ReplaceNHSNumberRequest struct {
	Old         string
	New         string
	DateOfBirth string // YYYY-MM-DD, as a check
	Reason      string
	Request     string `json:"-"` // request id
}

// ReplaceNHSNumberResult is the answer to ReplaceNHSNumber.
type ReplaceNHSNumberResult struct {
	guard.Receipt `json:"-"`
}

// ReplaceNHSNumber records that the NHS number of a person was superseded.
// Look-ups then find the person by both, and say of the old one that it was
// replaced; the other authorities that hold plans are told. A former number may
// become the current one again: the numbers that came after it are taken back,
// and nobody is found by them any more. Its own error is ErrNotFound if the
// caller's authority holds no plan.
func (s *Persons) ReplaceNHSNumber(ctx context.Context, c *identity.Caller, q *ReplaceNHSNumberRequest) (*ReplaceNHSNumberResult, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	r := replacing{
		s: s, old: check.NumberOf("old_nhs_number", q.Old), fresh: check.NumberOf("new_nhs_number", q.New),
		born: check.Born(q.DateOfBirth), by: record.AuthorOf(c, "replace_number", check.Reason(q.Reason)),
	}
	if !r.old.IsZero() && r.old.Reveal() == r.fresh.Reveal() {
		check.Add("new_nhs_number", "is the old one", "")
	}
	a := guard.Act{
		Caller: c, Action: policy.ReplaceNumber, Own: true, Request: q.Request, Asks: q,
		Subject: s.records.Subject(r.old), Check: check.Err(),
		Prepare: func(ctx context.Context) error {
			s.records.FetchKeysOf(ctx, c.Organisation, r.old, r.fresh)
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ReplaceNHSNumberResult, error) {
		return &ReplaceNHSNumberResult{}, r.run(ctx, tx, e)
	})
}

// replacing is a new number on its way through the guard.
type replacing struct {
	s          *Persons
	old, fresh domain.NHSNumber
	born       domain.Date
	by         record.Author
}

// run replaces the number. It may run again.
func (r *replacing) run(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
	s := r.s
	found, err := s.records.Find(ctx, tx, tx.People.LockByTags, r.by.Organisation, []domain.NHSNumber{r.old, r.fresh})
	if err != nil {
		return err
	}
	tag := s.ring.LocalTag(r.old.Reveal())
	h := found[tag]
	if h == nil || len(h.Plans) == 0 {
		return guard.ErrNotFound
	}
	if err := s.records.OpenPeople(ctx, record.People{tag: h}); err != nil {
		return err
	}
	e.Restricted = h.Row.Restricted
	other := found[s.ring.LocalTag(r.fresh.Reveal())]
	if other != nil && other != h {
		if err := s.records.OpenAlone(ctx, other); err != nil {
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
		e.Reason = guard.ReasonTakenBack
	}
	h.Person.Renumber(r.old, r.fresh, back, s.clock.Moment())
	if err := s.records.UpdatePersons(ctx, tx, h); err != nil {
		return err
	}
	if err := s.records.Retag(ctx, tx, []*record.Record{h}, nil); err != nil {
		return err
	}
	return r.tell(ctx, tx, h, len(back) > 0)
}

// fits says what keeps a person from getting the new number, under which
// another may be held.
func (r *replacing) fits(h, other *record.Record) error {
	var v domain.Violations
	switch {
	case h.Person.DateOfBirth != r.born:
		v.Add("date_of_birth", record.ProblemOtherBirth, "")
		return errors.Join(v.Err(), guard.ErrWrongPerson)
	case !h.Person.NHSNumber.Is(r.old):
		v.Add("old_nhs_number", "was replaced before: give the one that replaced it", "")
	case other != nil && other != h && !other.IsBorn(r.born): // the same words: it is not the caller's to know
		v.Add("date_of_birth", record.ProblemOtherBirth, "")
		return errors.Join(v.Err(), guard.ErrWrongPerson)
	case other != nil && other != h:
		v.Add("new_nhs_number", "is that of another record: propose to merge the two instead", "")
	}
	return v.Err()
}

// tell tells the other authorities that hold plans about the person.
func (r *replacing) tell(ctx context.Context, tx *store.Tx, h *record.Record, takenBack bool) error {
	plans, err := tx.Plans.Of(ctx, []uuid.UUID{h.Row.ID}, "")
	if err != nil {
		return err
	}
	n := notice.News{Kind: notice.NumberReplaced, Person: h.Row.ID, Key: h.Key, Organisation: r.by.Organisation}
	if takenBack {
		n.Text = textTakenBack
	}
	if h.Row.Restricted { // who else knows the person is not to be revealed
		n.Organisation = ""
	}
	for _, authority := range record.AuthoritiesOf(plans) {
		if n.To = authority; authority != r.by.Organisation {
			r.s.notices.Tell(tx, n)
		}
	}
	return nil
}
