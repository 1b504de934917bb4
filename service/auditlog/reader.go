package auditlog

import (
	"sync"
	"sync/atomic"

	"cpis/service/guard"
	"cpis/service/keys"
)

// Reader reads logs for others: what was signed, proofs, and lines, each compared
// with what was signed before it leaves.
type Reader struct {
	*known // of this server's own log; others are read as they are stored

	guard  *guard.Guard
	keeper keys.Keeper
	keys   atomic.Pointer[publicKeys] // of logs, as the keeper said last
	tiles  sync.Map                   // store.LogID → audit.Tiles
}

// NewReader makes a Reader beside a Log: what that has signed can be read at once,
// and what either finds damaged is known to both.
func NewReader(log *Log, g *guard.Guard) *Reader {
	return &Reader{known: log.known, guard: g, keeper: log.ring.Keeper()}
}
