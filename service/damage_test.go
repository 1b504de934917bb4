package service_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/plan"
)

// The people of these tests. The first has plans of two authorities.
const (
	damaged = "9990000018"
)

// newDamage makes a fixture with a person who has an older plan of Islington
// and a newer one of Camden, and with somebody else who has one of Camden.
func newDamage(t *testing.T, restricted bool) (f *fixture, older, newer *plan.RegisterPlanResult) {
	t.Helper()
	f = newService(t)
	change := func(r *domain.Registration) { r.Restricted = restricted }
	older = f.MustRegister(lead, with(rightCPP(), change))
	newer = f.MustRegister(otherLead, with(with(rightLAC(), change), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = another }))
	return f, older, newer
}

// ownerOf is SQL that returns the person whom a tag, a parameter, names.
func ownerOf(parameter string) string {
	return "(SELECT person_id FROM cpis.person_tag WHERE tag = " + parameter + ")"
}

// authorities returns whose contacts these are; nothing for the hub's.
func authorities(contacts []domain.Contact) []string {
	all := make([]string, len(contacts))
	for i, c := range contacts {
		all[i] = c.Authority.GSS
	}
	return all
}

// An index that points at somebody else never makes an answer about them: the
// service cannot say, and nobody is told of an access that was none.
func TestDamage_TagOfAnotherPerson(t *testing.T) {
	t.Parallel()
	f, _, _ := newDamage(t, false)
	free := make([]byte, 32)
	for _, step := range [][2][]byte{{f.Tag(damaged), free}, {f.Tag(another), f.Tag(damaged)}, {free, f.Tag(another)}} {
		f.Exec(`UPDATE cpis.person_tag SET tag = $2 WHERE tag = $1`, step[0], step[1])
	}
	for i, number := range []string{damaged, another} {
		a := f.MustLookUp(nurse, unscheduled(number))
		if a.Verdict != lookup.CannotSay || a.Reason != lookup.RecordDamaged {
			t.Errorf("%s: got %s %s, want %s %s", number, a.Verdict, a.Reason, lookup.CannotSay, lookup.RecordDamaged)
		}
		onlyHub(t, number, a)
		if len(a.Plans) != 0 || len(a.History) != 0 || a.IdentityChecked || a.Restricted {
			t.Errorf("%s: shows something of somebody else: %+v", number, a)
		}
		if got := f.Damaged.Load(); got != int64(i+1) {
			t.Errorf("%s: damage was reported %d times, want %d", number, got, i+1)
		}
		e := f.LastEntry()
		if e.Outcome != "cannot_say" || e.Reason != "record_damaged" || e.Disclosed != nil || e.Degraded ||
			string(e.Subject) != string(f.Tag(number)) {
			t.Errorf("%s: entry %+v", number, e)
		}
	}
	for _, authority := range []string{islington, camden} {
		if n := f.NoticesTo(authority); len(n) != 0 {
			t.Errorf("%s was told of %d accesses", authority, len(n))
		}
	}
}

// overwritings are ways to spoil a person so that no details open any more.
// Each takes the tags of the person and of somebody else.
var overwritings = []struct{ name, sql string }{
	{"details emptied", `UPDATE cpis.person SET sealed = '' WHERE id = ` + ownerOf("$1")},
	{"details with one bit changed", `
		UPDATE cpis.person SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)
		WHERE id = ` + ownerOf("$1")},
	{"details cut", `UPDATE cpis.person SET sealed = substr(sealed, 1, 20) WHERE id = ` + ownerOf("$1")},
	{"another's details", `
		UPDATE cpis.person SET sealed = (SELECT sealed FROM cpis.person WHERE id = ` + ownerOf("$2") + `)
		WHERE id = ` + ownerOf("$1")},
	{"another's key", `
		UPDATE cpis.person SET wrapped_key = (SELECT wrapped_key FROM cpis.person WHERE id = ` + ownerOf("$2") + `)
		WHERE id = ` + ownerOf("$1")},
	{"a key that is none", `UPDATE cpis.person SET wrapped_key = 'gone' WHERE id = ` + ownerOf("$1")},
}

// Whatever becomes of a person's details, a flag stays a flag, with whom to
// ring, and somebody is woken. It is never an error and never "no flag".
func TestDamage_PersonStaysFlagged(t *testing.T) {
	t.Parallel()
	for _, c := range overwritings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, _, _ := newDamage(t, false)
			f.Spoil(c.sql, f.Tag(damaged), f.Tag(another))
			f.ForgetKeys()
			q := unscheduled(damaged)
			q.DateOfBirth = "2019-04-30"
			a := f.MustLookUp(nurse, q)
			if a.Verdict != lookup.FlagHeld || !a.Degraded || len(a.Plans) != 0 || a.IdentityChecked {
				t.Errorf("got %+v, want a flag without details", a)
			}
			if got := authorities(a.Contacts); len(got) != 2 || got[0] == got[1] || got[0] == "" || got[1] == "" {
				t.Errorf("got contacts of %v, want of both authorities", got)
			}
			if n := f.Damaged.Load(); n != 1 {
				t.Errorf("damage was reported %d times, want once", n)
			}
			if e := f.LastEntry(); e.Outcome != "flag_held" || !e.Degraded || e.Disclosed != nil {
				t.Errorf("entry %+v", e)
			}
			if len(f.NoticesTo(islington)) != 1 || len(f.NoticesTo(camden)) != 1 {
				t.Error("not each authority was told once")
			}
			if a := f.MustLookUp(nurse, unscheduled(another)); a.Verdict != lookup.FlagHeld || a.Degraded || len(a.Plans) != 1 {
				t.Errorf("somebody else: %+v", a)
			}
		})
	}
}

// Of a restricted person damage reveals no more than anything else does.
func TestDamage_RestrictedPersonStaysHidden(t *testing.T) {
	t.Parallel()
	for _, c := range overwritings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, _, _ := newDamage(t, true)
			f.Spoil(c.sql, f.Tag(damaged), f.Tag(another))
			f.ForgetKeys()
			a := f.MustLookUp(nurse, unscheduled(damaged))
			if a.Verdict != lookup.FlagHeld || !a.Degraded || !a.Restricted || len(a.Plans) != 0 || len(a.History) != 0 {
				t.Errorf("got %+v, want a restricted flag without details", a)
			}
			onlyHub(t, c.name, a)
			if n := f.Damaged.Load(); n != 1 {
				t.Errorf("damage was reported %d times, want once", n)
			}
			if e := f.LastEntry(); e.Outcome != "flag_held" || !e.Degraded || !e.Restricted {
				t.Errorf("entry %+v", e)
			}
		})
	}
}

// planDamages are ways to spoil one plan, $1, of a person who has another, $2.
var planDamages = []struct{ name, sql string }{
	{"moved", `UPDATE cpis.plan SET sealed = (SELECT sealed FROM cpis.plan WHERE id = $2) WHERE id = $1`},
	{"emptied", `UPDATE cpis.plan SET sealed = '' WHERE id = $1`},
	{"another person's", `
		UPDATE cpis.plan SET sealed = (SELECT o.sealed FROM cpis.plan o WHERE o.person_id <> plan.person_id)
		WHERE id = $1`},
}

// A plan that does not open hides no other: those are shown, and whom to ring
// about the one that is not.
func TestDamage_OnePlanOfSeveral(t *testing.T) {
	t.Parallel()
	for _, c := range planDamages {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, older, newer := newDamage(t, false)
			f.Spoil(c.sql, newer.PlanID, older.PlanID)
			q := unscheduled(damaged)
			q.DateOfBirth = "2019-04-30"
			a := f.MustLookUp(nurse, q)
			if a.Verdict != lookup.FlagHeld || !a.Degraded || !a.IdentityChecked || len(a.Plans) != 1 || a.Plans[0].ID != older.PlanID {
				t.Fatalf("got %+v, want the other plan", a)
			}
			if diff := cmp.Diff([]string{camden}, authorities(a.Contacts)); diff != "" {
				t.Errorf("contacts beside the plans (-want +got):\n%s", diff)
			}
			if got := a.Plans[0].Contact.Authority.GSS; got != islington {
				t.Errorf("the other plan is shown as of %s", got)
			}
			if n := f.Damaged.Load(); n != 1 {
				t.Errorf("damage was reported %d times, want once", n)
			}
			want := []audit.Disclosed{{Plan: older.PlanID, Version: 1}}
			if e := f.LastEntry(); !e.Degraded || !cmp.Equal(e.Disclosed, want) {
				t.Errorf("entry %+v", e)
			}
			if len(f.NoticesTo(islington)) != 1 || len(f.NoticesTo(camden)) != 1 {
				t.Error("not each authority was told once")
			}
		})
	}
}

func TestDamage_OnePlanOfARestrictedPerson(t *testing.T) {
	t.Parallel()
	for _, c := range planDamages {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, older, newer := newDamage(t, true)
			f.Spoil(c.sql, newer.PlanID, older.PlanID)
			a := f.MustLookUp(nurse, unscheduled(damaged))
			if diff := cmp.Diff([]lookup.Plan{{Kind: domain.CPP}}, a.Plans, cmp.AllowUnexported(domain.Date{})); diff != "" {
				t.Errorf("plans (-want +got):\n%s", diff)
			}
			onlyHub(t, c.name, a)
			if a.Verdict != lookup.FlagHeld || !a.Degraded || !a.Restricted || len(a.History) != 0 {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// Random bytes wherever details are sealed: whatever they are, look-ups say
// that a flag is held.
func TestDamage_NoBytesMakeAnError(t *testing.T) {
	t.Parallel()
	f, _, _ := newDamage(t, false)
	for size := range 64 {
		noise := make([]byte, size)
		_, _ = rand.Read(noise)
		f.Exec(`UPDATE cpis.person SET sealed = $1 WHERE NOT restricted`, noise)
		f.Exec(`UPDATE cpis.plan SET sealed = $1`, noise)
		a := f.MustLookUp(gp, &lookup.Question{NHSNumber: damaged, Mode: policy.Scheduled})
		if a.Verdict != lookup.FlagHeld || !a.Degraded || len(a.Contacts) != 2 {
			t.Errorf("%d bytes: got %+v", size, a)
		}
	}
}

// The words that people act on. They are part of the service: whoever changes
// one changes what is said about a family.
func TestWords(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.Restricted = another, true }))
	f.MustRegister(lead, rightUCPP())
	wrongBirth := unscheduled(damaged)
	wrongBirth.DateOfBirth = "2019-05-01"
	said, codes := map[string]string{}, map[string]lookup.AdviceCode{}
	ask := func(name string, q *lookup.Question) {
		a := f.MustLookUp(nurse, q)
		said[name], codes[name] = a.Advice, a.AdviceCode
	}
	ask("flag", unscheduled(damaged))
	ask("mother", unscheduled("9990000026"))
	ask("restricted", unscheduled(another))
	ask("no flag", unscheduled("9990000077"))
	ask("mismatch", wrongBirth)
	f.Exec(`UPDATE cpis.person SET sealed = ''`)
	ask("degraded", unscheduled(damaged))
	wantCodes := map[string]lookup.AdviceCode{
		"flag": lookup.AdviceHeld, "mother": lookup.AdviceHeld, "restricted": lookup.AdviceHub, "no flag": lookup.AdviceNone,
		"mismatch": lookup.AdviceMismatch, "degraded": lookup.AdviceUnproved,
	}
	if diff := cmp.Diff(wantCodes, codes); diff != "" {
		t.Errorf("codes of advice (-want +got):\n%s", diff)
	}
	const concerned = "Follow your safeguarding procedures whenever you are concerned."
	for name, advice := range said {
		if !strings.Contains(advice, "The absence of a flag is not the absence of risk") || !strings.HasSuffix(advice, concerned) {
			t.Errorf("%s: advice does not end in what a missing flag means: %s", name, advice)
		}
	}
	for name, words := range map[string]string{
		"flag":       "as context, not as a diagnosis",
		"mother":     "as context, not as a diagnosis",
		"restricted": "Do not say that a flag exists",
		"no flag":    "No flag is known",
		"mismatch":   "the service cannot say whether a flag is held",
		"degraded":   "check that this is the right person",
	} {
		if !strings.Contains(said[name], words) {
			t.Errorf("%s: advice lacks %q: %s", name, words, said[name])
		}
	}
	const mother = "recorded under the mother's NHS number and says nothing about the mother."
	if note := domain.UCPP.Note(); !strings.HasSuffix(note, mother) {
		t.Errorf("note of a plan for an unborn child: %s", note)
	}
	for _, k := range []domain.Kind{domain.CPP, domain.LAC} {
		if note := k.Note(); !strings.HasPrefix(note, "This child is, or was within the last year") {
			t.Errorf("note of %s: %s", k, note)
		}
	}
}
