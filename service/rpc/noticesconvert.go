package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
)

// The words of notices, as those in convert.go.
var (
	noticeKinds = []notice.Kind{
		cpisv1.NoticeKind_NOTICE_KIND_UNSPECIFIED:          "",
		cpisv1.NoticeKind_NOTICE_KIND_UNSCHEDULED_ACCESS:   notice.Unscheduled,
		cpisv1.NoticeKind_NOTICE_KIND_BREAK_GLASS:          notice.BreakGlass,
		cpisv1.NoticeKind_NOTICE_KIND_RESTRICTED_ACCESS:    notice.Restricted,
		cpisv1.NoticeKind_NOTICE_KIND_IDENTITY_MISMATCH:    notice.Mismatch,
		cpisv1.NoticeKind_NOTICE_KIND_MISSED_APPOINTMENT:   notice.Missed,
		cpisv1.NoticeKind_NOTICE_KIND_CORRECTION:           notice.Correction,
		cpisv1.NoticeKind_NOTICE_KIND_OVERLAP:              notice.Overlap,
		cpisv1.NoticeKind_NOTICE_KIND_TRANSFER_PROPOSED:    notice.TransferProposed,
		cpisv1.NoticeKind_NOTICE_KIND_TRANSFER_DECIDED:     notice.TransferDecided,
		cpisv1.NoticeKind_NOTICE_KIND_NUMBER_REPLACED:      notice.NumberReplaced,
		cpisv1.NoticeKind_NOTICE_KIND_MERGED:               notice.Merged,
		cpisv1.NoticeKind_NOTICE_KIND_CHANGE_PROPOSED:      notice.ChangeProposed,
		cpisv1.NoticeKind_NOTICE_KIND_UPLOAD_WAITING:       notice.UploadWaiting,
		cpisv1.NoticeKind_NOTICE_KIND_CONTACTS_UNCONFIRMED: notice.Unconfirmed,
		cpisv1.NoticeKind_NOTICE_KIND_RESTRICTION_CHANGED:  notice.RestrictionChanged,
		cpisv1.NoticeKind_NOTICE_KIND_WEEKLY_DIGEST:        notice.Digest,
	}
	ackOutcomes = []notice.AckOutcome{
		cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_UNSPECIFIED:       "",
		cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_SETTING_CONTACTED: notice.SettingContacted,
		cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_FAMILY_CONTACTED:  notice.FamilyContacted,
		cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_ESCALATED:         notice.Escalated,
		cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_NO_ACTION:         notice.NoAction,
		cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_OTHER:             notice.OtherOutcome,
	}
)

func listNoticesFromProto(m *cpisv1.ListNoticesRequest, request string) *notice.InboxQuery {
	return &notice.InboxQuery{
		Open:        m.GetOpenOnly(),
		Priority:    m.GetPriorityOnly(),
		Undelivered: m.GetUndeliveredOnly(),
		Kind:        fromEnum(noticeKinds, m.GetKind()),
		AssignedTo:  m.GetAssignedTo(),
		Paging:      guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request:     request,
	}
}

func listNoticesToProto(r *notice.InboxPage) *cpisv1.ListNoticesResponse {
	return &cpisv1.ListNoticesResponse{
		Notices:  each(r.Notices, noticeToProto),
		NextPage: r.Next,
		Receipt:  receiptToProto(&r.Receipt),
	}
}

func getNoticeFromProto(m *cpisv1.GetNoticeRequest, request string) *notice.GetNoticeRequest {
	return &notice.GetNoticeRequest{NoticeID: m.GetNoticeId(), Request: request}
}

func getNoticeToProto(d *notice.Detail) *cpisv1.GetNoticeResponse {
	return &cpisv1.GetNoticeResponse{
		Notice:     noticeToProto(&d.Notice),
		Acts:       each(d.Acts, noticeActToProto),
		Deliveries: each(d.Deliveries, deliveryToProto),
		Receipt:    receiptToProto(&d.Receipt),
	}
}

func acknowledgeNoticeFromProto(m *cpisv1.AcknowledgeNoticeRequest, request string) *notice.AcknowledgeRequest {
	return &notice.AcknowledgeRequest{
		NoticeID: m.GetNoticeId(),
		Version:  int(m.GetVersion()),
		Outcome:  fromEnum(ackOutcomes, m.GetOutcome()),
		Note:     m.GetNote(),
		Request:  request,
	}
}

func acknowledgeNoticeToProto(r *notice.ActResult) *cpisv1.AcknowledgeNoticeResponse {
	return &cpisv1.AcknowledgeNoticeResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}
}

func assignNoticeFromProto(m *cpisv1.AssignNoticeRequest, request string) *notice.AssignRequest {
	return &notice.AssignRequest{
		NoticeID: m.GetNoticeId(),
		Version:  int(m.GetVersion()),
		To:       m.GetTo(),
		Note:     m.GetNote(),
		Request:  request,
	}
}

func assignNoticeToProto(r *notice.ActResult) *cpisv1.AssignNoticeResponse {
	return &cpisv1.AssignNoticeResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}
}

func listColleaguesFromProto(_ *cpisv1.ListColleaguesRequest, request string) *notice.ListColleaguesRequest {
	return &notice.ListColleaguesRequest{Request: request}
}

func listColleaguesToProto(r *notice.ColleagueList) *cpisv1.ListColleaguesResponse {
	return &cpisv1.ListColleaguesResponse{
		Colleagues: each(r.Colleagues, colleagueToProto),
		Receipt:    receiptToProto(&r.Receipt),
	}
}

func noticeToProto(n *notice.Notice) *cpisv1.Notice {
	m := &cpisv1.Notice{
		Id:                 n.ID,
		Version:            count(n.Version),
		Kind:               toEnum[cpisv1.NoticeKind](noticeKinds, n.Kind),
		Priority:           n.Priority,
		At:                 timeToProto(n.At),
		Organisation:       n.Organisation,
		OrganisationName:   n.OrganisationName,
		Setting:            toEnum[cpisv1.Setting](settings, n.Setting),
		Actor:              actorToProto(&n.Actor),
		Text:               n.Text,
		Encounter:          timeToProto(n.Encounter),
		Corrects:           n.Corrects,
		CorrectedBy:        n.CorrectedBy,
		Reference:          n.Reference,
		PlanIds:            n.PlanIDs,
		Acknowledged:       n.Acknowledged,
		AssignedTo:         n.AssignedTo,
		Undelivered:        n.Undelivered,
		DetailsUnavailable: n.Degraded,
	}
	if n.Person != nil {
		m.Person = ownPersonToProto(n.Person)
	}
	if n.Assignee != nil {
		m.Assignee = colleagueToProto(n.Assignee)
	}
	return m
}

func colleagueToProto(c *notice.Colleague) *cpisv1.Colleague {
	return &cpisv1.Colleague{Id: c.ID, UserId: c.User, Name: c.Name, LastSeen: c.LastSeen.String()}
}

// actorToProto returns nil if nobody is known.
func actorToProto(a *notice.Actor) *cpisv1.NoticeActor {
	if *a == (notice.Actor{}) {
		return nil
	}
	return &cpisv1.NoticeActor{
		Name:             a.Name,
		Role:             a.Role,
		Responsible:      responsibleToProto(a.Responsible),
		SafeguardingLead: responsibleToProto(a.Lead),
	}
}

func responsibleToProto(r domain.Responsible) *cpisv1.Responsible {
	if r.IsZero() {
		return nil
	}
	return &cpisv1.Responsible{Name: r.Name, Role: r.Role, Phone: r.Phone}
}

func noticeActToProto(a *notice.Done) *cpisv1.NoticeAct {
	return &cpisv1.NoticeAct{
		Change:     changeToProto(&a.Change),
		Outcome:    toEnum[cpisv1.AcknowledgeOutcome](ackOutcomes, a.Outcome),
		AssignedTo: a.AssignedTo,

		AssignedName: a.AssignedName,
	}
}

func newNoticesToProto(n *notice.NewNotices) *cpisv1.WatchNoticesResponse {
	m := &cpisv1.WatchNoticesResponse{Notices: each(n.Notices, noticeToProto), Cursor: n.Cursor}
	if len(n.Notices) > 0 {
		m.Receipt = receiptToProto(&n.Receipt)
	}
	return m
}
