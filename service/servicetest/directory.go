package servicetest

import (
	"github.com/jackc/pgx/v5"

	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/identity"
)

// MustGetContacts returns the numbers of the caller's authority.
func (f *contactSteps) MustGetContacts(c *identity.Caller) *directory.OwnContacts {
	f.TB.Helper()
	out, err := f.GetContacts(f.TB.Context(), c, &directory.GetContactsRequest{})
	if err != nil {
		f.TB.Fatalf("GetContacts: %s", Explain(err))
	}
	return out
}

// RingNow is what a look-up says whom to ring about somebody.
func (f *contactSteps) RingNow(number string) domain.Contact {
	f.TB.Helper()
	plans := f.all.MustLookUp(Nurse, Unscheduled(number)).Plans
	if len(plans) != 1 {
		f.TB.Fatalf("look-up shows %d plans, want 1", len(plans))
	}
	return plans[0].Contact
}

// Reminders are whom notices about unconfirmed numbers are for, the oldest
// first.
func (f *contactSteps) Reminders() []string {
	f.TB.Helper()
	var to []string
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		rows, err := conn.Query(f.TB.Context(),
			`SELECT authority FROM cpis.notice WHERE kind = 'contacts_unconfirmed' AND person_id IS NULL ORDER BY entry, authority`)
		if err == nil {
			to, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	return to
}

// MustRemind reminds authorities, and expects so many to be told.
func (f *contactSteps) MustRemind(want int) {
	f.TB.Helper()
	if told, err := f.Remind(f.TB.Context()); err != nil || told != want {
		f.TB.Errorf("Remind at %v: told %d, %v, want %d", f.Clock.Now(), told, err, want)
	}
}
