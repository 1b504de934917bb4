package pgdev_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/deploy/dev/pgdev"
)

// runInChild makes this test binary start a cluster and wait to be killed.
const runInChild = "PGDEV_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(runInChild); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child starts a temporary cluster, says where it is, and waits for ever.
func child(dir string) int {
	c, err := pgdev.Start(context.Background(), pgdev.Options{Dir: dir, Fast: true, Temporary: true})
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	os.Stdout.WriteString(c.AdminURL() + "\n")
	select {}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	needsPostgreSQL(t)

	t.Run("TakesConnectionsOverSocketAndTCP", func(t *testing.T) {
		t.Parallel()
		c := start(t, pgdev.Options{Dir: tempDir(t), Fast: true, Settings: map[string]string{"work_mem": "7MB"}})
		for _, url := range []string{c.AdminURL(), c.TCPURL("postgres")} {
			if got := query(t, url, "SHOW work_mem"); got != "7MB" {
				t.Errorf("work_mem: got %s, want the setting asked for", got)
			}
		}
	})

	t.Run("AsksForThePasswordOverTCP", func(t *testing.T) {
		t.Parallel()
		c := start(t, pgdev.Options{Dir: tempDir(t), Fast: true})
		url := c.TCPURL("postgres")
		_, password, _ := strings.Cut(url[:strings.IndexByte(url, '@')], "postgres:")
		_, err := pgx.Connect(t.Context(), strings.Replace(url, password, "guess", 1))
		if err == nil {
			t.Error("connecting with a wrong password: got no error")
		}
	})

	t.Run("FindsItsDataAfterAStopAndAfterACrash", func(t *testing.T) {
		t.Parallel()
		opts := pgdev.Options{Dir: tempDir(t)}
		c := start(t, opts)
		query(t, c.AdminURL(), "CREATE TABLE kept AS SELECT 'before' AS what; SELECT what FROM kept")
		must(t, c.Stop(t.Context()))
		c = start(t, opts)
		query(t, c.AdminURL(), "UPDATE kept SET what = 'after'; SELECT what FROM kept")
		must(t, c.Kill())
		must(t, c.Restart(t.Context()))
		if got := query(t, c.AdminURL(), "SELECT what FROM kept"); got != "after" {
			t.Errorf("after a crash: got %q, want what was committed", got)
		}
	})

	t.Run("IsCopiedWhenItRests", func(t *testing.T) {
		t.Parallel()
		c := start(t, pgdev.Options{Dir: tempDir(t), Fast: true, Temporary: true})
		query(t, c.AdminURL(), "CREATE TABLE kept AS SELECT 'before' AS what; SELECT what FROM kept")
		must(t, c.Rest(t.Context()))
		for range 2 {
			another, err := pgdev.Start(t.Context(), pgdev.Options{Dir: tempDir(t), Fast: true, Temporary: true, From: c})
			must(t, err)
			t.Cleanup(func() { must(t, another.Stop(context.Background())) })
			if got := query(t, another.TCPURL("postgres"), "UPDATE kept SET what = what || ' and after' RETURNING what"); got != "before and after" {
				t.Errorf("a copy holds %q", got)
			}
		}
		must(t, c.Restart(t.Context()))
		if got := query(t, c.AdminURL(), "SELECT what FROM kept"); got != "before" {
			t.Errorf("the original holds %q", got)
		}
	})

	t.Run("LivesOnWhenNobodyHoldsIt", func(t *testing.T) {
		t.Parallel()
		dir, err := os.MkdirTemp("", "pgdev-test-") //nolint:usetesting // removed when this process ends.
		must(t, err)
		c, err := pgdev.Start(t.Context(), pgdev.Options{Dir: dir, Fast: true, Temporary: true})
		must(t, err)
		url := c.AdminURL() // the last use
		for range 5 {
			runtime.GC()
			query(t, url, "SELECT 'alive'")
		}
	})

	t.Run("IsStartedOnceAtATime", func(t *testing.T) {
		t.Parallel()
		opts := pgdev.Options{Dir: tempDir(t), Fast: true}
		start(t, opts)
		if _, err := pgdev.Start(t.Context(), opts); !errors.Is(err, pgdev.ErrInUse) {
			t.Errorf("second start: got %v, want %v", err, pgdev.ErrInUse)
		}
	})

	t.Run("WorksWhereThePathIsTooLongForASocket", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(tempDir(t), strings.Repeat("long", 30))
		c := start(t, pgdev.Options{Dir: dir, Fast: true})
		query(t, c.AdminURL(), "SELECT 'here'")
		must(t, c.Stop(t.Context()))
		if _, err := os.Stat(c.SocketDir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("directory of the socket after Stop: got %v, want none", err)
		}
	})

	t.Run("LeavesNothingIfTemporary", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(tempDir(t), "cluster")
		c := start(t, pgdev.Options{Dir: dir, Fast: true, Temporary: true})
		must(t, c.Stop(t.Context()))
		must(t, c.Stop(t.Context()))
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("directory after Stop: got %v, want none", err)
		}
	})

	t.Run("SaysWhyItCannotStart", func(t *testing.T) {
		t.Parallel()
		_, err := pgdev.Start(t.Context(), pgdev.Options{
			Dir: tempDir(t), Fast: true, Settings: map[string]string{"work_mem": "much"},
		})
		if err == nil || !strings.Contains(err.Error(), "work_mem") {
			t.Errorf("starting with nonsense: got %v, want the server's own words", err)
		}
	})
}

func TestStandbyFollowsItsPrimary(t *testing.T) {
	t.Parallel()
	needsPostgreSQL(t)
	primary := start(t, pgdev.Options{Dir: tempDir(t), Fast: true})
	standby, err := primary.Standby(t.Context(), "second", pgdev.Options{Dir: tempDir(t), Fast: true})
	must(t, err)
	t.Cleanup(func() { must(t, standby.Stop(context.Background())) })
	if got := query(t, standby.AdminURL(), "SELECT pg_is_in_recovery()::text"); got != "true" {
		t.Errorf("in recovery: got %s, want true", got)
	}
}

func TestClusterDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	needsPostgreSQL(t)
	dir := filepath.Join(tempDir(t), "cluster")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), runInChild+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	url := readLine(t, out)
	query(t, url, "SELECT 'alive'")
	pid := query(t, url, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // says that it was killed

	await(t, "the server to end", func() bool {
		_, err := os.Stat(filepath.Join("/proc", pid))
		return errors.Is(err, os.ErrNotExist)
	})
	await(t, "the directory to be removed", func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestDirectoryThatTheServerCannotEnterLeadsElsewhere(t *testing.T) {
	t.Parallel()
	needsPostgreSQL(t)
	closed := filepath.Join(t.TempDir(), "closed")
	must(t, os.Mkdir(closed, 0o700))
	opts := pgdev.Options{Dir: filepath.Join(closed, "cluster"), Fast: true}
	c := start(t, opts)
	query(t, c.AdminURL(), "CREATE TABLE kept AS SELECT 'kept' AS what; SELECT what FROM kept")
	must(t, c.Stop(t.Context()))

	opts.Temporary = true
	c = start(t, opts)
	if got := query(t, c.AdminURL(), "SELECT what FROM kept"); got != "kept" {
		t.Errorf("second start: got %q, want what the first wrote", got)
	}
	data := query(t, c.AdminURL(), "SHOW data_directory")
	must(t, c.Stop(t.Context()))
	for _, dir := range []string{data, opts.Dir} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s after Stop: got %v, want none", dir, err)
		}
	}
}

// first is a cluster that rests: to copy it costs much less than to make another.
var first = sync.OnceValues(func() (*pgdev.Cluster, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "pgdev-test-")
	if err != nil {
		return nil, err
	}
	c, err := pgdev.Start(ctx, pgdev.Options{Dir: dir, Temporary: true})
	if err != nil {
		return nil, err
	}
	return c, c.Rest(ctx)
})

// start starts a cluster that is a copy, unless its directory holds one already.
func start(t *testing.T, opts pgdev.Options) *pgdev.Cluster {
	t.Helper()
	from, err := first()
	must(t, err)
	opts.From = from
	c, err := pgdev.Start(t.Context(), opts)
	must(t, err)
	t.Cleanup(func() { must(t, c.Stop(context.Background())) })
	return c
}

// query runs SQL and returns the text that the last statement selects.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer conn.Close(context.Background())
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	must(t, err)
	return string(results[len(results)-1].Rows[0][0])
}

func readLine(t *testing.T, r interface{ Read([]byte) (int, error) }) string {
	t.Helper()
	var line []byte
	buf := make([]byte, 256)
	for !bytes.HasSuffix(line, []byte("\n")) {
		n, err := r.Read(buf)
		line = append(line, buf[:n]...)
		must(t, err)
	}
	return strings.TrimSpace(string(line))
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: took too long", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// tempDir makes a directory whose parents the server's user can enter;
// t.TempDir is closed to others.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgdev-test-") //nolint:usetesting // see above.
	must(t, err)
	must(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

func needsPostgreSQL(t *testing.T) {
	t.Helper()
	if _, err := pgdev.Binaries(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
