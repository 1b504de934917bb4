package directory_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cpis/audit"
	"cpis/service"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// newNumbers are right, and not those of the fixture.
var newNumbers = directory.Numbers{Office: "020 7946 0101", Hours: "Mon-Fri 08:00-18:00", Duty: "0300 123 4567"}

func setting(version int) *directory.SetContactsRequest {
	return &directory.SetContactsRequest{Contacts: newNumbers, Version: version}
}

func TestSetContacts_LookUpsShowThemAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	number := rightCPP().NHSNumber
	other := f.Another() // knows nothing of what this one is told
	if got := f.RingNow(number).RingNow.Number; got != officePhone {
		t.Fatalf("before: ring %q, want %q", got, officePhone)
	}
	version := f.MustGetContacts(lead).Version
	kept, err := f.SetContacts(t.Context(), lead, setting(version))
	if err != nil || kept.Version != version+1 {
		t.Fatalf("SetContacts: got %+v, %s, want version %d", kept, explain(err), version+1)
	}
	want := domain.Contact{
		Authority: domain.Authority{GSS: islington, DfE: "206", Name: "Islington"}, Name: "Islington children's services",
		Office:  domain.Phone{Number: newNumbers.Office, Hours: newNumbers.Hours},
		Duty:    domain.Phone{Number: newNumbers.Duty, Hours: "outside office hours"},
		RingNow: domain.RingNow{Number: newNumbers.Office, Who: "office", Until: noon.Add(6 * time.Hour)},
	}
	same := cmp.Comparer(time.Time.Equal)
	for name, s := range map[string]*service.Service{"this server": f.Service, "another server": other} {
		got, err := s.LookUps.LookUp(t.Context(), nurse, unscheduled(number))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Plans[0].Contact, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	shown := f.MustGetContacts(lead)
	if diff := cmp.Diff(want, shown.Shown, same); diff != "" {
		t.Errorf("GetContacts shows (-want +got):\n%s", diff)
	}
	if shown.Contacts != newNumbers || shown.Version != kept.Version || !shown.Confirmed.Equal(noon) || shown.Overdue {
		t.Errorf("GetContacts: got %+v", shown)
	}
}

func TestSetContacts_EntryNamesVersionAndNoNumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	version := f.MustGetContacts(lead).Version
	if e := f.LastEntry(); e.Action != "read_contacts" || e.Rule != "N6" || e.Outcome != "done" {
		t.Errorf("entry of reading: got %+v", e)
	}
	kept, err := f.SetContacts(t.Context(), lead, setting(version))
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Policy: e.Policy, Assurance: 3, Actor: "lead", Client: "test-client", Issuer: "https://issuer.example", Organisation: islington,
		Role: "safeguarding_lead", Action: "set_contacts", Outcome: "done", Rule: "N7",
		Counts: audit.Counts{"version": int64(kept.Version)},
	}
	if diff := cmp.Diff(want, e, cmpopts.IgnoreFields(audit.Entry{}, "Time", "Salt")); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if leaf := audit.LeafHash(e.AppendLine(nil)); kept.Leaf != leaf {
		t.Errorf("receipt: got leaf %x, want %x", kept.Leaf, leaf)
	}
}

func TestSetContacts_RefusesWhatNobodyCouldRing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for _, tt := range []struct {
		name   string
		change func(*directory.Numbers)
		want   []string // fields
	}{
		{"nothing", func(c *directory.Numbers) { *c = directory.Numbers{} }, []string{"duty_phone"}},
		{"no emergency duty team", func(c *directory.Numbers) { c.Duty = "" }, []string{"duty_phone"}},
		{"an office without hours", func(c *directory.Numbers) { c.Hours = "" }, []string{"office_hours"}},
		{"hours without an office", func(c *directory.Numbers) { c.Office = "" }, []string{"office_phone"}},
		{"a mobile in the office", func(c *directory.Numbers) { c.Office = "07400 123456" }, []string{"office_phone"}},
		{"a premium number", func(c *directory.Numbers) { c.Duty = "0906 123 4567" }, []string{"duty_phone"}},
		{"a service number", func(c *directory.Numbers) { c.Office = "0845 123 4567" }, []string{"office_phone"}},
		{"a personal number", func(c *directory.Numbers) { c.Duty = "070 1234 5678" }, []string{"duty_phone"}},
		{"a digit short", func(c *directory.Numbers) { c.Office = "020 7946 010" }, []string{"office_phone"}},
		{"another country's", func(c *directory.Numbers) { c.Duty = "+33 1 23 45 67 89" }, []string{"duty_phone"}},
		{"Jersey's", func(c *directory.Numbers) { c.Duty = "01534 123456" }, []string{"duty_phone"}},
		{"letters for keys", func(c *directory.Numbers) { c.Duty = "0800 SAFEKID" }, []string{"duty_phone"}},
		{"words", func(c *directory.Numbers) { c.Duty = "ask the switchboard" }, []string{"duty_phone"}},
		{"two numbers", func(c *directory.Numbers) { c.Duty = "020 7946 0101 or 020 7946 0102" }, []string{"duty_phone"}},
		{"an emergency number", func(c *directory.Numbers) { c.Duty = "999" }, []string{"duty_phone"}},
		{"unreadable hours", func(c *directory.Numbers) { c.Hours = "nine to five" }, []string{"office_hours"}},
		{"a day twice", func(c *directory.Numbers) { c.Hours = "Mon-Fri 09:00-17:00; Fri 09:00-16:00" }, []string{"office_hours"}},
		{"a line break", func(c *directory.Numbers) { c.Office = "020 7946\n0101" }, []string{"office_phone"}},
		{"all of it", func(c *directory.Numbers) { *c = directory.Numbers{Office: "1", Hours: "2", Duty: "3"} }, []string{"office_phone", "duty_phone", "office_hours"}},
	} {
		q := setting(f.MustGetContacts(lead).Version)
		tt.change(&q.Contacts)
		_, err := f.SetContacts(t.Context(), lead, q)
		invalid, ok := errors.AsType[*domain.InvalidError](err)
		if !ok {
			t.Errorf("%s: got %v, want *InvalidError", tt.name, err)
			continue
		}
		var fields []string
		for _, v := range invalid.Violations {
			fields = append(fields, strings.TrimPrefix(v.Field, "contacts."))
			if v.Example == "" || !strings.HasPrefix(v.Field, "contacts.") {
				t.Errorf("%s: got %+v", tt.name, v)
			}
		}
		if diff := cmp.Diff(tt.want, fields); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", tt.name, diff)
		}
		if e := f.LastEntry(); e.Action != "set_contacts" || e.Outcome != "invalid" {
			t.Errorf("%s: entry %s, %s", tt.name, e.Action, e.Outcome)
		}
	}
}

func TestSetContacts_KeepsNumbersAsTheyAreDialled(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for written, want := range map[string]string{
		"+44 (0)20 7946 0102":  "020 7946 0102",
		"02079460102":          "020 7946 0102",
		"0044 161 496 0123":    "0161 496 0123",
		" 0300-123-4567 ":      "0300 123 4567",
		"0800 1111":            "0800 1111",
		"07400123456":          "07400 123456", // whoever is on duty may carry one
		"020 7946 0102 ext 12": "020 7946 0102 x12",
		"056 1234 5678":        "056 1234 5678",
	} {
		q := setting(f.MustGetContacts(lead).Version)
		q.Contacts = directory.Numbers{Duty: written}
		if _, err := f.SetContacts(t.Context(), lead, q); err != nil {
			t.Errorf("%q: %s", written, explain(err))
			continue
		}
		if got := f.MustGetContacts(lead).Contacts; got != (directory.Numbers{Duty: want}) {
			t.Errorf("%q: kept as %+v, want %q", written, got, want)
		}
	}
}

func TestContacts_BelongToTheirAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	before := f.MustGetContacts(otherLead)
	if before.Version != 0 || !before.Confirmed.IsZero() || !before.Overdue || before.Shown.RingNow.Number != hubPhone {
		t.Errorf("of an authority without numbers: got %+v", before)
	}
	if _, err := f.SetContacts(t.Context(), lead, setting(f.MustGetContacts(lead).Version)); err != nil {
		t.Fatal(explain(err))
	}
	if got := f.MustGetContacts(otherLead); got.Version != 0 || got.Contacts != (directory.Numbers{}) {
		t.Errorf("another authority's: got %+v", got)
	}
	confirm := &directory.ConfirmContactsRequest{}
	if _, err := f.ConfirmContacts(t.Context(), otherLead, confirm); !errors.Is(err, guard.ErrState) {
		t.Errorf("confirming no numbers: got %v, want ErrState", err)
	}
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, privacyOfficer, auditor, administrator} {
		if _, err := f.GetContacts(t.Context(), c, &directory.GetContactsRequest{}); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s gets them: %v", c.ID, err)
		}
		if _, err := f.SetContacts(t.Context(), c, setting(0)); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s sets them: %v", c.ID, err)
		}
		if _, err := f.ConfirmContacts(t.Context(), c, confirm); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s confirms them: %v", c.ID, err)
		}
	}
	f.MustGetContacts(laSystem)
	if _, err := f.SetContacts(t.Context(), laSystem, setting(2)); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a system sets them: %v", err)
	}
}

func TestSetContacts_NamesTheNewerVersion(t *testing.T) {
	t.Parallel()
	f := newService(t)
	version := f.MustGetContacts(lead).Version
	stale := func(err error) {
		t.Helper()
		s, ok := errors.AsType[*guard.StaleError](err)
		if !ok || s.Current != version {
			t.Errorf("got %v, want StaleError of %d", err, version)
		}
		if e := f.LastEntry(); e.Reason != "changed_meanwhile" {
			t.Errorf("entry: got reason %q", e.Reason)
		}
	}
	_, err := f.SetContacts(t.Context(), lead, setting(version-1))
	stale(err)
	_, err = f.ConfirmContacts(t.Context(), lead, &directory.ConfirmContactsRequest{Version: version + 1})
	stale(err)
}

func TestSetContacts_AgainWithTheSameRequestChangesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	q := setting(f.MustGetContacts(lead).Version)
	q.Request = "same"
	first, err := f.SetContacts(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	again, err := f.SetContacts(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("answers differ (-first +second):\n%s", diff)
	}
	if got := f.MustGetContacts(lead).Version; got != first.Version {
		t.Errorf("version: got %d, want %d", got, first.Version)
	}
	q.Contacts.Duty = "020 7946 0999"
	if _, err := f.SetContacts(t.Context(), lead, q); !errors.Is(err, guard.ErrReused) {
		t.Errorf("other content: got %v, want ErrReused", err)
	}
	confirm := &directory.ConfirmContactsRequest{Version: first.Version, Request: "confirm"}
	for range 2 {
		if _, err := f.ConfirmContacts(t.Context(), lead, confirm); err != nil {
			t.Errorf("ConfirmContacts: %s", explain(err))
		}
	}
}

// Of two leads who correct the same numbers one wins, and the other hears of it.
func TestSetContacts_OneOfTwoWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	servers := []*service.Service{f.Service, f.Another()}
	version := f.MustGetContacts(lead).Version
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = servers[i%2].Contacts.SetContacts(t.Context(), lead, setting(version)) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		stale, lost := errors.AsType[*guard.StaleError](err)
		switch {
		case err == nil:
			won++
		case !lost || stale.Current != version+1:
			t.Errorf("the others: got %v, want StaleError of %d", err, version+1)
		}
	}
	if won != 1 {
		t.Errorf("%d won, want 1", won)
	}
}

func TestConfirmContacts_SaysThatTheyAreRight(t *testing.T) {
	t.Parallel()
	f := newService(t)
	before := f.MustGetContacts(lead)
	f.Clock.Set(noon.AddDate(0, 0, 90))
	if f.MustGetContacts(lead).Overdue {
		t.Error("overdue on the 90th day")
	}
	f.Clock.Advance(time.Minute)
	if !f.MustGetContacts(lead).Overdue {
		t.Error("not overdue after 90 days")
	}
	kept, err := f.ConfirmContacts(t.Context(), lead, &directory.ConfirmContactsRequest{Version: before.Version})
	if err != nil || kept.Version != before.Version {
		t.Fatalf("ConfirmContacts: got %+v, %s", kept, explain(err))
	}
	after := f.MustGetContacts(lead)
	if after.Overdue || !after.Confirmed.Equal(f.Clock.Now()) || after.Contacts != before.Contacts || after.Version != before.Version {
		t.Errorf("afterwards: got %+v", after)
	}
}

func TestRemind_OnceInThirtyDaysWhileUnconfirmed(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRemind(0)
	if e := f.Entries(); len(e) > 0 {
		t.Errorf("%d entries although nobody was told", len(e))
	}
	f.Clock.Set(noon.AddDate(0, 0, 91))
	f.MustRemind(1)
	e := f.LastEntry()
	if e.Actor != "service" || e.Action != "remind_contacts" || e.Outcome != "done" || e.Organisation != islington {
		t.Errorf("entry: got %+v", e)
	}
	f.MustRemind(0)
	f.Clock.Advance(30*24*time.Hour - time.Minute)
	f.MustRemind(0)
	f.Clock.Advance(time.Minute)
	f.MustRemind(1)
	version := f.MustGetContacts(lead).Version
	if _, err := f.ConfirmContacts(t.Context(), lead, &directory.ConfirmContactsRequest{Version: version}); err != nil {
		t.Fatal(explain(err))
	}
	f.Clock.Advance(60 * 24 * time.Hour)
	f.MustRemind(0)
	f.Clock.Advance(31 * 24 * time.Hour)
	f.MustRemind(1)
	if diff := cmp.Diff([]string{islington, islington, islington}, f.Reminders()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestRemind_WhoNeverGaveNumbersOnlyWithAPlan(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(otherLead, rightCPP())
	f.MustRemind(1)
	if diff := cmp.Diff([]string{camden}, f.Reminders()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	f.Pretend(`UPDATE cpis.plan SET removed = true WHERE id = $1`, plan.PlanID)
	f.Clock.Advance(31 * 24 * time.Hour)
	f.MustRemind(0)
}

// However many servers look at once, each authority is told once.
func TestRemind_SeveralServersTellOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	servers := []*service.Service{f.Service, f.Another(), f.Another()}
	f.Clock.Set(noon.AddDate(0, 0, 91))
	var all sync.WaitGroup
	for i := range 9 {
		all.Go(func() {
			if _, err := servers[i%3].Contacts.Remind(context.WithoutCancel(t.Context())); err != nil {
				t.Errorf("Remind: %v", err)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{camden, islington}, f.Reminders(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}
