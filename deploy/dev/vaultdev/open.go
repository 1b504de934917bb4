package vaultdev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/vault/api"

	"cpis/deploy/dev/process"
)

// open waits until the server answers, initialises it the first time, unseals
// it, and waits until it is ready.
func (s *Server) open(ctx context.Context) error {
	if err := s.until(ctx, "answer", func() (bool, error) {
		_, err := s.client.Sys().SealStatusWithContext(ctx)
		return err == nil, nil
	}); err != nil {
		return err
	}
	if err := s.initialise(ctx); err != nil {
		return err
	}
	if _, err := s.client.Sys().UnsealWithContext(ctx, s.secrets.UnsealKey); err != nil {
		return fmt.Errorf("unsealing: %w", err)
	}
	s.client.SetToken(s.secrets.RootToken)
	return s.until(ctx, "be ready", func() (bool, error) {
		health, err := s.client.Sys().HealthWithContext(ctx)
		return err == nil && health.Initialized && !health.Sealed && !health.Standby, nil
	})
}

// until looks at done every tick until it says true or fails, the server ends,
// or ctx does.
func (s *Server) until(ctx context.Context, what string, done func() (bool, error)) error {
	err := process.Until(ctx, tick, func() (bool, error) {
		ok, err := done()
		if !ok && err == nil && s.vault.Ended() {
			return false, fmt.Errorf("%w; it said:\n%s", errEnded, s.vault.said)
		}
		return ok, err
	})
	if err != nil {
		return fmt.Errorf("waiting for it to %s: %w", what, err)
	}
	return nil
}

// initialise creates a new server's keys, or finds those of one that has been
// initialised before.
func (s *Server) initialise(ctx context.Context) error {
	before, err := s.client.Sys().InitStatusWithContext(ctx)
	if err != nil {
		return fmt.Errorf("asking whether it is initialised: %w", err)
	}
	if before {
		return s.readSecrets()
	}
	made, err := s.client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return fmt.Errorf("initialising: %w", err)
	}
	if len(made.KeysB64) != 1 {
		return errors.New("initialising: there is no unseal key")
	}
	s.secrets = secrets{UnsealKey: made.KeysB64[0], RootToken: made.RootToken}
	return s.writeSecrets()
}

// readSecrets reads the unseal key, unless it is known: of a server in memory
// nothing was written.
func (s *Server) readSecrets() error {
	if s.secrets.UnsealKey != "" {
		return nil
	}
	content, err := os.ReadFile(s.path("unseal.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the unseal key of %s is lost: remove the directory to begin anew", s.opts.Dir)
	}
	if err != nil {
		return err
	}
	if json.Unmarshal(content, &s.secrets) != nil || s.secrets.UnsealKey == "" {
		return fmt.Errorf("the unseal key of %s is damaged: remove the directory to begin anew", s.opts.Dir)
	}
	return nil
}

func (s *Server) writeSecrets() error {
	if s.opts.Dir == "" {
		return nil
	}
	content, err := json.Marshal(s.secrets)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("unseal.json"), content, 0o600)
}

// setUp runs the set-up script, which may be run again and again.
func (s *Server) setUp(ctx context.Context) error {
	if s.opts.Dir == "" {
		return nil
	}
	return RunSetUp(ctx, SetUp{
		Script: s.opts.SetUp, Binary: s.opts.Binary,
		Address: s.Address(), Token: s.RootToken(), Dir: s.opts.Dir,
	})
}

// SetUp says how the set-up script is to be run.
type SetUp struct {
	Script  string // deploy/vault/setup.sh
	Binary  string // the program of Vault or OpenBao, as client
	Address string
	Token   string   // of somebody who may set up
	Dir     string   // where the role id and the secret id go
	Env     []string // more variables: CPIS_TRANSIT=...
}

// RunSetUp runs the set-up script.
func RunSetUp(ctx context.Context, s SetUp) error {
	cmd := exec.CommandContext(ctx, s.Script, s.Dir)
	cmd.Env = append(cleanEnv(), "VAULT_ADDR="+s.Address, "VAULT_TOKEN="+s.Token, "CPIS_VAULT_CLI="+s.Binary)
	cmd.Env = append(cmd.Env, s.Env...)
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("setting up: %w; it said:\n%s", err, said)
	}
	return nil
}
