package record

import (
	"context"
	"fmt"
	"time"

	"cpis/service/guard"
)

const (
	// verifyBlocks is how many blocks of a table VerifyRows reads at once: some
	// thousand rows, and a few milliseconds.
	verifyBlocks = 64
	// verifyTimeout bounds one call.
	verifyTimeout = 10 * time.Second
)

// VerifyRows verifies some rows, whatever they say, and goes on from there the
// next time, round and round. So a row is found to be changed, though a changed
// column keeps it out of each list and look-up.
func (s *Records) VerifyRows(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	s.verifying.Lock()
	defer s.verifying.Unlock()
	next, err := s.db.MACs.Verify(ctx, s.round, verifyBlocks)
	s.round = next
	if err != nil {
		return fmt.Errorf("verifying rows: %w", guard.Translate(err))
	}
	return nil
}
