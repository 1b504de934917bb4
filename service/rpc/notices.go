package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/identity"
	"cpis/service/notice"
)

// Notices are the use cases behind NoticeService.
type Notices interface {
	ListNotices(ctx context.Context, c *identity.Caller, q *notice.InboxQuery) (*notice.InboxPage, error)
	GetNotice(ctx context.Context, c *identity.Caller, q *notice.GetNoticeRequest) (*notice.Detail, error)
	WatchNotices(ctx context.Context, c *identity.Caller, w *notice.WatchRequest, send func(*notice.NewNotices) error) error
	AcknowledgeNotice(ctx context.Context, c *identity.Caller, k *notice.AcknowledgeRequest) (*notice.ActResult, error)
	AssignNotice(ctx context.Context, c *identity.Caller, k *notice.AssignRequest) (*notice.ActResult, error)
	ListColleagues(ctx context.Context, c *identity.Caller, q *notice.ListColleaguesRequest) (*notice.ColleagueList, error)
	GetFigures(ctx context.Context, c *identity.Caller, q *notice.FiguresRequest) (*notice.Figures, error)
}

// noticeHandler is NoticeService.
type noticeHandler struct {
	uses     Notices
	channels Channels
}

func (h *noticeHandler) ListNotices(ctx context.Context, m *cpisv1.ListNoticesRequest) (*cpisv1.ListNoticesResponse, error) {
	return relay(ctx, m, listNoticesFromProto, h.uses.ListNotices, listNoticesToProto)
}

func (h *noticeHandler) GetNotice(ctx context.Context, m *cpisv1.GetNoticeRequest) (*cpisv1.GetNoticeResponse, error) {
	return relay(ctx, m, getNoticeFromProto, h.uses.GetNotice, getNoticeToProto)
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
	return relay(ctx, m, acknowledgeNoticeFromProto, h.uses.AcknowledgeNotice, acknowledgeNoticeToProto)
}

func (h *noticeHandler) AssignNotice(ctx context.Context, m *cpisv1.AssignNoticeRequest) (*cpisv1.AssignNoticeResponse, error) {
	return relay(ctx, m, assignNoticeFromProto, h.uses.AssignNotice, assignNoticeToProto)
}

func (h *noticeHandler) ListColleagues(ctx context.Context, m *cpisv1.ListColleaguesRequest) (*cpisv1.ListColleaguesResponse, error) {
	return relay(ctx, m, listColleaguesFromProto, h.uses.ListColleagues, listColleaguesToProto)
}
