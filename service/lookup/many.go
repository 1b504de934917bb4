package lookup

import (
	"context"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// ItemAnswer is what became of one person of a clinic list: an answer, or what
// is wrong with the item.
type ItemAnswer struct {
	Answer  *Answer
	Invalid *domain.InvalidError
}

// ListAnswer is the answer to a clinic list. Each of its items has a receipt of
// its own.
type ListAnswer struct {
	Items []ItemAnswer // in the order of the list
}

// maxItems is the longest clinic list.
const maxItems = 200

// LookUpMany answers a clinic list, one look-up and one entry for each person.
// It is for expected patients only: any other mode is refused. Either every
// item has its answer, or there is an error and none is disclosed; their
// entries stand all the same.
func (s *LookUps) LookUpMany(ctx context.Context, c *identity.Caller, list *ClinicList) (*ListAnswer, error) {
	if list.Mode == policy.Unspecified {
		list.Mode = policy.Scheduled
	}
	if err := s.admitList(ctx, c, list); err != nil {
		return nil, err
	}
	ls := make([]*lookup, len(list.Items))
	for i, item := range list.Items {
		ls[i] = s.newLookup(ctx, c, &Question{
			NHSNumber:   item.NHSNumber,
			DateOfBirth: item.DateOfBirth,
			Mode:        list.Mode,
			Encounter:   domain.Encounter{ID: item.EncounterID, Setting: list.Setting},
			Purpose:     list.Purpose,
			Responsible: list.Responsible,
			Request:     list.Request,
		}, policy.LookUpMany)
	}
	if err := s.group.submit(ctx, ls...); err != nil {
		return nil, err
	}
	return answersOf(ctx, ls)
}

// admitList refuses a list as a whole, with one entry that says so.
func (s *LookUps) admitList(ctx context.Context, c *identity.Caller, list *ClinicList) error {
	d := s.policy.Decide(policy.Request{
		Roles: c.Roles, Class: c.Class, Action: policy.LookUpMany, Mode: list.Mode, Assurance: c.Assurance,
	})
	var check domain.Reader
	if n := len(list.Items); n == 0 || n > maxItems {
		check.Add("items", "must be 1 to 200 people", "")
	}
	check.Responsible("responsible_person", list.Responsible)
	domain.NeedResponsible(c.System, list.Responsible, &check.Violations)
	verdict := check.Err()
	if !d.Allowed {
		verdict = guard.Denied(d)
	}
	if verdict == nil {
		return nil
	}
	e := guard.Entry(c, policy.LookUpMany, list.Request)
	guard.Decided(&e, s.policy, d)
	e.Setting = string(list.Setting)
	return s.Record(ctx, &e, verdict)
}

// answersOf waits for all look-ups of a list.
func answersOf(ctx context.Context, ls []*lookup) (*ListAnswer, error) {
	answers := make([]ItemAnswer, len(ls))
	for i, l := range ls {
		a, err := l.wait(ctx)
		invalid, ok := err.(*domain.InvalidError) //nolint:errorlint // never wrapped: it is the item's own verdict
		switch {
		case err == nil:
			answers[i].Answer = a
		case ok:
			answers[i].Invalid = invalid
		default:
			return nil, err
		}
	}
	return &ListAnswer{Items: answers}, nil
}
