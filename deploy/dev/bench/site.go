package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"cpis/deploy/dev/idp"
	"cpis/deploy/dev/vaultdev"
	"cpis/deploy/postgres"
	"cpis/service/identity"
	"cpis/service/store"
)

// site is one running server with a database of its own.
type site struct {
	b        *bench
	name     string
	database string
	env      map[string]string
	people   *people
	idp      *idp.Provider
	server   *process
	echo     *process
	base     string // of the server
	echoBase string
}

const (
	origin   = "bench.example/log/1"
	audience = "cpis-bench"
	tokenFor = 59 * time.Minute
	startIn  = 2 * time.Minute
)

// newSite creates a database, fills it and starts a server. keeper holds the
// variables that say where keys are; nil means a file.
func (b *bench) newSite(ctx context.Context, name string, keeper map[string]string) (*site, error) {
	s := &site{b: b, name: name, database: "bench_" + name}
	if keeper == nil {
		keeper = map[string]string{
			"CPIS_LOCAL_KEYS":      "i-understand",
			"CPIS_LOCAL_KEYS_FILE": filepath.Join(b.Dir, name+".keys"),
		}
	}
	s.env = maps.Clone(keeper)
	for _, do := range []func(context.Context) error{s.prepare, s.past, s.seed, s.startIDP, s.startServer, s.startEcho} {
		if err := do(ctx); err != nil {
			s.stop(ctx)
			return nil, fmt.Errorf("setting %s up: %w", name, err)
		}
	}
	return s, nil
}

// vaultSite starts a real Vault, and a site whose keys are there.
func (b *bench) vaultSite(ctx context.Context) (*site, func(), error) {
	v, err := vaultdev.Start(ctx, vaultdev.Options{Dir: filepath.Join(b.Dir, "vault")})
	if err != nil {
		return nil, nil, fmt.Errorf("starting Vault: %w", err)
	}
	stop := func() { _ = v.Stop(context.WithoutCancel(ctx)) }
	s, err := b.newSite(ctx, "vault", map[string]string{
		"VAULT_ADDR":                v.Address(),
		"CPIS_VAULT_ROLE_ID_FILE":   v.RoleIDFile(),
		"CPIS_VAULT_SECRET_ID_FILE": v.SecretIDFile(),
	})
	if err != nil {
		stop()
		return nil, nil, err
	}
	return s, stop, nil
}

func (s *site) getenv(name string) string { return s.env[name] }

func (s *site) url(user string) string { return s.b.cluster.URL(user, s.database) }

func (s *site) prepare(ctx context.Context) error {
	if err := store.Prepare(ctx, s.b.cluster.AdminURL(), s.database, postgres.Roles); err != nil {
		return err
	}
	return s.b.Migrate(ctx, s.url("cpis_owner"), origin, s.getenv)
}

func (s *site) startIDP(ctx context.Context) error {
	dir := filepath.Join(s.b.Dir, s.name+"-idp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p, err := idp.Start(ctx, idp.Config{Address: "127.0.0.1:0", Directory: dir, Audience: audience, Now: s.b.Now})
	if err != nil {
		return err
	}
	s.idp = p
	text, err := json.Marshal(map[string]any{
		"audiences": []string{audience}, "issuers": []identity.Issuer{p.Issuer()},
	})
	if err != nil {
		return err
	}
	s.env["CPIS_ISSUERS"] = filepath.Join(s.b.Dir, s.name+"-issuers.json")
	return os.WriteFile(s.env["CPIS_ISSUERS"], text, 0o600)
}

func (s *site) startServer(ctx context.Context) error {
	public, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	admin, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	maps.Copy(s.env, map[string]string{
		"CPIS_LISTEN":       public,
		"CPIS_ADMIN_LISTEN": admin,
		"CPIS_DATABASE_URL": s.url("cpis_app"),
		"CPIS_LOG_ORIGIN":   origin,
		"CPIS_HUB_NAME":     "Hub",
		"CPIS_HUB_PHONE":    "01632 960000",
		"CPIS_LOG_LEVEL":    "warn",
		"CPIS_LOOKUP_HOLD":  s.b.Hold.String(),
	})
	s.base = "http://" + public
	s.server, err = s.start(ctx, "serve")
	if err != nil {
		return err
	}
	return s.server.waitFor(ctx, "http://"+admin+"/readyz")
}

func (s *site) startEcho(ctx context.Context) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s.echoBase = "http://" + address
	s.echo, err = s.start(ctx, "bench", "echo", address)
	if err != nil {
		return err
	}
	return s.echo.waitFor(ctx, s.echoBase+"/")
}

// process is a process that was started here.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start starts the program in a process of its own.
func (s *site) start(ctx context.Context, args ...string) (*process, error) {
	out, err := s.b.logFile(s.name + "-" + args[0])
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the process has its own copy
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.b.Program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	p := &process{cmd, make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the process
		// ends, so that thread has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // what it said is in its log
		}
	}()
	return p, <-started
}

// stop asks the process to end, and waits.
func (p *process) stop() {
	if p != nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		<-p.done
	}
}

// stop ends what the site started.
func (s *site) stop(ctx context.Context) {
	s.server.stop()
	s.echo.stop()
	if s.idp != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.idp.Close(ctx)
	}
}

// rss returns the greatest resident size of the server so far, in MiB.
func (s *site) rss() (float64, error) { return s.status("VmHWM:") }

// resident returns the resident size of the server, in MiB, and makes the greatest
// so far that.
func (s *site) resident() (float64, error) {
	err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.server.cmd.Process.Pid), []byte("5"), 0)
	if err != nil {
		return 0, err
	}
	return s.status("VmRSS:")
}

// status reads a size that the kernel tells of the server, in MiB.
func (s *site) status(name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.server.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			var kib float64
			_, err := fmt.Sscanf(strings.TrimSpace(rest), "%f kB", &kib)
			return kib / 1024, err
		}
	}
	return 0, errors.New("the resident size is not known")
}

func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// waitFor waits until something answers there, and readily if it says so.
func (p *process) waitFor(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startIn)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable {
				return nil
			}
		}
		select {
		case <-p.done:
			return errors.New("server ended; see its log")
		case <-ctx.Done():
			return fmt.Errorf("server did not start: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
