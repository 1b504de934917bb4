package plans_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// about registers a plan, and returns the page of it, and where those about its person are.
func about(s *webtest.Site, number string, change ...func(*domain.Registration)) (at, who string) {
	s.TB.Helper()
	at = a(s, servicetest.Under(number, change...))
	return at, "/people/" + planOf(s, strings.TrimPrefix(at, "/plans/")).PersonID
}

// decide has somebody decide about the proposal that the page shows.
func decide(b *webtest.Browser, proposal, decision string) *webtest.Browser {
	b.TB.Helper()
	return b.Get(proposal).Submit(proposal, map[string]string{"decision": decision, "reason": "looked into it"})
}

// One person proposes, and another decides; who proposed can only take it back.
func TestRestriction_IsProposedByOneAndDecidedByAnother(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, second := s.As("lead"), s.As("second-lead")
	at, who := about(s, "9990000018")
	b.Get(at).Follow("Keep hidden where this person lives")
	b.Walk(answers{"reason": {"reason": "a threat"}})
	says(b, "Nothing changes until a colleague agrees")
	before := len(s.Entries())
	says(send(b), "Change proposed")
	s.WantEntries(before, "propose_change done")
	b.Follow("See the proposal")
	proposal := b.At.Path
	says(b, "You proposed this, so a colleague must decide", "a threat")
	b.Send(http.MethodPost, proposal, url.Values{"decision": {"accept"}, "reason": {"me"}, "request": {uuid.NewString()}}, nil)
	b.Want(http.StatusConflict, proposal, "A colleague must decide this")
	second.Get("/home").Follow("Proposals").Want(http.StatusOK, "/proposals", "Proposals")
	second.Follow("Restrict a person").Want(http.StatusOK, proposal, "Do you agree to restrict this person?")
	says(second, "Proposed by LINDQVIST Grace (Ms)", "a threat", "They will not see your authority")
	second.Submit(proposal, map[string]string{"decision": "accept", "reason": ""})
	wrong(second, "Say why, in a few words that a colleague will understand")
	says(decide(second, proposal, "accept"), "You agreed, and it is done")
	b.Get(at)
	says(b, "Where this person lives must not be revealed")
	b.Get(who+"/restrict").Want(http.StatusConflict, who+"/restrict", "That is not possible any more")
	b.Get(at).Follow("Lift the restriction")
	b.Walk(answers{"reason": {"reason": "no threat any more"}})
	send(b).Follow("See the proposal")
	lift := b.At.Path
	says(decide(second, lift, "decline"), "You did not agree")
	b.Get(lift)
	says(b, "Declined by BELLINGHAM Amos (Mr)", "looked into it")
	s.As("camden-lead").Get(lift).Want(http.StatusNotFound, lift, "Page not found")
	b.Get("/proposals")
	says(b, "No proposal waits for a decision")
	says(b.Follow("Show what was decided"), "Agreed", "Declined")
}

func TestProposal_IsWithdrawnByWhoMadeIt(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	_, who := about(s, "9990000018")
	b.Get(who + "/restrict")
	b.Walk(answers{"reason": {"reason": "a threat"}})
	send(b).Follow("See the proposal")
	proposal := b.At.Path
	b.Get(who + "/restrict")
	b.Walk(answers{"reason": {"reason": "again"}})
	send(b)
	wrong(b, "Your proposal of the same kind is open: decide it first")
	says(decide(b, proposal, "withdraw"), "The proposal is withdrawn")
	says(decidedAgain(s, proposal), "Withdrawn")
}

func decidedAgain(s *webtest.Site, proposal string) *webtest.Browser {
	s.TB.Helper()
	b := s.As("second-lead").Get(proposal)
	if b.Doc.Find("form[action='"+proposal+"']").Length() != 0 {
		s.TB.Error("what was decided can be decided again")
	}
	return b
}

// Two records of one person are joined by two people, and two again likewise.
func TestMerge_IsDoneAndUndoneByTwoPeople(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, second := s.As("lead"), s.As("second-lead")
	at, _ := about(s, "9990000018")
	about(s, "9990000034", servicetest.AsLAC)
	b.Get(at).Follow("Two records, one person")
	b.Walk(answers{"other": {"from_nhs_number": "999 000 0034"}, "stays": {"stays": "other"}, "theirs": {"theirs": "no"}, "reason": {"reason": "<b>the same</b>"}})
	says(b, "the plans move to the record that stays", "<b>the same</b>", "999 000 0034")
	send(b).Follow("See the proposal")
	proposal := b.At.Path
	second.Get(proposal).Want(http.StatusOK, proposal, "Do you agree to join these records?")
	says(second, "The record that stays", "The other record", "999 000 0034 (different)", "999 000 0018 (different)")
	says(decide(second, proposal, "accept"), "You agreed, and it is done")
	held := func(number string) int {
		t.Helper()
		out, err := s.GetPerson(t.Context(), servicetest.Lead, &plan.GetPersonRequest{NHSNumber: number})
		if err != nil {
			return 0
		}
		return len(out.Plans)
	}
	mustHave(t, "plans of the record that stays", held("9990000034"), 2)
	mustHave(t, "plans of the other", held("9990000018"), 0)
	second.Get(proposal).Follow("Undo this")
	second.Walk(answers{"reason": {"reason": "two children"}})
	send(second).Follow("See the proposal")
	says(decide(b, second.At.Path, "accept"), "You agreed, and it is done")
	mustHave(t, "plans after that was undone", held("9990000018"), 1)
	b.Get(proposal+"/undo").Submit(b.At.Path, map[string]string{"reason": "again"})
	send(b)
	wrong(b, "The merge was undone before")
}

func TestNumber_IsReplaced(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	at, _ := about(s, "9990000018")
	about(s, "9990000034", servicetest.AsLAC)
	b.Get(at).Follow("The NHS number has changed")
	typed := answers{"number": {"new_nhs_number": "999 000 0034"}, "reason": {"reason": "traced"}}
	b.Walk(typed)
	send(b)
	wrong(b, "There is another record under this number. Propose to join the two instead")
	b.Follow("There is another record")
	b.Submit(b.At.Path, map[string]string{"new_nhs_number": "999 000 0042"})
	before := len(s.Entries())
	says(send(b), "NHS number replaced")
	s.WantEntries(before, "replace_number done")
	mustHave(t, "number", planOf(s, strings.TrimPrefix(at, "/plans/")).Person.NHSNumber.Reveal(), "9990000042")
}
