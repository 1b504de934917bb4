package admin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cpis/service"
	"cpis/service/admin"
	"cpis/service/deliver"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
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

// installation is the fixture's with some of it replaced.
func installation(t *testing.T, f *servicetest.Fixture, change func(*admin.Config)) *admin.Installation {
	t.Helper()
	log, err := f.DB.Logs.Find(t.Context(), dbtest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	c := admin.Config{
		Guard: f.Guard, Policy: servicetest.Rules(t), DB: f.DB, Clock: f.Clock.Now, Log: log, Keeper: f.Keeper.Ready, Undamaged: f.Service.Log.Undamaged,
		ReadAgain: f.Service.Log.ReadAgain, UnderWay: f.UnderWay, Patience: 50 * time.Millisecond,
	}
	change(&c)
	return admin.New(c)
}

func TestGetStatus_SaysThatTheKeeperIsAway(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	f.Keeper.TakeAway(true)
	got := mustStatus(t, f)
	if got.Keeper || got.Database == nil || got.Log == nil || got.Deliveries == nil || got.Channels == nil {
		t.Errorf("got %+v, want all but the keeper", got)
	}
	if e := f.LastEntry(); e.Action != "read_service" || e.Outcome != "done" {
		t.Errorf("the entry is %+v", e)
	}
}

// A part that hangs is absent. It takes no other's time, and the answer is in the log.
func TestGetStatus_WaitsForNoPartThatHangs(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	release := f.Hold(`LOCK TABLE cpis.delivery IN ACCESS EXCLUSIVE MODE`)
	defer release()
	i := installation(t, f, func(*admin.Config) {})
	got, err := i.GetStatus(t.Context(), administrator, &admin.GetStatusRequest{})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if got.Deliveries != nil {
		t.Errorf("deliveries are said to be %+v", got.Deliveries)
	}
	if e := f.LastEntry(); e.Action != "read_service" || e.Outcome != "done" {
		t.Errorf("the entry is %+v", e)
	}
}

// What cannot be asked is absent, and neither none nor well.
func TestGetStatus_SaysNothingOfADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	away := dbtest.Open(t, f.Database)
	away.Close()
	i := installation(t, f, func(c *admin.Config) {
		c.DB = away.Guarded(f.Ring, func(string) {})
		c.Keeper = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	})
	got, err := i.GetStatus(t.Context(), administrator, &admin.GetStatusRequest{})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if got.Keeper || got.Database != nil || got.Log != nil || got.Deliveries != nil || got.Channels != nil {
		t.Errorf("got %+v of what could not be asked", got)
	}
}

// Where nothing can be entered, nothing is answered.
func TestGetStatus_IsNotAnsweredWithoutItsEntry(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	f.Exec(`REVOKE UPDATE (size) ON cpis.log_head FROM cpis_app`)
	if got, err := f.Installation.GetStatus(t.Context(), administrator, &admin.GetStatusRequest{}); err == nil {
		t.Errorf("got %+v", got)
	}
}

func TestGetStatus_SaysWhatRunsAndWhatIsKept(t *testing.T) {
	t.Parallel()
	f := servicetest.NewWith(t, func(c *service.Config) {
		c.Program = admin.Program{Version: "v1.2.3", Commit: "0123abcd"}
		c.KeepExports = time.Hour
	})
	f.MustRegister(servicetest.Lead, servicetest.RightCPP())
	if got := mustStatus(t, f); !got.Log.ReadAgain.IsZero() {
		t.Errorf("the log was read again at %v", got.Log.ReadAgain)
	}
	for _, do := range []func(context.Context) error{f.Service.Log.Sign, f.Service.Log.Scrub} {
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := mustStatus(t, f)
	if got.Program.Version != "v1.2.3" || got.Program.Commit != "0123abcd" || !got.Log.ReadAgain.Equal(f.Clock.Now()) {
		t.Errorf("got %+v %+v", got.Program, got.Log)
	}
	if d := got.Database; d == nil || d.Version == "" || d.Schema < 23 || d.Size <= 0 || d.Connections <= 0 || d.Max < d.Connections {
		t.Errorf("the database: %+v", d)
	}
	if got.Queue.UnderWay != 0 || got.Queue.Most <= 0 {
		t.Errorf("the queue: %+v", got.Queue)
	}
	var exports time.Duration
	for _, k := range got.Kept {
		if k.What == "Reports as files" {
			exports = k.For
		}
	}
	if exports != time.Hour {
		t.Errorf("reports as files are said to be kept for %v", exports)
	}
}
