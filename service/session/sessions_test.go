package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/session"
)

// fixture is a service, with what tests of sessions do.
type fixture struct {
	*servicetest.Fixture

	t *testing.T
	s *session.Sessions
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := servicetest.New(t)
	return &fixture{f, t, f.Sessions}
}

// login is what a provider vouches for of a caller.
func login(c *identity.Caller) session.Login {
	return session.Login{Issuer: c.Issuer, Subject: "subject of " + c.ID, SID: "sid of " + c.ID, IDToken: "token", Provider: "care"}
}

// logIn logs somebody in who can be one of several.
func (f *fixture) logIn(choices ...*identity.Caller) *session.Opened {
	f.t.Helper()
	opened, err := f.s.LogIn(f.t.Context(), bare(choices[0]), request(choices...))
	if err != nil {
		f.t.Fatalf("LogIn: %s", servicetest.Explain(err))
	}
	return opened
}

func request(choices ...*identity.Caller) *session.LogInRequest {
	q := &session.LogInRequest{Login: login(choices[0]), Request: guard.NewID().String()}
	for _, c := range choices {
		q.Choices = append(q.Choices, *c)
	}
	return q
}

// bare is who somebody is, without what they can be.
func bare(c *identity.Caller) *identity.Caller {
	b := *c
	b.Roles, b.Organisation, b.Class, b.Title = 0, "", "", ""
	return &b
}

func (f *fixture) find(token string) *session.Session {
	f.t.Helper()
	x, err := f.s.Find(f.t.Context(), token)
	if err != nil {
		f.t.Fatalf("Find: %v", err)
	}
	return x
}

func (f *fixture) expectEnded(why, token string) {
	f.t.Helper()
	if _, err := f.s.Find(f.t.Context(), token); !errors.Is(err, session.ErrEnded) {
		f.t.Errorf("%s: got %v, want ErrEnded", why, err)
	}
}

// asOther is the same person in another role, at another organisation.
func asOther(c *identity.Caller) *identity.Caller {
	o := *servicetest.PrivacyOfficer
	o.ID, o.Name = c.ID, c.Name
	return &o
}

func TestLogIn_OfSomebodyWithOneRoleLeavesAnEntryAndASession(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	opened := f.logIn(servicetest.Lead)
	x := f.find(opened.Token)
	if !x.Chosen() || x.Caller.Roles != policy.RolesOf(policy.SafeguardingLead) || x.Caller.Name != servicetest.Lead.Name || x.Subject != "subject of lead" {
		t.Errorf("got session %+v", x)
	}
	e := f.LastEntry()
	if e.Action != "log_in" || e.Outcome != "done" || e.Actor != "lead" || e.Organisation != servicetest.Islington || e.Assurance != 3 || e.Role != "safeguarding_lead" {
		t.Errorf("got entry %+v", e)
	}
}

func TestLogIn_OfSomebodyWithoutAFittingRoleIsDenied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	misfit := servicetest.Caller("misfit", servicetest.Trust, policy.AcuteTrust, policy.SafeguardingLead)
	for name, q := range map[string]*session.LogInRequest{"none": {Login: login(misfit)}, "one that does not fit": request(misfit)} {
		if _, err := f.s.LogIn(t.Context(), bare(misfit), q); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want ErrDenied", name, err)
		}
		if e := f.LastEntry(); e.Action != "log_in" || e.Outcome != "denied" || e.Actor != "misfit" || e.Rule != policy.NoRule {
			t.Errorf("%s: got entry %+v", name, e)
		}
	}
	if n := f.Count("session"); n != 0 {
		t.Errorf("%d sessions were made", n)
	}
}

func TestChooseRole_GivesTheSessionAnotherID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	opened := f.logIn(servicetest.Lead, asOther(servicetest.Lead))
	if e := f.LastEntry(); e.Organisation != "" || e.Role != "none" {
		t.Errorf("nothing was chosen, and the entry says %+v", e)
	}
	x := f.find(opened.Token)
	if x.Chosen() || len(x.Choices) != 2 {
		t.Fatalf("got %+v, want two to choose from", x)
	}
	chosen, err := f.s.ChooseRole(t.Context(), &opened.Session.Choices[1], &session.ChooseRoleRequest{Session: x, Request: guard.NewID().String()})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if got := f.find(chosen.Token); got.Caller.Organisation != servicetest.Trust || got.Began != x.Began {
		t.Errorf("got %+v", got)
	}
	f.expectEnded("the old id", opened.Token)
	if e := f.LastEntry(); e.Action != "choose_role" || e.Organisation != servicetest.Trust || e.Role != "privacy_officer" {
		t.Errorf("got entry %+v", e)
	}
	stranger := *servicetest.Auditor
	if _, err := f.s.ChooseRole(t.Context(), &stranger, &session.ChooseRoleRequest{Session: chosen.Session}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("a role that is not offered: got %v, want ErrNotFound", err)
	}
}

func TestLogIn_ThatConfirmsKeepsTheRoleAndTheTimeItBegan(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	weak := *servicetest.Lead
	weak.Assurance = 2
	opened := f.logIn(&weak)
	f.Clock.Advance(10 * time.Minute)
	q := request(asOther(servicetest.Lead), servicetest.Lead)
	q.Replaces = opened.Session
	confirmed, err := f.s.LogIn(t.Context(), bare(servicetest.Lead), q)
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	x := f.find(confirmed.Token)
	if x.Caller.Assurance != 3 || x.Caller.Organisation != servicetest.Islington || x.Began != opened.Session.Began {
		t.Errorf("got %+v", x)
	}
	f.expectEnded("the weaker session", opened.Token)
	if _, err := f.s.LogIn(t.Context(), bare(servicetest.Lead), q); !errors.Is(err, session.ErrEnded) {
		t.Errorf("confirming what has ended: got %v, want ErrEnded", err)
	}
	other := request(servicetest.OtherLead)
	other.Replaces = x
	if _, err := f.s.LogIn(t.Context(), bare(servicetest.OtherLead), other); !errors.Is(err, guard.ErrState) {
		t.Errorf("somebody else: got %v, want ErrState", err)
	}
}

func TestSessions_EndWhenNothingIsDoneAndAfterTwelveHours(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	idle := f.logIn(servicetest.Lead)
	f.Clock.Advance(session.Idle - time.Second)
	f.find(idle.Token) // looking is not doing
	f.Clock.Advance(time.Second)
	f.expectEnded("idle", idle.Token)

	busy := f.logIn(servicetest.Lead)
	for range 12*6 - 1 {
		f.Clock.Advance(10 * time.Minute)
		if err := f.s.Touch(t.Context(), f.find(busy.Token)); err != nil {
			t.Fatal(err)
		}
	}
	f.Clock.Advance(10 * time.Minute)
	f.expectEnded("after twelve hours", busy.Token)
	if x, _ := f.s.Find(t.Context(), busy.Token); x == nil || x.Caller.ID != "lead" {
		t.Errorf("whose it was: got %+v", x)
	}
	f.Clock.Advance(time.Hour)
	if err := f.s.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := f.Count("session"); n != 0 {
		t.Errorf("%d ended sessions are still there", n)
	}
}

func TestLogOut_EndsTheSessionAndLeavesAnEntry(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, opened := range map[string]*session.Opened{"in a role": f.logIn(servicetest.Lead), "before one": f.logIn(servicetest.Lead, asOther(servicetest.Lead))} {
		x := f.find(opened.Token)
		x.Caller.Class = opened.Session.Caller.Class // as the face finds it
		if _, err := f.s.LogOut(t.Context(), &x.Caller, &session.LogOutRequest{Session: x, Request: "r"}); err != nil {
			t.Fatal(servicetest.Explain(err))
		}
		f.expectEnded(name, opened.Token)
		if err := f.s.Keep(t.Context(), opened.Session); !errors.Is(err, session.ErrEnded) {
			t.Errorf("%s: writing to it: got %v, want ErrEnded", name, err)
		}
		if e := f.LastEntry(); e.Action != "log_out" || e.Actor != "lead" || e.Organisation != opened.Session.Caller.Organisation {
			t.Errorf("%s: got entry %+v", name, e)
		}
	}
}

func TestEnd_EndsWhatTheProviderNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	lead, other, stays := f.logIn(servicetest.Lead), f.logIn(servicetest.OtherLead), f.logIn(servicetest.Nurse)
	for _, q := range []session.EndRequest{
		{Issuer: servicetest.Lead.Issuer, SID: "sid of lead"},
		{Issuer: servicetest.Lead.Issuer, Subject: "subject of other-lead"},
	} {
		if n, err := f.s.End(t.Context(), &q); n != 1 || err != nil {
			t.Fatalf("End: got %d, %v", n, err)
		}
	}
	if n, err := f.s.End(t.Context(), &session.EndRequest{Issuer: "https://elsewhere.example", Subject: "subject of nurse"}); n != 0 || err != nil {
		t.Errorf("of another issuer: got %d, %v", n, err)
	}
	f.expectEnded("by its own name", lead.Token)
	f.expectEnded("by whose it is", other.Token)
	f.find(stays.Token)
	if e := f.LastEntry(); e.Action != "log_out" || e.Actor != "other-lead" || e.Outcome != "done" {
		t.Errorf("got entry %+v", e)
	}
}

// Whoever can write to the table can neither read a session nor make one, nor make
// one last longer.
func TestSessions_AreSealed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	opened := f.logIn(servicetest.Lead)
	if rows := strings.Join(f.Dump("session"), "\n"); strings.Contains(rows, "lead") || strings.Contains(rows, opened.Token) {
		t.Errorf("the table names somebody: %s", rows)
	}
	f.Exec(`UPDATE cpis.session SET expires_at = expires_at + interval '1 year'`)
	f.Clock.Advance(session.Idle)
	f.expectEnded("lengthened", opened.Token)
	another := f.logIn(servicetest.OtherLead)
	f.Exec(`UPDATE cpis.session SET sealed = (SELECT sealed FROM cpis.session WHERE id <> s.id LIMIT 1) FROM cpis.session AS s WHERE session.id = s.id`)
	f.expectEnded("moved", another.Token)
}

func TestSessions_OpenWhileTheKeeperIsAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	opened := f.logIn(servicetest.Lead)
	f.Keeper.TakeAway(true)
	f.find(opened.Token)
}

func TestDrafts_BelongToWhoTypedThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type typed struct{ Family string }
	owner, ctx := session.OwnerOf(servicetest.Lead), t.Context()
	f.must(f.s.SaveDraft(ctx, owner, session.Draft{Of: "journey"}, typed{"Quill"}))
	f.must(f.s.SaveDraft(ctx, owner, session.Draft{Of: "journey"}, typed{"Quince"}))
	var got typed
	f.must(f.s.FindDraft(ctx, owner, "journey", &got))
	if got.Family != "Quince" {
		t.Errorf("got %+v, want what was typed last", got)
	}
	if rows := strings.Join(f.Dump("draft"), "\n"); strings.Contains(rows, "Quince") || strings.Contains(rows, "journey") {
		t.Errorf("the table says what was typed: %s", rows)
	}
	elsewhere := asOther(servicetest.Lead)
	for name, o := range map[string]session.Owner{"somebody else": session.OwnerOf(servicetest.SecondLead), "elsewhere": session.OwnerOf(elsewhere)} {
		if err := f.s.FindDraft(ctx, o, "journey", &got); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	f.must(f.s.DropDraft(ctx, owner, "journey"))
	if err := f.s.FindDraft(ctx, owner, "journey", &got); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("dropped: got %v, want ErrNotFound", err)
	}
	if err := f.s.SaveDraft(ctx, owner, session.Draft{Of: "big"}, strings.Repeat("x", session.MaxDraft)); !errors.Is(err, session.ErrDraftTooLarge) {
		t.Errorf("a big one: got %v, want ErrDraftTooLarge", err)
	}
}

func TestDrafts_OutliveTheirSessionUnlessTheySayOtherwise(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	opened := f.logIn(servicetest.Lead)
	owner, ctx := session.OwnerOf(&opened.Session.Caller), t.Context()
	f.must(f.s.SaveDraft(ctx, owner, session.Draft{Of: "journey"}, "typed"))
	f.must(f.s.SaveDraft(ctx, owner, session.Draft{Of: "question", For: session.KeepDraft, UntilLogOut: true}, "asked"))
	_, err := f.s.LogOut(ctx, &opened.Session.Caller, &session.LogOutRequest{Session: opened.Session})
	f.must(err)
	var got string
	if err := f.s.FindDraft(ctx, owner, "question", &got); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("the question: got %v, want ErrNotFound", err)
	}
	f.must(f.s.FindDraft(ctx, owner, "journey", &got))
	f.Clock.Advance(session.KeepDraft)
	if err := f.s.FindDraft(ctx, owner, "journey", &got); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("after twelve hours: got %v, want ErrNotFound", err)
	}
	f.must(f.s.Forget(ctx))
	if n := f.Count("draft"); n != 0 {
		t.Errorf("%d old drafts are still there", n)
	}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestBegin_IsResumedForItsStateAndForTenMinutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	begun := session.Attempt{Provider: "care", State: "state", Nonce: "nonce", To: "/notices"}
	kept, err := f.s.Begin(begun)
	f.must(err)
	got, err := f.s.Resume(kept, "state")
	if err != nil || got.Nonce != "nonce" || got.To != "/notices" || strings.Contains(kept, "nonce") {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := f.s.Resume(kept, "other"); !errors.Is(err, session.ErrEnded) {
		t.Errorf("another state: got %v, want ErrEnded", err)
	}
	f.Clock.Advance(10 * time.Minute)
	if _, err := f.s.Resume(kept, "state"); !errors.Is(err, session.ErrEnded) {
		t.Errorf("after ten minutes: got %v, want ErrEnded", err)
	}
}
