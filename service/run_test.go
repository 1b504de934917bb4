package service_test

import (
	"context"
	"testing"
	"time"

	"cpis/service"
)

// What the service does by itself and cannot do is told, and that it works again.
func TestRounds_ThatFailAreTold(t *testing.T) {
	t.Parallel()
	f := newService(t)
	told := make(chan error, 1000)
	s := f.AnotherWith(f.OpenRing(), func(c *service.Config) {
		c.Observe.Round = func(name string, err error) {
			if name == "exports" {
				told <- err
			}
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	hear := func(what string, failed bool) {
		t.Helper()
		late := time.After(30 * time.Second)
		for {
			select {
			case err := <-told:
				if (err != nil) == failed {
					return
				}
			case <-late:
				t.Fatalf("%s: not told", what)
			}
		}
	}
	hear("when it works", false)
	f.Exec(`REVOKE SELECT ON cpis.export FROM cpis_app`)
	hear("when it fails", true)
	f.Exec(`GRANT SELECT ON cpis.export TO cpis_app`)
	hear("when it works again", false)
}
