package lookup

import (
	"time"
)

// SetPace makes the service believe that a group takes so long.
func (s *LookUps) SetPace(d time.Duration) { s.group.pace.Store(d.Nanoseconds()) }
