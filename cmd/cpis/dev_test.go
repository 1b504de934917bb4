package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/pgdev"
	"cpis/deploy/dev/vaultdev"
)

// running is a demo that somebody could now use.
type running struct {
	dir, text string // where it is, and what it printed
	url, idp  string
	admin     string // for operators
	stop      func() outcome
}

// screen is what a command prints. It says when a certain line has come.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	sign string
	seen chan struct{}
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := strings.Contains(s.text.String(), s.sign)
	s.text.Write(b)
	if !before && strings.Contains(s.text.String(), s.sign) {
		close(s.seen)
	}
	return len(b), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// needs skips a test that lacks what it needs; where CI runs, nothing may be
// lacking.
func needs(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		tb.Fatal(err)
	default:
		tb.Skip(err)
	}
}

// demoDir makes a directory that PostgreSQL's user can pass through, where root
// runs the tests.
func demoDir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, "dev")
}

var shownAddress = regexp.MustCompile(`(?m)^  (service|for operators|identity provider) +(http://127\.0\.0\.1:\d+) `)

// startDev starts the demo as its user would, on free ports.
func startDev(tb testing.TB, dir string, flags ...string) *running {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	stdout, stderr := &screen{sign: "Ctrl-C stops", seen: make(chan struct{})}, &screen{sign: "\x00"}
	ended := make(chan int, 1)
	go func() {
		args := append([]string{
			"dev", "--dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--pages-listen", "127.0.0.1:0", "--idp-listen", "127.0.0.1:0",
		}, flags...)
		ended <- run(ctx, args, &world{
			getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		})
	}()
	d := &running{dir: dir}
	d.stop = sync.OnceValue(func() outcome {
		cancel()
		return outcome{<-ended, stdout.String(), stderr.String()}
	})
	tb.Cleanup(func() { d.stop() })
	select {
	case <-stdout.seen:
	case status := <-ended:
		ended <- status
		tb.Fatalf("dev ended with status %d:\n%s%s", status, stdout, stderr)
	case <-time.After(2 * time.Minute):
		tb.Fatalf("dev was not ready:\n%s%s", stdout, stderr)
	}
	d.text = stdout.String()
	for _, m := range shownAddress.FindAllStringSubmatch(d.text, -1) {
		switch m[1] {
		case "service":
			d.url = m[2]
		case "for operators":
			d.admin = m[2]
		case "identity provider":
			d.idp = m[2]
		}
	}
	return d
}

// command runs a client's command against the demo.
func (d *running) command(tb testing.TB, stdin string, args ...string) outcome {
	tb.Helper()
	return command(tb, stdin, append(args, "--url", d.url, "--idp", d.idp)...)
}

// ask asks a question as the curl command that was printed would.
func (d *running) ask(tb testing.TB, q demo.Question) string {
	tb.Helper()
	header := filepath.Join(d.dir, "tokens", q.As)
	if !strings.Contains(d.text, "\n"+q.Curl(d.url, header)+"\n") {
		tb.Errorf("not printed: %s", q.Curl(d.url, header))
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, d.url+"/"+q.Procedure, strings.NewReader(q.Body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	token, err := os.ReadFile(header)
	if err != nil {
		tb.Fatal(err)
	}
	name, value, _ := strings.Cut(strings.TrimSpace(string(token)), ": ")
	req.Header.Set(name, value)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

func TestDev(t *testing.T) {
	t.Parallel()
	_, err := pgdev.Binaries()
	needs(t, err)
	dir := demoDir(t)

	d := startDev(t, dir)
	for _, q := range demo.Questions() {
		if answer := d.ask(t, q); !strings.Contains(answer, q.Want) {
			t.Errorf("%s\ngot %s, want %s in it", q.About, answer, q.Want)
		}
	}
	testReadme(t, d)
	testLookups(t, d)
	testUploads(t, d)
	testLead(t, d)
	testSignIn(t, d)
	testRegisters(t, d)
	testAudit(t, d)
	testReports(t, d)
	testAuditingPage(t, d)
	testMetrics(t, d)
	testOperatorsSQL(t, d)
	testGuide(t, d)
	testFilesAreClosedToOthers(t, dir)
	d.stop().want(t, 0, "stopped; everything is kept in "+dir)

	// The second start finds what the first one held, and loads nothing twice.
	d = startDev(t, dir)
	held := regexp.MustCompile(`\n(\d+) plans of 6 local authorities were uploaded, one file each; (\d+) of them were held already`)
	m := held.FindStringSubmatch(d.text)
	if m == nil || m[1] != m[2] {
		t.Errorf("second start: got %q", m)
	}
	d.command(t, "", "lookup", "--as", "nurse", demo.Flagged.NHSNumber).want(t, exitFlagHeld, "Seen unexpectedly before", "ARCHWAY")
	testLeadsWorkIsKept(t, d)
	startFails(t, dir).want(t, 1, "is the demo running already?")
	d.administer(t, "keys", "rewrap").want(t, 0, "All keys are wrapped", "0 were re-wrapped")
	testIndexKey(t, d)
	testMending(t, d)
	d.stop().want(t, 0)
	startFails(t, dir, "--vault").want(t, 1, "kept in a file", "choose another --dir")
}

// testIndexKey replaces the index key while the demo runs: everybody is found
// throughout.
func testIndexKey(t *testing.T, d *running) {
	t.Helper()
	found := func() {
		t.Helper()
		d.command(t, "", "lookup", "--as", "nurse", demo.Flagged.NHSNumber).want(t, exitFlagHeld)
	}
	found()
	before := d.lastSubject(t)
	d.administer(t, "keys", "rotate-index").want(t, 0, "Index key 2 is there")
	late := time.Now().Add(20 * time.Second)
	for found(); d.lastSubject(t) == before; found() { // until the server uses the new key
		if time.Now().After(late) {
			t.Fatal("the server does not take the new index key into use")
		}
	}
	d.administer(t, "keys", "retag").want(t, 1, "too new", "wait another")
	d.administer(t, "keys", "retire-index").want(t, 1, "too new", "wait another")
	d.administer(t, "keys", "rewrap").want(t, 0, "0 were re-wrapped")
	d.ageIndexKeys(t)
	d.administer(t, "keys", "retire-index").want(t, 1, "some persons have no new tag yet")
	testDamaged(t, d)
	d.administer(t, "keys", "retag").want(t, 0, "Now run: cpis keys retire-index")
	found()
	d.administer(t, "keys", "retire-index").want(t, 0, "are gone")
	found()
	d.administer(t, "keys", "retag").want(t, 0, "Every person has the tag of the newest key.\n")
}

// testDamaged damages rows: commands name them and go on, and put back they are as
// they were.
func testDamaged(t *testing.T, d *running) {
	t.Helper()
	conn := d.connect(t)
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("UPDATE cpis.plan_version SET removed = NOT removed")
	exec("UPDATE cpis.authority SET kind = kind || 'x' WHERE gss_code = 'E09000007'")
	d.administer(t, "migrate").want(t, 0, "The database is up to date", "ATTENTION: damaged rows were left as they are, 1 of them", "authority\tE09000007")
	d.administer(t, "keys", "retag").want(t, 4, "ATTENTION: damaged rows were left as they are", "plan_version\t", " version 1", "authority\tE09000007")
	d.administer(t, "keys", "retire-index").want(t, 1, "some rows have no new MAC, and cannot get one", "authority\tE09000007")
	d.administer(t, "keys", "verify-rows").want(t, 1, "plan_version\t", "authority\tE09000007", "do not verify")
	exec("UPDATE cpis.plan_version SET removed = NOT removed")
	exec("UPDATE cpis.authority SET kind = left(kind, -1) WHERE gss_code = 'E09000007'")
}

// ageIndexKeys lets two minutes pass for index keys.
func (d *running) ageIndexKeys(t *testing.T) {
	t.Helper()
	conn := d.connect(t)
	if _, err := conn.Exec(t.Context(), "UPDATE cpis.index_key SET created_at = created_at - interval '2 minutes'"); err != nil {
		t.Fatal(err)
	}
}

// lastSubject is what the newest entry about somebody calls them.
func (d *running) lastSubject(t *testing.T) string {
	t.Helper()
	var subject []byte
	row := d.connect(t).QueryRow(t.Context(), "SELECT subject FROM cpis.entry WHERE subject IS NOT NULL ORDER BY idx DESC LIMIT 1")
	if err := row.Scan(&subject); err != nil {
		t.Fatal(err)
	}
	return string(subject)
}

// connect connects to the database as its owner.
func (d *running) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), readSettings(t, filepath.Join(d.dir, "env"))["CPIS_OWNER_DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// startFails starts a demo that cannot start.
func startFails(t *testing.T, dir string, flags ...string) outcome {
	t.Helper()
	return command(t, "", append([]string{
		"dev", "--dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--pages-listen", "127.0.0.1:0", "--idp-listen", "127.0.0.1:0",
	}, flags...)...)
}

// testLookups tries the look-ups of the program itself.
func testLookups(t *testing.T, d *running) {
	t.Helper()
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--as", "nurse", "999", "000", "0018"}, exitFlagHeld, "FLAG HELD\n\n  Ring now: 020 7946 010"},
		{[]string{"--as", "nurse", "--dob", "2019-04-30", "9990000018"}, exitFlagHeld, "FLAG HELD (date of birth fits)\n"},
		{[]string{"--as", "nurse", demo.NotHeld.NHSNumber}, exitNoFlagKnown, "NO FLAG KNOWN\n\nNo flag is known"},
		{[]string{"--as", "nurse", demo.Expired.NHSNumber}, exitNoFlagKnown, "NO FLAG KNOWN\n"},
		{[]string{"--as", "nurse", demo.Ended.NHSNumber}, exitFlagHeld, "Child protection plan, ended: "},
		{[]string{"--as", "nurse", demo.Mother.NHSNumber}, exitFlagHeld, "says nothing about the mother"},
		{[]string{"--as", "nurse", demo.Restricted.NHSNumber}, exitFlagHeld, "Ring now: 020 7946 0999  Demonstration hub"},
		{[]string{"--as", "nurse", "--dob", "2018-04-30", "9990000018"}, exitCannotSay, "CANNOT SAY\n"},
		{[]string{"--as", "gp", "9990000018"}, exitFlagHeld, "Asked as scheduled."},
		{[]string{"--as", "gp", "--mode", "unscheduled", "9990000018"}, 1, "not permitted"},
		{[]string{"--as", "gp", "--mode", "unscheduled", "--break-glass", "Unconscious", "9990000018"}, exitFlagHeld, "Asked as unscheduled."},
		{[]string{"--as", "lead", "9990000018"}, 1, "That does not mean that there is no flag"},
		{[]string{"--as", "system", "9990000018"}, 1, "responsible_person is required"},
		{[]string{"--as", "system", "--responsible-name", "Dr Lund", "--responsible-role", "Consultant", "--setting", "emergency_department", "9990000018"}, exitFlagHeld, "FLAG HELD"},
		{[]string{"--as", "nurse", "9990000019"}, 1, "its check digit does not fit"},
		{[]string{"--as", "nobody", "9990000018"}, 1, "there are nurse, gp, lead"},
		{[]string{"--as", "nurse", "-"}, 1, "holds no NHS number"},
	} {
		d.command(t, "", append([]string{"lookup"}, tt.args...)...).want(t, tt.status, tt.want)
	}
	d.command(t, "9990000018\n2018-04-30\n", "lookup", "--as", "nurse", "-").want(t, exitCannotSay)

	token := command(t, "", "token", "nurse", "--idp", d.idp)
	token.want(t, 0)
	o := d.command(t, "", "lookup", "--json", "--token-file", tokenFile(t, token.stdout), demo.NotHeld.NHSNumber)
	o.want(t, exitNoFlagKnown, `"answer": "ANSWER_NO_FLAG_KNOWN"`)
	if !json.Valid([]byte(o.stdout)) || strings.Contains(o.stdout, "padding") {
		t.Errorf("lookup --json: got %s", o.stdout)
	}
	command(t, "", "token", "--idp", d.idp).want(t, 0, "OKAFOR Ngozi", "la-system")
}

// testSignIn signs in as people outside the demo do.
func testSignIn(t *testing.T, d *running) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sign-in.json")
	kept := []string{"--url", d.url, "--sign-in-file", file}
	signInAs(t, "camden-lead", nil, append([]string{"--issuer", d.idp, "--client", devClient}, kept...)...).want(t, 0, "Signed in")
	command(t, "", append([]string{"contact", "get"}, kept...)...).want(t, 0, "E09000007", "Camden")
}

// testAudit exports the log with the settings that the demo wrote, and verifies
// the export.
func testAudit(t *testing.T, d *running) {
	t.Helper()
	env := readSettings(t, filepath.Join(d.dir, "env"))
	key := withEnv(t, env, "audit", "key", "--log-origin", env["CPIS_LOG_ORIGIN"])
	key.want(t, 0)

	// What happened in the last second may not be signed yet.
	refusal := []byte(`"outcome":"denied"`)
	var export, entries string
	var text []byte
	for giveUp := time.Now().Add(30 * time.Second); !bytes.Contains(text, refusal); {
		if time.Now().After(giveUp) {
			t.Fatalf("no refusal was exported:\n%s", text)
		}
		export = filepath.Join(t.TempDir(), "export")
		entries = filepath.Join(export, "entries.ndjson")
		d.administer(t, "audit", "export", export, "--reason", "routine").want(t, 0)
		if _, err := os.Stat(filepath.Join(export, "checkpoint")); err != nil {
			continue // nothing is signed yet
		}
		var err error
		if text, err = os.ReadFile(entries); err != nil {
			t.Fatal(err)
		}
	}
	command(t, "", "audit", "verify", export, "--key", strings.TrimSpace(key.stdout)).want(t, 0, "VERIFIED: ")
	for _, personal := range []string{"9990000018", "999 000 0018", "Ashdown", "2019-04-30", "Unconscious", "Dr Lund"} {
		if bytes.Contains(text, []byte(personal)) {
			t.Errorf("the log holds %q", personal)
		}
	}
	checkpoint := d.command(t, "", "audit", "checkpoint", "--as", "auditor")
	checkpoint.want(t, 0, env["CPIS_LOG_ORIGIN"]+"\n")
	proof := d.command(t, "", "audit", "proof", "0", "--as", "auditor")
	proof.want(t, 0, "c2sp.org/tlog-proof@v1\nindex 0\n")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	command(t, "", "audit", "verify-proof", tokenFile(t, proof.stdout), "--entry", tokenFile(t, string(line)), "--key", strings.TrimSpace(key.stdout)).
		want(t, 0, "VERIFIED: entry 0 is in the log")
	d.command(t, "", "audit", "proof", "999999", "--as", "auditor").want(t, 1, "ask again in a second")
	testConsistency(t, d, checkpoint.stdout, strings.TrimSpace(key.stdout))
	changed := bytes.Replace(text, refusal, []byte(`"outcome":"failed"`), 1)
	if err := os.WriteFile(entries, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "", "audit", "verify", export, "--key", strings.TrimSpace(key.stdout)).want(t, exitBroken, "NOT VERIFIED: ")
}

// testConsistency has the service prove that its log only grew since a checkpoint.
func testConsistency(t *testing.T, d *running, kept, key string) {
	t.Helper()
	newer := filepath.Join(t.TempDir(), "newer")
	since := func(checkpoint string, args ...string) outcome {
		return d.command(t, "", append([]string{"audit", "consistency", tokenFile(t, checkpoint), "--log-key", key, "--as", "auditor"}, args...)...)
	}
	since(kept, "--save", newer).want(t, 0, "VERIFIED: the first ")
	since(readText(t, newer)).want(t, 0, "VERIFIED: the first ")
	since(strings.Replace(kept, "\n", "\n1", 1)).want(t, exitBroken, "NOT VERIFIED: the checkpoint that was kept")
	since("nothing").want(t, 1, "malformed checkpoint")
}

// administer runs an administrator's command with the settings that the demo
// wrote.
func (d *running) administer(t *testing.T, args ...string) outcome {
	t.Helper()
	env := readSettings(t, filepath.Join(d.dir, "env"))
	return withEnv(t, env, append(args, "--database", env["CPIS_OWNER_DATABASE_URL"], "--log-origin", env["CPIS_LOG_ORIGIN"])...)
}

func withEnv(t *testing.T, env settings, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, &world{getenv: env.get, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr})
	return outcome{status, stdout.String(), stderr.String()}
}

// readSettings reads the file that a shell is to read.
func readSettings(t *testing.T, name string) settings {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	env := settings{}
	for line := range strings.Lines(string(text)) {
		if set, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			name, value, _ := strings.Cut(set, "=")
			env[name] = strings.Trim(value, "'")
		}
	}
	return env
}

// testFilesAreClosedToOthers checks every file that the demo makes but
// PostgreSQL's, which are checked there.
func testFilesAreClosedToOthers(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == "postgres" {
			return filepath.SkipDir
		}
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDev_KeepsItsKeysInVault(t *testing.T) {
	t.Parallel()
	_, pgErr := pgdev.Binaries()
	_, vaultErr := vaultdev.Binary()
	needs(t, errors.Join(pgErr, vaultErr))
	dir := demoDir(t)
	for range 2 {
		d := startDev(t, dir, "--vault")
		d.command(t, "", "lookup", "--as", "nurse", "--dob", demo.Flagged.DateOfBirth(), demo.Flagged.NHSNumber).
			want(t, exitFlagHeld, "date of birth fits")
		d.stop().want(t, 0)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("keys are in a file as well: %v", err)
	}
}

func TestDev_CanBeStoppedBeforeItIsReady(t *testing.T) {
	t.Parallel()
	_, err := pgdev.Binaries()
	needs(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	stderr := &screen{sign: "directory", seen: make(chan struct{})}
	ended := make(chan int, 1)
	dir := demoDir(t)
	go func() {
		ended <- run(ctx, []string{"dev", "--dir", dir}, &world{
			getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: io.Discard, stderr: stderr,
		})
	}()
	<-stderr.seen
	cancel()
	if status := <-ended; status != 0 {
		t.Errorf("status: got %d, want 0; stderr:\n%s", status, stderr)
	}
}

func TestDev_StaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--listen", "--admin-listen", "--pages-listen", "--idp-listen"} {
		dir := filepath.Join(t.TempDir(), "dev")
		command(t, "", "dev", "--dir", dir, flag, "0.0.0.0:0").want(t, 1, "can be reached from other machines")
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the directory was made all the same", flag)
		}
	}
}
