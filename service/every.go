package service

import (
	"context"
	"time"
)

// every calls fn every d, the first time after d, until ctx ends. A call that
// takes longer than d delays the next one: calls never overlap.
func every(ctx context.Context, d time.Duration, fn func(context.Context)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			fn(ctx)
		}
	}
}
