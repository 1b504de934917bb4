package domain

import (
	"time"
)

// Change says who changed something, when and why.
type Change struct {
	Act          string // what was done
	Actor        string
	Name         string // empty if the token did not say
	Organisation string
	Reason       string
	At           time.Time
}
