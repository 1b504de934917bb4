package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/process"
)

// testMending tampers with the log of a running demo, in each way that a command
// mends, and removes its oldest lines. It leaves a log that verifies.
func testMending(t *testing.T, d *running) {
	t.Helper()
	m := &mending{running: d, t: t}
	env := readSettings(t, filepath.Join(d.dir, "env"))
	key := withEnv(t, env, "audit", "key", "--log-origin", env["CPIS_LOG_ORIGIN"])
	key.want(t, 0)
	m.key = strings.TrimSpace(key.stdout)
	m.grow(3)
	m.signed()
	m.verifies(0, "VERIFIED: ")
	m.rebuildTiles()
	m.setAside()
	m.retain()
}

// mending is a demo whose log is tampered with.
type mending struct {
	*running

	t   *testing.T
	key string // the log's public key
}

// rebuildTiles spoils a stored tile: the server says so, goes on answering, and the
// command makes it anew.
func (m *mending) rebuildTiles() {
	m.exec("UPDATE cpis.tile SET hashes = set_byte(hashes, 7, get_byte(hashes, 7) # 1) WHERE level = 0 AND idx = 0")
	m.until("the server says that a tile is damaged", func() bool {
		return strings.Contains(m.readyz(), "ready, but this is an incident: the log was tampered with")
	})
	m.shows(`cpis_damaged_total{table="tile"}`)
	m.shows("cpis_log_read_again_total")
	m.shows("cpis_log_round_time_seconds")
	m.answers()
	m.verifies(exitBroken, "NOT VERIFIED: ")
	m.administer(m.t, "audit", "rebuild-tiles").want(m.t, 2, "--reason")
	m.administer(m.t, "audit", "rebuild-tiles", "--reason", "found by the alert").want(m.t, 0, "The lines are as they were signed. 1 tiles were wrong or missing")
	m.verifies(0, "VERIFIED: ")
	m.administer(m.t, "audit", "rebuild-tiles", "--reason", "once more").want(m.t, 0, " 0 tiles were wrong")
}

// setAside plants an entry where the next one belongs: the server is not ready, and
// says what is away; the command takes the entry out of the way, and keeps it.
func (m *mending) setAside() {
	m.exec("INSERT INTO cpis.entry (log, idx, line) SELECT log, size, 'planted' FROM cpis.log_head")
	m.until("the server is not ready", func() bool { return strings.Contains(m.readyz(), "away: log") })
	m.command(m.t, "", "lookup", "--as", "nurse", demo.NotHeld.NHSNumber).want(m.t, 1, "That does not mean that there is no flag")
	m.administer(m.t, "audit", "set-aside", "--reason", "found by the alert").want(m.t, 0, "Set aside: 1 entries, 0 checkpoints. Exports hold them.")
	m.until("the server is ready again", func() bool { return !strings.Contains(m.readyz(), "away") })
	m.answers()
	m.signed()
	dir := m.verifies(0, "VERIFIED: ")
	if kept, err := filepath.Glob(filepath.Join(dir, "aside", "before", "entry-*")); err != nil || len(kept) != 1 {
		m.t.Errorf("the export holds %v of what was set aside, %v", kept, err)
	}
	m.administer(m.t, "audit", "set-aside", "--reason", "once more").want(m.t, 0, "Set aside: 0 entries")
}

// retain removes lines as old as the law wants, after an entry says so. More than
// that may not be missing, unless whoever verifies knows why.
func (m *mending) retain() {
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	retain := func(before string) outcome {
		return m.administer(m.t, "audit", "retain", "--before", before, "--reason", "eight years have passed")
	}
	retain("soon").want(m.t, 1, "--before must be a day such as")
	retain(time.Now().AddDate(0, 0, 3).Format(time.DateOnly)).want(m.t, 1, "lies in the future")
	retain(yesterday).want(m.t, 0, "Nothing is that old")
	m.exec("UPDATE cpis.checkpoint SET at = at - interval '3 days'")
	m.grow(1)
	m.signed()
	o := retain(yesterday)
	said := regexp.MustCompile(`The lines before entry (\d+) are removed, as entry \d+ says`).FindStringSubmatch(o.stdout)
	if o.status != 0 || said == nil {
		m.t.Fatalf("retain: got %+v", o)
	}
	dir := m.verifies(0, "The lines of the first "+said[1]+" entries were removed, as an entry of the log says", "from index "+said[1])
	verify := func(first string) outcome {
		return command(m.t, "", "audit", "verify", dir, "--key", m.key, "--first", first)
	}
	verify(said[1]).want(m.t, 0, "were removed, as --first says")
	verify("0").want(m.t, exitBroken, "NOT VERIFIED: ")

	// Somebody removes more, by hand, of which the hash is in a full tile.
	m.grow(1)
	m.signed()
	m.exec("DELETE FROM cpis.entry WHERE idx = (SELECT min(idx) FROM cpis.entry)")
	dir = m.verifies(exitBroken, "NOT VERIFIED: ")
	first, err := os.ReadFile(filepath.Join(dir, "first"))
	if err != nil || strings.TrimSpace(string(first)) == said[1] {
		m.t.Errorf("the export begins at %q, %v", first, err)
	}
	verify(strings.TrimSpace(string(first))).want(m.t, 0, "were removed, as --first says")
}

// grow makes look-ups of clinic lists, 200 entries each.
func (m *mending) grow(lists int) {
	m.t.Helper()
	token := command(m.t, "", "token", "gp", "--idp", m.idp)
	token.want(m.t, 0)
	items := strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"nhsNumber": %q},`, demo.NotHeld.NHSNumber), 200), ",")
	for range lists {
		req, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, m.url+"/cpis.v1.LookupService/LookUpMany", strings.NewReader(`{"items": [`+items+`]}`))
		if err != nil {
			m.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token.stdout))
		if status, text := m.get(req); status != http.StatusOK {
			m.t.Fatalf("a clinic list: status %d, %s", status, text)
		}
	}
}

// get makes a request, and returns the answer.
func (m *mending) get(req *http.Request) (status int, text string) {
	m.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// readyz is what the server says about whether it can answer.
func (m *mending) readyz() string {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.admin+"/readyz", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	_, text := m.get(req)
	return text
}

// shows checks that a metric is shown, and above 0.
func (m *mending) shows(name string) {
	m.t.Helper()
	shown := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(m.metrics(m.t))
	if shown == nil || shown[1] == "0" {
		m.t.Errorf("the metric %s: got %q", name, shown)
	}
}

// answers checks that look-ups are answered.
func (m *mending) answers() {
	m.t.Helper()
	m.command(m.t, "", "lookup", "--as", "nurse", demo.NotHeld.NHSNumber).want(m.t, exitNoFlagKnown)
}

// verifies exports the log and verifies the export, which is returned.
func (m *mending) verifies(status int, said ...string) (dir string) {
	m.t.Helper()
	dir = filepath.Join(m.t.TempDir(), "export")
	m.administer(m.t, "audit", "export", dir, "--reason", "routine", "--for", "rke").want(m.t, 0)
	command(m.t, "", "audit", "verify", dir, "--key", m.key).want(m.t, status, said...)
	return dir
}

// signed waits until everything that is in the log is signed.
func (m *mending) signed() {
	m.t.Helper()
	conn := m.connect(m.t)
	m.until("all is signed", func() bool {
		var done bool
		err := conn.QueryRow(m.t.Context(), "SELECT h.size <= max(c.size) FROM cpis.log_head AS h JOIN cpis.checkpoint AS c USING (log) GROUP BY h.size").Scan(&done)
		return err == nil && done
	})
}

// exec runs a statement as the owner of the database.
func (m *mending) exec(sql string) {
	m.t.Helper()
	if _, err := m.connect(m.t).Exec(m.t.Context(), sql); err != nil {
		m.t.Fatal(err)
	}
}

// until waits for something that the server does by itself.
func (m *mending) until(what string, done func() bool) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 30*time.Second)
	defer cancel()
	if err := process.Until(ctx, 20*time.Millisecond, func() (bool, error) { return done(), nil }); err != nil {
		m.t.Fatalf("waiting until %s: %v; readyz says %s", what, err, m.readyz())
	}
}
