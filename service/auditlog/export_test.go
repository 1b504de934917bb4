package auditlog

// ReadInChunksOf sets how many entries the signer reads at once.
func (s *Log) ReadInChunksOf(n int64) { s.chunk = n }

// Verified is how many entries the signer has verified, signed or not.
func (s *Log) Verified() int64 {
	s.signing.Lock()
	defer s.signing.Unlock()
	tree := s.verified.Tree()
	return tree.Size()
}

// HoldTiles sets how many tiles wait in memory for their checkpoint.
func (s *Log) HoldTiles(n int) { s.maxHeld = n }
