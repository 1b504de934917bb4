package store

import (
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
	id      string // the column that names a row
	zero    func() covered
	scan    func(row pgx.CollectableRow) (macRow, error)
}

// macRow is a row and its MAC, wherever it lies.
type macRow struct {
	place string // ctid
	row   covered
	mac   []byte
}

// guardedTables are all of them. What they do not cover is listed with reasons in
// a test.
var guardedTables = []guardedTable{
	tableOf[PersonRow]("person", personColumns, "p", "id"),
	tableOf[PersonRow]("person_version", personVersionColumns, "v", "person_id"),
	tableOf[TagRow]("person_tag", tagColumns, "t", "tag"),
	tableOf[PlanRow]("plan", planColumns, "l", "id"),
	tableOf[PlanRow]("plan_version", planVersionColumns, "v", "plan_id"),
	tableOf[AuthorityRow]("authority", authorityColumns, "a", "gss_code"),
	tableOf[OrganisationRow]("organisation", organisationColumns, "o", "code"),
	tableOf[TransferRow]("transfer", transferColumns, "t", "id"),
	tableOf[ProposalRow]("proposal", proposalColumns, "r", "id"),
	tableOf[ChannelRow]("channel", channelColumns, "c", "id"),
	tableOf[UploadRow]("upload", uploadColumns, "u", "id"),
	tableOf[UploadRulesRow]("upload_rules", uploadRulesColumns, "s", "authority"),
	tableOf[IdempotentRow]("idempotency", idempotencyColumns, "i", "key"),
}

func tableOf[T any, P interface {
	*T
	covered
	targets() []any
}](name, columns, alias, id string) guardedTable {
	return guardedTable{
		name: name, columns: columns, from: "cpis." + name + " AS " + alias, alias: alias, id: id,
		zero: func() covered { return P(new(T)) },
		scan: func(row pgx.CollectableRow) (r macRow, err error) {
			p := P(new(T))
			r.row = p
			targets := append([]any{&r.place}, p.targets()...)
			return r, row.Scan(append(targets, &r.mac)...)
		},
	}
}

// macPage reads rows behind a place for which something holds, and locks them.
func (t *guardedTable) macPage(ctx context.Context, tx *Tx, where, after string, limit int, args ...any) ([]macRow, error) {
	return all(ctx, tx.q, "reading rows of "+t.name, t.scan, fmt.Sprintf(`
		SELECT %[2]s.ctid::text, %[1]s
		FROM %[3]s
		WHERE %[2]s.ctid > $1::text::tid
		  AND %[4]s
		ORDER BY %[2]s.ctid
		LIMIT $2
		FOR UPDATE OF %[2]s`, t.columns, t.alias, t.from, where), append([]any{after, limit}, args...)...)
}

// putMACs writes the MACs of rows anew, as this database's guard makes them.
func (t *guardedTable) putMACs(ctx context.Context, tx *Tx, rows []macRow) error {
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

// MakeMACs makes the MACs of all rows, which an older version of the program
// wrote without, and gives how many. It trusts what it finds, and must be done
// once: where any row has a MAC already, it is ErrDamaged that some have none.
func (tx *Tx) MakeMACs(ctx context.Context) (made int64, err error) {
	lacking, having, err := tx.rowsWithoutMAC(ctx)
	switch {
	case err != nil || !lacking:
		return 0, err
	case having:
		return 0, &failure{doing: "making MACs of rows, of which some have one", kinds: []error{ErrDamaged}}
	}
	for i := range guardedTables {
		n, err := guardedTables[i].makeMACs(ctx, tx)
		if err != nil {
			return 0, err
		}
		made += n
	}
	return made, nil
}

func (t *guardedTable) makeMACs(ctx context.Context, tx *Tx) (made int64, err error) {
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

// rowsWithoutMAC says whether any row has no MAC, and whether any has one.
func (q queries) rowsWithoutMAC(ctx context.Context) (lacking, having bool, err error) {
	for _, t := range guardedTables {
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

// DamagedRows gives all rows that do not verify. It reads every table that has
// MACs.
func (q queries) DamagedRows(ctx context.Context) (damaged []DamagedRow, err error) {
	for _, t := range guardedTables {
		_, err = all(ctx, q.q, "verifying rows of "+t.name, func(row pgx.CollectableRow) (none struct{}, err error) {
			r, err := t.scan(row)
			if err == nil && !q.guard.verifies(r.row, r.mac) {
				damaged = append(damaged, DamagedRow{t.name, r.place})
			}
			return none, err
		}, `
		SELECT `+t.alias+`.`+t.id+`::text, `+t.columns+`
		FROM `+t.from)
		if err != nil {
			return nil, err
		}
	}
	return damaged, nil
}

// MACPlace is how far RenewMACs has come. The zero value is the beginning.
type MACPlace struct {
	table int
	after string
}

// older holds for rows whose MAC was not made with an index key, a parameter: a
// MAC begins with the version of the newest key that made it.
func older(parameter string) string {
	return `substr(mac, 1, 4) IS DISTINCT FROM int4send(` + parameter + `)`
}

// RenewMACs makes MACs with the newest index key for rows that have none, at most
// limit, and gives how many and where to go on: until the place is nil. A row
// that does not verify is ErrDamaged.
func (tx *Tx) RenewMACs(ctx context.Context, indexVersion int, from *MACPlace, limit int) (*MACPlace, int, error) {
	if from.table == len(guardedTables) {
		return nil, 0, nil
	}
	if from.after == "" {
		from.after = firstPlace
	}
	t := &guardedTables[from.table]
	rows, err := t.macPage(ctx, tx, older("$3"), from.after, limit, indexVersion)
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 {
		return &MACPlace{table: from.table + 1}, 0, nil
	}
	for _, r := range rows {
		if err := tx.guard.check(nil, r.row, r.mac); err != nil {
			return nil, 0, err
		}
	}
	return &MACPlace{from.table, rows[len(rows)-1].place}, len(rows), t.putMACs(ctx, tx, rows)
}

// LacksMAC says whether any row has no MAC made with an index key.
func (q queries) LacksMAC(ctx context.Context, indexVersion int) (bool, error) {
	for _, t := range guardedTables {
		lacks, err := one(ctx, q.q, "looking for MACs of "+t.name, pgx.RowTo[bool], `
		SELECT EXISTS (SELECT FROM cpis.`+t.name+` WHERE `+older("$1")+`)`, indexVersion)
		if err != nil || lacks {
			return lacks, err
		}
	}
	return false, nil
}
