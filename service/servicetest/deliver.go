package servicetest

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// MustListChannels returns the channels of an authority.
func (f *deliverySteps) MustListChannels(c *identity.Caller) []deliver.Channel {
	f.TB.Helper()
	list, err := f.ListChannels(f.TB.Context(), c, &deliver.ListChannelsRequest{})
	if err != nil {
		f.TB.Fatalf("ListChannels: %s", Explain(err))
	}
	return list.Channels
}

// Holding counts rows that hold one of some texts in the clear.
func (f *deliverySteps) Holding(texts ...string) (n int) {
	f.TB.Helper()
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `
			SELECT count(*)
			FROM (
			    SELECT c::text AS r FROM cpis.channel AS c
			    UNION ALL SELECT encode(sealed, 'escape') FROM cpis.channel
			    UNION ALL SELECT encode(line, 'escape') FROM cpis.entry
			    UNION ALL SELECT i::text FROM cpis.idempotency AS i
			) AS held
			WHERE EXISTS (SELECT FROM unnest($1::text[]) AS w (t) WHERE position(w.t IN held.r) > 0)`, texts).Scan(&n)
	})
	return n
}

// AnotherSending creates another server over the same database, with connections
// of its own.
func (f *deliverySteps) AnotherSending(senders map[deliver.ChannelKind]deliver.Sender) (*service.Service, *store.DB) {
	f.TB.Helper()
	db := dbtest.Open(f.TB, f.Database)
	s, err := service.New(f.TB.Context(), service.Config{
		DB: db, Ring: f.OpenRing(), Policy: Rules(f.TB), Log: dbtest.Origin, Now: f.Clock.Now, Senders: senders,
		Hub: domain.Hub{Name: "National safeguarding hub", Phone: HubPhone},
	})
	if err != nil {
		f.TB.Fatalf("making another service: %v", err)
	}
	f.TB.Cleanup(s.Close)
	f.Clock.keep(s)
	return s, db
}

// Waiting creates so many notices to Islington that are about nobody.
func (f *deliverySteps) Waiting(n int) {
	f.TB.Helper()
	f.all.Pretend(`
		INSERT INTO cpis.notice (id, authority, kind, priority, at, organisation, setting, log, entry)
		SELECT gen_random_uuid(), $1, 'upload_waiting', false, $2, '', '', (SELECT min(id) FROM cpis.log), 1000000 + i
		FROM generate_series(1, $3::integer) AS i`, Islington, f.Clock.Now(), n)
}

// MustPut creates or changes a channel.
func (f *deliverySteps) MustPut(c *identity.Caller, want *deliver.PutChannelRequest) *deliver.PutChannelResult {
	f.TB.Helper()
	out, err := f.PutChannel(f.TB.Context(), c, want)
	if err != nil {
		f.TB.Fatalf("PutChannel: %s", Explain(err))
	}
	return out
}

// Attend has a person turn up in an emergency department, each time anew.
func (f *deliverySteps) Attend(number string, times int) {
	f.TB.Helper()
	for range times {
		f.attended++
		q := Unscheduled(number)
		q.Encounter.ID = fmt.Sprintf("attendance %d", f.attended)
		f.all.MustLookUp(Nurse, q)
	}
}

// MustDeliver sends on what is due.
func (f *deliverySteps) MustDeliver() {
	f.TB.Helper()
	if err := f.Deliver(f.TB.Context()); err != nil {
		f.TB.Fatalf("Deliver: %v", err)
	}
}

// Made is a notice as it stands in the database.
type Made struct {
	ID, Person string
	Entry      int64
}

// Made returns the notices to an authority in the order in which they were made.
func (f *deliverySteps) Made(authority string) []Made {
	f.TB.Helper()
	var out []Made
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		rows, err := conn.Query(f.TB.Context(), `
			SELECT id::text, coalesce(person_id::text, ''), entry
			FROM cpis.notice
			WHERE authority = $1
			ORDER BY entry, id`, authority)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Made])
		return err
	})
	return out
}

// Delivery is one as it stands in the database.
type Delivery struct {
	Channel, State, Failure string
	Attempts                int
}

// Deliveries returns the deliveries of a notice, in the order of their channels'
// ranks.
func (f *deliverySteps) Deliveries(notice string) []Delivery {
	f.TB.Helper()
	var out []Delivery
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		rows, err := conn.Query(f.TB.Context(), `
			SELECT d.channel_id::text, d.state, d.failure, d.attempts
			FROM cpis.delivery AS d
			JOIN cpis.channel AS c ON c.id = d.channel_id
			WHERE d.notice_id = $1
			ORDER BY c.rank, c.made_at`, notice)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Delivery])
		return err
	})
	return out
}

// Pending is how many deliveries wait.
func (f *deliverySteps) Pending() (n int) {
	f.TB.Helper()
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `SELECT count(*) FROM cpis.delivery WHERE state = 'pending'`).Scan(&n)
	})
	return n
}

// Undelivered reports whether a notice is shown as undelivered.
func (f *deliverySteps) Undelivered(notice string) (undelivered bool) {
	f.TB.Helper()
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `SELECT undelivered FROM cpis.notice WHERE id = $1`, notice).Scan(&undelivered)
	})
	return undelivered
}

// Settle lets hours pass until nothing waits.
func (f *deliverySteps) Settle() {
	f.TB.Helper()
	for range 80 {
		f.MustDeliver()
		if f.Pending() == 0 {
			return
		}
		f.Clock.Advance(2 * time.Hour) // beyond the longest pause
	}
	f.TB.Fatalf("%d deliveries still wait", f.Pending())
}
