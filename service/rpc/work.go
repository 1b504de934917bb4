package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/identity"
	"cpis/service/work"
)

// Work are the use cases behind WorkService.
type Work interface {
	WorkList(ctx context.Context, c *identity.Caller, q *work.ListRequest) (*work.List, error)
}

// workHandler is WorkService.
type workHandler struct{ uses Work }

func (h *workHandler) GetWorkList(ctx context.Context, m *cpisv1.GetWorkListRequest) (*cpisv1.GetWorkListResponse, error) {
	return relay(ctx, m, workListFromProto, h.uses.WorkList, workListToProto)
}

func workListFromProto(_ *cpisv1.GetWorkListRequest, request string) *work.ListRequest {
	return &work.ListRequest{Request: request}
}

// workListToProto converts what waits. A part that is not known stays absent.
func workListToProto(l *work.List) *cpisv1.GetWorkListResponse {
	out := &cpisv1.GetWorkListResponse{Receipt: receiptToProto(&l.Receipt)}
	if n := l.Notices; n != nil {
		out.Notices = &cpisv1.WorkNotices{Open: count(n.Open), Priority: count(n.Priority), Oldest: timeToProto(n.Oldest)}
	}
	if d := l.Decisions; d != nil {
		out.Decisions = &cpisv1.WorkDecisions{
			Files: count(d.Files), Offered: count(d.Offered), Offering: count(d.Offering),
			Proposals: count(d.Proposals), OwnProposals: count(d.Own),
		}
	}
	if p := l.Plans; p != nil {
		out.Plans = &cpisv1.WorkPlans{Overdue: count(p.Overdue), Adult: count(p.Adult), AsOf: timeToProto(p.AsOf)}
	}
	if n := l.Numbers; n != nil {
		out.Numbers = &cpisv1.WorkNumbers{Confirmed: timeToProto(n.Confirmed), Overdue: n.Overdue}
	}
	if c := l.Channels; c != nil {
		out.Channels = restingToProto(c.Resting)
	}
	return out
}

func restingToProto(resting []work.Resting) *cpisv1.WorkChannels {
	out := &cpisv1.WorkChannels{}
	for _, r := range resting {
		out.Resting = append(out.Resting, &cpisv1.RestingChannel{
			ChannelId: r.ID, Kind: r.Kind, Since: timeToProto(r.Since), Until: timeToProto(r.Until),
		})
	}
	return out
}
