package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/person"
)

// changeKinds are the words for changes that need a second person, as in the
// tables of all services.
var changeKinds = []person.ChangeKind{
	cpisv1.ChangeKind_CHANGE_KIND_UNSPECIFIED:      "",
	cpisv1.ChangeKind_CHANGE_KIND_RESTRICT:         person.Restrict,
	cpisv1.ChangeKind_CHANGE_KIND_LIFT_RESTRICTION: person.LiftRestriction,
	cpisv1.ChangeKind_CHANGE_KIND_MERGE:            person.Merge,
	cpisv1.ChangeKind_CHANGE_KIND_UNMERGE:          person.Unmerge,
}

func replaceNumberFromProto(m *cpisv1.ReplaceNHSNumberRequest, request string) *person.ReplaceNHSNumberRequest {
	return &person.ReplaceNHSNumberRequest{
		Old:         m.GetOldNhsNumber(),
		New:         m.GetNewNhsNumber(),
		DateOfBirth: m.GetDateOfBirth(),
		Reason:      m.GetReason(),
		Request:     request,
	}
}

func replaceNumberToProto(r *person.ReplaceNHSNumberResult) *cpisv1.ReplaceNHSNumberResponse {
	return &cpisv1.ReplaceNHSNumberResponse{Receipt: receiptToProto(&r.Receipt)}
}

func proposeChangeFromProto(m *cpisv1.ProposeChangeRequest, request string) *person.ProposeChangeRequest {
	return &person.ProposeChangeRequest{
		Kind:       fromEnum(changeKinds, m.GetKind()),
		NHSNumber:  m.GetNhsNumber(),
		From:       m.GetFromNhsNumber(),
		Superseded: m.GetSuperseded(),
		MergeID:    m.GetMergeId(),
		Reason:     m.GetReason(),
		Request:    request,
	}
}

func proposeChangeToProto(r *person.ProposeChangeResult) *cpisv1.ProposeChangeResponse {
	return &cpisv1.ProposeChangeResponse{ChangeId: r.ID, Receipt: receiptToProto(&r.Receipt)}
}

func decideChangeFromProto(m *cpisv1.DecideChangeRequest, request string) *person.DecideChangeRequest {
	return &person.DecideChangeRequest{
		ChangeID: m.GetChangeId(),
		Decision: fromEnum(decisions, m.GetDecision()),
		Reason:   m.GetReason(),
		Request:  request,
	}
}

func decideChangeToProto(r *person.DecideChangeResult) *cpisv1.DecideChangeResponse {
	return &cpisv1.DecideChangeResponse{
		State:   toEnum[cpisv1.ProposalState](proposalStates, r.State),
		Receipt: receiptToProto(&r.Receipt),
	}
}

func listChangesFromProto(m *cpisv1.ListChangesRequest, request string) *person.ChangeQuery {
	return &person.ChangeQuery{
		ID:       m.GetChangeId(),
		OpenOnly: m.GetOpenOnly(),
		Paging:   guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request:  request,
	}
}

func listChangesToProto(r *person.ChangePage) *cpisv1.ListChangesResponse {
	return &cpisv1.ListChangesResponse{
		Changes:  each(r.Changes, proposedChangeToProto),
		NextPage: r.Next,
		Receipt:  receiptToProto(&r.Receipt),
	}
}

func proposedChangeToProto(c *person.ProposedChange) *cpisv1.ProposedChange {
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
