package store

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// cover is the text that a row's MAC is made of: the table, and each column that
// decides something with its name and value. No two rows have the same text,
// because names and values begin with their lengths:
//
//	(length ‖ table) (length ‖ column ‖ length ‖ value)…
//
// lengths are four bytes, numbers eight, big-endian; times are microseconds
// since 1970, and what is absent has no bytes.
type cover struct {
	text    []byte
	table   string
	columns func(name string) // told of each column; nil but for a test
}

// of begins the text of a row.
func (c *cover) of(table string) {
	c.table = table
	c.string(table)
}

func (c *cover) string(s string) {
	c.text = binary.BigEndian.AppendUint32(c.text, uint32(len(s))) //nolint:gosec // names and texts of a few kilobytes at most
	c.text = append(c.text, s...)
}

// name begins a column.
func (c *cover) name(column string) {
	if c.columns != nil {
		c.columns(column)
	}
	c.string(column)
}

func (c *cover) str(column, value string) {
	c.name(column)
	c.string(value)
}

func (c *cover) bytes(column string, value []byte) {
	c.name(column)
	c.text = binary.BigEndian.AppendUint32(c.text, uint32(len(value))) //nolint:gosec // as above
	c.text = append(c.text, value...)
}

// id covers an identifier; the zero one is absent.
func (c *cover) id(column string, value uuid.UUID) {
	if value == uuid.Nil {
		c.bytes(column, nil)
		return
	}
	c.bytes(column, value[:])
}

func (c *cover) int(column string, value int) {
	c.name(column)
	c.text = append(c.text, 0, 0, 0, 8)
	c.text = binary.BigEndian.AppendUint64(c.text, uint64(value)) //nolint:gosec // all 64 bits are kept
}

func (c *cover) bool(column string, value bool) {
	n := 0
	if value {
		n = 1
	}
	c.int(column, n)
}

// time covers a moment as PostgreSQL keeps it.
func (c *cover) time(column string, value time.Time) { c.int(column, int(value.UnixMicro())) }

// added covers columns that came later: a row in which they are empty has the MAC
// that it had before.
func (c *cover) added(there bool, columns func()) {
	if there || c.columns != nil {
		columns()
	}
}

// maybe covers a moment or day that may be absent.
func (c *cover) maybe(column string, value *time.Time) {
	if value == nil {
		c.bytes(column, nil)
		return
	}
	c.time(column, *value)
}
