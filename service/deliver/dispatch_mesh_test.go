package deliver_test

import (
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/deploy/dev/meshdev"
	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/deliver/mesh"
	"cpis/service/domain"
)

const (
	ourMailbox   = "X26HUB1"
	theirMailbox = "X26LA01"
)

// newMesh makes a fixture that sends over MESH, in small pieces.
func newMesh(t *testing.T, change func(*mesh.Config)) (*fixture, *meshdev.Server) {
	t.Helper()
	now := func() time.Time { return noon }
	exchange := meshdev.New(meshdev.Config{
		SharedKey: "shared", Mailboxes: map[string]string{ourMailbox: "password", theirMailbox: "another"},
		Workflows: []string{"CPIS_NOTICE"}, Now: func() time.Time { return now() },
	})
	server := httptest.NewTLSServer(exchange)
	t.Cleanup(server.Close)
	f := newServiceWith(t, func(c *service.Config) {
		now = c.Now
		cfg := mesh.Config{
			URL: server.URL, Mailbox: ourMailbox, Password: "password", SharedKey: "shared", Workflow: "CPIS_NOTICE",
			CAs: x509.NewCertPool(), Chunk: 100, Now: c.Now,
		}
		cfg.CAs.AddCert(server.Certificate())
		change(&cfg)
		sender, err := mesh.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.Senders = map[deliver.ChannelKind]deliver.Sender{deliver.MeshChannel: sender}
	})
	return f, exchange
}

// The weekly digest comes along with its notice, signed.
func TestDeliver_MeshHoldsTheDigest(t *testing.T) {
	t.Parallel()
	f, exchange := newMesh(t, func(*mesh.Config) {})
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.MeshChannel, To: theirMailbox, Rank: 1})
	f.Clock.Set(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC))
	if err := f.Index.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if made, err := f.Reports.MakeDigests(t.Context()); made != 1 || err != nil {
		t.Fatalf("MakeDigests: %d, %v", made, err)
	}
	f.MustDeliver()
	messages := exchange.Messages(theirMailbox)
	var got struct{ Kind, Reference, Digest string }
	if len(messages) != 1 || json.Unmarshal(messages[0].Body(), &got) != nil {
		t.Fatalf("got %d messages", len(messages))
	}
	if got.Kind != "weekly_digest" || got.Reference != "2026-11-23" || !strings.Contains(got.Digest, "/digest\nE09000019 Islington\n") ||
		!strings.Contains(got.Digest, "\n\n— ") {
		t.Errorf("got %+v", got)
	}
}

// A mailbox gets the whole notice: who was seen, where, by whom and when.
func TestDeliver_MeshHoldsTheWholeNotice(t *testing.T) {
	t.Parallel()
	f, exchange := newMesh(t, func(*mesh.Config) {})
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.MeshChannel, To: theirMailbox, Rank: 1})
	child := rightCPP()
	plan := f.MustRegister(lead, child)
	q := unscheduled(child.NHSNumber)
	q.Encounter.Start = noon.Add(-10 * time.Minute)
	f.MustLookUp(nurse, q)
	system := unscheduled(child.NHSNumber)
	system.Encounter = domain.Encounter{ID: "by a system", Setting: domain.UrgentCare}
	system.Responsible = domain.Responsible{Name: "Sam Sister", Role: "Sister", Phone: "020 7946 0003"}
	system.SafeguardingLead = domain.Responsible{Name: "Les Lead", Role: "Named nurse", Phone: "020 7946 0004"}
	f.MustLookUp(clinicalSystem, system)
	f.MustDeliver()
	messages, notices := exchange.Messages(theirMailbox), f.Made(islington)
	if len(messages) != 2 || len(notices) != 2 {
		t.Fatalf("%d messages of %d notices", len(messages), len(notices))
	}
	whole := func(notice string, more map[string]any) map[string]any {
		m := map[string]any{
			"version": 1.0, "notice_id": notice, "kind": "unscheduled_access", "priority": false, "at": "2026-11-23T12:00:00Z",
			"authority": map[string]any{"code": islington, "name": "Islington"},
			"person": map[string]any{
				"nhs_number": "9990000018", "family_name": "Example", "given_name": "Robin", "date_of_birth": "2019-04-30",
			},
			"plans":        []any{map[string]any{"plan_id": plan.PlanID, "kind": "cpp", "reference": "CASE-1042"}},
			"organisation": map[string]any{"code": trust, "name": "WHITTINGTON HEALTH NHS TRUST"},
		}
		maps.Copy(m, more)
		return m
	}
	for i, want := range []map[string]any{
		whole(notices[0].ID, map[string]any{
			"setting": "emergency_department", "actor": map[string]any{"name": "Test nurse", "role": "Tester"},
			"encounter_at": "2026-11-23T11:50:00Z",
		}),
		whole(notices[1].ID, map[string]any{
			"setting":            "urgent_care",
			"responsible_person": map[string]any{"name": "Sam Sister", "role": "Sister", "phone": "020 7946 0003"},
			"safeguarding_lead":  map[string]any{"name": "Les Lead", "role": "Named nurse", "phone": "020 7946 0004"},
		}),
	} {
		var got map[string]any
		if err := json.Unmarshal(messages[i].Body(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("message %d (-want +got):\n%s", i, diff)
		}
		if len(messages[i].Chunks) < 5 || messages[i].LocalID != notices[i].ID {
			t.Errorf("message %d came in %d pieces as %s", i, len(messages[i].Chunks), messages[i].LocalID)
		}
	}
	// What left is in the log, under whom it is about.
	told := 0
	for _, e := range f.Entries() {
		if e.Action != "deliver_notice" {
			continue
		}
		told++
		if string(e.Subject) != string(f.Tag("9990000018")) || len(e.Disclosed) != 1 || e.Disclosed[0].Plan != plan.PlanID {
			t.Errorf("entry: %+v", e)
		}
	}
	if told != 2 {
		t.Errorf("%d entries of what left, want 2", told)
	}
}

// What MESH refuses is said in a word, nothing about anybody leaves before the
// mailbox is known to be ours, and all of it arrives later.
func TestDeliver_MeshFailures(t *testing.T) {
	t.Parallel()
	f, exchange := newMesh(t, func(c *mesh.Config) { c.SharedKey = "another" })
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.MeshChannel, To: theirMailbox, Rank: 1})
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver()
	notice := f.Made(islington)[0].ID
	if d := f.Deliveries(notice); d[0].Failure != "unauthorised" || len(exchange.Messages(theirMailbox)) != 0 {
		t.Errorf("with another shared key: %+v", d)
	}

	f, exchange = newMesh(t, func(*mesh.Config) {})
	channel := f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.MeshChannel, To: "X26NONE", Rank: 1})
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 2)
	f.MustDeliver()
	notice = f.Made(islington)[0].ID
	if d := f.Deliveries(notice); d[0].Failure != "unknown_mailbox" {
		t.Errorf("to a mailbox that does not exist: %+v", d)
	}
	f.MustPut(lead, &deliver.PutChannelRequest{
		ChannelID: channel.ChannelID, Version: channel.Version, Kind: deliver.MeshChannel, To: theirMailbox, Rank: 1,
	})
	exchange.Fail(503)
	f.MustDeliver() // at the new address at once
	if d := f.Deliveries(notice); d[0].Failure != "status_503" || d[0].Attempts != 2 {
		t.Errorf("while MESH is away: %+v", d)
	}
	exchange.Fail(0)
	f.Settle()
	if got := exchange.Messages(theirMailbox); len(got) != 2 || got[0].LocalID != notice {
		t.Errorf("%d messages arrived", len(got))
	}
}

// Whom a notice is about cannot be read while the keys are away: it waits.
func TestDeliver_MeshWaitsForKeys(t *testing.T) {
	t.Parallel()
	f, exchange := newMesh(t, func(*mesh.Config) {})
	f.MustPut(lead, &deliver.PutChannelRequest{Kind: deliver.MeshChannel, To: theirMailbox, Rank: 1})
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	f.Clock.Advance(time.Hour) // keys are forgotten
	f.Keeper.TakeAway(true)
	f.MustDeliver()
	notice := f.Made(islington)[0].ID
	if d := f.Deliveries(notice); d[0].Failure != "details_unavailable" || len(exchange.Messages(theirMailbox)) != 0 {
		t.Errorf("delivery: %+v", d)
	}
	f.Keeper.TakeAway(false)
	f.Settle()
	if n := len(exchange.Messages(theirMailbox)); n != 1 {
		t.Errorf("%d messages arrived, want 1", n)
	}
}
