package acceptance_test

import (
	"testing"
	"time"

	"cpis/service/keys/vaulttest"
)

// Short forms of what TestSoak does for longer.
const fewKills = 3

// Whatever a client was told before a server was killed is in the log, and what
// was acknowledged is there; everybody is notified once.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.killServers(1, fewKills, time.Time{})
}

// The same holds when PostgreSQL is killed, and the server recovers by itself.
func TestPostgresIsKilled(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.detectRaces()
	in.killPostgres(fewKills, time.Time{})
}

// While Vault is away, flags are flags, with whom to ring, and nobody is
// answered with an error or with no flag.
func TestVaultIsKilled(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Own(t)
	in := freshInstallation(t, vault)
	in.detectRaces()
	in.killVault(vault, fewKills, time.Time{})
}

// A server that is asked to end answers whom it has heard, and signs all that
// it has written: each look-up that is in the log was answered.
func TestServerEndsGracefully(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.detectRaces()
	s := in.newServer()
	in.registerChildren(s)
	w := newWitness(in)
	stop := in.crowd(w, s)
	for range fewKills {
		w.awaitMore(100 + in.random.IntN(200))
		if status := s.terminate(); status != 0 {
			t.Errorf("exit status %d, want 0", status)
		}
		w.calls.Lock() // whoever still waits has been told by now, or never is
		w.readOn()
		if size := in.signed(); size != w.tree.Size() {
			t.Errorf("the last checkpoint covers %d entries of %d", size, w.tree.Size())
		}
		if told, entered := w.told(), w.lookUps; told != entered {
			t.Errorf("%d look-ups are in the log, but %d were answered", entered, told)
		}
		w.calls.Unlock()
		s.start()
	}
	stop()
	w.conclude(s)
}

// Two servers that write one log make one log, and one notice for an attendance
// that both hear of.
func TestTwoServersWriteOneLog(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	first, second := in.newServer(), in.newServer()
	in.registerChildren(first)
	w := newWitness(in)
	stop := in.crowd(w, first, second)
	for _, s := range []*server{first, second} {
		w.awaitMore(200)
		w.check(s)
	}
	if n := w.seen().failed; n > 0 {
		t.Errorf("%d look-ups failed, though nothing was away", n)
	}
	first.process.kill() // the other goes on alone
	w.awaitMore(100)
	w.check(second)
	first.start()
	w.awaitMore(100)
	stop()
	w.conclude(second)
	for _, s := range []*server{first, second} {
		if status := s.terminate(); status != 0 {
			t.Errorf("exit status %d, want 0", status)
		}
	}
}

// Too many callers at once are refused at once, and told when to come back; the
// others are answered as always, and nobody waits beyond its deadline.
func TestTooManyCallersAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	s := in.newServer("CPIS_MAX_WAITING=200")
	in.registerChildren(s)
	w := newWitness(in)
	storm := in.newStorm(s, w)
	goOn := in.holdLog() // nobody is answered: whoever hears something was not kept waiting
	stop := storm.begin()
	w.in.await("refusals", func() bool { return storm.refusals() >= 300 })
	if n := w.seen().answers; n > 0 {
		t.Errorf("%d were answered while the log could not be written", n)
	}
	goOn()
	w.awaitMore(300)
	stop()
	t.Logf("%d were answered, %d refused, each within %v", w.seen().answers, storm.refusals(), storm.slowest)
	w.conclude(s)
	for _, request := range storm.refused {
		if _, entered := w.byID[request]; entered {
			t.Errorf("a look-up was refused as one too many, but is in the log (request %s)", request)
		}
	}
	// After the storm all is as before.
	after := w.seen()
	stop = in.crowd(w, s)
	w.awaitMore(200)
	stop()
	if n := w.seen().failed - after.failed; n > 0 {
		t.Errorf("%d look-ups failed after the storm", n)
	}
	w.conclude(s)
}
