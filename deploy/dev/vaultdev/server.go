package vaultdev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	// patience is how long a start may take at most.
	patience = time.Minute
	// tick is how often a state that nobody announces is looked at.
	tick = 20 * time.Millisecond
	// attempts is how many free ports are tried: another process may take one
	// between its choice and its use.
	attempts = 3
)

var (
	// ErrInUse says that another process runs the server of this directory.
	ErrInUse = errors.New("this Vault is in use by another process")
	// errEnded says that the server has ended.
	errEnded = errors.New("the server has ended")
)

// Options say which server to run, and how.
type Options struct {
	// Binary is the program of Vault or OpenBao. Empty: what Binary finds.
	Binary string
	// Dir is where the server keeps its data; it is made if it is missing.
	// Empty: in memory, and nothing is set up.
	Dir string
	// SetUp is the script that sets a server with a Dir up. Empty: the
	// project's deploy/vault/setup.sh.
	SetUp string
	// Port is the TCP port on loopback. 0: a free one.
	Port int
}

// Server is a running private server. Its methods are not safe for concurrent
// use with each other.
type Server struct {
	opts    Options
	lock    *os.File    // nil: in memory
	port    int         // of the API
	cluster int         // of talk among nodes: there is only one, but it insists
	client  *api.Client // of the root token
	vault   vault
	secrets secrets
}

// secrets are what initialising a server yields.
type secrets struct {
	UnsealKey string `json:"unseal_key"`
	RootToken string `json:"root_token"`
}

// Start starts a server and makes it ready for use: initialised, unsealed and,
// if it has a directory, set up. The caller stops it with Stop.
func Start(ctx context.Context, opts Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := &Server{opts: opts}
	err := s.prepare()
	if err == nil {
		err = s.startOnFreePort(ctx)
	}
	if err == nil {
		err = s.setUp(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting Vault: %w", err), s.abandon())
	}
	return s, nil
}

// prepare finds the program and takes the directory.
func (s *Server) prepare() (err error) {
	if s.opts.Binary == "" {
		if s.opts.Binary, err = Binary(); err != nil {
			return err
		}
	}
	if s.opts.Dir == "" {
		return nil
	}
	if s.opts.Dir, err = filepath.Abs(s.opts.Dir); err != nil {
		return err
	}
	if s.opts.SetUp == "" {
		dir, err := SetUpDir()
		if err != nil {
			return err
		}
		s.opts.SetUp = filepath.Join(dir, "setup.sh")
	}
	if err := os.MkdirAll(s.path("data"), 0o700); err != nil {
		return err
	}
	return s.takeDir()
}

// takeDir takes the directory for this process; the kernel gives it back when
// the process ends.
func (s *Server) takeDir() error {
	lock, err := os.OpenFile(s.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(ErrInUse, lock.Close())
	}
	s.lock = lock
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.opts.Dir, name) }

// abandon gives back what a failed start had taken.
func (s *Server) abandon() error {
	var err error
	if s.vault.Process != nil {
		err = s.vault.kill()
	}
	return errors.Join(err, s.release())
}

func (s *Server) release() error {
	if s.lock == nil {
		return nil
	}
	err := s.lock.Close()
	s.lock = nil
	return err
}

// startOnFreePort starts the server on the port asked for, or on one that is
// free.
func (s *Server) startOnFreePort(ctx context.Context) (err error) {
	for range attempts {
		if s.port, s.cluster, err = freePorts(ctx); err != nil {
			return err
		}
		if s.opts.Port != 0 {
			s.port = s.opts.Port
		}
		if err = s.start(ctx); !errors.Is(err, errEnded) {
			return err
		}
	}
	return err
}

// freePorts finds two ports that nobody listens on.
func freePorts(ctx context.Context) (a, b int, err error) {
	var ports [2]int
	for i := range ports {
		var listen net.ListenConfig
		l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return 0, 0, err
		}
		defer func() { _ = l.Close() }()      // both are held until both are known
		address, _ := l.Addr().(*net.TCPAddr) // tcp listeners have one
		ports[i] = address.Port
	}
	return ports[0], ports[1], nil
}

// start starts the server on its port, and initialises and unseals it.
func (s *Server) start(ctx context.Context) error {
	if err := s.newClient(); err != nil {
		return err
	}
	config, err := s.writeConfig()
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(config) }() // it holds no secret
	// The server outlives this call; Stop ends it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.opts.Binary, "server", "-config", config)
	cmd.Env = cleanEnv()
	if s.vault, err = spawn(cmd); err != nil {
		return err
	}
	return s.open(ctx)
}

// cleanEnv is the environment without what would configure the server or the
// set-up: addresses, tokens and certificates of another Vault.
func cleanEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "SKIP_SETCAP=1", "LC_ALL=C"}
}

// newClient creates a client for the server's address.
func (s *Server) newClient() error {
	config := api.DefaultConfig()
	if config.Error != nil {
		return config.Error
	}
	config.Address = s.Address()
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	if err != nil {
		return err
	}
	client.SetToken(s.secrets.RootToken)
	client.ClearNamespace()
	s.client = client
	return nil
}

// writeConfig writes the server's configuration to a temporary file.
func (s *Server) writeConfig() (path string, err error) {
	storage := map[string]any{"inmem": map[string]string{}}
	if s.opts.Dir != "" {
		storage = map[string]any{"raft": map[string]string{
			"path": s.path("data"), "node_id": "dev", "performance_multiplier": "1",
		}}
	}
	content, err := json.Marshal(map[string]any{
		"storage": storage,
		"listener": map[string]any{"tcp": map[string]any{
			"address": host(s.port), "cluster_address": host(s.cluster), "tls_disable": true,
		}},
		"api_addr":      s.Address(),
		"cluster_addr":  "https://" + host(s.cluster),
		"disable_mlock": true,
		"log_level":     "warn",
	})
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "cpis-vault-*.json")
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	return file.Name(), errors.Join(err, file.Close())
}

func host(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Address is where the server listens: "http://127.0.0.1:<port>".
func (s *Server) Address() string { return "http://" + host(s.port) }

// RootToken is the token that may do everything.
func (s *Server) RootToken() string { return s.secrets.RootToken }

// RoleIDFile and SecretIDFile name the files for the service to sign in with.
// A server without a directory has none.
func (s *Server) RoleIDFile() string { return s.path("role-id") }

// SecretIDFile goes with RoleIDFile.
func (s *Server) SecretIDFile() string { return s.path("secret-id") }

// Stop stops the server. If ctx ends first, it is killed. Stop may be called
// again.
func (s *Server) Stop(ctx context.Context) error {
	return errors.Join(s.vault.stop(ctx), s.release())
}

// Kill kills the server at once. Restart brings it back.
func (s *Server) Kill() error { return s.vault.kill() }

// Pause freezes the server: it still takes connections and answers nobody.
func (s *Server) Pause() error {
	if s.vault.Ended() {
		return errEnded
	}
	return s.vault.Freeze()
}

// Resume lets a paused server go on.
func (s *Server) Resume() error { return s.vault.signal(syscall.SIGCONT) }

// Seal makes the server refuse everything until Restart.
func (s *Server) Seal(ctx context.Context) error { return s.client.Sys().SealWithContext(ctx) }

// Restart starts the server again, on the same port and with the same keys;
// if it runs, it is stopped first. A server in memory cannot be restarted.
func (s *Server) Restart(ctx context.Context) error {
	if s.opts.Dir == "" {
		return errors.New("restarting Vault: it kept everything in memory")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.vault.stop(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("restarting Vault: %w", err)
	}
	return nil
}
