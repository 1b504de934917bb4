package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// ErrDamaged says that a stored row does not verify: its columns are not those
// that the service wrote. Nothing of it may be believed.
var ErrDamaged = errors.New("stored data does not verify")

// MACs makes and checks the MACs of rows, with keys that this package never
// sees. keys.Ring does.
type MACs interface {
	// RowMAC makes the MAC of a row's text.
	RowMAC(text []byte) []byte
	// VerifiesRow says whether a MAC is one of the text.
	VerifiesRow(text, mac []byte) bool
}

// guard makes and checks the MACs of all rows that decide something. Rows are
// checked where they are scanned, so that no reader can forget it; without
// MACs none verifies.
type guard struct {
	macs    MACs
	damaged func(table string) // told of each row that does not verify
}

// Guarded returns the same database for those who read and write rows that decide
// something, which are all but organisations' names and the log. damaged is told
// the table of each row that does not verify, and must be quick.
func (db *DB) Guarded(macs MACs, damaged func(table string)) *DB {
	guarded := *db
	guarded.guard = &guard{macs: macs, damaged: damaged}
	guarded.reads = newReads(guarded.queries)
	return &guarded
}

// covered is a row with a MAC: it writes the columns that decide something. The
// columns that it leaves out are listed with reasons in the test of covers.
type covered interface{ cover(c *cover) }

// covers are the buffers for texts of rows.
var covers = sync.Pool{New: func() any { return &cover{text: make([]byte, 0, 512)} }}

// mac makes the MAC of a row.
func (g *guard) mac(row covered) []byte {
	if g == nil {
		return nil // the database refuses it
	}
	c, _ := covers.Get().(*cover)
	defer covers.Put(c)
	c.text = c.text[:0]
	row.cover(c)
	return g.macs.RowMAC(c.text)
}

// verifies reports whether a MAC is that of a row, and reports if it is not.
func (g *guard) verifies(row covered, mac []byte) bool {
	c, _ := covers.Get().(*cover)
	defer covers.Put(c)
	c.text = c.text[:0]
	row.cover(c)
	if g != nil && g.macs.VerifiesRow(c.text, mac) {
		return true
	}
	g.report(c.table)
	return false
}

// report tells whoever is to be woken that a row of a table does not verify.
func (g *guard) report(table string) {
	if g != nil {
		g.damaged(table)
	}
}

// check is the end of scanning a row: err, or ErrDamaged if the row does not
// verify.
func (g *guard) check(err error, row covered, mac []byte) error {
	if err != nil || g.verifies(row, mac) {
		return err
	}
	return &failure{doing: fmt.Sprintf("checking a row, %T", row), kinds: []error{ErrDamaged}}
}

// macsOf makes the MACs of rows.
func macsOf[T any, P interface {
	*T
	covered
}](g *guard, rows []T) [][]byte {
	macs := make([][]byte, len(rows))
	for i := range rows {
		macs[i] = g.mac(P(&rows[i]))
	}
	return macs
}

// scanner scans a row whose MAC is the last of its columns.
func scanner[T any, P interface {
	*T
	covered
	targets() []any
}](g *guard) pgx.RowToFunc[T] {
	return func(row pgx.CollectableRow) (v T, err error) {
		var mac []byte
		p := P(&v)
		err = row.Scan(append(p.targets(), &mac)...)
		return v, g.check(err, p, mac)
	}
}

// soundRows runs a query of rows with MACs, and returns those that verify. The
// others are reported, and left as they are: nobody else waits for them.
func soundRows[T any, P interface {
	*T
	covered
	targets() []any
}](ctx context.Context, q queries, doing, sql string, args ...any) (sound []T, err error) {
	_, err = all(ctx, q.q, doing, func(row pgx.CollectableRow) (none struct{}, err error) {
		var v T
		var mac []byte
		p := P(&v)
		if err = row.Scan(append(p.targets(), &mac)...); err == nil && q.guard.verifies(p, mac) {
			sound = append(sound, v)
		}
		return none, err
	}, sql, args...)
	return sound, err
}
