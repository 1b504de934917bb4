package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/plan"
)

func listEventsFromProto(m *cpisv1.ListPersonEventsRequest, request string) *plan.EventsRequest {
	return &plan.EventsRequest{
		PersonID: m.GetPersonId(), Kind: fromEnum(eventKinds, m.GetKind()),
		Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: request,
	}
}

func listEventsToProto(r *plan.Events) *cpisv1.ListPersonEventsResponse {
	return &cpisv1.ListPersonEventsResponse{
		Events: each(r.Events, eventToProto), NextPage: r.Next, Receipt: receiptToProto(&r.Receipt), Degraded: r.Degraded,
	}
}

func eventToProto(e *plan.Event) *cpisv1.PersonEvent {
	out := &cpisv1.PersonEvent{Kind: toEnum[cpisv1.PersonEventKind](eventKinds, e.Kind), At: timeToProto(e.At), Entry: e.Entry}
	switch {
	case e.Version != nil:
		out.Version = versionToProto(e.Version)
	case e.Access != nil:
		out.Access = &cpisv1.PersonAccess{
			Organisation: e.Access.Organisation, OrganisationName: e.Access.OrganisationName,
			Setting: toEnum[cpisv1.Setting](settings, e.Access.Setting), Who: e.Access.Who, WrongPatient: timeToProto(e.Access.WrongPatient),
		}
	case e.Notice != nil:
		out.Notice = noticeToProto(e.Notice)
	}
	return out
}
