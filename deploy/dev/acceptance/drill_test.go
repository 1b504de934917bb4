package acceptance_test

import (
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/deploy/dev/pgdev"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/store/dbtest"
)

// receiver takes messages, and until it opens refuses them: they then wait.
type receiver struct {
	*httptest.Server

	open           atomic.Bool
	taken, refused atomic.Int64
}

func newReceiver(tb testing.TB) *receiver {
	tb.Helper()
	r := new(receiver)
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if r.open.Load() {
			r.taken.Add(1)
			return
		}
		r.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	tb.Cleanup(r.Close)
	return r
}

// settings have a server send to the receiver.
func (r *receiver) settings(tb testing.TB) []string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "ca.pem")
	must(tb, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}), 0o600))
	return []string{"CPIS_WEBHOOK_ALLOW=127.0.0.0/8", "CPIS_WEBHOOK_CA=" + file}
}

// restored is a copy of an installation's database, to be served with all
// settings of the original but its address.
type restored struct {
	in         *installation
	app, owner string
	kept       string // directory with what was kept of the original
}

// theDrill are the commands of the drill, as docs/operations.md has them: those
// of PostgreSQL, which make the copy, and those that export and verify its log.
func theDrill(t *testing.T) (copying, verifying string) {
	t.Helper()
	copying, rest, found := strings.Cut(commandsOf(t, "Backup, and the restore drill"), "\nexport ")
	_, rest, exported := strings.Cut(rest, "\n")
	verifying, serving, served := strings.Cut(rest, "\nCPIS_LISTEN=")
	if !found || !exported || !served || !strings.Contains(serving, "cpis serve --drill") || !strings.Contains(serving, "/drill") {
		t.Fatal("docs/operations.md has the drill's commands in another order")
	}
	return copying, verifying
}

// typed runs commands that somebody types into a shell, as PostgreSQL's
// superuser and with the settings of the installation.
func (in *installation) typed(dir, commands string, env ...string) string {
	in.tb.Helper()
	ctx, cancel := context.WithTimeout(in.tb.Context(), patience)
	defer cancel()
	psql := in.cluster.Command(ctx, "psql")
	cmd := exec.CommandContext(ctx, "bash", "-euc", commands)
	cmd.Dir = dir
	cmd.Env = slices.Concat(psql.Env, in.env, env,
		[]string{"PATH=" + filepath.Dir(psql.Path) + ":" + filepath.Dir(in.program) + ":" + os.Getenv("PATH")})
	out, err := cmd.CombinedOutput()
	if err != nil {
		in.tb.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	return string(out)
}

// dump copies the database as the drill's page says.
func (in *installation) dump(t *testing.T) *restored {
	t.Helper()
	copying, _ := theDrill(t)
	in.typed(t.TempDir(), copying)
	return &restored{in: in, app: in.cluster.URL("cpis_app", "drill"), owner: in.cluster.URL("cpis_owner", "drill")}
}

// keep has somebody keep the newest checkpoint, and the public key.
func (in *installation) keep(s *server, dir string) {
	in.tb.Helper()
	text, err := in.token("nurse")
	must(in.tb, err)
	file := filepath.Join(dir, "token")
	must(in.tb, os.WriteFile(file, []byte(text), 0o600))
	checkpoint := in.run("audit", "checkpoint", "--url", s.base, "--token-file", file)
	must(in.tb, os.WriteFile(filepath.Join(dir, "newest-kept-checkpoint"), []byte(checkpoint), 0o600))
	must(in.tb, os.WriteFile(filepath.Join(dir, "log-keys.txt"), []byte(in.run("audit", "key")), 0o600))
}

// baseBackup copies the whole cluster, byte for byte, as a base backup that is
// recovered does: PostgreSQL itself cannot tell the copy from the original.
func (in *installation) baseBackup() *restored {
	in.tb.Helper()
	standby, err := in.cluster.Standby(in.tb.Context(), "drill", pgdev.Options{Dir: dbtest.Dir(in.tb)})
	must(in.tb, err)
	dbtest.StopAfter(in.tb, standby)
	if out, err := standby.Command(in.tb.Context(), "psql", "-d", "postgres", "-c", "SELECT pg_promote()").CombinedOutput(); err != nil {
		in.tb.Fatalf("promoting: %v\n%s", err, out)
	}
	return &restored{in: in, app: standby.URL("cpis_app", "cpis"), owner: standby.URL("cpis_owner", "cpis")}
}

func (r *restored) env() []string {
	return []string{"CPIS_DATABASE_URL=" + r.app, "CPIS_OWNER_DATABASE_URL=" + r.owner}
}

// try runs a command on the copy, and returns what it says and whether it
// succeeded.
func (r *restored) try(args ...string) (said string, ok bool) {
	r.in.tb.Helper()
	ctx, cancel := context.WithTimeout(r.in.tb.Context(), patience)
	defer cancel()
	cmd := r.in.command(ctx, args...)
	cmd.Env = append(cmd.Env, r.env()...)
	cmd.Env = append(cmd.Env, "CPIS_LISTEN="+freeAddress(r.in.tb), "CPIS_ADMIN_LISTEN="+freeAddress(r.in.tb))
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// wantRefused runs a command that must be refused.
func (r *restored) wantRefused(t *testing.T, why string, args ...string) {
	t.Helper()
	if said, ok := r.try(args...); ok || !strings.Contains(said, why) {
		t.Errorf("cpis %s on a copy: succeeded %v, said\n%s\nwant %q", strings.Join(args, " "), ok, said, why)
	}
}

// server makes a server of the copy, which is not started yet.
func (r *restored) server(settings []string, args ...string) *server {
	public, admin := freeAddress(r.in.tb), freeAddress(r.in.tb)
	s := &server{
		in: r.in, base: "http://" + public, admin: "http://" + admin, args: args,
		env:     append(append(r.env(), "CPIS_LISTEN="+public, "CPIS_ADMIN_LISTEN="+admin), settings...),
		logFile: filepath.Join(r.in.tb.TempDir(), "copy.log"),
	}
	r.in.tb.Cleanup(s.bury)
	return s
}

// rows returns the contents of each table, as a hash.
func (r *restored) rows(t *testing.T) map[string]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.owner)
	must(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), `
		SELECT relname::text
		FROM pg_class
		WHERE relnamespace = 'cpis'::regnamespace
		  AND relkind IN ('r', 'p')
		  AND NOT relispartition`)
	must(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	all := map[string]string{}
	for _, table := range tables {
		var sum string
		must(t, conn.QueryRow(t.Context(), `
			SELECT count(*) || ' rows ' || md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), ''))
			FROM cpis.`+pgx.Identifier{table}.Sanitize()+` AS t`).Scan(&sum))
		all[table] = sum
	}
	return all
}

// makeDue has everything that waits to be sent be sent now, if anybody sends.
func (r *restored) makeDue(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.owner)
	must(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	tag, err := conn.Exec(t.Context(), `UPDATE cpis.delivery SET due_at = now() WHERE state = 'pending'`)
	must(t, err)
	if tag.RowsAffected() == 0 {
		t.Fatal("nothing waits to be sent, so this shows nothing")
	}
	_, err = conn.Exec(t.Context(), `UPDATE cpis.channel SET rests_until = NULL`)
	must(t, err)
}

// A copy of the database of a running installation, served with all its
// settings and keys, signs nothing, sends nothing and records nothing: neither
// as a drill, nor by mistake, until somebody claims it.
func TestCopyOfARunningInstallationSignsSendsAndRecordsNothing(t *testing.T) {
	t.Parallel()
	in := freshInstallation(t, nil)
	to := newReceiver(t)
	settings := to.settings(t)
	s := in.newServer(settings...)
	notices := cpisv1connect.NewNoticeServiceClient(in.dial(s, protocols[0]).as("lead@" + islington))
	ctx, _ := named(t.Context(), uuid.NewString())
	_, err := notices.PutChannel(ctx, &cpisv1.PutChannelRequest{Channel: &cpisv1.Channel{
		Rank: 1, To: &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: to.URL}},
	}})
	must(t, err)
	in.registerChildren(s) // which makes notices: some children have plans of two authorities
	in.await("messages to be refused", func() bool { return to.refused.Load() > 0 })
	kept := t.TempDir()
	in.keep(s, kept)
	dump, backup := in.dump(t), in.baseBackup() // of what is running
	dump.kept, backup.kept = kept, kept
	if code := s.terminate(); code != 0 {
		t.Fatalf("the original ended with status %d", code)
	}
	to.open.Store(true) // whatever comes from now on comes from a copy

	dump.wantNothing(t, settings, "another database of this cluster")
	backup.wantNothing(t, settings, "and here it is")
	if n := to.taken.Load(); n != 0 {
		t.Errorf("%d messages came from copies", n)
	}
	dump.wantAllOnceClaimed(t, settings, to)

	s.start() // the original goes on without anybody's doing
	if code := s.terminate(); code != 0 {
		t.Errorf("the original ended with status %d", code)
	}
}

// wantNothing tries whatever could write to a copy, and compares all tables.
func (r *restored) wantNothing(t *testing.T, settings []string, differs string) {
	t.Helper()
	r.makeDue(t)
	before := r.rows(t)

	r.wantRefused(t, differs, "serve")
	r.wantRefused(t, "is a copy", "authority", "contact", islington, "--duty=020 7946 0003")
	r.wantRefused(t, "is a copy", "organisation", "add", "X9X9X", "operator", "Somebody")
	r.wantRefused(t, "may be another database's", "instance", "claim", "--reason=to see whether it lets me")
	if said, ok := r.try("migrate"); !ok || !strings.Contains(said, "is a copy") {
		t.Errorf("cpis migrate on a copy: succeeded %v, said\n%s", ok, said)
	}
	_, verifying := theDrill(t)
	said := r.in.typed(r.kept, verifying, r.env()...)
	if !strings.Contains(said, "no entry of the log: this database is a copy") || !strings.Contains(said, "VERIFIED: ") {
		t.Errorf("exporting and verifying a copy's log: %s", said)
	}
	must(t, os.RemoveAll(filepath.Join(r.kept, "drill-log")))
	r.drill(t, settings)

	if diff := cmp.Diff(before, r.rows(t)); diff != "" {
		t.Errorf("the copy changed (-before +after):\n%s", diff)
	}
}

// drill runs a drill on the copy until it has passed.
func (r *restored) drill(t *testing.T, settings []string) {
	t.Helper()
	s := r.server(settings, "--drill")
	s.spawn()
	s.awaitReady(http.StatusServiceUnavailable) // for ever: nobody may be sent there
	var report string
	r.in.await("the drill's report", func() bool {
		status, text, mark := get(t, s.admin+"/drill")
		if mark == "" || status == http.StatusInternalServerError {
			t.Fatalf("/drill: status %d, header %q, %s", status, mark, text)
		}
		report = text
		return status == http.StatusOK
	})
	if !strings.Contains(report, "24 people and 32 plans open, 24 people are found") {
		t.Errorf("/drill: got %q", report)
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if _, text, _ := get(t, s.admin+path); !strings.Contains(text, "drill") {
			t.Errorf("%s: got %q, want that it is a drill", path, text)
		}
	}
	for _, p := range protocols {
		client := cpisv1connect.NewLookupServiceClient(r.in.dial(s, p).as("nurse"))
		ctx, _ := named(t.Context(), uuid.NewString())
		_, err := client.LookUp(ctx, &cpisv1.LookUpRequest{
			NhsNumber:  r.in.children[0].number,
			AccessMode: cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED,
			Encounter:  &cpisv1.Encounter{Id: "ED-1", Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT},
		})
		if connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "drill") {
			t.Errorf("%s: a look-up in a drill: got %v, want unavailable", p.name, err)
		}
	}
	if code := s.terminate(); code != 0 {
		t.Errorf("the drill ended with status %d", code)
	}
}

func get(t *testing.T, url string) (status int, text, drill string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(body), resp.Header.Get("Cpis-Drill")
}

// wantAllOnceClaimed claims the copy, for good reason: it then does what it did
// not do before.
func (r *restored) wantAllOnceClaimed(t *testing.T, settings []string, to *receiver) {
	t.Helper()
	before := r.rows(t)
	if said, ok := r.try("instance", "claim", "--continue-log", "--reason=the original was lost"); !ok {
		t.Fatalf("cpis instance claim: %s", said)
	}
	s := r.server(settings)
	s.start()
	r.in.await("messages from the copy that was claimed", func() bool { return to.taken.Load() > 0 })
	if code := s.terminate(); code != 0 {
		t.Errorf("the server ended with status %d", code)
	}
	after := r.rows(t)
	for _, table := range []string{"entry", "checkpoint", "delivery", "instance"} {
		if before[table] == after[table] {
			t.Errorf("%s: nothing changed, so this test would not have seen it", table)
		}
	}
}
