package auditlog_test

import (
	"testing"

	"cpis/service"
)

// round reads the whole log again, wherever it begins.
func (f *logFixture) round() {
	f.t.Helper()
	for range 2 * 4 { // parts of 256 of 1,000 entries
		if err := f.Scrub(f.t.Context()); err != nil {
			f.t.Fatalf("Scrub: %v", err)
		}
	}
}

func slowly(c *service.Config) { c.LogPace = 1 } // a tile at a time

// Whatever is changed of what was signed long ago, a running server says so.
func TestScrub_FindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, want string }{
		"nothing":             {`SELECT 1`, ""},
		"a line":              {`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 7) WHERE idx = 300`, "entry 300: changed"},
		"a line of the edge":  {`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 7) WHERE idx = 990`, "entry 990: changed"},
		"an entry deleted":    {`DELETE FROM cpis.entry WHERE idx = 511`, "entry 511: missing"},
		"the oldest":          {`DELETE FROM cpis.entry WHERE idx < 200`, "entry 0: missing"},
		"a subject forgotten": {`UPDATE cpis.entry SET subject = NULL WHERE idx = 400`, "entry 400 stands under a subject"},
		"another subject":     {`UPDATE cpis.entry SET subject = sha256('x') WHERE idx = 401`, "entry 401 stands under a subject"},
		"a tile":              {`UPDATE cpis.tile SET hashes = decode(repeat('00', 8192), 'hex') WHERE idx = 1`, "tile/0/001"},
		"a tile deleted":      {`DELETE FROM cpis.tile WHERE idx = 2`, "tile/0/002"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLog(t, slowly)
			f.signed(1000)
			f.round()
			f.heard.want(t, "")
			f.Exec(c.sql)
			f.round()
			f.heard.want(t, c.want)
			if (f.Log.Undamaged() != nil) != (c.want != "") {
				t.Errorf("Undamaged: got %v", f.Log.Undamaged())
			}
			if f.Log.Intact() != nil {
				t.Error("what was signed long ago keeps the service from answering")
			}
			f.more(1)
			f.sign()
		})
	}
}

// A round is told of, and how much was read.
func TestScrub_GoesRound(t *testing.T) {
	t.Parallel()
	var read, rounds int64
	f := newLog(t, slowly, func(c *service.Config) {
		c.Observe.Scrubbed = func(entries int64, whole bool) {
			read += entries
			if whole {
				rounds++
			}
		}
	})
	if err := f.Scrub(t.Context()); err != nil || read != 0 {
		t.Errorf("an empty log: read %d, %v", read, err)
	}
	f.signed(600)
	for rounds < 3 {
		if err := f.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if read < 1201 || read > 1800 {
		t.Errorf("read %d entries in between two and three rounds of 600", read)
	}
}
