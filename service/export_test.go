package service

import "time"

// Open says whether an office is open, and until when that holds.
func (h Hours) Open(t time.Time) (bool, time.Time) { return h.open(t) }
