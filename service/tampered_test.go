package service_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/person"
	"cpis/service/plan"
)

// tampering is an UPDATE by whoever owns the database, of the row of a person,
// tag, plan or authority, and what look-ups may still say.
type tampering struct {
	name, sql  string // $1 is the person's tag, $2 the older plan
	restricted bool   // the person is
	verdict    lookup.Verdict
	hubOnly    bool // nothing but the hub's number
}

const (
	ofPerson  = ` WHERE id = (SELECT person_id FROM cpis.person_tag WHERE tag = $1)`
	ofPlans   = ` WHERE person_id = (SELECT person_id FROM cpis.person_tag WHERE tag = $1)`
	ofOlder   = ` WHERE id = $2`
	elsewhere = `(SELECT person_id FROM cpis.person_tag WHERE tag <> $1 LIMIT 1)`
)

var tamperings = []tampering{
	{name: "a hidden family is shown", sql: `UPDATE cpis.person SET restricted = false` + ofPerson, restricted: true, verdict: lookup.FlagHeld, hubOnly: true},
	{name: "somebody is hidden", sql: `UPDATE cpis.person SET restricted = true` + ofPerson, verdict: lookup.FlagHeld, hubOnly: true},
	{name: "another version", sql: `UPDATE cpis.person SET version = version + 1` + ofPerson, verdict: lookup.FlagHeld, hubOnly: true},
	{name: "another person's MAC", sql: `UPDATE cpis.person SET mac = (SELECT mac FROM cpis.person WHERE id = ` + elsewhere + `)` + ofPerson, verdict: lookup.FlagHeld, hubOnly: true},
	{name: "the tag leads elsewhere", sql: `UPDATE cpis.person_tag SET person_id = ` + elsewhere + ` WHERE tag = $1`, verdict: lookup.CannotSay, hubOnly: true},
	{name: "plans are another authority's", sql: `UPDATE cpis.plan SET authority = 'E06000001'` + ofPlans, verdict: lookup.CannotSay, hubOnly: true},
	{name: "plans are over", sql: `UPDATE cpis.plan SET visible_until = '2020-01-01'` + ofPlans, verdict: lookup.CannotSay, hubOnly: true},
	{name: "plans were errors", sql: `UPDATE cpis.plan SET removed = true` + ofPlans, verdict: lookup.CannotSay, hubOnly: true},
	{name: "plans are about somebody else", sql: `UPDATE cpis.plan SET person_id = ` + elsewhere + ofPlans, verdict: lookup.CannotSay, hubOnly: true},
	{name: "one plan was an error", sql: `UPDATE cpis.plan SET removed = true` + ofOlder, verdict: lookup.FlagHeld},
	{name: "one plan is over", sql: `UPDATE cpis.plan SET visible_until = '2020-01-01'` + ofOlder, verdict: lookup.FlagHeld},
	{name: "one plan is another authority's", sql: `UPDATE cpis.plan SET authority = 'E06000001'` + ofOlder, verdict: lookup.FlagHeld},
	{name: "one plan is offered", sql: `UPDATE cpis.plan SET transfer_to = 'E06000001'` + ofOlder, verdict: lookup.FlagHeld},
	{name: "a stranger's duty number", sql: `UPDATE cpis.authority SET duty_phone = '0900 666 6666', office_phone = '0900 666 6666' WHERE gss_code = '` + islington + `'`, verdict: lookup.FlagHeld},
	{name: "another authority's name", sql: `UPDATE cpis.authority SET name = 'Nowhere' WHERE gss_code = '` + islington + `'`, verdict: lookup.FlagHeld},
	{name: "other hours", sql: `UPDATE cpis.authority SET office_hours = 'Sun 00:00-24:00' WHERE gss_code = '` + islington + `'`, verdict: lookup.FlagHeld},
}

// Whatever one UPDATE turns, no answer is made of it: a flag never becomes "no
// flag", a hidden family stays hidden, and nobody is given a stranger's number.
// So it is while the keeper is away.
func TestTampering_MakesNoAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range tamperings {
		for _, away := range []bool{false, true} {
			name := c.name
			if away {
				name += ", keeper away"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f, older, _ := newDamage(t, c.restricted)
				f.ForgetKeys()
				f.Tamper(c.sql, f.Tag(damaged), older.PlanID)
				f.Keeper.TakeAway(away)
				before := f.Damaged.Load()
				c.check(t, f, f.MustLookUp(nurse, unscheduled(damaged)))
				if f.Damaged.Load() == before {
					t.Error("nobody was woken")
				}
			})
		}
	}
}

func (c *tampering) check(t *testing.T, f *fixture, a *lookup.Answer) {
	t.Helper()
	if a.Verdict != c.verdict || (a.Verdict == lookup.CannotSay) != (a.Reason == lookup.RecordDamaged) {
		t.Errorf("got %s %s, want %s", a.Verdict, a.Reason, c.verdict)
	}
	if a.Verdict == lookup.FlagHeld && !a.Degraded {
		t.Error("the answer does not say that something is missing")
	}
	contacts := a.Contacts
	for _, p := range a.Plans {
		contacts = append(contacts, p.Contact)
	}
	hub := false
	for _, contact := range contacts {
		hub = hub || contact.RingNow.Number == hubPhone
		if strings.HasPrefix(contact.RingNow.Number, "0900") || strings.HasPrefix(contact.Name, "Nowhere") || contact.Authority.GSS == "E06000001" {
			t.Errorf("shows what was put in: %+v", contact)
		}
	}
	if !hub {
		t.Errorf("the hub is not among the contacts: %+v", contacts)
	}
	if c.hubOnly {
		onlyHub(t, c.name, a)
		if len(a.Plans) != 0 || len(a.History) != 0 {
			t.Errorf("shows %+v", a)
		}
	}
	for _, authority := range []string{"E06000001", "E06000002"} {
		if n := f.NoticesTo(authority); len(n) != 0 {
			t.Errorf("%s, which has nothing to do with it, was told", authority)
		}
	}
}

// A MAC that was taken away is not one that was never made.
func TestTampering_RowsWithoutMAC(t *testing.T) {
	t.Parallel()
	f, _, _ := newDamage(t, true)
	f.Exec(`ALTER TABLE cpis.person DROP CONSTRAINT person_mac_check`)
	f.Exec(`UPDATE cpis.person SET restricted = false, mac = NULL`)
	a := f.MustLookUp(nurse, unscheduled(damaged))
	if a.Verdict != lookup.FlagHeld || !a.Restricted || !a.Degraded {
		t.Errorf("got %+v, want a restricted flag", a)
	}
	onlyHub(t, "without a MAC", a)
	left, err := operatorOf(f, 0).EnsureMACs(t.Context())
	if err != nil || len(left) == 0 || left[0].Table != "person" {
		t.Errorf("making it anew: got %v, %v; want the persons named, and left as they are", left, err)
	}
	if a := f.MustLookUp(nurse, unscheduled(damaged)); !a.Restricted || !a.Degraded {
		t.Errorf("afterwards: got %+v, want a restricted flag", a)
	}
}

// What an older version of the program wrote gets its MACs once, with an entry.
func TestEnsureMACs_OfRowsFromBefore(t *testing.T) {
	t.Parallel()
	f, _, _ := newDamage(t, false)
	f.EachGuarded(`ALTER TABLE cpis.%[1]s DROP CONSTRAINT %[1]s_mac_check`)
	f.EachGuarded(`UPDATE cpis.%s SET mac = NULL`)
	if a := f.MustLookUp(nurse, unscheduled(damaged)); a.Verdict != lookup.CannotSay {
		t.Errorf("before: got %s, want %s", a.Verdict, lookup.CannotSay)
	}
	admin := operatorOf(f, 0)
	for range 2 {
		if left, err := admin.EnsureMACs(t.Context()); err != nil || len(left) != 0 {
			t.Fatalf("EnsureMACs: %v, %v", left, err)
		}
	}
	made := 0
	for _, e := range f.Entries() {
		if e.Rule == "make_row_macs" {
			made++
			if e.Counts["rows"] < 150 {
				t.Errorf("entry says %v rows, want all", e.Counts["rows"])
			}
		}
	}
	if made != 1 {
		t.Errorf("%d entries of it, want one", made)
	}
	if a := f.MustLookUp(nurse, unscheduled(damaged)); a.Verdict != lookup.FlagHeld || a.Degraded || len(a.Plans) != 2 {
		t.Errorf("after: got %+v, want the flag", a)
	}
}

// Who proposed something cannot be made somebody else, so that one person is two.
func TestTampering_ProposedBySomebodyElse(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	id := f.MustPropose(lead, &person.ProposeChangeRequest{Kind: person.Restrict, NHSNumber: damaged, Reason: "x"})
	f.Exec(`UPDATE cpis.proposal SET proposed_by = 'somebody'`)
	_, err := f.DecideChange(t.Context(), lead, &person.DecideChangeRequest{ChangeID: id, Decision: domain.Accept, Reason: "x"})
	if !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("got %v, want %v", err, guard.ErrDamaged)
	}
}

// A class that was changed gives nobody rights: the directory is not refreshed.
func TestTampering_ClassOfAnOrganisation(t *testing.T) {
	t.Parallel()
	f := newService(t)
	d, err := directory.OpenDirectory(t.Context(), f.DB)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := d.Class(practice)
	f.Exec(`UPDATE cpis.organisation SET class = 'operator' WHERE code = $1`, practice)
	if err := d.Refresh(t.Context()); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("got %v, want %v", err, guard.ErrDamaged)
	}
	if got, _ := d.Class(practice); got != want || f.Damaged.Load() == 0 {
		t.Errorf("class is %v, with %d reports", got, f.Damaged.Load())
	}
}

// Whoever handed a plan over is not shown what was recorded since, whichever
// time or version is changed.
func TestTampering_WhatWasKnownLast(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"of the person":        `UPDATE cpis.person_version SET changed_at = '2020-01-01' WHERE version = 2`,
		"of the plan":          `UPDATE cpis.plan_version SET changed_at = '2030-01-01' WHERE version = 3`,
		"version of the plan":  `UPDATE cpis.plan_version SET version = 7 WHERE version = 3`,
		"whose the version is": `UPDATE cpis.plan_version SET authority = '` + islington + `' WHERE version = 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			offered := f.MustTransfer(f.MustRegister(lead, under(oldNumber)))
			f.Clock.Advance(time.Hour)
			f.MustSettle(otherLead, offered, domain.Accept)
			f.Clock.Advance(time.Hour)
			if _, err := f.ReplaceNHSNumber(t.Context(), otherLead, replacement(oldNumber, newNumber)); err != nil {
				t.Fatal(explain(err))
			}
			f.Exec(sql)
			page, err := f.ListTransfers(t.Context(), lead, &plan.TransferQuery{})
			switch {
			case errors.Is(err, guard.ErrDamaged):
			case err != nil:
				t.Errorf("got %v, want %v", err, guard.ErrDamaged)
			case len(page.Transfers) > 0 && page.Transfers[0].Person.NHSNumber.Reveal() == newNumber:
				t.Errorf("shows %+v", page.Transfers)
			}
		})
	}
}
