package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service"
)

// The words of PlanService, as in the tables of all services.
var (
	planFilters = []service.PlanFilter{
		cpisv1.PlanFilter_PLAN_FILTER_UNSPECIFIED: service.AllPlans,
		cpisv1.PlanFilter_PLAN_FILTER_ACTIVE:      service.ActivePlans,
		cpisv1.PlanFilter_PLAN_FILTER_ENDED:       service.EndedPlans,
		cpisv1.PlanFilter_PLAN_FILTER_OVERDUE:     service.OverduePlans,
		cpisv1.PlanFilter_PLAN_FILTER_ADULT:       service.AdultPlans,
	}
	decisions = []service.Decision{
		cpisv1.Decision_DECISION_UNSPECIFIED: "",
		cpisv1.Decision_DECISION_ACCEPT:      service.Accept,
		cpisv1.Decision_DECISION_DECLINE:     service.Decline,
		cpisv1.Decision_DECISION_WITHDRAW:    service.Withdraw,
	}
	proposalStates = []service.State{
		cpisv1.ProposalState_PROPOSAL_STATE_UNSPECIFIED: "",
		cpisv1.ProposalState_PROPOSAL_STATE_OPEN:        service.Open,
		cpisv1.ProposalState_PROPOSAL_STATE_ACCEPTED:    service.Accepted,
		cpisv1.ProposalState_PROPOSAL_STATE_DECLINED:    service.Declined,
		cpisv1.ProposalState_PROPOSAL_STATE_WITHDRAWN:   service.Withdrawn,
	}
)

func amendmentFromProto(m *cpisv1.AmendPlanRequest, request string) *service.Amendment {
	return &service.Amendment{
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

func amendedToProto(r *service.Changed) *cpisv1.AmendPlanResponse {
	return &cpisv1.AmendPlanResponse{
		Version:      count(r.Version),
		VisibleUntil: r.VisibleUntil.String(),
		Receipt:      receiptToProto(&r.Receipt),
	}
}

func removalFromProto(m *cpisv1.RemovePlanRequest, request string) *service.Removal {
	return &service.Removal{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		Reason:  m.GetReason(),
		Request: request,
	}
}

func removedToProto(r *service.Changed) *cpisv1.RemovePlanResponse {
	return &cpisv1.RemovePlanResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}
}

func birthFromProto(m *cpisv1.RecordBirthRequest, request string) *service.Birth {
	b := &service.Birth{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		Born:    m.GetBorn(),
		Request: request,
	}
	if child := m.GetChildPlan(); child != nil {
		p := child.GetChild()
		b.Child = &service.ChildPlan{
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

func birthedToProto(r *service.Birthed) *cpisv1.RecordBirthResponse {
	return &cpisv1.RecordBirthResponse{
		Version:      count(r.Version),
		VisibleUntil: r.VisibleUntil.String(),
		ChildPlanId:  r.ChildPlanID,
		Receipt:      receiptToProto(&r.Receipt),
	}
}

// ownPersonToProto gives a person to an authority that may know the number.
func ownPersonToProto(p *service.Person) *cpisv1.Person {
	return &cpisv1.Person{
		NhsNumber:   p.NHSNumber.Reveal(),
		FamilyName:  p.Family,
		GivenName:   p.Given,
		DateOfBirth: p.DateOfBirth.String(),
	}
}

func foundPlanToProto(r *service.FoundPlan) *cpisv1.GetPlanResponse {
	return &cpisv1.GetPlanResponse{
		Person:     ownPersonToProto(&r.Person),
		Plan:       ownPlanToProto(&r.Plan),
		Restricted: r.Restricted,
		Receipt:    receiptToProto(&r.Receipt),
	}
}

func planQueryFromProto(m *cpisv1.ListPlansRequest, request string) *service.PlanQuery {
	return &service.PlanQuery{
		Filter:  fromEnum(planFilters, m.GetFilter()),
		Kind:    fromEnum(kinds, m.GetKind()),
		Paging:  service.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request: request,
	}
}

func planPageToProto(r *service.PlanPage) *cpisv1.ListPlansResponse {
	return &cpisv1.ListPlansResponse{
		Plans:    each(r.Plans, listedPlanToProto),
		NextPage: r.Next,
		Receipt:  receiptToProto(&r.Receipt),
	}
}

func listedPlanToProto(p *service.ListedPlan) *cpisv1.ListedPlan {
	return &cpisv1.ListedPlan{
		Person:     ownPersonToProto(&p.Person),
		Plan:       ownPlanToProto(&p.Plan),
		Restricted: p.Restricted,
	}
}

func versionsToProto(r *service.Versions) *cpisv1.ListVersionsResponse {
	return &cpisv1.ListVersionsResponse{
		Versions: each(r.Versions, versionToProto),
		Receipt:  receiptToProto(&r.Receipt),
	}
}

func versionToProto(v *service.Version) *cpisv1.PlanVersion {
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

// changeToProto gives who changed something; nothing where nobody has yet.
func changeToProto(c *service.Change) *cpisv1.Change {
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

func offerFromProto(m *cpisv1.ProposeTransferRequest, request string) *service.Offer {
	return &service.Offer{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		To:      m.GetTo(),
		Reason:  m.GetReason(),
		Request: request,
	}
}

func offeredToProto(r *service.Offered) *cpisv1.ProposeTransferResponse {
	return &cpisv1.ProposeTransferResponse{
		TransferId: r.TransferID,
		Version:    count(r.Version),
		Receipt:    receiptToProto(&r.Receipt),
	}
}

func settlementFromProto(m *cpisv1.DecideTransferRequest, request string) *service.Settlement {
	return &service.Settlement{
		TransferID: m.GetTransferId(),
		Decision:   fromEnum(decisions, m.GetDecision()),
		Reason:     m.GetReason(),
		Reference:  m.GetReference(),
		Request:    request,
	}
}

func settledToProto(r *service.Settled) *cpisv1.DecideTransferResponse {
	return &cpisv1.DecideTransferResponse{
		State:   toEnum[cpisv1.ProposalState](proposalStates, r.State),
		Version: count(r.Version),
		Receipt: receiptToProto(&r.Receipt),
	}
}

func transferQueryFromProto(m *cpisv1.ListTransfersRequest, request string) *service.TransferQuery {
	return &service.TransferQuery{
		OpenOnly: m.GetOpenOnly(),
		Paging:   service.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request:  request,
	}
}

func transferPageToProto(r *service.TransferPage) *cpisv1.ListTransfersResponse {
	return &cpisv1.ListTransfersResponse{
		Transfers: each(r.Transfers, transferToProto),
		NextPage:  r.Next,
		Receipt:   receiptToProto(&r.Receipt),
	}
}

func transferToProto(t *service.Transfer) *cpisv1.Transfer {
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
