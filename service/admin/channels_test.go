package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/admin"
	"cpis/service/deliver"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
)

// failing asks on which channels nothing arrives.
func failing(t *testing.T, f *servicetest.Fixture) []admin.FailingChannel {
	t.Helper()
	out, err := f.Installation.ListFailingChannels(t.Context(), administrator, &admin.ListFailingChannelsRequest{})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	return out.Channels
}

// A channel that works is not listed; one that fails, rests, or is paused while
// notices wait, says whose it is, since when, and how much waits.
func TestListFailingChannels_SaysWhoseTheyAre(t *testing.T) {
	t.Parallel()
	f := servicetest.NewWith(t, func(c *service.Config) {
		c.Senders = map[deliver.ChannelKind]deliver.Sender{deliver.WebhookChannel: gone{}}
	})
	made := f.MustPut(servicetest.Lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "nowhere", Rank: 1})
	if got := failing(t, f); len(got) != 0 {
		t.Fatalf("before anything failed: %+v", got)
	}
	f.Waiting(30)
	f.MustDeliver()
	got := failing(t, f)
	if len(got) != 1 {
		t.Fatalf("got %+v, want one channel", got)
	}
	c := got[0]
	if c.Authority != servicetest.Islington || c.Name != "Islington" || c.Kind != "webhook" || c.Rank != 1 || c.Paused || c.Failures == 0 ||
		c.Pending != 30 || c.Undelivered != 0 || !c.FailedAt.Equal(f.Clock.Now()) || !c.RestsUntil.After(f.Clock.Now()) || c.Waiting.IsZero() {
		t.Errorf("got %+v", c)
	}
	f.Clock.Advance(4 * time.Hour)
	if got := failing(t, f); len(got) != 1 || !got[0].RestsUntil.IsZero() {
		t.Errorf("when it does not rest any more: %+v", got)
	}
	f.MustPut(servicetest.Lead, &deliver.PutChannelRequest{
		ChannelID: made.ChannelID, Version: made.Version, Kind: deliver.WebhookChannel, To: "nowhere", Rank: 1, Paused: true,
	})
	if got := failing(t, f); len(got) != 1 || !got[0].Paused {
		t.Errorf("when it is paused: %+v", got)
	}
	if e := f.LastEntry(); e.Action != "read_service" || e.Outcome != "done" || e.Subject != nil || len(e.Shown) != 0 {
		t.Errorf("the entry is %+v", e)
	}
	if n := f.Holding("nowhere"); n != 0 {
		t.Errorf("%d rows say where the channel leads", n)
	}
}

func TestListFailingChannels_IsForAdministrators(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	for _, c := range []*identity.Caller{servicetest.Nurse, servicetest.Lead, servicetest.PrivacyOfficer, servicetest.Auditor} {
		_, err := f.Installation.ListFailingChannels(t.Context(), c, &admin.ListFailingChannelsRequest{})
		if !errors.Is(err, guard.ErrDenied) || strings.Contains(err.Error(), "channel") {
			t.Errorf("%s: got %v, want ErrDenied", c.ID, err)
		}
	}
}
