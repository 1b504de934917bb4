package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// EntryRow is one entry of a log.
type EntryRow struct {
	Index int64
	Line  []byte
	// Subject is the tag of the person that the entry is about, nil if there is
	// none. It stands beside the line, and nobody signs it: compare it.
	Subject []byte
}

// entriesPage is how many entries are read at once: about a megabyte.
const entriesPage = 2000

// Entries reads the entries of a log from one index up to, but not including,
// another, in order and in constant memory. There is no transaction around it:
// entries never change, and a long one would keep the head's old versions from
// being cleaned up. It ends with the first error; an entry that is missing
// (retention has removed its line, or somebody has) is ErrNotFound.
func (q logReads) Entries(ctx context.Context, log LogID, from, to int64) iter.Seq2[EntryRow, error] {
	return func(yield func(EntryRow, error) bool) {
		next := from
		for e, err := range q.StoredEntries(ctx, log, from, to) {
			if err == nil && e.Index != next {
				break // reported below
			}
			if !yield(e, err) || err != nil {
				return
			}
			next++
		}
		if next < to {
			yield(EntryRow{}, missingEntry(next))
		}
	}
}

// StoredEntries reads what is stored of a log from one index up to, but not
// including, another, in order and in constant memory. Unlike Entries it
// passes over what is missing: an export is evidence of what is there.
func (q logReads) StoredEntries(ctx context.Context, log LogID, from, to int64) iter.Seq2[EntryRow, error] {
	return func(yield func(EntryRow, error) bool) {
		for next := from; next < to; {
			end := min(next+entriesPage, to)
			page, err := q.entries(ctx, log, next, end)
			if err != nil {
				yield(EntryRow{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			next = end
		}
	}
}

func missingEntry(index int64) error {
	return &failure{doing: "reading entries", kinds: []error{ErrNotFound}, what: fmt.Sprintf("entry %d", index)}
}

func (q logReads) entries(ctx context.Context, log LogID, from, to int64) ([]EntryRow, error) {
	return all(ctx, q.q, "reading entries", scanEntry, `
		SELECT idx, line, subject
		FROM cpis.entry
		WHERE log = $1
		  AND idx >= $2
		  AND idx < $3
		ORDER BY idx`, log, from, to)
}

// Entry returns one entry; ErrNotFound if there is none at the index.
func (q logReads) Entry(ctx context.Context, log LogID, index int64) (EntryRow, error) {
	return one(ctx, q.q, "reading entry", scanEntry, `
		SELECT idx, line, subject
		FROM cpis.entry
		WHERE log = $1
		  AND idx = $2`, log, index)
}

func scanEntry(row pgx.CollectableRow) (e EntryRow, err error) {
	err = row.Scan(&e.Index, &e.Line, &e.Subject)
	return e, err
}

// FirstEntry returns the index of the first entry that is stored; ErrNotFound if
// there is none.
func (q logReads) FirstEntry(ctx context.Context, log LogID) (int64, error) {
	return one(ctx, q.q, "reading first entry", pgx.RowTo[int64], `
		SELECT idx
		FROM cpis.entry
		WHERE log = $1
		ORDER BY idx
		LIMIT 1`, log)
}

// BeyondHead returns the index of the first entry that stands where the log has
// not come to yet; ErrNotFound if there is none, as there should be. Nobody
// writes one there: an append moves the head in the same transaction.
func (q logReads) BeyondHead(ctx context.Context, log LogID) (int64, error) {
	return one(ctx, q.q, "looking beyond the head", pgx.RowTo[int64], beyondHead, log)
}

// beyondHead reads the head first, so that the index leads to what lies beyond it.
const beyondHead = `
	SELECT idx
	FROM cpis.entry
	WHERE log = $1
	  AND idx >= (SELECT size FROM cpis.log_head WHERE log = $1)
	ORDER BY idx
	LIMIT 1`
