package directory

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/text"
)

const (
	maxHoursLength = 200
)

// Numbers are the numbers of an authority, as texts.
type Numbers struct {
	Office string // number in office hours; may be empty
	Hours  string // when that is answered, as ParseHours reads it; empty only without it
	Duty   string // number of the emergency duty team
}

// GetContactsRequest asks for the numbers of the caller's authority.
type GetContactsRequest struct {
	Request string // request id
}

// OwnContacts are the numbers of the caller's authority.
type OwnContacts struct {
	guard.Receipt

	Authority domain.Authority
	Contacts  Numbers
	Version   int            // 0 if nobody has given any yet
	Confirmed time.Time      // when somebody last said that they are right; zero if nobody has
	Overdue   bool           // that was too long ago
	Shown     domain.Contact // how a look-up shows them now
}

// SetContactsRequest changes the numbers of the caller's authority. Its texts are
// as the caller sent them.
type SetContactsRequest struct {
	Contacts Numbers
	Version  int    // that the caller saw
	Request  string `json:"-"` // request id
}

// ConfirmContactsRequest says that the numbers of the caller's authority are right.
type ConfirmContactsRequest struct {
	Version int    // that the caller saw
	Request string `json:"-"` // request id
}

// SetContactsResult is the answer to a change or confirmation of numbers.
type SetContactsResult struct {
	guard.Receipt `json:"-"`

	Version int
}

// GetContacts returns the numbers of the caller's authority. Its own error is
// ErrNotFound.
func (s *Contacts) GetContacts(ctx context.Context, c *identity.Caller, q *GetContactsRequest) (*OwnContacts, error) {
	a := guard.Act{Caller: c, Action: policy.ReadContacts, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*OwnContacts, error) {
		row, err := tx.Directory.Authority(ctx, c.Organisation)
		if err != nil {
			return nil, err
		}
		return s.ownContacts(&row), nil
	})
}

// ownContacts returns the numbers of an authority as it sees them.
func (s *Contacts) ownContacts(row *store.AuthorityRow) *OwnContacts {
	now := s.clock.Now()
	o := &OwnContacts{
		Authority: domain.Authority{GSS: row.GSS, DfE: row.DfE, Name: row.Name},
		Contacts:  Numbers{row.OfficePhone, row.OfficeHours, row.DutyPhone},
		Version:   row.ContactVersion,
		Overdue:   true,
		Shown:     ContactOf(row, s.hub, now),
	}
	if row.ConfirmedAt != nil {
		o.Confirmed = *row.ConfirmedAt
		o.Overdue = now.Sub(o.Confirmed) > domain.ConfirmedFor
	}
	return o
}

// SetContacts changes the numbers of the caller's authority, and so confirms
// them. Look-ups show them from then on. Its own errors are *StaleError and
// ErrNotFound.
func (s *Contacts) SetContacts(ctx context.Context, c *identity.Caller, q *SetContactsRequest) (*SetContactsResult, error) {
	var check domain.Reader
	right := q.Contacts.read(&check, "contacts.")
	a := guard.Act{Caller: c, Action: policy.SetContacts, Own: true, Request: q.Request, Asks: q, Check: check.Err()}
	return s.keepContacts(ctx, a, q.Version, func(ctx context.Context, tx *store.Tx, _ *store.AuthorityRow) error {
		return tx.Directory.SetContact(ctx, c.Organisation, right.Office, right.Hours, right.Duty, s.clock.Moment())
	})
}

// ConfirmContacts says that the numbers of the caller's authority are still
// right. The errors are those of SetContacts, or ErrState if there are none.
func (s *Contacts) ConfirmContacts(ctx context.Context, c *identity.Caller, q *ConfirmContactsRequest) (*SetContactsResult, error) {
	a := guard.Act{Caller: c, Action: policy.SetContacts, Own: true, Request: q.Request, Asks: q}
	return s.keepContacts(ctx, a, q.Version, func(ctx context.Context, tx *store.Tx, row *store.AuthorityRow) error {
		if row.DutyPhone == "" {
			return &guard.StateError{Problem: "there are no numbers to confirm yet: set them first"}
		}
		return tx.Directory.ConfirmContact(ctx, c.Organisation, s.clock.Moment())
	})
}

// keepContacts runs keep on the caller's authority, if its numbers have the
// version that the caller saw.
func (s *Contacts) keepContacts(
	ctx context.Context, a guard.Act, version int, keep func(context.Context, *store.Tx, *store.AuthorityRow) error,
) (*SetContactsResult, error) {
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*SetContactsResult, error) {
		row, err := tx.Directory.LockAuthority(ctx, a.Caller.Organisation)
		if err != nil {
			return nil, err
		}
		if row.ContactVersion != version {
			return nil, &guard.StaleError{Current: row.ContactVersion}
		}
		if err := keep(ctx, tx, &row); err != nil {
			return nil, err
		}
		kept, err := tx.Directory.Authority(ctx, a.Caller.Organisation)
		e.Counts = audit.Counts{"version": int64(kept.ContactVersion)}
		return &SetContactsResult{Version: kept.ContactVersion}, err
	})
}

// read reads the numbers of an authority. The result has them as they are
// shown.
func (q Numbers) read(c *domain.Reader, prefix string) Numbers {
	right := Numbers{
		Office: readPhone(c, prefix+"office_phone", q.Office, officePhones, domain.ExampleOffice),
		Hours:  c.Text(prefix+"office_hours", q.Hours, maxHoursLength, exampleHours),
		Duty:   readPhone(c, prefix+"duty_phone", q.Duty, dutyPhones, exampleDuty),
	}
	if text.Blank(q.Duty) {
		c.Add(prefix+"duty_phone", domain.ProblemRequired, exampleDuty)
	}
	none := text.Blank(q.Office)
	switch hours, err := domain.ParseHours(right.Hours); {
	case err != nil:
		c.Add(prefix+"office_hours", "must name days and hours, each day once", exampleHours)
	case none && hours != domain.Hours{}:
		c.Add(prefix+"office_phone", "is required with office hours", domain.ExampleOffice)
	case !none && hours == domain.Hours{}:
		c.Add(prefix+"office_hours", "is required with an office number", exampleHours)
	case none:
		right.Hours = "" // nothing but separators
	}
	return right
}
