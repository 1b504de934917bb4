package store

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// guardedTable is a table whose rows have MACs.
type guardedTable struct {
	name    string
	columns string // as rows are scanned, the MAC last
	from    string
	alias   string
	id      string // what names a row: columns without those of the others
	since   int    // the migration that brought the MACs
	zero    func() covered
	scan    func(row pgx.CollectableRow) (macRow, error)
}

// macRow is a row and its MAC, wherever it lies.
type macRow struct {
	place string // ctid
	id    string
	row   covered
	mac   []byte
}

// guardedTables are all of them. What they do not cover is listed with reasons in
// a test.
var guardedTables = []guardedTable{
	tableOf[PersonRow]("person", personColumns, "p", "p.id", 11),
	tableOf[PersonRow]("person_version", personVersionColumns, "v", "v.person_id || ' version ' || v.version", 11),
	tableOf[TagRow]("person_tag", tagColumns, "t", "t.tag", 11),
	tableOf[PlanRow]("plan", planColumns, "l", "l.id", 11),
	tableOf[PlanRow]("plan_version", planVersionColumns, "v", "v.plan_id || ' version ' || v.version", 11),
	tableOf[AuthorityRow]("authority", authorityColumns, "a", "a.gss_code", 11),
	tableOf[OrganisationRow]("organisation", organisationColumns, "o", "o.code", 11),
	tableOf[TransferRow]("transfer", transferColumns, "t", "t.id", 11),
	tableOf[ProposalRow]("proposal", proposalColumns, "r", "r.id", 11),
	tableOf[ChannelRow]("channel", channelColumns, "c", "c.id", 11),
	tableOf[UploadRow]("upload", uploadColumns, "u", "u.id", 11),
	tableOf[UploadRulesRow]("upload_rules", uploadRulesColumns, "s", "s.authority || ' version ' || s.version", 11),
	tableOf[IdempotentRow]("idempotency", idempotencyColumns, "i", "i.organisation || ' ' || i.key", 11),

	tableOf[NoticeRow]("notice", noticeColumns, "n", "n.id", 16),
	tableOf[NoticeActRow]("notice_act", noticeActColumns, "c", "c.notice_id || ' version ' || c.version", 16),
	tableOf[DeliveryRow]("delivery", deliveryColumns, "d", "d.channel_id || ' ' || d.notice_id", 16),
	tableOf[PlaceRow]("dispatched", placeColumns, "p", "p.authority || ' log ' || p.log", 16),
	tableOf[AccessRow]("access", accessColumns, "a", "a.id", 16),
	tableOf[MarkRow]("access_mark", markColumns, "m", "m.access_id", 16),
	tableOf[ReviewRow]("review", reviewColumns, "r", "r.id", 16),

	tableOf[ReleaseRow]("release", releaseColumns, "r", "r.id", 18),
	tableOf[ExportRow]("export", exportColumns, "x", "x.id", 20),

	tableOf[PlanIndexRow]("plan_index", planIndexColumns, "x", "x.plan_id || ' index key ' || x.index_version", 23),
	tableOf[HoldingRow]("holding", holdingColumns, "h", "h.id", 23),
	tableOf[WorkItemRow]("work_item", workItemColumns, "w", "w.plan_id", 23),
	tableOf[WorkState]("work_state", workStateColumns, "s", "s.one", 23),
}

func tableOf[T any, P interface {
	*T
	covered
	targets() []any
}](name, columns, alias, id string, since int) guardedTable {
	return guardedTable{
		name: name, columns: columns, from: "cpis." + name + " AS " + alias, alias: alias, id: id, since: since,
		zero: func() covered { return P(new(T)) },
		scan: func(row pgx.CollectableRow) (r macRow, err error) {
			p := P(new(T))
			r.row = p
			targets := append([]any{&r.place, &r.id}, p.targets()...)
			return r, row.Scan(append(targets, &r.mac)...)
		},
	}
}

// selectRows reads what scan scans.
func (t *guardedTable) selectRows() string {
	return fmt.Sprintf(`
		SELECT %s.ctid::text, (%s)::text, %s
		FROM %s`, t.alias, t.id, t.columns, t.from)
}

// macPage reads rows behind a place for which something holds, and locks them.
func (t *guardedTable) macPage(ctx context.Context, tx *work, where, after string, limit int, args ...any) ([]macRow, error) {
	return all(ctx, tx.q, "reading rows of "+t.name, t.scan, t.selectRows()+fmt.Sprintf(`
		WHERE %[1]s.ctid > $1::text::tid
		  AND %[2]s
		ORDER BY %[1]s.ctid
		LIMIT $2
		FOR UPDATE OF %[1]s`, t.alias, where), append([]any{after, limit}, args...)...)
}

// putMACs writes the MACs of rows anew, as this database's guard makes them.
func (t *guardedTable) putMACs(ctx context.Context, tx *work, rows []macRow) error {
	places, macs := make([]string, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		places[i], macs[i] = r.place, tx.guard.mac(r.row)
	}
	return tx.execAll(ctx, len(rows), "writing MACs of "+t.name, `
		UPDATE cpis.`+t.name+` AS t
		SET mac = n.mac
		FROM unnest($1::text[], $2::bytea[]) AS n (place, mac)
		WHERE t.ctid = n.place::tid`, places, macs)
}

const (
	firstPlace = "(0,0)" // before all rows
	macsAtOnce = 5000
)

// Make makes the MACs of all rows, which an older version of the program
// wrote without, and returns how many. It trusts what it finds, and is done once for
// the tables that got MACs together: if any row there has one already, those
// that have none are damaged. They are left as they are, and returned.
func (tx macWrites) Make(ctx context.Context) (made int64, damaged []DamagedRow, err error) {
	for tables := guardedTables; len(tables) > 0; {
		n := 1
		for n < len(tables) && tables[n].since == tables[0].since {
			n++
		}
		count, left, err := tx.makeMACs(ctx, tables[:n])
		if err != nil {
			return 0, nil, err
		}
		made, damaged, tables = made+count, append(damaged, left...), tables[n:]
	}
	return made, damaged, nil
}

// makeMACs is Make for tables that got MACs together.
func (tx macWrites) makeMACs(ctx context.Context, tables []guardedTable) (made int64, damaged []DamagedRow, err error) {
	lacking, having, err := tx.rowsWithoutMAC(ctx, tables)
	if err != nil || !lacking {
		return 0, nil, err
	}
	for i := range tables {
		t := &tables[i]
		if having {
			rows, err := all(ctx, tx.q, "looking for MACs of "+t.name, t.scan, t.selectRows()+`
				WHERE `+t.alias+`.mac IS NULL`)
			if err != nil {
				return 0, nil, err
			}
			damaged = append(damaged, t.named(rows)...)
			continue
		}
		n, err := t.makeMACs(ctx, tx.work)
		if err != nil {
			return 0, nil, err
		}
		made += n
	}
	return made, damaged, nil
}

// named returns rows by name.
func (t *guardedTable) named(rows []macRow) (named []DamagedRow) {
	for _, r := range rows {
		named = append(named, DamagedRow{t.name, r.id})
	}
	return named
}

func (t *guardedTable) makeMACs(ctx context.Context, tx *work) (made int64, err error) {
	for after := firstPlace; ; {
		rows, err := t.macPage(ctx, tx, t.alias+".mac IS NULL", after, macsAtOnce)
		if err != nil || len(rows) == 0 {
			return made, err
		}
		if err := t.putMACs(ctx, tx, rows); err != nil {
			return made, err
		}
		after, made = rows[len(rows)-1].place, made+int64(len(rows))
	}
}

// rowsWithoutMAC reports whether any row of tables has no MAC, and whether any has
// one.
func (q macReads) rowsWithoutMAC(ctx context.Context, tables []guardedTable) (lacking, having bool, err error) {
	for _, t := range tables {
		_, err = one(ctx, q.q, "looking for MACs of "+t.name, func(row pgx.CollectableRow) (none struct{}, err error) {
			var l, h bool
			err = row.Scan(&l, &h)
			lacking, having = lacking || l, having || h
			return none, err
		}, `
		SELECT EXISTS (SELECT FROM cpis.`+t.name+` WHERE mac IS NULL),
		       EXISTS (SELECT FROM cpis.`+t.name+` WHERE mac IS NOT NULL)`)
		if err != nil {
			break
		}
	}
	return lacking, having, err
}

// DamagedRow is a row that does not verify.
type DamagedRow struct {
	Table string
	Row   string // its identifier
}

// Damaged returns all rows that do not verify. It reads every table that has
// MACs.
func (q macReads) Damaged(ctx context.Context) (damaged []DamagedRow, err error) {
	for _, t := range guardedTables {
		_, err = all(ctx, q.q, "verifying rows of "+t.name, func(row pgx.CollectableRow) (none struct{}, err error) {
			r, err := t.scan(row)
			if err == nil && !q.guard.verifies(r.row, r.mac) {
				damaged = append(damaged, DamagedRow{t.name, r.id})
			}
			return none, err
		}, t.selectRows())
		if err != nil {
			return nil, err
		}
	}
	return damaged, nil
}

// MACPlace is how far Renew has come. The zero value is the beginning.
type MACPlace struct {
	table int
	after string
}

// older holds for rows whose MAC was not made with an index key, a parameter: a
// MAC begins with the version of the newest key that made it.
func older(parameter string) string {
	return `substr(mac, 1, 4) IS DISTINCT FROM int4send(` + parameter + `)`
}

// Renew makes MACs with the newest index key for rows that have none, at most
// limit, and returns how many and where to go on: until the place is nil. Rows that
// do not verify are left as they are, and returned.
func (tx macWrites) Renew(ctx context.Context, indexVersion int, from *MACPlace, limit int) (next *MACPlace, renewed int, damaged []DamagedRow, err error) {
	if from.table == len(guardedTables) {
		return nil, 0, nil, nil
	}
	after := cmp.Or(from.after, firstPlace)
	t := &guardedTables[from.table]
	rows, err := t.macPage(ctx, tx.work, older("$3"), after, limit, indexVersion)
	if err != nil {
		return nil, 0, nil, err
	}
	if len(rows) == 0 {
		return &MACPlace{table: from.table + 1}, 0, nil, nil
	}
	next = &MACPlace{from.table, rows[len(rows)-1].place}
	var sound, unsound []macRow
	for _, r := range rows {
		if tx.guard.verifies(r.row, r.mac) {
			sound = append(sound, r)
		} else {
			unsound = append(unsound, r)
		}
	}
	return next, len(sound), t.named(unsound), t.putMACs(ctx, tx.work, sound)
}

// Lack returns which rows have no MAC made with an index key, and do not verify:
// nobody can make them one. others says whether there are others.
func (q macReads) Lack(ctx context.Context, indexVersion int) (damaged []DamagedRow, others bool, err error) {
	for i := range guardedTables {
		t := &guardedTables[i]
		named, sound, err := t.lackMAC(ctx, q.queries, indexVersion)
		if err != nil || sound {
			return nil, sound, err
		}
		damaged = append(damaged, named...)
	}
	return damaged, false, nil
}

// lackMAC ends at the first row that verifies.
func (t *guardedTable) lackMAC(ctx context.Context, q queries, indexVersion int) (damaged []DamagedRow, sound bool, err error) {
	doing := "looking for MACs of " + t.name
	rows, err := q.q.Query(ctx, t.selectRows()+`
		WHERE `+older("$1"), indexVersion)
	if err != nil {
		return nil, false, translate(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := t.scan(rows)
		if err != nil {
			return nil, false, translate(doing, err)
		}
		if q.guard.verifies(r.row, r.mac) {
			return nil, true, nil
		}
		damaged = append(damaged, DamagedRow{t.name, r.id})
	}
	return damaged, false, translate(doing, rows.Err())
}

// Round is how far Verify has come. The zero value is the beginning.
type Round struct {
	table int
	block int64
}

// Verify verifies the rows of some blocks of a table, and returns where to go
// on: the beginning, when all tables were read. Whatever does not verify is
// reported, also what no list shows because a changed column hides it.
func (q macReads) Verify(ctx context.Context, from Round, blocks int64) (next Round, err error) {
	t := &guardedTables[from.table]
	doing := "verifying rows of " + t.name
	size, err := one(ctx, q.q, doing, pgx.RowTo[int64], `
		SELECT pg_relation_size('cpis.`+t.name+`') / current_setting('block_size')::bigint`)
	if err != nil {
		return from, err
	}
	_, err = all(ctx, q.q, doing, func(row pgx.CollectableRow) (none struct{}, err error) {
		r, err := t.scan(row)
		if err == nil {
			q.guard.verifies(r.row, r.mac)
		}
		return none, err
	}, t.selectRows()+fmt.Sprintf(`
		WHERE %[1]s.ctid >= $1::text::tid
		  AND %[1]s.ctid < $2::text::tid`, t.alias),
		fmt.Sprintf("(%d,0)", from.block), fmt.Sprintf("(%d,0)", from.block+blocks))
	if err != nil {
		return from, err
	}
	if from.block += blocks; from.block >= size {
		from = Round{table: (from.table + 1) % len(guardedTables)}
	}
	return from, nil
}
