package deliver

import (
	"context"
	"encoding/json"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/store"
)

// testTimeout bounds a test message: somebody waits for it.
const testTimeout = 15 * time.Second

// TestChannelRequest asks for a test message on a channel.
type TestChannelRequest struct {
	ChannelID string
	Request   string // request id
}

// TestChannelResult says what became of a test message.
type TestChannelResult struct {
	guard.Receipt

	Failure string // in a word, as of notices; empty if the other side has it
}

// TestChannel sends a message that is no notice and names nobody on a channel of the
// caller's authority, at once and also if it is paused or rests. Where it arrives,
// what waits there is tried at once as well. Its own error is ErrNotFound.
func (s *Channels) TestChannel(ctx context.Context, c *identity.Caller, q *TestChannelRequest) (*TestChannelResult, error) {
	a := guard.Act{Caller: c, Action: policy.ManageChannels, Own: true, Request: q.Request, Target: target(q.ChannelID)}
	var row store.ChannelRow
	var message Message
	out, err := guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*TestChannelResult, error) {
		var err error
		if row, err = guard.FindOwn(ctx, tx.Channels.Get, c.Organisation, q.ChannelID); err != nil {
			return nil, err
		}
		if row.RemovedAt != nil {
			return nil, guard.ErrNotFound
		}
		message, err = s.testMessage(ctx, &row)
		return &TestChannelResult{}, err
	})
	if err != nil {
		return nil, err
	}
	if err := s.sendTest(ctx, &row, &message); err != nil { // the entry is there by now
		out.Failure = failureOf(err)
	}
	return out, nil
}

// testType is the type of a test message, and of a whole one its kind.
const (
	testType = "channel.test"
	testKind = notice.Kind("test")
)

// testReference is the test message of a webhook.
type testReference struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Channel string `json:"channel_id"`
	} `json:"data"`
}

// testMessage returns a message that is no notice, in the form that a channel's have.
func (s *Channels) testMessage(ctx context.Context, row *store.ChannelRow) (Message, error) {
	now := s.clock.Moment()
	m := Message{ID: guard.NewID().String(), At: now}
	_, sealed, err := s.openChannel(ctx, row)
	if err != nil {
		return m, err
	}
	m.To, m.Secrets = sealed.To, sealed.secrets(now)
	if ChannelKind(row.Kind) == WebhookChannel {
		body := testReference{Type: testType, Timestamp: now}
		body.Data.Channel = row.ID.String()
		m.Body, err = json.Marshal(body)
		return m, err
	}
	m.Body, err = json.Marshal(wholeMessage{
		Version: wholeVersion, Notice: m.ID, Kind: testKind, At: now, Authority: wholeBody{Code: row.Authority},
	})
	return m, err
}

// sendTest sends a test message. A channel on which it arrives rests no longer.
func (s *Channels) sendTest(ctx context.Context, row *store.ChannelRow, m *Message) error {
	sender := s.senders[ChannelKind(row.Kind)]
	if sender == nil {
		return &DeliveryError{failureUnconfigured}
	}
	within, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	if err := sender.Send(within, m); err != nil || row.Failures == 0 {
		return err
	}
	// If this fails, the channel is tried a little later.
	_ = s.dispatchTx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Channels.Wake(ctx, row.ID, 0) })
	return nil
}
