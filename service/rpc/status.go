package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/admin"
)

func (h *adminHandler) GetStatus(ctx context.Context, m *cpisv1.GetStatusRequest) (*cpisv1.GetStatusResponse, error) {
	return relay(ctx, m, howItDoesFromProto, h.uses.GetStatus, howItDoesToProto)
}

func (h *adminHandler) ListFailingChannels(ctx context.Context, m *cpisv1.ListFailingChannelsRequest) (*cpisv1.ListFailingChannelsResponse, error) {
	return relay(ctx, m, failingFromProto, h.uses.ListFailingChannels, failingToProto)
}

func howItDoesFromProto(_ *cpisv1.GetStatusRequest, request string) *admin.GetStatusRequest {
	return &admin.GetStatusRequest{Request: request}
}

// howItDoesToProto converts how the service does. A part that is not known stays absent.
func howItDoesToProto(s *admin.Status) *cpisv1.GetStatusResponse {
	out := &cpisv1.GetStatusResponse{
		At: timeToProto(s.At), Policy: s.Policy, Keeper: s.Keeper, Receipt: receiptToProto(&s.Receipt),
		Program: &cpisv1.ProgramStatus{Version: s.Program.Version, Commit: s.Program.Commit, Modified: s.Program.Modified},
		Queue:   &cpisv1.QueueStatus{UnderWay: count(s.Queue.UnderWay), Most: count(s.Queue.Most)},
	}
	for _, k := range s.Kept {
		out.Kept = append(out.Kept, &cpisv1.KeptStatus{What: k.What, Seconds: int64(k.For.Seconds())})
	}
	if d := s.Database; d != nil {
		out.Database = &cpisv1.DatabaseStatus{
			Version: d.Version, Schema: count(d.Schema), Size: d.Size, Connections: count(d.Connections), MaxConnections: count(d.Max),
		}
	}
	if l := s.Log; l != nil {
		out.Log = &cpisv1.LogStatus{
			Origin: l.Origin, Size: l.Size, Signed: l.Signed, SignedAt: timeToProto(l.SignedAt), Room: l.Room, Behind: l.Behind, Damaged: l.Damaged,
			ReadAgain: timeToProto(l.ReadAgain),
		}
	}
	if d := s.Deliveries; d != nil {
		out.Deliveries = &cpisv1.DeliveryStatus{Pending: d.Pending, Undelivered: d.Undelivered, Oldest: timeToProto(d.Oldest)}
	}
	if c := s.Channels; c != nil {
		out.Channels = &cpisv1.ChannelStatus{}
		for _, r := range c.Resting {
			out.Channels.Resting = append(out.Channels.Resting, &cpisv1.RestingAuthorityChannel{
				Authority: r.Authority, Kind: r.Kind, Rank: count(r.Rank), Since: timeToProto(r.Since), Until: timeToProto(r.Until),
			})
		}
	}
	return out
}

func failingFromProto(_ *cpisv1.ListFailingChannelsRequest, request string) *admin.ListFailingChannelsRequest {
	return &admin.ListFailingChannelsRequest{Request: request}
}

func failingToProto(f *admin.FailingChannels) *cpisv1.ListFailingChannelsResponse {
	out := &cpisv1.ListFailingChannelsResponse{At: timeToProto(f.At), Receipt: receiptToProto(&f.Receipt)}
	for i := range f.Channels {
		c := &f.Channels[i]
		out.Channels = append(out.Channels, &cpisv1.FailingChannel{
			Authority: c.Authority, AuthorityName: c.Name, Kind: c.Kind, Rank: count(c.Rank), Paused: c.Paused, Failures: count(c.Failures),
			FailedAt: timeToProto(c.FailedAt), RestsUntil: timeToProto(c.RestsUntil), Pending: c.Pending, Undelivered: c.Undelivered,
			WaitingSince: timeToProto(c.Waiting),
		})
	}
	return out
}
