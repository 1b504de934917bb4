package acceptance_test

import (
	"net/http"
	"time"

	"cpis/deploy/dev/vaultdev"
)

// more says whether to go on: at least so many times, and until then.
func more(k, times int, until time.Time) bool { return k < times || time.Now().Before(until) }

// jitter waits for a random time below most: the moment of a kill has nothing
// to do with what was answered just before.
func (in *installation) jitter(most time.Duration) {
	time.Sleep(time.Duration(in.random.Int64N(int64(most))))
}

// killServers kills one of so many servers again and again, at least so many
// times and until then.
func (in *installation) killServers(servers, times int, until time.Time) {
	in.tb.Helper()
	var all []*server
	for range servers {
		all = append(all, in.newServer())
	}
	in.registerChildren(all[0])
	w := newWitness(in)
	stop := in.crowd(w, all...)
	kills := 0
	for ; more(kills, times, until); kills++ {
		w.awaitMore(100 + in.random.IntN(200))
		in.jitter(30 * time.Millisecond)
		s := all[in.random.IntN(servers)]
		s.process.kill()
		for in.random.IntN(4) == 0 { // once more, while it starts
			s.spawn()
			in.jitter(300 * time.Millisecond)
			s.process.kill()
			kills++
		}
		s.start()
		w.check(s)
	}
	w.awaitMore(100)
	stop()
	in.tb.Logf("killed servers %d times", kills)
	w.conclude(all[0])
}

// killPostgres kills PostgreSQL again and again.
func (in *installation) killPostgres(times int, until time.Time) {
	in.tb.Helper()
	s := in.newServer()
	in.registerChildren(s)
	w := newWitness(in)
	stop := in.crowd(w, s)
	kills := 0
	for ; more(kills, times, until); kills++ {
		w.awaitMore(100 + in.random.IntN(200))
		in.jitter(30 * time.Millisecond)
		must(in.tb, in.cluster.Kill())
		s.awaitReady(http.StatusServiceUnavailable)
		must(in.tb, in.cluster.Restart(in.tb.Context()))
		s.awaitReady(http.StatusOK)
		w.awaitMore(50)
		w.check(s)
	}
	stop()
	in.tb.Logf("killed PostgreSQL %d times", kills)
	w.conclude(s)
}

// killVault makes Vault go away again and again: dead, frozen or sealed.
func (in *installation) killVault(vault *vaultdev.Server, times int, until time.Time) {
	in.tb.Helper()
	s := in.newServer("CPIS_KEY_CACHE=2", "CPIS_KEY_CACHE_FOR=200ms")
	in.registerChildren(s)
	w := newWitness(in)
	w.keeperMayBeAway = true
	stop := in.crowd(w, s)
	kills := 0
	for ; more(kills, times, until); kills++ {
		w.await("details", func(c counts) bool { return c.inFull >= 50 })
		in.jitter(30 * time.Millisecond)
		comeBack := in.sendAway(vault, kills%3)
		before := w.seen()
		w.await("flags without details, and people without flags", func(c counts) bool {
			return c.degraded >= before.degraded+30 && c.none >= before.none+30
		})
		s.awaitReady(http.StatusOK) // look-ups do not need Vault
		must(in.tb, comeBack())
		before = w.seen()
		w.await("details again", func(c counts) bool { return c.inFull >= 50 && c.held >= before.held+100 })
		w.check(s)
	}
	stop()
	in.tb.Logf("sent Vault away %d times", kills)
	w.conclude(s)
}

// sendAway sends Vault away in one of three ways. The result brings it back.
func (in *installation) sendAway(vault *vaultdev.Server, how int) (comeBack func() error) {
	in.tb.Helper()
	restart := func() error { return vault.Restart(in.tb.Context()) }
	switch how {
	case 0:
		must(in.tb, vault.Kill())
	case 1:
		must(in.tb, vault.Pause())
		return vault.Resume
	default:
		must(in.tb, vault.Seal(in.tb.Context()))
	}
	return restart
}
