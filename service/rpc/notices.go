package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
)

// Notices are the use cases behind NoticeService.
type Notices interface {
	ListNotices(ctx context.Context, c *identity.Caller, q *notice.InboxQuery) (*notice.InboxPage, error)
	GetNotice(ctx context.Context, c *identity.Caller, id, request string) (*notice.Detail, error)
	WatchNotices(ctx context.Context, c *identity.Caller, w *notice.WatchRequest, send func(*notice.NewNotices) error) error
	AcknowledgeNotice(ctx context.Context, c *identity.Caller, k *notice.AcknowledgeRequest) (*notice.ActResult, error)
	AssignNotice(ctx context.Context, c *identity.Caller, k *notice.AssignRequest) (*notice.ActResult, error)
	ListColleagues(ctx context.Context, c *identity.Caller, request string) (*notice.ColleagueList, error)
}

// noticeHandler is NoticeService.
type noticeHandler struct {
	uses     Notices
	channels Channels
}

func (h *noticeHandler) ListNotices(ctx context.Context, m *cpisv1.ListNoticesRequest) (*cpisv1.ListNoticesResponse, error) {
	c := callOf(ctx)
	p, err := h.uses.ListNotices(ctx, &c.caller, &notice.InboxQuery{
		Open:        m.GetOpenOnly(),
		Priority:    m.GetPriorityOnly(),
		Undelivered: m.GetUndeliveredOnly(),
		Kind:        fromEnum(noticeKinds, m.GetKind()),
		AssignedTo:  m.GetAssignedTo(),
		Paging:      guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()},
		Request:     c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.ListNoticesResponse{
		Notices:  each(p.Notices, noticeToProto),
		NextPage: p.Next,
		Receipt:  receiptToProto(&p.Receipt),
	}, nil
}

func (h *noticeHandler) GetNotice(ctx context.Context, m *cpisv1.GetNoticeRequest) (*cpisv1.GetNoticeResponse, error) {
	c := callOf(ctx)
	d, err := h.uses.GetNotice(ctx, &c.caller, m.GetNoticeId(), c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.GetNoticeResponse{
		Notice:     noticeToProto(&d.Notice),
		Acts:       each(d.Acts, noticeActToProto),
		Deliveries: each(d.Deliveries, deliveryToProto),
		Receipt:    receiptToProto(&d.Receipt),
	}, nil
}

func (h *noticeHandler) WatchNotices(
	ctx context.Context, m *cpisv1.WatchNoticesRequest, stream cpisv1connect.NoticeServiceWatchNoticesServerStream,
) error {
	c, l := callOf(ctx), liveOf(ctx)
	ctx, leave := l.stay(ctx)
	defer leave()
	w := &notice.WatchRequest{Cursor: m.GetCursor(), Request: c.request}
	err := h.uses.WatchNotices(ctx, &c.caller, w, func(n *notice.NewNotices) error {
		l.extend()
		return l.unsent(ctx, stream.Send(newNoticesToProto(n)))
	})
	return l.ended(ctx, err)
}

func (h *noticeHandler) AcknowledgeNotice(ctx context.Context, m *cpisv1.AcknowledgeNoticeRequest) (*cpisv1.AcknowledgeNoticeResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.AcknowledgeNotice(ctx, &c.caller, &notice.AcknowledgeRequest{
		NoticeID: m.GetNoticeId(),
		Version:  int(m.GetVersion()),
		Outcome:  fromEnum(ackOutcomes, m.GetOutcome()),
		Note:     m.GetNote(),
		Request:  c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.AcknowledgeNoticeResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *noticeHandler) AssignNotice(ctx context.Context, m *cpisv1.AssignNoticeRequest) (*cpisv1.AssignNoticeResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.AssignNotice(ctx, &c.caller, &notice.AssignRequest{
		NoticeID: m.GetNoticeId(),
		Version:  int(m.GetVersion()),
		To:       m.GetTo(),
		Note:     m.GetNote(),
		Request:  c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.AssignNoticeResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *noticeHandler) ListColleagues(ctx context.Context, _ *cpisv1.ListColleaguesRequest) (*cpisv1.ListColleaguesResponse, error) {
	c := callOf(ctx)
	list, err := h.uses.ListColleagues(ctx, &c.caller, c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.ListColleaguesResponse{
		Colleagues: each(list.Colleagues, colleagueToProto),
		Receipt:    receiptToProto(&list.Receipt),
	}, nil
}

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

// actorToProto gives nobody where nobody is known.
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
