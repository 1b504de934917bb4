package admin_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/service"
	"cpis/service/admin"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

func mustClients(t *testing.T, f *servicetest.Fixture, p guard.Paging) *admin.Clients {
	t.Helper()
	out, err := f.Installation.ListClients(t.Context(), administrator, &admin.ListClientsRequest{Paging: p})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	return out
}

// Client systems are those that the log names: with the first day and the last, as days
// are in England, and nothing is written for a look-up.
func TestListClients_SaysWhenTheyWereUsed(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example"
	f := servicetest.NewWith(t, func(cfg *service.Config) {
		cfg.Trusted = func() []identity.Trust { return []identity.Trust{{Issuer: issuer, PagesClient: "other"}} }
	})
	f.Clock.Set(time.Date(2027, 7, 1, 23, 30, 0, 0, time.UTC)) // the second of July in England
	f.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	if got := mustClients(t, f, guard.Paging{}); len(got.Used) != 0 || got.Behind == 0 || len(got.Issuers) != 1 {
		t.Errorf("before the log was read: %+v", got)
	}
	f.Clock.Set(time.Date(2027, 7, 5, 12, 0, 0, 0, time.UTC))
	f.MustRegister(servicetest.Lead, servicetest.RightCPP())
	f.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-2"))
	if err := f.Index.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := map[string]admin.Client{}
	var place string
	for {
		got := mustClients(t, f, guard.Paging{Size: 1, Page: place})
		for _, c := range got.Used {
			used[c.Organisation] = c
		}
		if place = got.Next; place == "" {
			break
		}
	}
	second, fifth := time.Date(2027, 7, 2, 0, 0, 0, 0, time.UTC), time.Date(2027, 7, 5, 0, 0, 0, 0, time.UTC)
	if c := used[servicetest.Trust]; !c.First.Equal(second) || !c.Last.Equal(fifth) || c.ID != "test-client" || !c.Trusted || c.Pages {
		t.Errorf("at the trust: %+v", c)
	}
	if c := used[servicetest.Islington]; !c.First.Equal(fifth) || !c.Last.Equal(fifth) || c.OrganisationName != "Islington" {
		t.Errorf("at the authority: %+v", c)
	}
	if e := f.LastEntry(); e.Action != "read_service" || e.Rule != "C3" || e.Outcome != "done" || e.Counts["shown"] > 1 {
		t.Errorf("the entry is %+v", e)
	}
}

// Entries that were indexed before anybody noted clients are noted when they are
// compared again.
func TestListClients_LearnsFromOlderEntries(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	f.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	if err := f.Index.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	dbtest.AsSuperuser(t, f.Database, func(c *pgx.Conn) error {
		_, err := c.Exec(t.Context(), `DELETE FROM cpis.client_use`)
		return err
	})
	if err := f.Index.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := mustClients(t, f, guard.Paging{}); len(got.Used) != 1 || got.Used[0].Trusted {
		t.Errorf("got %+v, want the client of the look-up, whose issuer nobody trusts here", got.Used)
	}
}

func TestListClients_IsForAdministratorsAndRefusesWhatIsNoPlace(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	for _, c := range []*identity.Caller{servicetest.Nurse, servicetest.Lead, servicetest.Auditor} {
		if _, err := f.Installation.ListClients(t.Context(), c, &admin.ListClientsRequest{}); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want ErrDenied", c.ID, err)
		}
	}
	for _, p := range []guard.Paging{{Page: "nonsense"}, {Page: "e30"}, {Size: 201}, {Size: -1}} {
		_, err := f.Installation.ListClients(t.Context(), administrator, &admin.ListClientsRequest{Paging: p})
		if _, invalid := errors.AsType[*domain.InvalidError](err); !invalid {
			t.Errorf("%+v: got %v, want an invalid request", p, err)
		}
	}
}
