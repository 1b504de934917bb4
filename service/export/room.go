package export

import (
	"context"
	"fmt"

	"cpis/service/guard"
	"cpis/service/store"
)

const (
	// DefaultRoom is how many bytes all files together may take if nobody says
	// otherwise.
	DefaultRoom = 100 << 30
	// share is which part of it one organisation may take.
	share = 4
	// expected is how many bytes an entry is expected to take in each of the files
	// of an export, until that is made. Lines of a log compress to about half.
	expected = 400
)

// hasRoom refuses an export for which there is no room.
func (s *Exports) hasRoom(ctx context.Context, tx *store.Tx, row *store.ExportRow) error {
	own, all, err := tx.Exports.Room(ctx, row.Organisation, row.AskedAt, expected)
	if err != nil {
		return err
	}
	wanted := row.Work * expected
	switch {
	case own+wanted > s.room/share:
		return &guard.StateError{Problem: fmt.Sprintf(
			"the exports of your organisation have %s already, this one is expected to need %s, and %s is what they may have: delete some, or ask for a shorter period or fewer formats",
			size(own), size(wanted), size(s.room/share))}
	case all+wanted > s.room:
		return &guard.StateError{Problem: fmt.Sprintf(
			"this export is expected to need %s, and there is less room than that for the exports of all organisations: ask for a shorter period or fewer formats, or try again tomorrow",
			size(wanted))}
	}
	return nil
}

// size writes a number of bytes.
func size(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
