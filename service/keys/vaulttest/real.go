// Package vaulttest gives tests a Vault: a real one, and, for what a real one
// cannot be made to do, a fake that speaks its HTTP.
package vaulttest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"cpis/deploy/dev/process"
	"cpis/deploy/dev/vaultdev"
	"cpis/service/keys/keystest"
	"cpis/service/keys/vault"
)

// The names of the keys, as deploy/vault/setup.sh makes them.
const (
	wrappingKey = vault.DefaultWrappingKey
	signingKey  = vault.DefaultSigningKey
)

// Vault is a part of a real Vault that belongs to one test: a transit engine
// with the service's two keys, and an AppRole with the policy of the service.
type Vault struct {
	Address   string
	RootToken string
	Mount     string // of the transit engine
	AppRole   string // mount of the AppRole method
	Client    *api.Client
	dir       string // of role-id and secret-id
}

// Real returns a part of a real Vault for the test: of the one that TEST_VAULT_ADDR
// and TEST_VAULT_TOKEN name, or else one in memory that all tests of the
// process share and that ends with it. If there is none the test is
// skipped, but fails if CI is set.
func Real(tb testing.TB) *Vault {
	tb.Helper()
	shared, err := sharedServer()
	if errors.Is(err, vaultdev.ErrNotInstalled) {
		noVault(tb, err)
	}
	if err != nil {
		tb.Fatalf("starting the real Vault: %v", err)
	}
	return shared.part(tb)
}

// Own starts a real Vault for the test alone, set up as in production, which
// it may pause, kill and restart. It is stopped when the test ends.
func Own(tb testing.TB) *vaultdev.Server {
	tb.Helper()
	if _, err := vaultdev.Binary(); err != nil {
		noVault(tb, err)
	}
	server, err := vaultdev.Start(tb.Context(), vaultdev.Options{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatalf("starting the real Vault: %v", err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(context.WithoutCancel(tb.Context())); err != nil {
			tb.Errorf("stopping the real Vault: %v", err)
		}
	})
	return server
}

func noVault(tb testing.TB, why error) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf("the tests need the real Vault: %v", why)
	}
	tb.Skipf("this test needs the real Vault: %v", why)
}

// server is a Vault that tests share.
type server struct {
	address, token string
}

// sharedServer starts the Vault of this process when it is first wanted. It
// ends with the process.
var sharedServer = sync.OnceValues(func() (server, error) {
	if address := os.Getenv("TEST_VAULT_ADDR"); address != "" {
		return server{address: address, token: os.Getenv("TEST_VAULT_TOKEN")}, nil
	}
	started, err := vaultdev.Start(context.Background(), vaultdev.Options{})
	if err != nil {
		return server{}, err
	}
	return server{address: started.Address(), token: started.RootToken()}, nil
})

// part sets up a part of the server under names of its own.
func (s server) part(tb testing.TB) *Vault {
	tb.Helper()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	v := &Vault{
		Address: s.address, RootToken: s.token,
		Mount: name, AppRole: name, Client: newClient(tb, s.address, s.token), dir: tb.TempDir(),
	}
	v.setUp(tb)
	tb.Cleanup(func() { v.tearDown(tb) })
	return v
}

func newClient(tb testing.TB, address, token string) *api.Client {
	tb.Helper()
	config := api.DefaultConfig()
	config.Address = address
	client, err := api.NewClient(config)
	if err != nil {
		tb.Fatalf("making a client of Vault: %v", err)
	}
	client.SetToken(token)
	client.ClearNamespace()
	return client
}

// setUp does what deploy/vault/setup.sh does, faster, with the same policy.
func (v *Vault) setUp(tb testing.TB) {
	tb.Helper()
	ctx := tb.Context()
	sys := v.Client.Sys()
	must(tb, sys.MountWithContext(ctx, v.Mount, &api.MountInput{Type: "transit"}))
	v.Write(tb, v.Mount+"/keys/"+wrappingKey, map[string]any{"type": "aes256-gcm96", "derived": true})
	v.Write(tb, v.Mount+"/keys/"+signingKey, map[string]any{"type": "ed25519"})
	must(tb, sys.PutPolicyWithContext(ctx, v.AppRole, policy(tb, "service.hcl", v.Mount)))
	must(tb, sys.EnableAuthWithOptionsWithContext(ctx, v.AppRole, &api.EnableAuthOptions{Type: "approle"}))
	v.SetTokenLife(tb, 20*time.Minute, time.Hour)
	v.save(tb, "role-id", v.Read(tb, v.role()+"/role-id").Data["role_id"])
	v.NewSecretID(tb)
}

// policy reads one of the policies in deploy/vault, for another mount.
func policy(tb testing.TB, name, mount string) string {
	tb.Helper()
	dir, err := vaultdev.SetUpDir()
	must(tb, err)
	rules, err := os.ReadFile(filepath.Join(dir, name))
	must(tb, err)
	return strings.NewReplacer(`"transit/`, `"`+mount+`/`, `"cpis-checkpoints/`, `"`+checkpointsOf(mount)+`/`).Replace(string(rules))
}

// checkpointsOf is the mount of the KV engine beside a transit engine.
func checkpointsOf(mount string) string { return mount + "-checkpoints" }

// Checkpoints mounts the KV engine for checkpoints, and returns where.
func (v *Vault) Checkpoints(tb testing.TB) string {
	tb.Helper()
	mount := checkpointsOf(v.Mount)
	sys := v.Client.Sys()
	must(tb, sys.MountWithContext(tb.Context(), mount, &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 10*time.Second)
		defer cancel()
		if err := sys.UnmountWithContext(ctx, mount); err != nil {
			tb.Errorf("cleaning up in Vault: %v", err)
		}
	})
	must(tb, process.Until(tb.Context(), 5*time.Millisecond, func() (bool, error) { // a new engine is made ready first
		_, err := v.Client.Logical().WriteWithContext(tb.Context(), mount+"/data/ready", map[string]any{"data": map[string]any{}})
		return err == nil, nil
	}))
	return mount
}

func (v *Vault) tearDown(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 10*time.Second)
	defer cancel()
	sys := v.Client.Sys()
	if err := errors.Join(
		sys.UnmountWithContext(ctx, v.Mount),
		sys.DisableAuthWithContext(ctx, v.AppRole),
		sys.DeletePolicyWithContext(ctx, v.AppRole),
	); err != nil {
		tb.Errorf("cleaning up in Vault: %v", err)
	}
}

func (v *Vault) role() string { return "auth/" + v.AppRole + "/role/cpis-service" }

func (v *Vault) save(tb testing.TB, file string, content any) {
	tb.Helper()
	must(tb, os.WriteFile(filepath.Join(v.dir, file), []byte(fmt.Sprintln(content)), 0o600))
}

// NewSecretID creates a secret id and puts it into the file.
func (v *Vault) NewSecretID(tb testing.TB) {
	tb.Helper()
	v.save(tb, "secret-id", v.Write(tb, v.role()+"/secret-id", nil).Data["secret_id"])
}

// DestroySecretID makes the secret id in the file worthless.
func (v *Vault) DestroySecretID(tb testing.TB) {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(v.dir, "secret-id"))
	must(tb, err)
	v.Write(tb, v.role()+"/secret-id/destroy", map[string]any{"secret_id": strings.TrimSpace(string(content))})
}

// SetTokenLife says how long tokens live until they must be renewed, and how
// long they can be.
func (v *Vault) SetTokenLife(tb testing.TB, life, most time.Duration) {
	tb.Helper()
	v.Write(tb, v.role(), map[string]any{
		"token_policies": v.AppRole, "token_no_default_policy": true,
		"token_ttl": life.String(), "token_max_ttl": most.String(),
	})
}

// Config is a configuration that signs in by AppRole.
func (v *Vault) Config() vault.Config {
	return vault.Config{
		Address: v.Address,
		Mount:   v.Mount,
		Auth: vault.AppRole{
			Mount:        v.AppRole,
			RoleIDFile:   filepath.Join(v.dir, "role-id"),
			SecretIDFile: filepath.Join(v.dir, "secret-id"),
		},
		Now: time.Now,
	}
}

// Keeper creates a keeper that is closed when the test ends.
func (v *Vault) Keeper(tb testing.TB) *vault.Keeper {
	tb.Helper()
	return NewKeeper(tb, v.Config())
}

// NewKeeper creates a keeper that is closed when the test ends.
func NewKeeper(tb testing.TB, cfg vault.Config) *vault.Keeper {
	tb.Helper()
	k, err := vault.New(tb.Context(), cfg)
	must(tb, err)
	tb.Cleanup(func() { must(tb, k.Close()) })
	return k
}

// Subject creates a keeper for the conformance suite.
func (v *Vault) Subject(tb testing.TB) keystest.Subject {
	tb.Helper()
	return keystest.Subject{
		Keeper:         v.Keeper(tb),
		RotateWrapping: func(ctx context.Context) error { return v.rotate(ctx, wrappingKey) },
		RotateSigning:  func(ctx context.Context) error { return v.rotate(ctx, signingKey) },
	}
}

func (v *Vault) rotate(ctx context.Context, key string) error {
	_, err := v.Client.Logical().WriteWithContext(ctx, v.Mount+"/keys/"+key+"/rotate", nil)
	return err
}

// Write writes as root and must succeed.
func (v *Vault) Write(tb testing.TB, path string, data map[string]any) *api.Secret {
	tb.Helper()
	answer, err := v.Client.Logical().WriteWithContext(tb.Context(), path, data)
	must(tb, err)
	return cmp.Or(answer, &api.Secret{})
}

// Read reads as root and must find something.
func (v *Vault) Read(tb testing.TB, path string) *api.Secret {
	tb.Helper()
	answer, err := v.Client.Logical().ReadWithContext(tb.Context(), path)
	must(tb, err)
	if answer == nil {
		tb.Fatalf("there is nothing at %s", path)
	}
	return answer
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
