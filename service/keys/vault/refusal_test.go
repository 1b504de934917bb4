package vault_test

import (
	"os"
	"strings"
	"testing"

	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

// An operator reads what a refusal most likely means: Vault's own text goes
// nowhere, for it may hold anything.
func TestRefusal_SaysWhatToMend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		want   string
	}{
		"NoRight":    {403, "compare its policy with deploy/vault/service.hcl"},
		"NoKey":      {404, "CPIS_VAULT_MOUNT"},
		"BadRequest": {400, "its keys may be another installation's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).signedIn(t)
			f.fake.FailAlways("encrypt", vaulttest.Status(c.status))
			_, err := wrap(t, f)
			wantUnavailable(t, err)
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
	t.Run("WrongCredentials", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *vault.Config) {
			role, _ := c.Auth.(vault.AppRole)
			if err := os.WriteFile(role.SecretIDFile, []byte("wrong-"+vaulttest.Canary), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		_, err := wrap(t, f)
		wantUnavailable(t, err)
		if !strings.Contains(err.Error(), "the role id, secret id or token is wrong") {
			t.Errorf("got %v, want it to name the credentials", err)
		}
	})
	t.Run("KeyThatDoesNotBind", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.fake.Underive()
		_, err := wrap(t, f)
		wantUnavailable(t, err)
		if !strings.Contains(err.Error(), "is not a derived key") {
			t.Errorf("got %v, want it to name the key", err)
		}
	})
}
