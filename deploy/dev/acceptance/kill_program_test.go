package acceptance_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything here may take before it counts as failed. It
// only has to be long enough for the slowest machine.
const patience = 2 * time.Minute

// programs is the directory of the program, as it is shipped and with the race
// detector, and of the installation that others are copied from. TestMain creates
// and removes it.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cpis-program-")
	if err == nil {
		err = os.Chmod(dir, 0o711) // PostgreSQL's user passes through
	}
	if err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary directory
	os.Exit(code)
}

// shipped builds the program as it is shipped, once for all tests. It is what
// tests run and kill.
var shipped = sync.OnceValues(func() (path string, err error) {
	return build("cpis", "CGO_ENABLED=0")
})

// detecting builds the program with the race detector, which makes it ten times
// as slow: for servers that live on while something else breaks.
var detecting = sync.OnceValues(func() (path string, err error) {
	return build("cpis-race", "CGO_ENABLED=1", "-race")
})

func build(name, setting string, flags ...string) (path string, err error) {
	path = filepath.Join(programs, name)
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", path}, flags, []string{"cpis/cmd/cpis"})...)
	cmd.Env = append(os.Environ(), setting)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return path, nil
}

// program returns the program as it is shipped.
func program(tb testing.TB) string {
	tb.Helper()
	path, err := shipped()
	must(tb, err)
	return path
}

// process is a process of the program.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // how; to be read when done is closed
}

// spawn starts the program on an operating system thread that lives as long as
// the child does: when that thread ends, the kernel kills the child.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(p.pid, s) // one that has just ended is as dead
	}
}

// kill ends the process at once, whatever it is doing.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// server is one server of an installation. It keeps its addresses from start
// to start.
type server struct {
	in      *installation
	args    []string // behind serve
	env     []string
	base    string // where clients are answered
	admin   string // where operators are
	logFile string
	process *process
}

// newServer makes a server with further settings, and starts it.
func (in *installation) newServer(settings ...string) *server {
	in.tb.Helper()
	public, admin := freeAddress(in.tb), freeAddress(in.tb)
	s := &server{
		in: in, base: "http://" + public, admin: "http://" + admin,
		env:     append([]string{"CPIS_LISTEN=" + public, "CPIS_ADMIN_LISTEN=" + admin}, settings...),
		logFile: filepath.Join(in.tb.TempDir(), "server.log"),
	}
	in.tb.Cleanup(s.bury)
	s.start()
	return s
}

// freeAddress finds a port that nobody listens on, below those that the kernel
// gives to connections: while a server is down, one of those might take its
// place.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(15000)))
		l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", address)
		if err == nil {
			must(tb, l.Close())
			return address
		}
	}
	tb.Fatal("no port is free")
	return ""
}

// spawn starts the process of a server and does not wait until it is ready.
func (s *server) spawn() {
	s.in.tb.Helper()
	out, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(s.in.tb, err)
	defer func() { _ = out.Close() }() // the process has its own copy
	cmd := s.in.command(context.WithoutCancel(s.in.tb.Context()), append([]string{"serve"}, s.args...)...)
	cmd.Path = cmp.Or(s.in.serving, cmd.Path)
	cmd.Env = append(cmd.Env, s.env...)
	cmd.Stdout, cmd.Stderr = out, out
	s.process, err = spawn(cmd)
	must(s.in.tb, err)
}

// start starts the server and waits until it is ready.
func (s *server) start() {
	s.in.tb.Helper()
	s.spawn()
	s.awaitReady(http.StatusOK)
}

// awaitReady waits until /readyz answers with a status.
func (s *server) awaitReady(status int) {
	s.in.tb.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	s.in.await("/readyz of "+s.admin, func() bool {
		select {
		case <-s.process.done:
			s.in.tb.Fatalf("the server ended by itself: %v\n%s", s.process.err, s.said())
		default:
		}
		resp, err := client.Get(s.admin + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == status
	})
}

// terminate asks the server to end, and returns the exit status.
func (s *server) terminate() int {
	s.in.tb.Helper()
	s.process.signal(syscall.SIGTERM)
	select {
	case <-s.process.done:
	case <-time.After(patience):
		s.process.kill()
		s.in.tb.Fatalf("the server did not end\n%s", s.said())
	}
	if exit, ok := errors.AsType[*exec.ExitError](s.process.err); ok {
		return exit.ExitCode()
	}
	must(s.in.tb, s.process.err)
	return 0
}

// bury ends the server after a test, and looks at what it said.
func (s *server) bury() {
	if s.process != nil {
		s.process.kill()
	}
	said, err := os.ReadFile(s.logFile)
	if err != nil {
		return // it never came so far
	}
	for _, bad := range []string{"DATA RACE", "panic", "fatal error"} {
		if i := bytes.Index(said, []byte(bad)); i >= 0 {
			s.in.tb.Errorf("the server said: %s", said[i:min(len(said), i+4000)])
		}
	}
	if s.in.tb.Failed() {
		s.in.tb.Logf("the server said at last:\n%s", s.said())
	}
}

// said is the end of what the server has said.
func (s *server) said() string {
	text, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}
