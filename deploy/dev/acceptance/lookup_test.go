package acceptance_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"

	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/store"
)

// at places a system at another organisation.
func at(organisation string) idp.Option { return idp.Claim("organisation", organisation) }

// People of the tests. Their numbers are never issued.
const (
	onePlan      = "9990000018"
	endedPlan    = "9990000026"
	expiredPlan  = "9990000034"
	mother       = "9990000042"
	severalPlans = "9990000050"
	hidden       = "9990000069"
	unknown      = "9990000077"
)

const (
	cpp  = cpisv1.PlanKind_PLAN_KIND_CPP
	lac  = cpisv1.PlanKind_PLAN_KIND_LAC
	ucpp = cpisv1.PlanKind_PLAN_KIND_UCPP
)

func everybody() []child {
	return []child{
		{number: onePlan, family: "Quillfeather", given: "Ottoline", born: "2019-04-30", authority: islington, kind: cpp, start: "2026-02-03"},
		{number: endedPlan, family: "Brackenbury", given: "Peregrine", born: "2015-01-17", authority: islington, kind: cpp, start: "2024-02-03", end: "2025-12-01"},
		{number: expiredPlan, family: "Thistlewood", given: "Araminta", born: "2014-07-09", authority: islington, kind: cpp, start: "2023-02-03", end: "2025-11-22"},
		{number: mother, family: "Wetherspoon", given: "Clementine", born: "1999-08-21", authority: camden, kind: ucpp, start: "2026-09-01", expected: "2027-02-14"},
		{number: severalPlans, family: "Larkspurling", given: "Barnaby", born: "2011-03-02", authority: islington, kind: cpp, start: "2026-01-10"},
		{number: severalPlans, family: "Larkspurling", given: "Barnaby", born: "2011-03-02", authority: camden, kind: lac, start: "2026-06-15"},
		{number: hidden, family: "Nightingale-Foss", given: "Isolde", born: "2017-12-24", authority: camden, kind: cpp, start: "2026-05-05", restricted: true},
	}
}

const (
	unscheduled = cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED
	scheduled   = cpisv1.AccessMode_ACCESS_MODE_SCHEDULED
	held        = cpisv1.Answer_ANSWER_FLAG_HELD
	none        = cpisv1.Answer_ANSWER_NO_FLAG_KNOWN
	cannot      = cpisv1.Answer_ANSWER_CANNOT_SAY
)

// notNoRisk ends the advice of every answer.
const notNoRisk = "not the absence of risk"

// The cases of a look-up, each over every protocol, and each with exactly the
// entry that it should leave.
func TestLookUp_AnswersAndIsRecorded(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		as      string
		options []idp.Option
		ask     *cpisv1.LookUpRequest
		code    connect.Code // 0 where there is an answer
		answer  cpisv1.Answer
		kinds   []cpisv1.PlanKind
		check   func(t *testing.T, a *cpisv1.LookUpResponse)
		entry   string
		notices int // new ones, of the first look-up of the encounter
	}{
		{
			name: "a flagged child", as: "nurse",
			ask:    &cpisv1.LookUpRequest{NhsNumber: "999 000 0018", DateOfBirth: "2019-04-30", AccessMode: unscheduled},
			answer: held, kinds: []cpisv1.PlanKind{cpp}, notices: 1,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				p := a.Plans[0]
				if p.Status != cpisv1.PlanStatus_PLAN_STATUS_ACTIVE || p.Start != "2026-02-03" || p.End != "" || !a.IdentityChecked {
					t.Errorf("got %v", a)
				}
				if c := p.Contact; c.LocalAuthority.Name != "Islington" || c.RingNow.Number != "020 7946 0001" || c.RingNow.Who != "office" {
					t.Errorf("got contact %v", c)
				}
			},
			entry: "clinician_unscheduled look_up unscheduled flag_held subject disclosed=1",
		},
		{
			name: "a plan that ended, but is visible", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: endedPlan}, answer: held, kinds: []cpisv1.PlanKind{cpp}, notices: 1,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				if p := a.Plans[0]; p.Status != cpisv1.PlanStatus_PLAN_STATUS_ENDED || p.VisibleUntil != "2026-12-01" {
					t.Errorf("got %v", p)
				}
			},
			entry: "clinician_unscheduled look_up unscheduled flag_held subject disclosed=1",
		},
		{
			name: "a plan that ended 366 days ago", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: expiredPlan}, answer: none,
			entry: "clinician_unscheduled look_up unscheduled no_flag_known subject",
		},
		{
			name: "the mother of an unborn child", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: mother}, answer: held, kinds: []cpisv1.PlanKind{ucpp}, notices: 1,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				if p := a.Plans[0]; p.Expected != "2027-02-14" || p.VisibleUntil != "2027-03-14" || p.Note == "" {
					t.Errorf("got %v", p)
				}
			},
			entry: "clinician_unscheduled look_up unscheduled flag_held subject disclosed=1",
		},
		{
			name: "several plans of several authorities, newest first", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: severalPlans}, answer: held, kinds: []cpisv1.PlanKind{lac, cpp}, notices: 2,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				if a.Plans[0].Contact.LocalAuthority.Name != "Camden" || a.Plans[1].Contact.LocalAuthority.Name != "Islington" {
					t.Errorf("got %v", a.Plans)
				}
			},
			entry: "clinician_unscheduled look_up unscheduled flag_held subject disclosed=2",
		},
		{
			name: "a restricted child", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: hidden}, answer: held, kinds: []cpisv1.PlanKind{cpp}, notices: 1,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				p := a.Plans[0]
				if !a.Restricted || p.Id != "" || p.Start != "" || p.Contact != nil || len(a.History) > 0 {
					t.Errorf("got %v", a)
				}
				if len(a.Contacts) != 1 || a.Contacts[0].LocalAuthority != nil || a.Contacts[0].RingNow.Number != hubPhone {
					t.Errorf("got contacts %v", a.Contacts)
				}
			},
			entry: "clinician_unscheduled look_up unscheduled flag_held kinds_only restricted subject",
		},
		{
			name: "a restricted child, silently", as: "gp",
			ask: &cpisv1.LookUpRequest{NhsNumber: hidden, AccessMode: scheduled}, answer: held, kinds: []cpisv1.PlanKind{cpp}, notices: 1,
			entry: "clinician_scheduled look_up scheduled flag_held kinds_only restricted subject",
		},
		{
			name: "nobody known", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: "999-000-0077"}, answer: none,
			entry: "clinician_unscheduled look_up unscheduled no_flag_known subject",
		},
		{
			name: "a bad check digit", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: "9990000017"}, code: connect.CodeInvalidArgument,
			entry: "clinician_unscheduled look_up unscheduled invalid",
		},
		{
			name: "a wrong date of birth", as: "nurse",
			ask: &cpisv1.LookUpRequest{NhsNumber: onePlan, DateOfBirth: "2019-05-01"}, answer: cannot, notices: 1,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				if a.CannotSayReason != cpisv1.CannotSayReason_CANNOT_SAY_REASON_IDENTITY_MISMATCH || a.Contacts[0].RingNow.Number != hubPhone {
					t.Errorf("got %v", a)
				}
			},
			entry: "clinician_unscheduled look_up unscheduled cannot_say identity_mismatch subject",
		},
		{
			name: "a wrong date of birth of a restricted child", as: "gp",
			ask: &cpisv1.LookUpRequest{NhsNumber: hidden, DateOfBirth: "2019-05-01"}, answer: cannot, notices: 1,
			check: func(t *testing.T, a *cpisv1.LookUpResponse) {
				t.Helper()
				if a.Restricted || len(a.Plans) > 0 {
					t.Errorf("got %v, want nothing about the person", a)
				}
			},
			entry: "clinician_scheduled look_up scheduled cannot_say identity_mismatch restricted subject",
		},
		{
			name: "break-glass without a reason to speak of", as: "gp",
			ask:   &cpisv1.LookUpRequest{NhsNumber: onePlan, AccessMode: unscheduled, BreakGlassReason: "   urgent   "},
			code:  connect.CodeInvalidArgument,
			entry: "clinician_scheduled look_up unscheduled invalid break_glass subject",
		},
		{
			name: "silently, by general practice", as: "gp",
			ask: &cpisv1.LookUpRequest{NhsNumber: onePlan, AccessMode: scheduled}, answer: held, kinds: []cpisv1.PlanKind{cpp},
			entry: "clinician_scheduled look_up scheduled flag_held subject disclosed=1",
		},
		{
			name: "where only the right says the mode", as: "gp",
			ask: &cpisv1.LookUpRequest{NhsNumber: onePlan}, answer: held, kinds: []cpisv1.PlanKind{cpp},
			entry: "clinician_scheduled look_up scheduled flag_held subject disclosed=1",
		},
		{
			name: "a wrong mode", as: "gp",
			ask: &cpisv1.LookUpRequest{NhsNumber: onePlan, AccessMode: unscheduled}, code: connect.CodePermissionDenied,
			entry: "clinician_scheduled look_up unscheduled denied subject",
		},
		{
			name: "no right", as: "lead",
			ask: &cpisv1.LookUpRequest{NhsNumber: onePlan}, code: connect.CodePermissionDenied,
			entry: "safeguarding_lead look_up unscheduled denied subject",
		},
		{
			name: "break-glass", as: "gp",
			ask:    &cpisv1.LookUpRequest{NhsNumber: onePlan, AccessMode: unscheduled, BreakGlassReason: "collapsed in the waiting room"},
			answer: held, kinds: []cpisv1.PlanKind{cpp}, notices: 1,
			entry: "clinician_scheduled look_up unscheduled flag_held break_glass subject disclosed=1",
		},
		{
			name: "a system without a responsible person", as: "system",
			ask: &cpisv1.LookUpRequest{NhsNumber: onePlan}, code: connect.CodeInvalidArgument,
			entry: "clinical_system look_up unscheduled invalid subject",
		},
		{
			name: "a system for a responsible person", as: "system",
			ask: &cpisv1.LookUpRequest{
				NhsNumber: onePlan, ResponsiblePerson: &cpisv1.Responsible{Name: "Ngozi Okafor", Role: "Nurse"},
				Encounter: &cpisv1.Encounter{Id: "by-system"},
			},
			answer: held, kinds: []cpisv1.PlanKind{cpp}, notices: 1,
			entry: "clinical_system look_up unscheduled flag_held subject disclosed=1",
		},
		{
			name: "NHS 111 without its safeguarding lead", as: "system", options: []idp.Option{at("TST111")},
			ask: &cpisv1.LookUpRequest{
				NhsNumber: onePlan, ResponsiblePerson: &cpisv1.Responsible{Name: "Call handler", Role: "Adviser"},
				Encounter: &cpisv1.Encounter{Setting: cpisv1.Setting_SETTING_NHS_111},
			},
			code:  connect.CodeInvalidArgument,
			entry: "clinical_system look_up unscheduled invalid subject",
		},
	}
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.register(everybody()...)
			for _, c := range cases {
				before, notices := s.size(), s.notices()
				a, err := s.lookups(p, c.as, c.options...).LookUp(t.Context(), c.ask)
				switch {
				case c.code != 0:
					if connect.CodeOf(err) != c.code || a != nil && a.Answer != 0 {
						t.Errorf("%s: got %v and %v, want %v", c.name, a, err, c.code)
					}
				case err != nil:
					t.Errorf("%s: %v", c.name, err)
				default:
					var kinds []cpisv1.PlanKind
					for _, p := range a.Plans {
						kinds = append(kinds, p.Kind)
					}
					if a.Answer != c.answer || !cmp.Equal(kinds, c.kinds) {
						t.Errorf("%s: got %v with %v, want %v with %v", c.name, a.Answer, kinds, c.answer, c.kinds)
					} else if c.check != nil {
						c.check(t, a)
					}
					if !strings.Contains(a.Advice, notNoRisk) {
						t.Errorf("%s: advice does not say that absence of a flag is not absence of risk", c.name)
					}
					if a.Receipt.Index != before {
						t.Errorf("%s: receipt names entry %d, want %d", c.name, a.Receipt.Index, before)
					}
				}
				entries := s.entries(before)
				if len(entries) != 1 {
					t.Fatalf("%s: left %d entries, want 1", c.name, len(entries))
				}
				if got := say(entries[0]); got != c.entry {
					t.Errorf("%s: left entry\n got %s\nwant %s", c.name, got, c.entry)
				}
				if got := s.notices() - notices; got != c.notices {
					t.Errorf("%s: made %d notices, want %d", c.name, got, c.notices)
				}
			}
		})
	}
}

// notices counts the notices to the authorities of the tests.
func (s *site) notices() int {
	s.tb.Helper()
	n := 0
	for _, authority := range []string{islington, camden} {
		rows, err := s.db.Notices.Newest(s.tb.Context(), authority, 1000)
		must(s.tb, err)
		n += len(rows)
	}
	return n
}

func (s *site) noticesTo(authority string) []store.NoticeRow {
	s.tb.Helper()
	rows, err := s.db.Notices.Newest(s.tb.Context(), authority, 1000)
	must(s.tb, err)
	return rows
}

// A refusal is the same whether or not a flag exists: same code, same text,
// same details, same headers.
func TestLookUp_RefusalSaysNothingAboutFlags(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	for _, p := range protocols {
		client := s.lookups(p, "lead")
		var texts []string
		for _, number := range []string{onePlan, unknown, hidden} {
			_, err := client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: number})
			var refusal *connect.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("%s: got %v, want a refusal", p.name, err)
			}
			texts = append(texts, refusal.Code().String()+refusal.Error())
		}
		if texts[0] != texts[1] || texts[0] != texts[2] {
			t.Errorf("%s: refusals differ: %q", p.name, texts)
		}
	}
}

// One attendance makes one notice and one line of the history.
func TestLookUp_OneAttendanceOneNotice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	client := s.lookups(protocols[0], "nurse")
	ask := func(id string) *cpisv1.LookUpResponse {
		r := &cpisv1.LookUpRequest{NhsNumber: onePlan, Encounter: &cpisv1.Encounter{Id: id}}
		a, err := client.LookUp(t.Context(), r)
		must(t, err)
		return a
	}
	for range 3 {
		ask("attendance-1")
	}
	ask("attendance-2")
	if n := len(s.noticesTo(islington)); n != 2 {
		t.Errorf("got %d notices of two attendances, want 2", n)
	}
	if got := ask("attendance-2").History; len(got) != 2 || got[0].Organisation == "" || got[0].Who == "" {
		t.Errorf("got history %v, want two accesses with who it was", got)
	}
	// Without an identifier, four hours make an attendance.
	ask("")
	ask("")
	s.clock.set(monday.Add(4*time.Hour + time.Second))
	must(t, s.service.Records.CheckKeys(t.Context())) // as it does every second
	client = s.lookups(protocols[0], "nurse")
	ask("")
	if n := len(s.noticesTo(islington)); n != 3 {
		t.Errorf("got %d notices, want 3", n)
	}
}

// Where the keeper is away, a flag is still a flag, with whom to ring; but not
// of a restricted person.
func TestLookUp_KeeperAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	s.forgetKeys()
	s.keeper.setAway(true)
	client := s.lookups(protocols[2], "nurse")
	a, err := client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: severalPlans})
	must(t, err)
	if a.Answer != held || !a.DetailsUnavailable || len(a.Plans) != 0 || len(a.Contacts) != 2 {
		t.Errorf("got %v, want a flag with two contacts and no details", a)
	}
	if n := len(s.noticesTo(islington)); n != 1 {
		t.Errorf("got %d notices, want 1", n)
	}
	a, err = client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: hidden})
	must(t, err)
	if a.Answer != held || !a.DetailsUnavailable || len(a.Contacts) != 1 || a.Contacts[0].RingNow.Number != hubPhone {
		t.Errorf("got %v, want a flag with nothing but the hub", a)
	}
	a, err = client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: unknown})
	must(t, err)
	if a.Answer != none {
		t.Errorf("got %v, want no flag known", a.Answer)
	}
	s.keeper.setAway(false)
	a, err = client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: severalPlans})
	must(t, err)
	if a.DetailsUnavailable || len(a.Plans) != 2 {
		t.Errorf("got %v, want the plans again", a)
	}
}

// forgetKeys empties the cache of data keys.
func (s *site) forgetKeys() {
	s.tb.Helper()
	persons, err := s.db.People.After(s.tb.Context(), [16]byte{}, 100)
	must(s.tb, err)
	for _, p := range persons {
		s.ring.Forget("person/" + p.ID.String())
	}
}

// A clinic list answers each item by itself.
func TestLookUpMany(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	for _, p := range protocols {
		before := s.size()
		r, err := s.lookups(p, "gp").LookUpMany(t.Context(), &cpisv1.LookUpManyRequest{Items: []*cpisv1.LookUpManyItem{
			{NhsNumber: onePlan}, {NhsNumber: unknown}, {NhsNumber: "9990000017"}, {NhsNumber: onePlan, DateOfBirth: "2000-01-01"},
		}})
		must(t, err)
		if len(r.Results) != 4 || r.Results[0].GetResponse().GetAnswer() != held || r.Results[1].GetResponse().GetAnswer() != none ||
			r.Results[2].GetInvalid() == nil || r.Results[3].GetResponse().GetAnswer() != cannot {
			t.Errorf("%s: got %v", p.name, r.Results)
		}
		var got []string
		for _, e := range s.entries(before) {
			got = append(got, e.Outcome)
		}
		slices.Sort(got) // those whose keys had to be fetched come in a later group
		if want := []string{"cannot_say", "flag_held", "invalid", "no_flag_known"}; !cmp.Equal(got, want) {
			t.Errorf("%s: left entries %v, want %v", p.name, got, want)
		}
	}
	before := s.size()
	_, err := s.lookups(protocols[0], "nurse").LookUpMany(t.Context(), &cpisv1.LookUpManyRequest{
		Items: []*cpisv1.LookUpManyItem{{NhsNumber: onePlan}}, AccessMode: unscheduled,
	})
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("unscheduled list: got %v, want a refusal", err)
	}
	if e := s.entries(before); len(e) != 1 || e[0].Outcome != "denied" {
		t.Errorf("unscheduled list: left %v", e)
	}
	if s.notices() != 0 {
		t.Error("lists are silent, but made notices")
	}
}

func lookUpOf(number string) *cpisv1.LookUpRequest { return &cpisv1.LookUpRequest{NhsNumber: number} }
