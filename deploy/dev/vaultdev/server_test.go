package vaultdev_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"cpis/deploy/dev/vaultdev"
)

// childVariable makes the test program start a server, say where, and wait: a
// process to be killed by TestServerEndsWithItsParent.
const childVariable = "VAULTDEV_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	server, err := vaultdev.Start(context.Background(), vaultdev.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, server.Address())
	select {}
}

// needVault skips a test where there is no Vault, but not in CI.
func needVault(tb testing.TB) {
	tb.Helper()
	_, err := vaultdev.Binary()
	if err != nil && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func mustStart(tb testing.TB, opts vaultdev.Options) *vaultdev.Server {
	tb.Helper()
	needVault(tb)
	server, err := vaultdev.Start(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { must(tb, server.Stop(context.WithoutCancel(tb.Context()))) })
	return server
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func newClient(tb testing.TB, address, token string) *api.Client {
	tb.Helper()
	config := api.DefaultConfig()
	config.Address = address
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	must(tb, err)
	client.SetToken(token)
	return client
}

// wrap wraps a text with the service's key, as root.
func wrap(tb testing.TB, s *vaultdev.Server) (ciphertext string) {
	tb.Helper()
	answer, err := newClient(tb, s.Address(), s.RootToken()).Logical().WriteWithContext(tb.Context(),
		"transit/encrypt/cpis-kek", map[string]any{"context": "YQ==", "plaintext": "YQ=="})
	must(tb, err)
	return fmt.Sprint(answer.Data["ciphertext"])
}

func wantOpens(tb testing.TB, s *vaultdev.Server, ciphertext string) {
	tb.Helper()
	answer, err := newClient(tb, s.Address(), s.RootToken()).Logical().WriteWithContext(tb.Context(),
		"transit/decrypt/cpis-kek", map[string]any{"context": "YQ==", "ciphertext": ciphertext})
	if err != nil || answer.Data["plaintext"] != "YQ==" {
		tb.Errorf("what was wrapped does not open: %v", err)
	}
}

func TestServerInMemory(t *testing.T) {
	t.Parallel()
	server := mustStart(t, vaultdev.Options{})
	health, err := newClient(t, server.Address(), server.RootToken()).Sys().HealthWithContext(t.Context())
	if err != nil || health.Sealed {
		t.Errorf("health: %+v, %v", health, err)
	}
	if err := server.Restart(t.Context()); err == nil {
		t.Error("a server in memory was restarted")
	}
	must(t, server.Stop(t.Context()))
	wantNobody(t, server.Address())
	must(t, server.Stop(t.Context())) // again
	if err := server.Pause(); err == nil {
		t.Error("a server that has ended was paused")
	}
}

func wantNobody(tb testing.TB, address string) {
	tb.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(address, "http://"), time.Second)
	if err == nil {
		_ = conn.Close()
		tb.Errorf("somebody still listens at %s", address)
	}
}

func TestServerWithDirectory(t *testing.T) { //nolint:tparallel // one step follows the other
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "vault")
	server := mustStart(t, vaultdev.Options{Dir: dir})
	ciphertext := wrap(t, server)
	secretID, err := os.ReadFile(server.SecretIDFile())
	must(t, err)

	t.Run("IsOpenToItsOwnerOnly", func(t *testing.T) {
		for _, name := range []string{"role-id", "secret-id", "unseal.json", "lock"} {
			if stat, err := os.Stat(filepath.Join(dir, name)); err != nil || stat.Mode() != 0o600 {
				t.Errorf("%s: mode %v, %v", name, stat.Mode(), err)
			}
		}
		if stat, err := os.Stat(dir); err != nil || stat.Mode().Perm() != 0o700 {
			t.Errorf("the directory: mode %v, %v", stat.Mode(), err)
		}
	})
	t.Run("BelongsToOneServer", func(t *testing.T) {
		if _, err := vaultdev.Start(t.Context(), vaultdev.Options{Dir: dir}); !errors.Is(err, vaultdev.ErrInUse) {
			t.Errorf("starting another: got %v, want %v", err, vaultdev.ErrInUse)
		}
	})
	t.Run("ComesBackAfterAKill", func(t *testing.T) {
		address := server.Address()
		must(t, server.Kill())
		wantNobody(t, address)
		must(t, server.Restart(t.Context()))
		if server.Address() != address {
			t.Errorf("it came back at %s, not at %s", server.Address(), address)
		}
		wantOpens(t, server, ciphertext)
	})
	t.Run("FreezesAndThaws", func(t *testing.T) {
		client := newClient(t, server.Address(), server.RootToken())
		must(t, server.Pause())
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := client.Sys().HealthWithContext(ctx); err == nil {
			t.Error("a paused server answered")
		}
		must(t, server.Resume())
		wantOpens(t, server, ciphertext)
	})
	t.Run("StopsWhilePaused", func(t *testing.T) {
		must(t, server.Pause())
		must(t, server.Stop(t.Context()))
		wantNobody(t, server.Address())
	})
	t.Run("FindsItsKeysAtTheNextStart", func(t *testing.T) {
		again := mustStart(t, vaultdev.Options{Dir: dir})
		wantOpens(t, again, ciphertext)
		if now, err := os.ReadFile(again.SecretIDFile()); err != nil || string(now) != string(secretID) {
			t.Errorf("the secret id, which still works, was exchanged (%v)", err)
		}
		must(t, again.Stop(t.Context()))
	})
	t.Run("SaysWhatToDoWithoutItsUnsealKey", func(t *testing.T) {
		must(t, os.Remove(filepath.Join(dir, "unseal.json")))
		_, err := vaultdev.Start(t.Context(), vaultdev.Options{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), "remove the directory") {
			t.Errorf("got %v, want advice", err)
		}
	})
}

func TestStartFails(t *testing.T) {
	t.Parallel()

	t.Run("WithoutProgram", func(t *testing.T) {
		t.Parallel()
		_, err := vaultdev.Start(t.Context(), vaultdev.Options{Binary: "no-such-vault"})
		if !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("WithAProgramThatIsNoVault", func(t *testing.T) {
		t.Parallel()
		_, err := vaultdev.Start(t.Context(), vaultdev.Options{Binary: "/bin/echo"})
		if err == nil || !strings.Contains(err.Error(), "it said") {
			t.Errorf("got %v, want what the program said", err)
		}
	})
	t.Run("WhenTheSetUpFails", func(t *testing.T) {
		t.Parallel()
		needVault(t)
		dir := t.TempDir()
		_, err := vaultdev.Start(t.Context(), vaultdev.Options{Dir: dir, SetUp: "/bin/false"})
		if err == nil {
			t.Fatal("it started")
		}
		// Nothing is left behind: the directory is free again.
		mustStart(t, vaultdev.Options{Dir: dir})
	})
	t.Run("WhenTheContextEnds", func(t *testing.T) {
		t.Parallel()
		needVault(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := vaultdev.Start(ctx, vaultdev.Options{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// TestServerEndsWithItsParent kills a process that runs a server.
func TestServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	needVault(t)
	self, err := os.Executable()
	must(t, err)
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	var address string
	_, err = fmt.Fscanln(out, &address)
	must(t, err)
	must(t, child.Process.Kill())
	_ = child.Wait() // killed
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Errorf("the server at %s outlived its parent", address)
}

func BenchmarkStart(b *testing.B) {
	for name, dir := range map[string]string{"InMemory": "", "WithDirectory": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				server := mustStart(b, vaultdev.Options{Dir: dir})
				must(b, server.Stop(b.Context()))
			}
		})
	}
}
