package admin_test

import (
	"context"
	"errors"
	"testing"

	"cpis/service"
	"cpis/service/admin"
	"cpis/service/deliver"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
)

// mustStatus asks how the service does.
func mustStatus(t *testing.T, f *servicetest.Fixture) *admin.Status {
	t.Helper()
	out, err := f.Installation.GetStatus(t.Context(), administrator, &admin.GetStatusRequest{})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	return out
}

func TestGetStatus_SaysHowTheServiceDoes(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	f.MustRegister(servicetest.Lead, servicetest.RightCPP())
	if got := mustStatus(t, f); got.Log == nil || got.Log.Signed != 0 || !got.Log.SignedAt.IsZero() {
		t.Errorf("before any checkpoint: %+v", got.Log)
	}
	if err := f.Service.Log.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	signed := int64(len(f.Entries()))
	f.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	got := mustStatus(t, f)
	if l := got.Log; l.Size != signed+1 || l.Signed != signed || !l.SignedAt.Equal(f.Clock.Now()) || l.Behind != signed+1 || l.Room <= 0 || l.Damaged {
		t.Errorf("the log: %+v, want %d signed and one more", l, signed)
	}
	if !got.Keeper || got.Policy != servicetest.Rules(t).Hash() || got.Deliveries == nil || got.Channels == nil || len(got.Channels.Resting) != 0 {
		t.Errorf("got %+v", got)
	}
	if e := f.LastEntry(); e.Action != "read_service" || e.Outcome != "done" || e.Subject != nil || len(e.Shown) != 0 {
		t.Errorf("the entry is %+v", e)
	}
}

func TestGetStatus_IsForAdministrators(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	for _, c := range []*identity.Caller{servicetest.Nurse, servicetest.Lead, servicetest.PrivacyOfficer, servicetest.Auditor} {
		if _, err := f.Installation.GetStatus(t.Context(), c, &admin.GetStatusRequest{}); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want ErrDenied", c.ID, err)
		}
	}
}

// gone is a sender whose receivers are away.
type gone struct{}

func (gone) Check(string) (problem, right string) { return "", "" }

func (gone) Send(context.Context, *deliver.Message) error {
	return &deliver.DeliveryError{Word: "refused"}
}

// A channel that rests is named by whose it is, never by where it leads.
func TestGetStatus_SaysWhatDoesNotWork(t *testing.T) {
	t.Parallel()
	f := servicetest.NewWith(t, func(c *service.Config) {
		c.Senders = map[deliver.ChannelKind]deliver.Sender{deliver.WebhookChannel: gone{}}
	})
	f.MustPut(servicetest.Lead, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: "nowhere", Rank: 1})
	f.Waiting(30)
	f.MustDeliver()
	got := mustStatus(t, f)
	if got.Channels == nil || len(got.Channels.Resting) != 1 {
		t.Fatalf("channels: %+v, want one that rests", got.Channels)
	}
	if r := got.Channels.Resting[0]; r.Authority != servicetest.Islington || r.Kind != "webhook" || r.Rank != 1 || !r.Until.After(f.Clock.Now()) {
		t.Errorf("got %+v", r)
	}
	if got.Deliveries == nil || got.Deliveries.Pending != 30 || got.Deliveries.Oldest.IsZero() {
		t.Errorf("deliveries: %+v, want 30 that wait", got.Deliveries)
	}
}
