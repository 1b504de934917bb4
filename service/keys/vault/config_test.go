package vault_test

import (
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*vault.Config)
		ok     bool
	}{
		"Complete":              {func(*vault.Config) {}, true},
		"Localhost":             {func(c *vault.Config) { c.Address = "http://localhost:8200" }, true},
		"LoopbackIPv6":          {func(c *vault.Config) { c.Address = "http://[::1]:8200" }, true},
		"HTTPS":                 {func(c *vault.Config) { c.Address = "https://vault.example" }, true},
		"DeepMount":             {func(c *vault.Config) { c.Mount = "team/transit" }, true},
		"PlainHTTPElsewhere":    {func(c *vault.Config) { c.Address = "http://vault.example:8200" }, false},
		"LoopbackLookalike":     {func(c *vault.Config) { c.Address = "http://127.0.0.1.example:8200" }, false},
		"LocalhostLookalike":    {func(c *vault.Config) { c.Address = "http://localhost.example:8200" }, false},
		"UnixSocket":            {func(c *vault.Config) { c.Address = "unix:///run/vault.sock" }, false},
		"NoAddress":             {func(c *vault.Config) { c.Address = "" }, false},
		"NoScheme":              {func(c *vault.Config) { c.Address = "vault.example:8200" }, false},
		"PasswordInAddress":     {func(c *vault.Config) { c.Address = "https://u:p@vault.example" }, false},
		"NoAuth":                {func(c *vault.Config) { c.Auth = nil }, false},
		"EmptyAppRole":          {func(c *vault.Config) { c.Auth = vault.AppRole{} }, false},
		"EmptyKubernetes":       {func(c *vault.Config) { c.Auth = vault.Kubernetes{} }, false},
		"EmptyTokenFile":        {func(c *vault.Config) { c.Auth = vault.TokenFile("") }, false},
		"NoClock":               {func(c *vault.Config) { c.Now = nil }, false},
		"NegativeLimit":         {func(c *vault.Config) { c.CallTimeout = -1 }, false},
		"MountThatLeadsAway":    {func(c *vault.Config) { c.Mount = "transit/../sys" }, false},
		"MountWithEmptyPart":    {func(c *vault.Config) { c.Mount = "/transit" }, false},
		"KeyThatIsAPath":        {func(c *vault.Config) { c.WrappingKey = "a/b" }, false},
		"KeyWithQuery":          {func(c *vault.Config) { c.SigningKey = "a?b" }, false},
		"AuthMountThatLeads":    {func(c *vault.Config) { c.Auth = vault.Kubernetes{Role: "r", Mount: ".."} }, false},
		"MissingAuthorityFile":  {func(c *vault.Config) { c.CAFile = "no-such-file" }, false},
		"UselessAuthorityFile":  {func(c *vault.Config) { c.CAFile = "config_test.go" }, false},
		"KubernetesWithDefault": {func(c *vault.Config) { c.Auth = vault.Kubernetes{Role: "r"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := vault.Config{Address: "https://127.0.0.1:1", Auth: vault.TokenFile("no-such-file"), Now: time.Now}
			c.change(&cfg)
			k, err := vault.New(t.Context(), cfg)
			if (err == nil) != c.ok {
				t.Errorf("got %v, want success: %v", err, c.ok)
			}
			if k != nil {
				_ = k.Close()
			}
		})
	}
	t.Run("AllMistakesAreReported", func(t *testing.T) {
		t.Parallel()
		_, err := vault.New(t.Context(), vault.Config{Mount: "..", CallTimeout: -1})
		if err == nil || strings.Count(err.Error(), "\n") < 4 {
			t.Errorf("got %v, want five mistakes", err)
		}
	})
}

func TestTLS(t *testing.T) {
	t.Parallel()
	fake := vaulttest.NewFake(t)
	secure := httptest.NewUnstartedServer(fake)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it would tell of each handshake
	secure.StartTLS()
	t.Cleanup(secure.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := fake.Config()
	cfg.Address = secure.URL
	cfg.CallTimeout = time.Second

	t.Run("KnownAuthority", func(t *testing.T) {
		t.Parallel()
		cfg := cfg
		cfg.CAFile = authority
		mustWrap(t, vaulttest.NewKeeper(t, cfg))
	})
	t.Run("UnknownAuthority", func(t *testing.T) {
		t.Parallel()
		_, err := wrap(t, vaulttest.NewKeeper(t, cfg))
		wantUnavailable(t, err)
		if !strings.Contains(err.Error(), "certificate") {
			t.Errorf("the error does not say that it is the certificate: %v", err)
		}
	})
	t.Run("OtherName", func(t *testing.T) {
		t.Parallel()
		cfg := cfg
		cfg.CAFile = authority
		u, _ := url.Parse(secure.URL)
		cfg.Address = "https://localhost:" + u.Port() // the certificate is for 127.0.0.1
		_, err := wrap(t, vaulttest.NewKeeper(t, cfg))
		wantUnavailable(t, err)
	})
	t.Run("PlainServer", func(t *testing.T) {
		t.Parallel()
		cfg := cfg
		cfg.Address = strings.Replace(fake.URL, "http://", "https://", 1)
		_, err := wrap(t, vaulttest.NewKeeper(t, cfg))
		wantUnavailable(t, err)
	})
}

func TestNamespaceIsSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *vault.Config) { c.Namespace = "england/cpis" }).signedIn(t)
	if got := f.fake.Headers().Get("X-Vault-Namespace"); got != "england/cpis" {
		t.Errorf("namespace: got %q", got)
	}
}

// TestEnvironmentIsIgnored: the official client would follow it.
func TestEnvironmentIsIgnored(t *testing.T) {
	for name, value := range map[string]string{
		"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "hvs.other", "VAULT_NAMESPACE": "other",
		"VAULT_HEADERS": `{"X-Other":"other"}`, "VAULT_SKIP_VERIFY": "true", "VAULT_MAX_RETRIES": "9",
		"HTTP_PROXY": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	f := newFixture(t).signedIn(t)
	h := f.fake.Headers()
	if h.Get("X-Vault-Namespace") != "" || h.Get("X-Other") != "" || h.Get("X-Vault-Token") == "hvs.other" {
		t.Errorf("headers from the environment were sent: %v", h)
	}
}
