package rpc

import "cpis/proto/cpis/v1/cpisv1connect"

// Notices are the use cases behind NoticeService.
type Notices interface{}

// noticeHandler is NoticeService.
type noticeHandler struct {
	cpisv1connect.UnimplementedNoticeServiceHandler
	uses Notices
}
