package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service"
)

// changeKinds are the words for changes that need a second person, as in the
// tables of all services.
var changeKinds = []service.ChangeKind{
	cpisv1.ChangeKind_CHANGE_KIND_UNSPECIFIED:      "",
	cpisv1.ChangeKind_CHANGE_KIND_RESTRICT:         service.Restrict,
	cpisv1.ChangeKind_CHANGE_KIND_LIFT_RESTRICTION: service.LiftRestriction,
	cpisv1.ChangeKind_CHANGE_KIND_MERGE:            service.Merge,
	cpisv1.ChangeKind_CHANGE_KIND_UNMERGE:          service.Unmerge,
}

func replacementFromProto(m *cpisv1.ReplaceNHSNumberRequest, request string) *service.Replacement {
	return &service.Replacement{
		Old:         m.GetOldNhsNumber(),
		New:         m.GetNewNhsNumber(),
		DateOfBirth: m.GetDateOfBirth(),
		Reason:      m.GetReason(),
		Request:     request,
	}
}

func proposalFromProto(m *cpisv1.ProposeChangeRequest, request string) *service.Proposal {
	return &service.Proposal{
		Kind:       fromEnum(changeKinds, m.GetKind()),
		NHSNumber:  m.GetNhsNumber(),
		From:       m.GetFromNhsNumber(),
		Superseded: m.GetSuperseded(),
		MergeID:    m.GetMergeId(),
		Reason:     m.GetReason(),
		Request:    request,
	}
}

func rulingFromProto(m *cpisv1.DecideChangeRequest, request string) *service.Ruling {
	return &service.Ruling{
		ChangeID: m.GetChangeId(),
		Decision: fromEnum(decisions, m.GetDecision()),
		Reason:   m.GetReason(),
		Request:  request,
	}
}

func changeQueryFromProto(m *cpisv1.ListChangesRequest, request string) *service.ChangeQuery {
	return &service.ChangeQuery{
		OpenOnly: m.GetOpenOnly(),
		Paging:   service.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request:  request,
	}
}

func changePageToProto(r *service.ChangePage) *cpisv1.ListChangesResponse {
	return &cpisv1.ListChangesResponse{
		Changes:  each(r.Changes, proposedChangeToProto),
		NextPage: r.Next,
		Receipt:  receiptToProto(&r.Receipt),
	}
}

func proposedChangeToProto(c *service.ProposedChange) *cpisv1.ProposedChange {
	m := &cpisv1.ProposedChange{
		Id:         c.ID,
		Kind:       toEnum[cpisv1.ChangeKind](changeKinds, c.Kind),
		State:      toEnum[cpisv1.ProposalState](proposalStates, c.State),
		Superseded: c.Superseded,
		Proposed:   changeToProto(&c.Proposed),
		Decided:    changeToProto(c.Decided),
	}
	if !c.Person.NHSNumber.IsZero() { // nobody was erased
		m.Person = ownPersonToProto(&c.Person)
	}
	if !c.From.NHSNumber.IsZero() {
		m.From = ownPersonToProto(&c.From)
	}
	return m
}
