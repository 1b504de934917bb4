package deliver_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys/local"
	"cpis/service/notice"
)

func TestPutChannel_ShowsTheSecretOnce(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	request := uuid.NewString()
	want := webhookTo(r, 1)
	want.Request = request
	first, err := f.PutChannel(t.Context(), lead, want)
	if err != nil {
		t.Fatalf("PutChannel: %s", explain(err))
	}
	if !strings.HasPrefix(first.Secret, "whsec_") || first.Version != 1 || first.Log == "" {
		t.Errorf("got %+v", first)
	}
	// Whoever did not hear the answer asks again, and is told the same.
	again, err := f.PutChannel(t.Context(), lead, want)
	if err != nil {
		t.Fatalf("PutChannel again: %s", explain(err))
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("asked again (-first +again):\n%s", diff)
	}
	other := *want
	other.Rank = 2
	if _, err := f.PutChannel(t.Context(), lead, &other); !errors.Is(err, guard.ErrReused) {
		t.Errorf("the same request with other content: %v", err)
	}
	list := f.MustListChannels(lead)
	if diff := cmp.Diff([]deliver.Channel{{ID: first.ChannelID, Version: 1, Rank: 1, Kind: deliver.WebhookChannel, To: r.URL()}}, list); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); len(e.Shown) != 1 || e.Shown[0].Kind != "channel" || e.Shown[0].IDs[0] != first.ChannelID {
		t.Errorf("the entry names %+v", e.Shown)
	}
	if n := f.Holding(strings.TrimPrefix(first.Secret, "whsec_"), r.URL()); n != 0 {
		t.Errorf("the secret or the address stands in the clear in %d rows", n)
	}
	// Another secret: the old answer tells no secret any more.
	if _, err := f.RotateSecret(t.Context(), lead, &deliver.RotateSecretRequest{ChannelID: first.ChannelID, Version: 1}); err != nil {
		t.Fatal(err)
	}
	if late, err := f.PutChannel(t.Context(), lead, want); err != nil || late.Secret != "" {
		t.Errorf("asked again after a change: %+v, %v", late, err)
	}
}

func TestPutChannel_RefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	held := f.MustPut(lead, webhookTo(r, 1))
	for _, tt := range []struct {
		name   string
		change func(*deliver.PutChannelRequest)
		field  string
	}{
		{"no rank", func(c *deliver.PutChannelRequest) { c.Rank = 0 }, "channel.rank"},
		{"a rank beyond all", func(c *deliver.PutChannelRequest) { c.Rank = 10 }, "channel.rank"},
		{"a rank that is taken", func(c *deliver.PutChannelRequest) { c.Rank = 1 }, "channel.rank"},
		{"a version of nothing", func(c *deliver.PutChannelRequest) { c.Version = 1 }, "channel.version"},
		{"no version", func(c *deliver.PutChannelRequest) { c.ChannelID = held.ChannelID }, "channel.version"},
		{"plain HTTP", func(c *deliver.PutChannelRequest) { c.To = "http://cases.example.gov.uk" }, "channel.webhook.url"},
		{"a private network", func(c *deliver.PutChannelRequest) { c.To = "https://10.0.0.1/" }, "channel.webhook.url"},
		{"a kind that nobody sends", func(c *deliver.PutChannelRequest) { c.Kind = deliver.MeshChannel }, "channel.to"},
		{"nowhere", func(c *deliver.PutChannelRequest) { c.Kind = "" }, "channel.to"},
	} {
		c := webhookTo(r, 2)
		tt.change(c)
		_, err := f.PutChannel(t.Context(), lead, c)
		invalid, ok := errors.AsType[*domain.InvalidError](err)
		if !ok || !slices.ContainsFunc(invalid.Violations, func(v domain.Violation) bool { return v.Field == tt.field }) {
			t.Errorf("%s: got %s", tt.name, explain(err))
		}
		if e := f.LastEntry(); e.Action != "manage_channels" || e.Outcome != "invalid" {
			t.Errorf("%s: entry %+v", tt.name, e)
		}
	}
	if n := len(f.MustListChannels(lead)); n != 1 {
		t.Errorf("%d channels, want 1", n)
	}
}

// Channels are changed by their own authority's leads, from the version that
// they saw.
func TestChannels_BelongToTheirAuthority(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	held := f.MustPut(lead, webhookTo(r, 1))
	change := webhookTo(r, 3)
	change.ChannelID, change.Version = held.ChannelID, 1
	acts := func(c *identity.Caller, version int) map[string]error {
		change := *change
		change.Version = version
		_, put := f.PutChannel(t.Context(), c, &change)
		_, rotate := f.RotateSecret(t.Context(), c, &deliver.RotateSecretRequest{ChannelID: held.ChannelID, Version: version})
		_, remove := f.RemoveChannel(t.Context(), c, &deliver.RemoveChannelRequest{ChannelID: held.ChannelID, Version: version})
		return map[string]error{"put": put, "rotate": rotate, "remove": remove}
	}
	for name, err := range acts(otherLead, 1) {
		if !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("another authority's lead, %s: %v", name, err)
		}
	}
	for name, err := range acts(lead, 2) {
		if stale, ok := errors.AsType[*guard.StaleError](err); !ok || stale.Current != 1 {
			t.Errorf("another version, %s: %v", name, err)
		}
	}
	for _, c := range []*identity.Caller{laSystem, nurse, gp, clinicalSystem, privacyOfficer, auditor, administrator} {
		for name, err := range acts(c, 1) {
			if !errors.Is(err, guard.ErrDenied) {
				t.Errorf("%s, %s: %v", c.ID, name, err)
			}
		}
	}
	if got := f.MustListChannels(otherLead); len(got) != 0 {
		t.Errorf("another authority sees %+v", got)
	}
	if got := f.MustListChannels(laSystem); len(got) != 1 { // may read
		t.Errorf("the authority's system sees %+v", got)
	}
	put := f.MustPut(lead, change)
	if put.Version != 2 || put.Secret != "" {
		t.Errorf("changed: %+v", put)
	}
	change.Version = 2
	if same := f.MustPut(lead, change); same.Version != 2 {
		t.Errorf("nothing differs: %+v", same)
	}
	if _, err := f.RemoveChannel(t.Context(), lead, &deliver.RemoveChannelRequest{ChannelID: held.ChannelID, Version: 2}); err != nil {
		t.Fatal(err)
	}
	change.Version = 3
	if _, err := f.PutChannel(t.Context(), lead, change); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("changing a removed one: %v", err)
	}
	if got := f.MustListChannels(lead); len(got) != 0 {
		t.Errorf("removed, but shown: %+v", got)
	}
}

// Of two who change one channel at once, one is told that it is too late.
func TestChannels_OneOfTwoWins(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	held := f.MustPut(lead, webhookTo(r, 1))
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() {
			_, errs[i] = f.RotateSecret(t.Context(), lead, &deliver.RotateSecretRequest{ChannelID: held.ChannelID, Version: 1})
		})
	}
	both.Wait()
	won := slices.Index(errs, nil)
	if won < 0 || !errors.Is(errs[1-won], guard.ErrConflict) {
		t.Errorf("got %v", errs)
	}
	// The first channel of an authority: nothing is there to be locked.
	for i := range errs {
		both.Go(func() { _, errs[i] = f.PutChannel(t.Context(), otherLead, webhookTo(r, 1)) })
	}
	both.Wait()
	if won = slices.Index(errs, nil); won < 0 || errs[1-won] == nil {
		t.Errorf("got %v", errs)
	}
	if n := len(f.MustListChannels(otherLead)); n != 1 {
		t.Errorf("%d channels, want 1", n)
	}
}

// An authority sees how each notice was sent on.
func TestChannels_DeliveriesAreShownWithTheNotice(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	channel := f.MustPut(lead, webhookTo(r, 1))
	f.MustRegister(lead, rightCPP())
	r.Down()
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	one := f.Made(islington)[0].ID
	detail, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: one})
	if err != nil {
		t.Fatalf("GetNotice: %s", explain(err))
	}
	if len(detail.Deliveries) != 1 {
		t.Fatalf("deliveries: %+v", detail.Deliveries)
	}
	d := detail.Deliveries[0]
	if d.Channel != channel.ChannelID || d.State != notice.DeliveryPending || d.Attempts != 1 || d.Failure != "refused" ||
		!d.Last.Equal(noon) || d.Next.Before(noon.Add(3*time.Second)) || d.Next.After(noon.Add(7*time.Second)) {
		t.Errorf("delivery: %+v", d)
	}
}

// Keys of channels are wrapped anew with the others, and still open them.
func TestChannels_KeysAreWrappedAnew(t *testing.T) {
	t.Parallel()
	k, err := local.Create(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got inbox
	senders := webhooks(sendFunc(func(_ context.Context, m *deliver.Message) error { got.take(m); return nil }))
	f := newServiceOver(t, k, func(c *service.Config) { c.Senders = senders })
	f.MustPut(lead, anywhere)
	if err := k.RotateWrapping(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{3, 0} { // the index key, the channel's and the lead's
		if n, err := operatorOf(f, 0).Rewrap(t.Context(), func(int) {}); err != nil || n != want {
			t.Errorf("Rewrap: got %d and %v, want %d", n, err, want)
		}
	}
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	other, _ := f.AnotherSending(senders) // has no key at hand
	if err := other.Channels.Deliver(t.Context()); err != nil || len(got.all()) != 1 {
		t.Errorf("Deliver: %v; %d messages", err, len(got.all()))
	}
}
