package service

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/text"
)

const (
	// confirmedFor is how long the word of an authority that its numbers are
	// right is taken for it.
	confirmedFor   = 90 * 24 * time.Hour
	maxPhoneLength = 32
	maxHoursLength = 200
)

// Contacts are the numbers of an authority, as texts.
type Contacts struct {
	Office string // number in office hours; may be empty
	Hours  string // when that is answered, as ParseHours reads it; empty only without it
	Duty   string // number of the emergency duty team
}

// OwnContacts are the numbers of the caller's authority.
type OwnContacts struct {
	Receipt

	Authority Authority
	Contacts  Contacts
	Version   int       // 0 where nobody has given any yet
	Confirmed time.Time // when somebody last said that they are right; zero where nobody has
	Overdue   bool      // that was too long ago
	Shown     Contact   // how a look-up shows them now
}

// SettingContacts changes the numbers of the caller's authority. Its texts are
// as the caller sent them.
type SettingContacts struct {
	Contacts Contacts
	Version  int    // that the caller saw
	Request  string `json:"-"` // request id
}

// ConfirmingContacts says that the numbers of the caller's authority are right.
type ConfirmingContacts struct {
	Version int    // that the caller saw
	Request string `json:"-"` // request id
}

// ContactsKept is the answer to a change or confirmation of numbers.
type ContactsKept struct {
	Receipt `json:"-"`

	Version int
}

// GetContacts gives the numbers of the caller's authority. The error is
// ErrDenied, *OverloadedError, ErrNotFound, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
func (s *Service) GetContacts(ctx context.Context, c *identity.Caller, request string) (*OwnContacts, error) {
	a := act{caller: c, action: policy.ReadContacts, own: true, request: request}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*OwnContacts, error) {
		row, err := tx.Authority(ctx, c.Organisation)
		if err != nil {
			return nil, err
		}
		return s.ownContacts(&row), nil
	})
}

// ownContacts gives the numbers of an authority as it sees them.
func (s *Service) ownContacts(row *store.AuthorityRow) *OwnContacts {
	now := s.now()
	o := &OwnContacts{
		Authority: Authority{row.GSS, row.DfE, row.Name},
		Contacts:  Contacts{row.OfficePhone, row.OfficeHours, row.DutyPhone},
		Version:   row.ContactVersion,
		Overdue:   true,
		Shown:     contactOf(row, s.hub, now),
	}
	if row.ConfirmedAt != nil {
		o.Confirmed = *row.ConfirmedAt
		o.Overdue = now.Sub(o.Confirmed) > confirmedFor
	}
	return o
}

// SetContacts changes the numbers of the caller's authority, and so confirms
// them. Look-ups show them from then on. The error is ErrDenied, *InvalidError,
// *OverloadedError, *StaleError, ErrNotFound, ErrReused, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) SetContacts(ctx context.Context, c *identity.Caller, q *SettingContacts) (*ContactsKept, error) {
	var check checker
	right := q.Contacts.read(&check, "contacts.")
	a := act{caller: c, action: policy.SetContacts, own: true, request: q.Request, asks: q, check: check.err()}
	return s.keepContacts(ctx, a, q.Version, func(ctx context.Context, tx *store.Tx, _ *store.AuthorityRow) error {
		return tx.SetAuthorityContact(ctx, c.Organisation, right.Office, right.Hours, right.Duty, s.moment())
	})
}

// ConfirmContacts says that the numbers of the caller's authority are still
// right. The error is as of SetContacts, or ErrState where there are none.
func (s *Service) ConfirmContacts(ctx context.Context, c *identity.Caller, q *ConfirmingContacts) (*ContactsKept, error) {
	a := act{caller: c, action: policy.SetContacts, own: true, request: q.Request, asks: q}
	return s.keepContacts(ctx, a, q.Version, func(ctx context.Context, tx *store.Tx, row *store.AuthorityRow) error {
		if row.DutyPhone == "" {
			return &StateError{"there are no numbers to confirm yet: set them first"}
		}
		return tx.ConfirmAuthorityContact(ctx, c.Organisation, s.moment())
	})
}

// keepContacts runs keep on the caller's authority, where its numbers have the
// version that the caller saw.
func (s *Service) keepContacts(
	ctx context.Context, a act, version int, keep func(context.Context, *store.Tx, *store.AuthorityRow) error,
) (*ContactsKept, error) {
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ContactsKept, error) {
		row, err := tx.LockAuthority(ctx, a.caller.Organisation)
		if err != nil {
			return nil, err
		}
		if row.ContactVersion != version {
			return nil, &StaleError{Current: row.ContactVersion}
		}
		if err := keep(ctx, tx, &row); err != nil {
			return nil, err
		}
		kept, err := tx.Authority(ctx, a.caller.Organisation)
		e.Counts = audit.Counts{"version": int64(kept.ContactVersion)}
		return &ContactsKept{Version: kept.ContactVersion}, err
	})
}

// read reads the numbers of an authority. The result has them as they are
// shown.
func (q Contacts) read(c *checker, prefix string) Contacts {
	right := Contacts{
		Office: readPhone(c, prefix+"office_phone", q.Office, officePhones, exampleOffice),
		Hours:  c.text(prefix+"office_hours", q.Hours, maxHoursLength, exampleHours),
		Duty:   readPhone(c, prefix+"duty_phone", q.Duty, dutyPhones, exampleDuty),
	}
	if text.Blank(q.Duty) {
		c.add(prefix+"duty_phone", problemRequired, exampleDuty)
	}
	none := text.Blank(q.Office)
	switch hours, err := ParseHours(right.Hours); {
	case err != nil:
		c.add(prefix+"office_hours", "must name days and hours, each day once", exampleHours)
	case none && hours != Hours{}:
		c.add(prefix+"office_phone", "is required where there are office hours", exampleOffice)
	case !none && hours == Hours{}:
		c.add(prefix+"office_hours", "is required with an office number", exampleHours)
	case none:
		right.Hours = "" // nothing but separators
	}
	return right
}
