package service

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Ending closes a plan. Its texts are as the caller sent them.
type Ending struct {
	PlanID  string
	Version int    // that the caller saw
	End     string // last day, YYYY-MM-DD
	Reason  string
	Request string // request id
}

// Ended is the answer to an Ending.
type Ended struct {
	Version      int
	VisibleUntil Date // last day on which look-ups show the plan
	Receipt      Receipt
}

func (r *Ended) receive(receipt Receipt) { r.Receipt = receipt }
func (r *Ended) changed() bool           { return true }

// content is all that an Ending asks for.
func (e *Ending) content() []string {
	return []string{e.PlanID, strconv.Itoa(e.Version), e.End, e.Reason}
}

// EndPlan closes a plan of the caller's authority. The error is ErrDenied,
// *InvalidError, *OverloadedError, ErrNotFound (also for plans of others),
// ErrConflict (the plan has a newer version), ErrState (it was removed, or its
// last day has passed), ErrReused, ErrUnrecorded, ErrUnavailable or ErrDamaged.
//
// The last day may lie up to a year ahead, and as long as it has not passed it
// may be set anew. The plan must stay one that could be registered: an unborn
// child's lasts 48 weeks at most, and none overlaps with another of the same
// kind that the authority holds.
func (s *Service) EndPlan(ctx context.Context, c *identity.Caller, q *Ending) (*Ended, error) {
	check := checker{form: requestForms, today: s.today()}
	end, reason := check.ending(q)
	a := act{caller: c, action: policy.EndPlan, own: true, request: q.Request, check: check.err()}
	var out Ended
	if a.check == nil && s.decide(&a).Allowed {
		s.fetchKeyOf(ctx, c.Organisation, q.PlanID)
	}
	err := s.once(ctx, doTimeout, a, q.content(), &out, func(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
		own, about, err := s.ownPlan(ctx, tx, c.Organisation, q.PlanID)
		if err != nil {
			return err
		}
		e.Subject, e.Restricted = s.subject(about.person.NHSNumber), about.row.Restricted
		if err := s.end(ctx, tx, own, about, q.Version, end, reason); err != nil {
			return err
		}
		out = Ended{Version: own.row.Version, VisibleUntil: own.visibleUntil()}
		e.Disclosed = []audit.Disclosed{{Plan: own.row.ID.String(), Version: own.row.Version}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// ending reads the texts of an Ending.
func (c *checker) ending(q *Ending) (Date, string) {
	if q.Version < 1 {
		c.add("version", "must be the version of the plan that you saw", "1")
	}
	end := c.day("end", q.End)
	if q.End == "" {
		c.add("end", problemRequired, exampleDay)
	}
	reason := c.requiredText("reason", q.Reason, maxReasonLength, exampleReason)
	c.end(&Details{}, end)
	return end, reason
}

// fetchKeyOf is fetchKey for the person whom a plan of an authority is about.
func (s *Service) fetchKeyOf(ctx context.Context, authority, plan string) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	row, err := findPlan(ctx, s.db.Plan, authority, plan)
	if err != nil {
		return
	}
	about, err := findAbout(ctx, s.db.Persons, row.Person)
	if err == nil {
		_ = s.unwrapKeys(ctx, []*held{about})
	}
}

// ownPlan finds and opens a plan of an authority, and locks whom it is about,
// with all plans of that authority that are not errors. own is one of them, or
// an error itself.
func (s *Service) ownPlan(ctx context.Context, tx *store.Tx, authority, id string) (own *ownPlan, about *held, err error) {
	row, err := findPlan(ctx, tx.Plan, authority, id)
	if err != nil {
		return nil, nil, err
	}
	if about, err = findAbout(ctx, tx.LockPersons, row.Person); err != nil {
		return nil, nil, err
	}
	plans, err := tx.PlansOf(ctx, []uuid.UUID{row.Person}, authority)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plans {
		if p.ID == row.ID {
			own = &ownPlan{row: p} // as it is now that the person is locked
		}
		if !p.Removed {
			about.plans = append(about.plans, ownPlan{row: p})
		}
	}
	if own == nil {
		return nil, nil, ErrNotFound
	}
	if err := s.unwrapKeys(ctx, []*held{about}); err != nil {
		return nil, nil, err
	}
	if about.person, err = openPerson(about.key, &about.row); err != nil {
		return nil, nil, s.damaged("person")
	}
	return own, about, errors.Join(s.openOwn(about.key, own), s.openPlans(about))
}

// findPlan finds a plan of an authority. A plan of another is not found, like
// one that does not exist, before anything else is read of it.
func findPlan(
	ctx context.Context, find func(context.Context, uuid.UUID) (store.PlanRow, error), authority, id string,
) (store.PlanRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return store.PlanRow{}, ErrNotFound
	}
	row, err := find(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Authority != authority {
		return store.PlanRow{}, ErrNotFound
	}
	return row, err
}

// findAbout finds a person who was not erased.
func findAbout(
	ctx context.Context, find func(context.Context, []uuid.UUID) ([]store.PersonRow, error), id uuid.UUID,
) (*held, error) {
	rows, err := find(ctx, []uuid.UUID{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].WrappedKey == "" {
		return nil, ErrNotFound
	}
	return &held{row: rows[0]}, nil
}

// end makes the version of a plan that closes it.
func (s *Service) end(
	ctx context.Context, tx *store.Tx, own *ownPlan, about *held, version int, last Date, reason string,
) error {
	today := s.today()
	switch {
	case own.row.Version != version:
		return &StaleError{Current: own.row.Version}
	case own.row.Removed, own.ended(today):
		return ErrState
	}
	check := checker{today: today}
	if check.end(&own.Details, last); len(check.violations) > 0 {
		return check.err()
	}
	own.End, own.EndReason = last, reason
	if p := about.overlapping(&own.Details, own.row.ID); p != nil {
		check.add("end", "makes it overlap with "+p.name()+" of the same kind: choose an earlier day, or correct that one first", "")
		return check.err()
	}
	own.row.Version++
	own.row.At = s.moment()
	if err := sealOwn(about.key, own); err != nil {
		return err
	}
	return tx.UpdatePlans(ctx, []store.PlanRow{own.row})
}
