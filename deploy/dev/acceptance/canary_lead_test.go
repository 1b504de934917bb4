package acceptance_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// leadsWords are what the people of authorities and of care settings write about
// somebody.
var leadsWords = map[string]string{
	"amend":    "surname misheard by the duty worker Ermintrude",
	"remove":   "mistaken for a cousin in Grimsby-on-Sea",
	"transfer": "family has moved above the bakery in Camden",
	"accept":   "agreed with Montgomery over the telephone",
	"replace":  "traced again at the Royal Cumberland",
	"restrict": "stepfather Bartleby has been asking about",
	"merge":    "two records since the adoption by Hepzibah",
	"decide":   "seen the court order of Justice Plumstead",
	"cancel":   "the wrong spreadsheet of Gwendolen's team",
	"wrong":    "bracelet of the neighbouring cot, Zuleika",
	"report":   "complaint of stepmother Philomena Oystermouth",
	"release":  "godmother Wilhelmina asked through her solicitor",
	"note":     "rang grandfather Ebenezer, all is well",
	"channel":  "https://hooks.islington-casework.example/for/Desdemona",
}

// led are the people whom the leads of one protocol keep plans about.
type led struct{ kid, mum, baby, twin child }

// born is when all babies here were.
const born = "2026-11-19"

// ledBy returns the people of one protocol.
func ledBy(i int) led {
	suffix := []string{"-Ashby", "-Barlow", "-Coombe", "-Dunster"}[i]
	n := 200 + 10*i
	return led{
		kid:  child{number: number(n), family: "Pemberthwaite" + suffix, given: "Quentin-Florizel", born: fmt.Sprintf("2013-08-1%d", i)},
		mum:  child{number: number(n + 2), family: "Hollingberry" + suffix, given: "Seraphina-May", born: fmt.Sprintf("1997-04-2%d", i)},
		baby: child{number: number(n + 4), family: "Hollingberry" + suffix, given: "Evangeline", born: born},
		twin: child{number: number(n + 6), family: "Winterbourne" + suffix, given: "Bathsheba", born: born},
	}
}

// next is the number that replaces a baby's.
func (l *led) next() string { return number(mustSmall(l.baby.number) + 50) }

// allLed returns the people of all protocols.
func allLed() []child {
	var all []child
	for i := range protocols {
		l := ledBy(i)
		again := l.baby
		again.number = l.next()
		all = append(all, l.kid, l.mum, l.baby, l.twin, again)
	}
	return all
}

// number returns the NHS number that belongs to a small number, or to the next
// that has one: every eleventh has none.
func number(n int) string {
	for ; ; n++ {
		nine := fmt.Sprintf("999%06d", n)
		sum := 0
		for i, digit := range nine {
			sum += (10 - i) * int(digit-'0')
		}
		if check := (11 - sum%11) % 11; check < 10 {
			return fmt.Sprintf("%s%d", nine, check)
		}
	}
}

// mustSmall returns the small number that an NHS number belongs to.
func mustSmall(number string) int {
	var n int
	_, _ = fmt.Sscanf(number[3:9], "%d", &n) // made by number
	return n
}

// leadClients are all services, as somebody of an authority reaches them.
type leadClients struct {
	plans      cpisv1connect.PlanServiceClient
	uploads    cpisv1connect.UploadServiceClient
	notices    cpisv1connect.NoticeServiceClient
	encounters cpisv1connect.EncounterServiceClient
	contacts   cpisv1connect.ContactServiceClient
	work       cpisv1connect.WorkServiceClient
	people     cpisv1connect.PersonServiceClient
}

// clientsOf returns all services as somebody reaches them.
func (s *site) clientsOf(p protocol, person string, options ...idp.Option) *leadClients {
	s.tb.Helper()
	c := s.connection(p, s.token(person, options...))
	return &leadClients{
		cpisv1connect.NewPlanServiceClient(c), cpisv1connect.NewUploadServiceClient(c), cpisv1connect.NewNoticeServiceClient(c),
		cpisv1connect.NewEncounterServiceClient(c), cpisv1connect.NewContactServiceClient(c),
		cpisv1connect.NewWorkServiceClient(c), cpisv1connect.NewPersonServiceClient(c),
	}
}

// leadOf returns all services as one of several leads of an authority.
func (s *site) leadOf(p protocol, authority, which string) *leadClients {
	s.tb.Helper()
	for _, person := range idp.People() {
		if person.Key == "lead" {
			id := "lead-" + which + "-" + authority
			role := map[string]any{"person_roleid": id, "org_code": authority, "role_code": person.JobRole, "role_name": person.JobTitle}
			return s.clientsOf(p, "lead", idp.Claim("sub", id), idp.Claim("nhsid_useruid", id), idp.Claim("uid", id),
				idp.Claim("selected_roleid", id), idp.Claim("nhsid_nrbac_roles", []any{role}))
		}
	}
	s.tb.Fatal("the identity provider has no lead")
	return nil
}

func (c *child) person() *cpisv1.Person {
	return &cpisv1.Person{NhsNumber: c.number, FamilyName: c.family, GivenName: c.given, DateOfBirth: c.born}
}

// lead goes through all that leads do, and all that happens to their plans.
func (s *site) lead(p protocol, i int, errs io.Writer) {
	s.tb.Helper()
	l := ledBy(i)
	first, second, away := s.leadOf(p, islington, "first"), s.leadOf(p, islington, "second"), s.leadOf(p, camden, "other")
	plan := s.leadKid(first, &l, errs)
	s.leadBirth(first, second, &l)
	s.leadTransfer(first, away, plan, &l)
	s.leadEncounters(p, &l)
	s.leadNotices(away, errs)
	s.leadChannels(first)
	s.leadContacts(first)
}

// leadKid registers, amends and shows a plan.
func (s *site) leadKid(lead *leadClients, l *led, errs io.Writer) (plan string) {
	s.tb.Helper()
	ctx := s.tb.Context()
	made, err := lead.plans.RegisterPlan(ctx, &cpisv1.RegisterPlanRequest{Person: l.kid.person(), Kind: cpp, Start: "2026-02-03", Reference: "REF-" + l.kid.family})
	must(s.tb, err)
	amendment := &cpisv1.AmendPlanRequest{
		PlanId: made.GetPlanId(), Version: 1, Reason: leadsWords["amend"], FamilyName: l.kid.family, GivenName: l.kid.given,
		DateOfBirth: l.kid.born, Start: "2026-02-04", Reference: "REF-" + l.kid.family,
	}
	_, err = lead.plans.AmendPlan(ctx, amendment)
	must(s.tb, err)
	_, err = lead.plans.AmendPlan(ctx, amendment)
	_, _ = fmt.Fprintln(errs, told(err)) // stale
	if err == nil {
		s.tb.Error("a stale amendment is accepted")
	}
	_, err = lead.plans.GetPlan(ctx, &cpisv1.GetPlanRequest{PlanId: made.GetPlanId()})
	must(s.tb, err)
	_, err = lead.plans.ListPlans(ctx, &cpisv1.ListPlansRequest{})
	must(s.tb, err)
	versions, err := lead.plans.ListVersions(ctx, &cpisv1.ListVersionsRequest{PlanId: made.GetPlanId()})
	must(s.tb, err)
	if got := versions.GetVersions()[0].GetChange().GetReason(); got != leadsWords["amend"] {
		s.tb.Errorf("why it was amended: got %q", got)
	}
	found, err := lead.plans.FindPeople(ctx, &cpisv1.FindPeopleRequest{FamilyName: l.kid.family, GivenName: l.kid.given, DateOfBirth: l.kid.born})
	must(s.tb, err)
	if len(found.GetPeople()) != 1 {
		s.tb.Errorf("a name finds %d people, want one", len(found.GetPeople()))
	}
	for _, p := range found.GetPeople() {
		_, err = lead.people.ListPersonEvents(ctx, &cpisv1.ListPersonEventsRequest{PersonId: p.GetPersonId()})
		must(s.tb, err)
	}
	_, err = lead.work.GetWorkList(ctx, &cpisv1.GetWorkListRequest{})
	must(s.tb, err)
	_, err = lead.plans.GetPerson(ctx, &cpisv1.GetPersonRequest{NhsNumber: l.kid.number})
	must(s.tb, err)
	return made.GetPlanId()
}

// leadBirth records a birth, replaces the baby's number, restricts the baby and
// merges the record of a twin who is none.
func (s *site) leadBirth(lead, second *leadClients, l *led) {
	s.tb.Helper()
	ctx := s.tb.Context()
	expected, err := lead.plans.RegisterPlan(ctx, &cpisv1.RegisterPlanRequest{
		Person: l.mum.person(), Kind: ucpp, Start: "2026-09-01", Expected: "2026-11-30", Reference: "REF-" + l.mum.family,
	})
	must(s.tb, err)
	birth, err := lead.plans.RecordBirth(ctx, &cpisv1.RecordBirthRequest{
		PlanId: expected.GetPlanId(), Version: 1, Born: born,
		ChildPlan: &cpisv1.ChildPlan{Child: l.baby.person(), Start: "2026-11-20", Reference: "REF-" + l.baby.family},
	})
	must(s.tb, err)
	_, err = lead.plans.ReplaceNHSNumber(ctx, &cpisv1.ReplaceNHSNumberRequest{
		OldNhsNumber: l.baby.number, NewNhsNumber: l.next(), DateOfBirth: born, Reason: leadsWords["replace"],
	})
	must(s.tb, err)
	twin, err := lead.plans.RegisterPlan(ctx, &cpisv1.RegisterPlanRequest{
		Person: l.twin.person(), Kind: lac, Start: "2026-11-20", LegalBasis: cpisv1.LegalBasis_LEGAL_BASIS_S20, Reference: "REF-" + l.twin.family,
	})
	must(s.tb, err)
	s.changed(lead, second, &cpisv1.ProposeChangeRequest{
		Kind: cpisv1.ChangeKind_CHANGE_KIND_RESTRICT, NhsNumber: l.next(), Reason: leadsWords["restrict"],
	})
	merged := s.changed(lead, second, &cpisv1.ProposeChangeRequest{
		Kind: cpisv1.ChangeKind_CHANGE_KIND_MERGE, NhsNumber: l.next(), FromNhsNumber: l.twin.number, Reason: leadsWords["merge"],
	})
	s.changed(lead, second, &cpisv1.ProposeChangeRequest{
		Kind: cpisv1.ChangeKind_CHANGE_KIND_UNMERGE, MergeId: merged, Reason: leadsWords["merge"],
	})
	_, err = lead.plans.ListChanges(ctx, &cpisv1.ListChangesRequest{})
	must(s.tb, err)
	_, err = lead.plans.EndPlan(ctx, &cpisv1.EndPlanRequest{PlanId: birth.GetChildPlanId(), Version: 1, End: "2026-11-22", Reason: endReason})
	must(s.tb, err)
	got, err := lead.plans.GetPlan(ctx, &cpisv1.GetPlanRequest{PlanId: twin.GetPlanId()})
	must(s.tb, err)
	_, err = lead.plans.RemovePlan(ctx, &cpisv1.RemovePlanRequest{
		PlanId: twin.GetPlanId(), Version: got.GetPlan().GetVersion(), Reason: leadsWords["remove"],
	})
	must(s.tb, err)
}

// changed proposes a change and has another person accept it.
func (s *site) changed(lead, second *leadClients, q *cpisv1.ProposeChangeRequest) (id string) {
	s.tb.Helper()
	ctx := s.tb.Context()
	proposed, err := lead.plans.ProposeChange(ctx, q)
	must(s.tb, err)
	decided, err := second.plans.DecideChange(ctx, &cpisv1.DecideChangeRequest{
		ChangeId: proposed.GetChangeId(), Decision: cpisv1.Decision_DECISION_ACCEPT, Reason: leadsWords["decide"],
	})
	must(s.tb, err)
	if decided.GetState() != cpisv1.ProposalState_PROPOSAL_STATE_ACCEPTED {
		s.tb.Errorf("%v: got %v", q.GetKind(), decided.GetState())
	}
	return proposed.GetChangeId()
}

// leadTransfer moves a plan to another authority.
func (s *site) leadTransfer(lead, away *leadClients, plan string, l *led) {
	s.tb.Helper()
	ctx := s.tb.Context()
	offered, err := lead.plans.ProposeTransfer(ctx, &cpisv1.ProposeTransferRequest{PlanId: plan, Version: 2, To: camden, Reason: leadsWords["transfer"]})
	must(s.tb, err)
	for _, c := range []*leadClients{lead, away} {
		_, err = c.plans.ListTransfers(ctx, &cpisv1.ListTransfersRequest{})
		must(s.tb, err)
	}
	_, err = away.plans.DecideTransfer(ctx, &cpisv1.DecideTransferRequest{
		TransferId: offered.GetTransferId(), Decision: cpisv1.Decision_DECISION_ACCEPT, Reason: leadsWords["accept"], Reference: "REF-" + l.kid.family,
	})
	must(s.tb, err)
}

// leadEncounters has a child seen unexpectedly and not brought, and takes the
// first back.
func (s *site) leadEncounters(p protocol, l *led) {
	s.tb.Helper()
	ctx := s.tb.Context()
	visit := "visit of " + l.kid.family
	_, err := s.lookups(p, "nurse").LookUp(ctx, &cpisv1.LookUpRequest{
		NhsNumber: l.kid.number, DateOfBirth: l.kid.born, SafeguardingLead: safeguardingLead(),
		Encounter: &cpisv1.Encounter{Id: visit, Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT},
	})
	must(s.tb, err)
	_, err = s.clientsOf(p, "gp").encounters.ReportMissedAppointment(ctx, &cpisv1.ReportMissedAppointmentRequest{
		NhsNumber: l.kid.number, DateOfBirth: l.kid.born, AppointmentId: "visit of " + l.mum.family, Appointment: timestamppb.New(monday),
		Setting: cpisv1.Setting_SETTING_GENERAL_PRACTICE, MissedInARow: 2, ResponsiblePerson: responsible(),
	})
	must(s.tb, err)
	_, err = s.clientsOf(p, "nurse").encounters.ReportWrongPatient(ctx, &cpisv1.ReportWrongPatientRequest{
		NhsNumber: l.kid.number, EncounterId: visit, Reason: leadsWords["wrong"], ResponsiblePerson: responsible(),
	})
	must(s.tb, err)
}

// leadNotices reads the inbox in each way, and answers what is in it.
func (s *site) leadNotices(lead *leadClients, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	inbox, err := lead.notices.ListNotices(ctx, &cpisv1.ListNoticesRequest{})
	must(s.tb, err)
	said := ""
	for _, n := range inbox.GetNotices() {
		said += n.GetText() + n.GetActor().GetResponsible().GetName()
	}
	for _, text := range []string{leadsWords["wrong"], responsible().GetName()} {
		if !strings.Contains(said, text) {
			s.tb.Errorf("the inbox does not say %q", text)
		}
	}
	_, err = lead.notices.ListColleagues(ctx, &cpisv1.ListColleaguesRequest{})
	must(s.tb, err)
	_, err = lead.notices.GetFigures(ctx, &cpisv1.GetFiguresRequest{})
	must(s.tb, err)
	notice := inbox.GetNotices()[0]
	_, err = lead.notices.GetNotice(ctx, &cpisv1.GetNoticeRequest{NoticeId: notice.GetId()})
	must(s.tb, err)
	_, err = lead.notices.AssignNotice(ctx, &cpisv1.AssignNoticeRequest{
		NoticeId: notice.GetId(), Version: notice.GetVersion(), To: "lead-other-" + camden, Note: leadsWords["note"],
	})
	must(s.tb, err)
	answer := &cpisv1.AcknowledgeNoticeRequest{
		NoticeId: notice.GetId(), Version: notice.GetVersion() + 1, Note: leadsWords["note"],
		Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_FAMILY_CONTACTED,
	}
	_, err = lead.notices.AcknowledgeNotice(ctx, answer)
	must(s.tb, err)
	_, err = lead.notices.AcknowledgeNotice(ctx, answer)
	_, _ = fmt.Fprintln(errs, told(err)) // stale
	stream, err := lead.notices.WatchNotices(ctx, &cpisv1.WatchNoticesRequest{})
	must(s.tb, err)
	message, err := stream.Receive()
	must(s.tb, err)
	if len(message.GetNotices()) == 0 {
		s.tb.Error("the stream begins without the notices that are there")
	}
	must(s.tb, stream.Close())
}

// leadChannels makes, changes and removes a channel.
func (s *site) leadChannels(lead *leadClients) {
	s.tb.Helper()
	ctx := s.tb.Context()
	made, err := lead.notices.PutChannel(ctx, &cpisv1.PutChannelRequest{Channel: &cpisv1.Channel{
		Rank: 1, To: &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: leadsWords["channel"]}}, Paused: true,
	}})
	must(s.tb, err)
	rotated, err := lead.notices.RotateSecret(ctx, &cpisv1.RotateSecretRequest{ChannelId: made.GetChannelId(), Version: made.GetVersion()})
	must(s.tb, err)
	tested, err := lead.notices.TestChannel(ctx, &cpisv1.TestChannelRequest{ChannelId: made.GetChannelId()})
	must(s.tb, err)
	if tested.GetFailure() != "" {
		s.tb.Errorf("a test message did not arrive: %s", tested.GetFailure())
	}
	_, err = lead.notices.ListChannels(ctx, &cpisv1.ListChannelsRequest{})
	must(s.tb, err)
	_, err = lead.notices.RemoveChannel(ctx, &cpisv1.RemoveChannelRequest{ChannelId: made.GetChannelId(), Version: rotated.GetVersion()})
	must(s.tb, err)
}

// leadContacts changes and confirms the numbers of the authority.
func (s *site) leadContacts(lead *leadClients) {
	s.tb.Helper()
	ctx := s.tb.Context()
	shown, err := lead.contacts.GetContacts(ctx, &cpisv1.GetContactsRequest{})
	must(s.tb, err)
	set, err := lead.contacts.SetContacts(ctx, &cpisv1.SetContactsRequest{Version: shown.GetVersion(), Contacts: shown.GetContacts()})
	must(s.tb, err)
	_, err = lead.contacts.ConfirmContacts(ctx, &cpisv1.ConfirmContactsRequest{Version: set.GetVersion()})
	must(s.tb, err)
}

// The numbers here are such as are never issued.
func TestNumbersOfTheLedAreForTests(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range allLed() {
		if len(c.number) != 10 || !strings.HasPrefix(c.number, "999") || seen[c.number] {
			t.Errorf("%s is no number for tests, or comes twice", c.number)
		}
		seen[c.number] = true
	}
}
