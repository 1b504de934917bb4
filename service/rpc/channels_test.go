package rpc_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/deliver"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/rpc"
)

// channelUses stands for the use cases behind the channels of NoticeService.
type channelUses struct {
	mu      sync.Mutex
	put     *deliver.PutChannelRequest
	acted   []string // ids of channels that were rotated and removed
	version int
	err     error
	receipt guard.Receipt
	list    []deliver.Channel
}

func (u *channelUses) note(do func()) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	do()
	return u.err
}

func (u *channelUses) PutChannel(
	_ context.Context, _ *identity.Caller, q *deliver.PutChannelRequest,
) (*deliver.PutChannelResult, error) {
	err := u.note(func() { u.put = q })
	return &deliver.PutChannelResult{ChannelID: "c-1", Version: 3, Secret: "whsec_" + q.Request, Receipt: u.receipt}, err
}

func (u *channelUses) RotateSecret(
	_ context.Context, _ *identity.Caller, q *deliver.RotateSecretRequest,
) (*deliver.RotateSecretResult, error) {
	err := u.note(func() { u.acted, u.version = append(u.acted, q.ChannelID), q.Version })
	return &deliver.RotateSecretResult{
		ChannelID: q.ChannelID, Version: q.Version + 1, Secret: "whsec_" + q.Request, OldUntil: oldUntil, Receipt: u.receipt,
	}, err
}

func (u *channelUses) RemoveChannel(
	_ context.Context, _ *identity.Caller, q *deliver.RemoveChannelRequest,
) (*deliver.RemoveChannelResult, error) {
	err := u.note(func() { u.acted, u.version = append(u.acted, q.ChannelID), q.Version })
	return &deliver.RemoveChannelResult{Receipt: u.receipt}, err
}

func (u *channelUses) TestChannel(
	_ context.Context, _ *identity.Caller, q *deliver.TestChannelRequest,
) (*deliver.TestChannelResult, error) {
	err := u.note(func() { u.acted = append(u.acted, "test "+q.ChannelID+" "+q.Request) })
	return &deliver.TestChannelResult{Failure: "refused", Receipt: u.receipt}, err
}

func (u *channelUses) ListChannels(context.Context, *identity.Caller, *deliver.ListChannelsRequest) (*deliver.ChannelList, error) {
	err := u.note(func() {})
	return &deliver.ChannelList{Channels: u.list, Receipt: u.receipt}, err
}

var oldUntil = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestChannels_GoThrough(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			u := &channelUses{receipt: guard.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8}}
			u.list = []deliver.Channel{
				{ID: "c-1", Version: 3, Rank: 1, Kind: deliver.WebhookChannel, To: "https://a.example", Paused: true, Pending: 4, Undelivered: 5},
				{ID: "c-2", Version: 1, Rank: 2, Kind: deliver.MeshChannel, To: "X26LA01"},
			}
			_, c := w.open(t, func(cfg *rpc.Config) { cfg.UseCases.Channels = u })
			receipt := &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8, LeafHash: make([]byte, 32)}
			hook := &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: "https://a.example"}}
			box := &cpisv1.Channel_Mesh{Mesh: &cpisv1.Mesh{Mailbox: "X26LA01"}}

			put, err := c.notice.PutChannel(t.Context(), &cpisv1.PutChannelRequest{
				Channel: &cpisv1.Channel{Id: "c-1", Version: 2, Rank: 9, Paused: true, To: box},
			})
			if err != nil {
				t.Fatalf("PutChannel: %v", err)
			}
			wantPut := &cpisv1.PutChannelResponse{ChannelId: "c-1", Version: 3, Secret: "whsec_" + aRequest, Receipt: receipt}
			if diff := cmp.Diff(wantPut, put, protocmp.Transform()); diff != "" {
				t.Errorf("PutChannel (-want +got):\n%s", diff)
			}
			want := &deliver.PutChannelRequest{
				ChannelID: "c-1", Version: 2, Rank: 9, Kind: deliver.MeshChannel, To: "X26LA01", Paused: true, Request: aRequest,
			}
			if diff := cmp.Diff(want, u.put); diff != "" {
				t.Errorf("channel (-want +got):\n%s", diff)
			}

			rotated, err := c.notice.RotateSecret(t.Context(), &cpisv1.RotateSecretRequest{ChannelId: "c-1", Version: 3})
			if err != nil {
				t.Fatalf("RotateSecret: %v", err)
			}
			wantRotated := &cpisv1.RotateSecretResponse{
				Secret: "whsec_" + aRequest, OldUntil: timestamppb.New(oldUntil), Version: 4, Receipt: receipt,
			}
			if diff := cmp.Diff(wantRotated, rotated, protocmp.Transform()); diff != "" {
				t.Errorf("RotateSecret (-want +got):\n%s", diff)
			}

			tested, err := c.notice.TestChannel(t.Context(), &cpisv1.TestChannelRequest{ChannelId: "c-1"})
			if diff := cmp.Diff(&cpisv1.TestChannelResponse{Failure: "refused", Receipt: receipt}, tested, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("TestChannel: %v (-want +got):\n%s", err, diff)
			}
			if _, err := c.notice.RemoveChannel(t.Context(), &cpisv1.RemoveChannelRequest{ChannelId: "c-2", Version: 6}); err != nil {
				t.Fatalf("RemoveChannel: %v", err)
			}
			if diff := cmp.Diff([]string{"c-1", "test c-1 " + aRequest, "c-2"}, u.acted); diff != "" || u.version != 6 {
				t.Errorf("acted on, in version %d (-want +got):\n%s", u.version, diff)
			}

			list, err := c.notice.ListChannels(t.Context(), &cpisv1.ListChannelsRequest{})
			if err != nil {
				t.Fatalf("ListChannels: %v", err)
			}
			wantList := &cpisv1.ListChannelsResponse{Receipt: receipt, Channels: []*cpisv1.Channel{
				{Id: "c-1", Version: 3, Rank: 1, To: hook, Paused: true, Pending: 4, Undelivered: 5},
				{Id: "c-2", Version: 1, Rank: 2, To: box},
			}}
			if diff := cmp.Diff(wantList, list, protocmp.Transform()); diff != "" {
				t.Errorf("ListChannels (-want +got):\n%s", diff)
			}
		})
	}
}

// What the contract rules out never becomes a use case, and what the use case
// refuses is told.
func TestChannels_AreRefused(t *testing.T) {
	t.Parallel()
	u := &channelUses{err: &guard.StaleError{Current: 5}}
	_, c := wires[0].open(t, func(cfg *rpc.Config) { cfg.UseCases.Channels = u })
	hook := &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: "https://a.example"}}
	for name, channel := range map[string]*cpisv1.Channel{
		"nothing":      nil,
		"no rank":      {To: hook},
		"a rank of 10": {Rank: 10, To: hook},
		"nowhere":      {Rank: 1},
		"no address":   {Rank: 1, To: &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{}}},
		"no mailbox":   {Rank: 1, To: &cpisv1.Channel_Mesh{Mesh: &cpisv1.Mesh{}}},
	} {
		_, err := c.notice.PutChannel(t.Context(), &cpisv1.PutChannelRequest{Channel: channel})
		if got := connect.CodeOf(err); got != connect.CodeInvalidArgument || u.put != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := c.notice.RotateSecret(t.Context(), &cpisv1.RotateSecretRequest{ChannelId: "c-1", Version: 3})
	if got := connect.CodeOf(err); got != connect.CodeAborted {
		t.Errorf("a newer version: got %v", err)
	}
}
