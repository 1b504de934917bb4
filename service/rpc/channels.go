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
	PutChannel(ctx context.Context, c *identity.Caller, want *deliver.Channel, request string) (*deliver.PutChannelResult, error)
	RotateSecret(ctx context.Context, c *identity.Caller, id string, version int, request string) (*deliver.RotateSecretResult, error)
	RemoveChannel(ctx context.Context, c *identity.Caller, id string, version int, request string) (*deliver.RemoveChannelResult, error)
	ListChannels(ctx context.Context, c *identity.Caller, request string) (*deliver.ChannelList, error)
}

func (h *noticeHandler) PutChannel(ctx context.Context, m *cpisv1.PutChannelRequest) (*cpisv1.PutChannelResponse, error) {
	c := callOf(ctx)
	put, err := h.channels.PutChannel(ctx, &c.caller, channelFromProto(m.GetChannel()), c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.PutChannelResponse{
		ChannelId: put.ChannelID,
		Version:   count(put.Version),
		Secret:    put.Secret,
		Receipt:   receiptToProto(&put.Receipt),
	}, nil
}

func (h *noticeHandler) RotateSecret(ctx context.Context, m *cpisv1.RotateSecretRequest) (*cpisv1.RotateSecretResponse, error) {
	c := callOf(ctx)
	r, err := h.channels.RotateSecret(ctx, &c.caller, m.GetChannelId(), int(m.GetVersion()), c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.RotateSecretResponse{
		Secret:   r.Secret,
		OldUntil: timeToProto(r.OldUntil),
		Version:  count(r.Version),
		Receipt:  receiptToProto(&r.Receipt),
	}, nil
}

func (h *noticeHandler) RemoveChannel(ctx context.Context, m *cpisv1.RemoveChannelRequest) (*cpisv1.RemoveChannelResponse, error) {
	c := callOf(ctx)
	r, err := h.channels.RemoveChannel(ctx, &c.caller, m.GetChannelId(), int(m.GetVersion()), c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.RemoveChannelResponse{Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *noticeHandler) ListChannels(ctx context.Context, _ *cpisv1.ListChannelsRequest) (*cpisv1.ListChannelsResponse, error) {
	c := callOf(ctx)
	list, err := h.channels.ListChannels(ctx, &c.caller, c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.ListChannelsResponse{
		Channels: each(list.Channels, channelToProto),
		Receipt:  receiptToProto(&list.Receipt),
	}, nil
}

// deliveryStates are the states of deliveries in both languages.
var deliveryStates = []notice.DeliveryState{
	cpisv1.DeliveryState_DELIVERY_STATE_UNSPECIFIED: "",
	cpisv1.DeliveryState_DELIVERY_STATE_PENDING:     notice.DeliveryPending,
	cpisv1.DeliveryState_DELIVERY_STATE_DELIVERED:   notice.DeliveryDelivered,
	cpisv1.DeliveryState_DELIVERY_STATE_UNDELIVERED: notice.DeliveryUndelivered,
}

func channelFromProto(m *cpisv1.Channel) *deliver.Channel {
	c := &deliver.Channel{
		ID: m.GetId(), Version: int(m.GetVersion()), Rank: int(m.GetRank()), Paused: m.GetPaused(),
	}
	switch to := m.GetTo().(type) {
	case *cpisv1.Channel_Webhook:
		c.Kind, c.To = deliver.WebhookChannel, to.Webhook.GetUrl()
	case *cpisv1.Channel_Mesh:
		c.Kind, c.To = deliver.MeshChannel, to.Mesh.GetMailbox()
	}
	return c
}

func channelToProto(c *deliver.Channel) *cpisv1.Channel {
	m := &cpisv1.Channel{
		Id: c.ID, Version: count(c.Version), Rank: count(c.Rank), Paused: c.Paused,
		Pending: count(c.Pending), Undelivered: count(c.Undelivered),
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
