package deliver_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/domain"
	"cpis/service/store"
)

// sendFunc is a sender that takes every address.
type sendFunc func(ctx context.Context, m *deliver.Message) error

func (sendFunc) Check(string) (problem, right string) { return "", "" }

func (f sendFunc) Send(ctx context.Context, m *deliver.Message) error { return f(ctx, m) }

func webhooks(s deliver.Sender) map[deliver.ChannelKind]deliver.Sender {
	return map[deliver.ChannelKind]deliver.Sender{deliver.WebhookChannel: s}
}

// inbox is a receiver of messages that came by any sender.
type inbox struct {
	mu  sync.Mutex
	ids []string
}

func (i *inbox) take(m *deliver.Message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ids = append(i.ids, m.ID)
}

func (i *inbox) all() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.ids...)
}

var anywhere = &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "anywhere", Rank: 1}

// A server that ends between sending and recording loses nothing: when its
// lease is over somebody else sends the same message again, and what came later
// about the same person only after that.
func TestDeliver_KilledBetweenSendingAndRecording(t *testing.T) {
	t.Parallel()
	var got inbox
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error { got.take(m); return nil }))
	})
	f.MustPut(lead, anywhere)
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 2)
	notices := f.Made(islington)

	var db *store.DB
	killed, db := f.AnotherSending(webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error {
		got.take(m)
		db.Close() // nothing it does after this is heard of
		return nil
	})))
	_ = killed.Channels.Deliver(t.Context())
	if ids := got.all(); len(ids) != 1 || ids[0] != notices[0].ID {
		t.Fatalf("the killed server sent %v, want the first of %v", ids, notices)
	}
	f.MustDeliver()
	f.Clock.Advance(time.Minute)
	f.MustDeliver()
	if n := len(got.all()); n != 1 {
		t.Errorf("%d messages were sent while the lease was held", n-1)
	}
	f.Clock.Advance(time.Minute)
	f.MustDeliver()
	want := fmt.Sprint([]string{notices[0].ID, notices[0].ID, notices[1].ID})
	if ids := fmt.Sprint(got.all()); ids != want {
		t.Errorf("sent %v, want %v", ids, want)
	}
	if d := f.Deliveries(notices[0].ID); d[0].State != "delivered" || d[0].Attempts != 2 {
		t.Errorf("delivery: %+v", d)
	}
}

// What a server is sending when it stops is sent again by the next one at once.
func TestDeliver_InterruptedIsTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	var got inbox
	sending := make(chan struct{})
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error { got.take(m); return nil }))
	})
	f.MustPut(lead, anywhere)
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	stopping, _ := f.AnotherSending(webhooks(sendFunc(func(ctx context.Context, _ *deliver.Message) error {
		close(sending)
		<-ctx.Done()
		return ctx.Err()
	})))
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stopping.Run(ctx)
	}()
	<-sending
	stop()
	<-stopped
	if d := f.Deliveries(f.Made(islington)[0].ID); d[0] != (delivery{Channel: d[0].Channel, State: "pending", Failure: "interrupted", Attempts: 1}) {
		t.Errorf("delivery: %+v", d)
	}
	f.MustDeliver()
	if n := len(got.all()); n != 1 {
		t.Errorf("%d messages were sent, want 1", n)
	}
}

// Two servers share the work: each notice is sent once, each person's in order.
func TestDeliver_TwoServersShare(t *testing.T) {
	t.Parallel()
	var got inbox
	send := sendFunc(func(_ context.Context, m *deliver.Message) error { got.take(m); return nil })
	f := newServiceWith(t, func(c *service.Config) { c.Senders = webhooks(send) })
	f.MustPut(lead, anywhere)
	people := []string{rightCPP().NHSNumber, another}
	for _, number := range people {
		f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = number }))
	}
	other, _ := f.AnotherSending(webhooks(send))
	for range 5 {
		for _, number := range people {
			f.Attend(number, 4)
		}
		var both sync.WaitGroup
		for _, s := range []*service.Service{f.Service, other, f.Service, other} {
			both.Go(func() {
				if err := s.Channels.Deliver(t.Context()); err != nil {
					t.Errorf("Deliver: %v", err)
				}
			})
		}
		both.Wait()
	}
	for f.Pending() > 0 {
		f.MustDeliver()
	}
	ids := got.all()
	if len(ids) != 40 {
		t.Errorf("%d messages were sent, want 40", len(ids))
	}
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		if _, twice := at[id]; twice {
			t.Errorf("%s was sent twice", id)
		}
		at[id] = i
	}
	last := map[string]int{}
	for _, m := range f.Made(islington) {
		if i, sent := at[m.ID]; !sent || i < last[m.Person] {
			t.Errorf("%s of %s: sent %v, in place %d after %d", m.ID, m.Person, sent, i, last[m.Person])
		}
		last[m.Person] = at[m.ID]
	}
}

// A paused channel is left alone, and goes on where it was; the three days
// begin anew.
func TestDeliver_PausedChannelsWait(t *testing.T) {
	t.Parallel()
	var got inbox
	fail := true
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error {
			if fail {
				return &deliver.DeliveryError{Word: "status_500"}
			}
			got.take(m)
			return nil
		}))
	})
	channel := f.MustPut(lead, anywhere)
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	change := *anywhere
	change.ChannelID, change.Version, change.Paused = channel.ChannelID, channel.Version, true
	paused := f.MustPut(lead, &change)
	f.Attend(rightCPP().NHSNumber, 1)
	f.Clock.Advance(100 * time.Hour)
	f.MustDeliver()
	for _, m := range f.Made(islington) {
		if d := f.Deliveries(m.ID); d[0].State != "pending" || d[0].Attempts > 1 {
			t.Errorf("delivery on the paused channel: %+v", d)
		}
	}
	change.Version, change.Paused = paused.Version, false
	f.MustPut(lead, &change)
	f.MustDeliver()
	if d := f.Deliveries(f.Made(islington)[0].ID); d[0].State != "pending" || d[0].Attempts != 2 {
		t.Errorf("after the pause: %+v", d)
	}
	fail = false
	f.Settle()
	if n := len(got.all()); n != 2 {
		t.Errorf("%d messages were sent, want 2", n)
	}
}

// What waits on a channel that is removed goes to the next, and to nobody where
// there is none.
func TestDeliver_RemovedChannels(t *testing.T) {
	t.Parallel()
	var got inbox
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error {
			if m.To == "nowhere" {
				return &deliver.DeliveryError{Word: "refused"}
			}
			got.take(m)
			return nil
		}))
	})
	first := f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "nowhere", Rank: 1})
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	second := f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "somewhere", Rank: 2})
	remove := func(c *deliver.PutChannelResult) {
		t.Helper()
		if _, err := f.RemoveChannel(t.Context(), lead, &deliver.RemoveChannelRequest{ChannelID: c.ChannelID, Version: c.Version}); err != nil {
			t.Fatalf("RemoveChannel: %s", explain(err))
		}
	}
	remove(first)
	f.MustDeliver()
	if n := len(got.all()); n != 1 {
		t.Errorf("%d messages were sent, want 1", n)
	}
	third := f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "nowhere", Rank: 1})
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	remove(second)
	remove(third)
	f.MustDeliver()
	last := f.Made(islington)[1].ID
	if d := f.Deliveries(last); !f.Undelivered(last) || len(d) != 1 || d[0].State != "undelivered" || d[0].Failure != "removed" {
		t.Errorf("undelivered %v, deliveries %+v", f.Undelivered(last), d)
	}
	// What is made while there is no channel is for the inbox alone.
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "somewhere", Rank: 1})
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	if ids := got.all(); len(ids) != 2 || ids[1] != f.Made(islington)[3].ID {
		t.Errorf("sent %v of %v", ids, f.Made(islington))
	}
}

// Nothing leaves when it cannot be written down, nor when the keys are away.
func TestDeliver_NothingLeavesUnrecorded(t *testing.T) {
	t.Parallel()
	var got inbox
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error { got.take(m); return nil }))
	})
	f.MustPut(lead, anywhere)
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	notice := f.Made(islington)[0].ID
	// Another server, to which the keys are not at hand.
	cold, _ := f.AnotherSending(webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error { got.take(m); return nil })))
	f.Keeper.TakeAway(true)
	if err := cold.Channels.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := f.Deliveries(notice); d[0].Failure != "details_unavailable" || d[0].State != "pending" || len(got.all()) != 0 {
		t.Errorf("delivery while the keeper is away: %+v; sent %v", d, got.all())
	}
	f.Keeper.TakeAway(false)
	f.Clock.Advance(time.Minute)
	f.Exec(`REVOKE INSERT ON cpis.entry FROM cpis_app`)
	_ = cold.Channels.Deliver(t.Context())
	if n := len(got.all()); n != 0 {
		t.Errorf("%d messages left without an entry", n)
	}
	f.Exec(`GRANT INSERT ON cpis.entry TO cpis_app`)
	f.Clock.Advance(3 * time.Minute)
	f.MustDeliver()
	if n := len(got.all()); n != 1 {
		t.Errorf("%d messages were sent, want 1", n)
	}
}

// A channel of a kind that the installation no longer sends on fails like any
// other, so that the next one gets what waits there.
func TestDeliver_UnconfiguredKindsFail(t *testing.T) {
	t.Parallel()
	f := newServiceWith(t, func(c *service.Config) {
		c.Senders = webhooks(sendFunc(func(context.Context, *deliver.Message) error { return nil }))
	})
	f.MustPut(lead, anywhere)
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	other, _ := f.AnotherSending(nil)
	if err := other.Channels.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := f.Deliveries(f.Made(islington)[0].ID)
	if len(d) != 1 || d[0].State != "pending" || d[0].Failure != "not_configured" || d[0].Attempts != 1 {
		t.Errorf("deliveries: %+v", d)
	}
	if e := f.LastEntry(); e.Action == "deliver_notice" {
		t.Errorf("an entry says that something left: %+v", e)
	}
}
