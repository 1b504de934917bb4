package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/deliver"
	"cpis/service/identity"
	"cpis/service/notice"
)

// Channels are the use cases behind the channels of NoticeService.
type Channels interface {
	PutChannel(ctx context.Context, c *identity.Caller, q *deliver.PutChannelRequest) (*deliver.PutChannelResult, error)
	RotateSecret(ctx context.Context, c *identity.Caller, q *deliver.RotateSecretRequest) (*deliver.RotateSecretResult, error)
	RemoveChannel(ctx context.Context, c *identity.Caller, q *deliver.RemoveChannelRequest) (*deliver.RemoveChannelResult, error)
	TestChannel(ctx context.Context, c *identity.Caller, q *deliver.TestChannelRequest) (*deliver.TestChannelResult, error)
	ListChannels(ctx context.Context, c *identity.Caller, q *deliver.ListChannelsRequest) (*deliver.ChannelList, error)
}

func (h *noticeHandler) PutChannel(ctx context.Context, m *cpisv1.PutChannelRequest) (*cpisv1.PutChannelResponse, error) {
	return relay(ctx, m, putChannelFromProto, h.channels.PutChannel, putChannelToProto)
}

func (h *noticeHandler) RotateSecret(ctx context.Context, m *cpisv1.RotateSecretRequest) (*cpisv1.RotateSecretResponse, error) {
	return relay(ctx, m, rotateSecretFromProto, h.channels.RotateSecret, rotateSecretToProto)
}

func (h *noticeHandler) RemoveChannel(ctx context.Context, m *cpisv1.RemoveChannelRequest) (*cpisv1.RemoveChannelResponse, error) {
	return relay(ctx, m, removeChannelFromProto, h.channels.RemoveChannel, removeChannelToProto)
}

func (h *noticeHandler) TestChannel(ctx context.Context, m *cpisv1.TestChannelRequest) (*cpisv1.TestChannelResponse, error) {
	return relay(ctx, m, testChannelFromProto, h.channels.TestChannel, testChannelToProto)
}

func (h *noticeHandler) ListChannels(ctx context.Context, m *cpisv1.ListChannelsRequest) (*cpisv1.ListChannelsResponse, error) {
	return relay(ctx, m, listChannelsFromProto, h.channels.ListChannels, listChannelsToProto)
}

// deliveryStates are the states of deliveries in both languages.
var deliveryStates = []notice.DeliveryState{
	cpisv1.DeliveryState_DELIVERY_STATE_UNSPECIFIED: "",
	cpisv1.DeliveryState_DELIVERY_STATE_PENDING:     notice.DeliveryPending,
	cpisv1.DeliveryState_DELIVERY_STATE_DELIVERED:   notice.DeliveryDelivered,
	cpisv1.DeliveryState_DELIVERY_STATE_UNDELIVERED: notice.DeliveryUndelivered,
}

func putChannelFromProto(m *cpisv1.PutChannelRequest, request string) *deliver.PutChannelRequest {
	want := m.GetChannel()
	q := &deliver.PutChannelRequest{
		ChannelID: want.GetId(), Version: int(want.GetVersion()), Rank: int(want.GetRank()), Paused: want.GetPaused(), Request: request,
	}
	switch to := want.GetTo().(type) {
	case *cpisv1.Channel_Webhook:
		q.Kind, q.To = deliver.WebhookChannel, to.Webhook.GetUrl()
	case *cpisv1.Channel_Mesh:
		q.Kind, q.To = deliver.MeshChannel, to.Mesh.GetMailbox()
	}
	return q
}

func putChannelToProto(r *deliver.PutChannelResult) *cpisv1.PutChannelResponse {
	return &cpisv1.PutChannelResponse{
		ChannelId: r.ChannelID, Version: count(r.Version), Secret: r.Secret, Receipt: receiptToProto(&r.Receipt),
	}
}

func rotateSecretFromProto(m *cpisv1.RotateSecretRequest, request string) *deliver.RotateSecretRequest {
	return &deliver.RotateSecretRequest{ChannelID: m.GetChannelId(), Version: int(m.GetVersion()), Request: request}
}

func rotateSecretToProto(r *deliver.RotateSecretResult) *cpisv1.RotateSecretResponse {
	return &cpisv1.RotateSecretResponse{
		Secret: r.Secret, OldUntil: timeToProto(r.OldUntil), Version: count(r.Version), Receipt: receiptToProto(&r.Receipt),
	}
}

func removeChannelFromProto(m *cpisv1.RemoveChannelRequest, request string) *deliver.RemoveChannelRequest {
	return &deliver.RemoveChannelRequest{ChannelID: m.GetChannelId(), Version: int(m.GetVersion()), Request: request}
}

func removeChannelToProto(r *deliver.RemoveChannelResult) *cpisv1.RemoveChannelResponse {
	return &cpisv1.RemoveChannelResponse{Receipt: receiptToProto(&r.Receipt)}
}

func testChannelFromProto(m *cpisv1.TestChannelRequest, request string) *deliver.TestChannelRequest {
	return &deliver.TestChannelRequest{ChannelID: m.GetChannelId(), Request: request}
}

func testChannelToProto(r *deliver.TestChannelResult) *cpisv1.TestChannelResponse {
	return &cpisv1.TestChannelResponse{Failure: r.Failure, Receipt: receiptToProto(&r.Receipt)}
}

func listChannelsFromProto(_ *cpisv1.ListChannelsRequest, request string) *deliver.ListChannelsRequest {
	return &deliver.ListChannelsRequest{Request: request}
}

func listChannelsToProto(r *deliver.ChannelList) *cpisv1.ListChannelsResponse {
	return &cpisv1.ListChannelsResponse{Channels: each(r.Channels, channelToProto), Receipt: receiptToProto(&r.Receipt)}
}

func channelToProto(c *deliver.Channel) *cpisv1.Channel {
	m := &cpisv1.Channel{
		Id: c.ID, Version: count(c.Version), Rank: count(c.Rank), Paused: c.Paused,
		Pending: count(c.Pending), Undelivered: count(c.Undelivered), Failures: count(c.Failures),
		FailedAt: timeToProto(c.FailedAt), RestsUntil: timeToProto(c.RestsUntil), Failure: c.Failure,
	}
	switch c.Kind {
	case deliver.WebhookChannel:
		m.To = &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: c.To}}
	case deliver.MeshChannel:
		m.To = &cpisv1.Channel_Mesh{Mesh: &cpisv1.Mesh{Mailbox: c.To}}
	}
	return m
}

func deliveryToProto(d *notice.Delivery) *cpisv1.Delivery {
	return &cpisv1.Delivery{
		ChannelId:   d.Channel,
		State:       toEnum[cpisv1.DeliveryState](deliveryStates, d.State),
		Attempts:    count(d.Attempts),
		LastAttempt: timeToProto(d.Last),
		NextAttempt: timeToProto(d.Next),
		Failure:     d.Failure,
	}
}
