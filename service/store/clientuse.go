package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// ClientUse says on which days a client system was used for an organisation, as far as
// the log was read. The days are midnight UTC.
type ClientUse struct {
	Issuer       string
	Client       string
	Organisation string
	Name         string // of the organisation; empty if it is not known
	First, Last  time.Time
}

// ClientUses pages through the client systems that were used, by issuer, client and
// organisation: those behind a place, of which only these three are looked at.
func (q indexReads) ClientUses(ctx context.Context, behind ClientUse, limit int) ([]ClientUse, error) {
	return all(ctx, q.q, "reading client systems", func(row pgx.CollectableRow) (u ClientUse, err error) {
		return u, row.Scan(&u.Issuer, &u.Client, &u.Organisation, &u.Name, &u.First, &u.Last)
	}, `
		SELECT u.issuer, u.client, u.organisation, coalesce(a.name, o.name, ''), u.first_day, u.last_day
		FROM cpis.client_use AS u
		LEFT JOIN cpis.authority AS a ON a.gss_code = u.organisation
		LEFT JOIN cpis.organisation AS o ON o.code = u.organisation
		WHERE (u.issuer, u.client, u.organisation) > ($1, $2, $3)
		ORDER BY u.issuer, u.client, u.organisation
		LIMIT $4`, behind.Issuer, behind.Client, behind.Organisation, limit)
}

// NoteClients notes on which days client systems were used. Each stands there once, and
// all who note them do so in the same order. A row is written when a day is new, so
// once a day.
func (tx indexWrites) NoteClients(ctx context.Context, uses []ClientUse) error {
	n := len(uses)
	if n == 0 {
		return nil
	}
	issuers, clients, organisations := make([]string, n), make([]string, n), make([]string, n)
	first, last := make([]time.Time, n), make([]time.Time, n)
	for i, u := range uses {
		issuers[i], clients[i], organisations[i], first[i], last[i] = u.Issuer, u.Client, u.Organisation, u.First, u.Last
	}
	_, err := tx.exec(ctx, "noting client systems", `
		INSERT INTO cpis.client_use AS u (issuer, client, organisation, first_day, last_day)
		SELECT n.issuer, n.client, n.organisation, n.first_day, n.last_day
		FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[]) AS n (issuer, client, organisation, first_day, last_day)
		LEFT JOIN cpis.client_use AS c USING (issuer, client, organisation)
		WHERE c.issuer IS NULL
		   OR n.first_day < c.first_day
		   OR n.last_day > c.last_day
		ORDER BY n.issuer, n.client, n.organisation
		ON CONFLICT (issuer, client, organisation) DO UPDATE
		SET first_day = least(u.first_day, excluded.first_day),
		    last_day = greatest(u.last_day, excluded.last_day)`, issuers, clients, organisations, first, last)
	return err
}
