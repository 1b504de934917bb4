package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/guard"
	"cpis/service/identity"
)

func testOn(t *testing.T, f *fixture, id string) string {
	t.Helper()
	out, err := f.TestChannel(t.Context(), lead, &deliver.TestChannelRequest{ChannelID: id, Request: another})
	if err != nil {
		t.Fatalf("TestChannel: %s", explain(err))
	}
	return out.Failure
}

// A test message is signed like any other, names nobody, and is recorded before it
// leaves.
func TestTestChannel_SendsAMessageThatIsNoNotice(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	held := f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: r.URL(), Rank: 1, Paused: true})
	if failure := testOn(t, f, held.ChannelID); failure != "" {
		t.Fatalf("it did not arrive: %s", failure)
	}
	e := f.LastEntry()
	if e.Action != "manage_channels" || e.Outcome != "done" || e.Target.ID != held.ChannelID || e.Subject != nil {
		t.Errorf("entry %+v", e)
	}
	got := r.Taken()
	if len(got) != 1 || !got[0].Verifies(t, held.Secret) || !strings.Contains(string(got[0].Body), `"type":"channel.test"`) || strings.Contains(string(got[0].Body), "notice") {
		t.Errorf("arrived: %+v", got)
	}
}

func TestTestChannel_IsForTheAuthoritysLeads(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	held := f.MustPut(lead, webhookTo(newReceiver(t, a), 1))
	for _, tt := range []struct {
		who  *identity.Caller
		id   string
		want error
	}{
		{otherLead, held.ChannelID, guard.ErrNotFound},
		{lead, "nonsense", guard.ErrNotFound},
		{laSystem, held.ChannelID, guard.ErrDenied},
		{nurse, held.ChannelID, guard.ErrDenied},
	} {
		if _, err := f.TestChannel(t.Context(), tt.who, &deliver.TestChannelRequest{ChannelID: tt.id}); !errors.Is(err, tt.want) {
			t.Errorf("%s, %q: got %v, want %v", tt.who.ID, tt.id, err, tt.want)
		}
	}
	if _, err := f.RemoveChannel(t.Context(), lead, &deliver.RemoveChannelRequest{ChannelID: held.ChannelID, Version: 1}); err != nil {
		t.Fatal(explain(err))
	}
	if _, err := f.TestChannel(t.Context(), lead, &deliver.TestChannelRequest{ChannelID: held.ChannelID}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("a channel that was removed: got %v, want %v", err, guard.ErrNotFound)
	}
}

// A channel that rests says since when and why. A test that arrives wakes it.
func TestTestChannel_WakesAChannelThatRests(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	held := f.MustPut(lead, nowhere())
	f.Waiting(1)
	f.MustDeliver()
	resting := f.MustListChannels(lead)[0]
	if resting.Failures != 1 || resting.Failure != "refused" || !resting.FailedAt.Equal(f.Clock.Now()) || !resting.RestsUntil.After(f.Clock.Now()) {
		t.Errorf("a channel that rests: %+v", resting)
	}
	if failure := testOn(t, f, held.ChannelID); failure != "refused" {
		t.Errorf("got %q, want refused", failure)
	}
	if got := f.MustListChannels(lead)[0]; got.Failures != 1 {
		t.Errorf("a test that did not arrive changed the channel: %+v", got)
	}
	a.back.Store(true)
	if failure := testOn(t, f, held.ChannelID); failure != "" {
		t.Errorf("got %q", failure)
	}
	if got := f.MustListChannels(lead)[0]; got.Failures != 0 || !got.RestsUntil.IsZero() || !got.FailedAt.IsZero() || got.Failure != "" {
		t.Errorf("a channel that works again: %+v", got)
	}
	f.Clock.Advance(10 * time.Second)
	f.MustDeliver()
	if got := f.MustListChannels(lead)[0]; got.Pending != 0 {
		t.Errorf("%d wait after the test arrived", got.Pending)
	}
}

// A mailbox gets a test message in the form of its notices, about nobody.
func TestTestChannel_OfAMailbox(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = map[deliver.ChannelKind]deliver.Sender{deliver.MeshChannel: box}
	})
	held := f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.MeshChannel, To: "X26LA01", Rank: 1})
	if failure := testOn(t, f, held.ChannelID); failure != "" {
		t.Fatalf("it did not arrive: %s", failure)
	}
	var body map[string]any
	if err := json.Unmarshal(box.got.Body, &body); err != nil {
		t.Fatal(err)
	}
	if body["kind"] != "test" || body["notice_id"] != box.got.ID || body["person"] != nil || box.got.To != "X26LA01" || box.got.Secrets != nil {
		t.Errorf("arrived: %s", box.got.Body)
	}
}

// mailbox keeps the last message.
type mailbox struct{ got deliver.Message }

func (*mailbox) Check(string) (problem, right string) { return "", "" }

func (b *mailbox) Send(_ context.Context, m *deliver.Message) error {
	b.got = *m
	return nil
}
