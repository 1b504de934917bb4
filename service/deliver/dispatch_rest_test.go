package deliver_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/deliver"
)

// away is a sender whose receivers are away.
type away struct {
	tried atomic.Int64
	back  atomic.Bool
	got   inbox
}

func (a *away) Check(string) (problem, right string) { return "", "" }

func (a *away) Send(_ context.Context, m *deliver.Message) error {
	a.tried.Add(1)
	if m.To == "nowhere" && !a.back.Load() {
		return &deliver.DeliveryError{Word: "refused"}
	}
	a.got.take(m)
	return nil
}

func newAway(t *testing.T) (*fixture, *away) {
	t.Helper()
	a := new(away)
	return newServiceWith(t, func(c *service.Config) { c.Senders = webhooks(a) }), a
}

func nowhere() *deliver.PutChannelRequest {
	return &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "nowhere", Rank: 1}
}

// A receiver that is away is asked for one notice now and then, however many
// wait and however many servers send; when it is back it gets all.
func TestDeliver_ChannelsThatFailRest(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	other, _ := f.AnotherSending(webhooks(a))
	f.MustPut(lead, nowhere())
	f.Waiting(100)
	f.MustDeliver()
	if n := a.tried.Load(); n < 1 || n > 16 {
		t.Errorf("tried %d times at first", n)
	}
	a.tried.Store(0)
	for range 30 * 12 {
		f.Clock.Advance(5 * time.Second)
		f.MustDeliver()
		if err := other.Channels.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.tried.Load(); n < 8 || n > 20 {
		t.Errorf("tried %d times in half an hour", n)
	}
	a.back.Store(true)
	f.Clock.Advance(7 * time.Minute)
	f.MustDeliver()
	f.Clock.Advance(time.Hour) // those that were tried wait on their own
	f.MustDeliver()
	if n := f.Pending(); n != 0 || len(a.got.all()) != 100 {
		t.Errorf("%d wait, %d arrived", n, len(a.got.all()))
	}
	a.tried.Store(0)
	a.back.Store(false)
	f.Pretend(`UPDATE cpis.delivery SET state = 'pending', due_at = first_at`)
	f.MustDeliver()
	if n := a.tried.Load(); n != 8 {
		t.Errorf("tried %d at once after it had been back", n)
	}
}

// What was never tried on a channel that fails goes to the next after three
// days like what was, and not to one that is paused.
func TestDeliver_WhatWasNeverTriedGoesOnToo(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	f.MustPut(lead, nowhere())
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "paused", Rank: 2, Paused: true})
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "somewhere", Rank: 3})
	f.Waiting(500)
	for range 71 {
		f.MustDeliver()
		f.Clock.Advance(time.Hour)
	}
	f.MustDeliver()
	if n := len(a.got.all()); n != 0 {
		t.Fatalf("%d went on before three days were over", n)
	}
	f.Clock.Advance(time.Hour)
	f.MustDeliver() // one more attempt fails
	f.MustDeliver()
	if n := len(a.got.all()); n != 500 || f.Pending() != 0 {
		t.Errorf("%d went on, %d wait", n, f.Pending())
	}
	list, err := f.ListChannels(t.Context(), lead, &deliver.ListChannelsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if c := list.Channels; len(c) != 3 || c[0].Undelivered != 500 || c[1].Pending != 0 || c[2].Undelivered != 0 {
		t.Errorf("channels: %+v", c)
	}
	for _, m := range f.Made(islington) {
		if d := f.Deliveries(m.ID); len(d) != 2 || d[0].Failure != "refused" && (d[0].Failure != "not_reached" || d[0].Attempts != 0) {
			t.Fatalf("deliveries: %+v", d)
		}
	}
}

// After so long that the three days are over, what waits is tried before it is
// given up: it was this side that was away.
func TestDeliver_TriesBeforeGivingUp(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	f.MustPut(lead, nowhere())
	f.Waiting(100)
	f.MustDeliver()
	a.back.Store(true)
	f.Clock.Advance(100 * time.Hour)
	// A server that begins to try, and one that looks meanwhile.
	f.Exec(`UPDATE cpis.channel SET rests_until = $1`, f.Clock.Now().Add(time.Minute))
	f.MustDeliver()
	if n := f.Pending(); n != 100 {
		t.Errorf("%d wait, want all", n)
	}
	f.Clock.Advance(time.Minute)
	f.MustDeliver()
	if n := len(a.got.all()); n != 100 {
		t.Errorf("%d arrived", n)
	}
}

// What goes wrong for new notices does not hold up those that wait already.
func TestDeliver_GoesOnWhereGivingFails(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	f.MustPut(lead, nowhere())
	f.Waiting(1)
	f.MustDeliver()
	a.back.Store(true)
	f.MustRegister(lead, rightCPP())
	f.Pretend(`UPDATE cpis.dispatched SET entry = -1`)
	f.Exec(`REVOKE INSERT ON cpis.delivery FROM cpis_app`)
	f.Clock.Advance(time.Minute)
	if err := f.Deliver(t.Context()); err == nil {
		t.Error("nobody hears of it")
	}
	if n := len(a.got.all()); n != 1 {
		t.Errorf("%d arrived, want the one that waited", n)
	}
}
