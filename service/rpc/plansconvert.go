package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
)

// The words of PlanService, as in the tables of all services.
var (
	planFilters = []plan.Filter{
		cpisv1.PlanFilter_PLAN_FILTER_UNSPECIFIED: plan.AllPlans,
		cpisv1.PlanFilter_PLAN_FILTER_ACTIVE:      plan.ActivePlans,
		cpisv1.PlanFilter_PLAN_FILTER_ENDED:       plan.EndedPlans,
		cpisv1.PlanFilter_PLAN_FILTER_OVERDUE:     plan.OverduePlans,
		cpisv1.PlanFilter_PLAN_FILTER_ADULT:       plan.AdultPlans,
	}
	planOrders = []plan.Order{
		cpisv1.PlanOrder_PLAN_ORDER_UNSPECIFIED:   plan.AnyOrder,
		cpisv1.PlanOrder_PLAN_ORDER_CHANGED:       plan.LastChanged,
		cpisv1.PlanOrder_PLAN_ORDER_VISIBLE_UNTIL: plan.LastVisible,
	}
	eventKinds = []plan.EventKind{
		cpisv1.PersonEventKind_PERSON_EVENT_KIND_UNSPECIFIED: plan.AllEvents,
		cpisv1.PersonEventKind_PERSON_EVENT_KIND_PLAN:        plan.PlanEvents,
		cpisv1.PersonEventKind_PERSON_EVENT_KIND_ACCESS:      plan.AccessEvents,
		cpisv1.PersonEventKind_PERSON_EVENT_KIND_NOTICE:      plan.NoticeEvents,
		cpisv1.PersonEventKind_PERSON_EVENT_KIND_CORRECTION:  plan.Corrections,
	}
	decisions = []domain.Decision{
		cpisv1.Decision_DECISION_UNSPECIFIED: "",
		cpisv1.Decision_DECISION_ACCEPT:      domain.Accept,
		cpisv1.Decision_DECISION_DECLINE:     domain.Decline,
		cpisv1.Decision_DECISION_WITHDRAW:    domain.Withdraw,
	}
	proposalStates = []domain.State{
		cpisv1.ProposalState_PROPOSAL_STATE_UNSPECIFIED: "",
		cpisv1.ProposalState_PROPOSAL_STATE_OPEN:        domain.Open,
		cpisv1.ProposalState_PROPOSAL_STATE_ACCEPTED:    domain.Accepted,
		cpisv1.ProposalState_PROPOSAL_STATE_DECLINED:    domain.Declined,
		cpisv1.ProposalState_PROPOSAL_STATE_WITHDRAWN:   domain.Withdrawn,
	}
)

func amendPlanFromProto(m *cpisv1.AmendPlanRequest, request string) *plan.AmendPlanRequest {
	return &plan.AmendPlanRequest{
		PlanID:      m.GetPlanId(),
		Version:     int(m.GetVersion()),
		Reason:      m.GetReason(),
		Family:      m.GetFamilyName(),
		Given:       m.GetGivenName(),
		DateOfBirth: m.GetDateOfBirth(),
		Start:       m.GetStart(),
		End:         m.GetEnd(),
		Expected:    m.GetExpected(),
		Basis:       fromEnum(bases, m.GetLegalBasis()),
		Reference:   m.GetReference(),
		Request:     request,
	}
}

func amendPlanToProto(r *plan.ChangeResult) *cpisv1.AmendPlanResponse {
	return &cpisv1.AmendPlanResponse{
		Version:      count(r.Version),
		VisibleUntil: r.VisibleUntil.String(),
		Receipt:      receiptToProto(&r.Receipt),
	}
}

func removePlanFromProto(m *cpisv1.RemovePlanRequest, request string) *plan.RemovePlanRequest {
	return &plan.RemovePlanRequest{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		Reason:  m.GetReason(),
		Request: request,
	}
}

func removePlanToProto(r *plan.ChangeResult) *cpisv1.RemovePlanResponse {
	return &cpisv1.RemovePlanResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}
}

func recordBirthFromProto(m *cpisv1.RecordBirthRequest, request string) *plan.RecordBirthRequest {
	b := &plan.RecordBirthRequest{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		Born:    m.GetBorn(),
		Request: request,
	}
	if child := m.GetChildPlan(); child != nil {
		p := child.GetChild()
		b.Child = &plan.ChildPlan{
			NHSNumber:   p.GetNhsNumber(),
			Family:      p.GetFamilyName(),
			Given:       p.GetGivenName(),
			DateOfBirth: p.GetDateOfBirth(),
			Start:       child.GetStart(),
			Reference:   child.GetReference(),
			Restricted:  child.GetRestricted(),
		}
	}
	return b
}

func recordBirthToProto(r *plan.RecordBirthResult) *cpisv1.RecordBirthResponse {
	return &cpisv1.RecordBirthResponse{
		Version:      count(r.Version),
		VisibleUntil: r.VisibleUntil.String(),
		ChildPlanId:  r.ChildPlanID,
		Receipt:      receiptToProto(&r.Receipt),
	}
}

// ownPersonToProto converts a person for an authority that may know the number.
func ownPersonToProto(p *domain.Person) *cpisv1.Person {
	return &cpisv1.Person{
		NhsNumber:   p.NHSNumber.Reveal(),
		FamilyName:  p.Family,
		GivenName:   p.Given,
		DateOfBirth: p.DateOfBirth.String(),
	}
}

func getPersonFromProto(m *cpisv1.GetPersonRequest, request string) *plan.GetPersonRequest {
	return &plan.GetPersonRequest{NHSNumber: m.GetNhsNumber(), PersonID: m.GetPersonId(), Request: request}
}

func findPeopleFromProto(m *cpisv1.FindPeopleRequest, request string) *plan.FindRequest {
	return &plan.FindRequest{
		NHSNumber: m.GetNhsNumber(), Family: m.GetFamilyName(), Given: m.GetGivenName(), DateOfBirth: m.GetDateOfBirth(), Request: request,
	}
}

func findPeopleToProto(r *plan.FoundPeople) *cpisv1.FindPeopleResponse {
	return &cpisv1.FindPeopleResponse{
		People: each(r.People, foundPersonToProto), More: r.More, Incomplete: r.Incomplete, Receipt: receiptToProto(&r.Receipt),
	}
}

func foundPersonToProto(p *plan.FoundPerson) *cpisv1.FoundPerson {
	return &cpisv1.FoundPerson{
		PersonId: p.ID, Person: ownPersonToProto(&p.Person), Plans: each(p.Plans, ownPlanToProto), Restricted: p.Restricted,
	}
}

func getPlanFromProto(m *cpisv1.GetPlanRequest, request string) *plan.GetPlanRequest {
	return &plan.GetPlanRequest{PlanID: m.GetPlanId(), Request: request}
}

func getPlanToProto(r *plan.Found) *cpisv1.GetPlanResponse {
	return &cpisv1.GetPlanResponse{
		Person:     ownPersonToProto(&r.Person),
		Plan:       ownPlanToProto(&r.Plan),
		Restricted: r.Restricted,
		Receipt:    receiptToProto(&r.Receipt),
		PersonId:   r.PersonID,
	}
}

func listPlansFromProto(m *cpisv1.ListPlansRequest, request string) *plan.ListRequest {
	return &plan.ListRequest{
		Filter:  fromEnum(planFilters, m.GetFilter()),
		Kind:    fromEnum(kinds, m.GetKind()),
		Order:   fromEnum(planOrders, m.GetOrder()),
		Reverse: m.GetReverse(),
		Paging:  guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request: request,
	}
}

func listPlansToProto(r *plan.Page) *cpisv1.ListPlansResponse {
	return &cpisv1.ListPlansResponse{
		Plans:        each(r.Plans, listedPlanToProto),
		NextPage:     r.Next,
		PreviousPage: r.Previous,
		Receipt:      receiptToProto(&r.Receipt),
	}
}

func listedPlanToProto(p *plan.Listed) *cpisv1.ListedPlan {
	return &cpisv1.ListedPlan{
		Person:     ownPersonToProto(&p.Person),
		Plan:       ownPlanToProto(&p.Plan),
		Restricted: p.Restricted,
		PersonId:   p.PersonID,
	}
}

func listVersionsFromProto(m *cpisv1.ListVersionsRequest, request string) *plan.ListVersionsRequest {
	return &plan.ListVersionsRequest{PlanID: m.GetPlanId(), Request: request}
}

func listVersionsToProto(r *plan.Versions) *cpisv1.ListVersionsResponse {
	return &cpisv1.ListVersionsResponse{
		Versions: each(r.Versions, versionToProto),
		Receipt:  receiptToProto(&r.Receipt),
	}
}

func versionToProto(v *plan.Version) *cpisv1.PlanVersion {
	m := &cpisv1.PlanVersion{
		Plan:       ownPlanToProto(&v.Plan),
		FamilyName: v.Family,
		GivenName:  v.Given,
		Change:     changeToProto(&v.Change),
		Authority:  v.Authority,
		Entry:      v.Entry,
	}
	if v.Plan.Details.Kind == "" { // of a version that is not shown no status is either
		m.Plan.Status = cpisv1.PlanStatus_PLAN_STATUS_UNSPECIFIED
	}
	return m
}

// changeToProto returns who changed something; nothing if nobody has yet.
func changeToProto(c *domain.Change) *cpisv1.Change {
	if c == nil {
		return nil
	}
	return &cpisv1.Change{
		Act:          c.Act,
		Actor:        c.Actor,
		Name:         c.Name,
		Organisation: c.Organisation,
		Reason:       c.Reason,
		At:           timeToProto(c.At),
	}
}

func proposeTransferFromProto(m *cpisv1.ProposeTransferRequest, request string) *plan.ProposeTransferRequest {
	return &plan.ProposeTransferRequest{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		To:      m.GetTo(),
		Reason:  m.GetReason(),
		Request: request,
	}
}

func proposeTransferToProto(r *plan.ProposeTransferResult) *cpisv1.ProposeTransferResponse {
	return &cpisv1.ProposeTransferResponse{
		TransferId: r.TransferID,
		Version:    count(r.Version),
		Receipt:    receiptToProto(&r.Receipt),
	}
}

func decideTransferFromProto(m *cpisv1.DecideTransferRequest, request string) *plan.DecideTransferRequest {
	return &plan.DecideTransferRequest{
		TransferID: m.GetTransferId(),
		Decision:   fromEnum(decisions, m.GetDecision()),
		Reason:     m.GetReason(),
		Reference:  m.GetReference(),
		Request:    request,
	}
}

func decideTransferToProto(r *plan.DecideTransferResult) *cpisv1.DecideTransferResponse {
	return &cpisv1.DecideTransferResponse{
		State:   toEnum[cpisv1.ProposalState](proposalStates, r.State),
		Version: count(r.Version),
		Receipt: receiptToProto(&r.Receipt),
	}
}

func listTransfersFromProto(m *cpisv1.ListTransfersRequest, request string) *plan.TransferQuery {
	return &plan.TransferQuery{
		ID:       m.GetTransferId(),
		OpenOnly: m.GetOpenOnly(),
		Paging:   guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request:  request,
	}
}

func listTransfersToProto(r *plan.TransferPage) *cpisv1.ListTransfersResponse {
	return &cpisv1.ListTransfersResponse{
		Transfers: each(r.Transfers, transferToProto),
		NextPage:  r.Next,
		Receipt:   receiptToProto(&r.Receipt),
	}
}

func transferToProto(t *plan.Transfer) *cpisv1.Transfer {
	m := &cpisv1.Transfer{
		Id:       t.ID,
		State:    toEnum[cpisv1.ProposalState](proposalStates, t.State),
		From:     t.From,
		To:       t.To,
		Proposed: changeToProto(&t.Proposed),
		Decided:  changeToProto(t.Decided),

		Person:     ownPersonToProto(&t.Person),
		Restricted: t.Restricted,
	}
	if p := t.Plan; p != nil {
		m.Plan = ownPlanToProto(&p.Plan)
	}
	return m
}
