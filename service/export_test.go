package service

import "time"

// SetPace makes the service believe that a group takes so long.
func (s *Service) SetPace(d time.Duration) { s.group.pace.Store(d.Nanoseconds()) }

// Open says whether an office is open, and until when that holds.
func (h Hours) Open(t time.Time) (bool, time.Time) { return h.open(t) }
