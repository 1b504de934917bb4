package vaultdev_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"cpis/deploy/dev/vaultdev"
)

// try is something somebody does to Vault, and whether that must be allowed.
type try struct {
	method string // "WRITE", "READ", "LIST", "DELETE"
	path   string
	data   map[string]any
	may    bool
}

func (c try) do(ctx context.Context, client *api.Client) error {
	var err error
	switch c.method {
	case "WRITE":
		_, err = client.Logical().WriteWithContext(ctx, c.path, c.data)
	case "READ":
		_, err = client.Logical().ReadWithContext(ctx, c.path)
	case "LIST":
		_, err = client.Logical().ListWithContext(ctx, c.path)
	case "DELETE":
		_, err = client.Logical().DeleteWithContext(ctx, c.path)
	default:
		return fmt.Errorf("what is %s?", c.method)
	}
	return err
}

// wantTries makes all tries: what may not be must end in 403, what may in
// success.
func wantTries(t *testing.T, client *api.Client, tries []try) {
	t.Helper()
	for _, c := range tries {
		err := c.do(t.Context(), client)
		if c.may && err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
		answer, answered := errors.AsType[*api.ResponseError](err)
		if !c.may && (!answered || answer.StatusCode != http.StatusForbidden) {
			t.Errorf("%s %s: got %v, want 403", c.method, c.path, err)
		}
	}
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	content, err := os.ReadFile(path)
	must(tb, err)
	return strings.TrimSpace(string(content))
}

// serviceClient signs in as the service does.
func serviceClient(tb testing.TB, s *vaultdev.Server) *api.Client {
	tb.Helper()
	client := newClient(tb, s.Address(), "")
	answer, err := client.Logical().WriteWithContext(tb.Context(), "auth/approle/login", map[string]any{
		"role_id": mustRead(tb, s.RoleIDFile()), "secret_id": mustRead(tb, s.SecretIDFile()),
	})
	must(tb, err)
	if len(answer.Auth.TokenPolicies) != 1 || answer.Auth.TokenPolicies[0] != "cpis-service" {
		tb.Errorf("the service has the policies %v, want cpis-service alone", answer.Auth.TokenPolicies)
	}
	client.SetToken(answer.Auth.ClientToken)
	return client
}

// TestSetUp runs deploy/vault/setup.sh against a real Vault and tries what the
// service, and the operator, can do with what it gives them.
func TestSetUp(t *testing.T) {
	t.Parallel()
	server := mustStart(t, vaultdev.Options{Dir: t.TempDir()})
	root := newClient(t, server.Address(), server.RootToken())
	_, err := root.Logical().WriteWithContext(t.Context(), "transit/keys/other", nil)
	must(t, err)
	must(t, root.Sys().MountWithContext(t.Context(), "secret", &api.MountInput{Type: "kv"}))
	owner := base64.StdEncoding.EncodeToString([]byte("person/1"))
	sealed, err := root.Logical().WriteWithContext(t.Context(), "transit/encrypt/cpis-kek",
		map[string]any{"context": owner, "plaintext": owner})
	must(t, err)

	t.Run("ServiceMayUseItsKeysAndNothingElse", func(t *testing.T) {
		t.Parallel()
		text := map[string]any{"context": owner, "plaintext": owner}
		cipher := map[string]any{"context": owner, "ciphertext": sealed.Data["ciphertext"]}
		wantTries(t, serviceClient(t, server), []try{
			{"WRITE", "transit/encrypt/cpis-kek", text, true},
			{"WRITE", "transit/decrypt/cpis-kek", cipher, true},
			{"WRITE", "transit/rewrap/cpis-kek", cipher, true},
			{"WRITE", "transit/sign/cpis-log", map[string]any{"input": owner}, true},
			{"READ", "transit/keys/cpis-log", nil, true},
			{"WRITE", "cpis-checkpoints/data/cpis.example/log/1", map[string]any{"data": map[string]any{"text": "x"}}, true},
			{"READ", "cpis-checkpoints/data/cpis.example/log/1", nil, true},
			{"READ", "auth/token/lookup-self", nil, true},
			{"WRITE", "auth/token/renew-self", nil, true},

			{"DELETE", "cpis-checkpoints/data/cpis.example/log/1", nil, false},
			{"DELETE", "cpis-checkpoints/metadata/cpis.example/log/1", nil, false},
			{"WRITE", "cpis-checkpoints/destroy/cpis.example/log/1", map[string]any{"versions": []int{1}}, false},
			{"LIST", "cpis-checkpoints/metadata", nil, false},
			{"READ", "transit/keys/cpis-kek", nil, false},
			{"WRITE", "transit/keys/cpis-kek", nil, false},
			{"WRITE", "transit/keys/cpis-kek/rotate", nil, false},
			{"WRITE", "transit/keys/cpis-kek/config", map[string]any{"exportable": true}, false},
			{"WRITE", "transit/keys/cpis-kek/trim", map[string]any{"min_available_version": 1}, false},
			{"DELETE", "transit/keys/cpis-kek", nil, false},
			{"READ", "transit/export/encryption-key/cpis-kek", nil, false},
			{"READ", "transit/backup/cpis-kek", nil, false},
			{"WRITE", "transit/datakey/plaintext/cpis-kek", map[string]any{"context": owner}, false},
			{"WRITE", "transit/keys/cpis-log/rotate", nil, false},
			{"WRITE", "transit/keys/cpis-log/config", map[string]any{"deletion_allowed": true}, false},
			{"DELETE", "transit/keys/cpis-log", nil, false},
			{"READ", "transit/export/signing-key/cpis-log", nil, false},
			{"WRITE", "transit/hmac/cpis-kek", map[string]any{"input": owner}, false},

			{"LIST", "transit/keys", nil, false},
			{"WRITE", "transit/keys/fresh", nil, false},
			{"WRITE", "transit/encrypt/fresh", text, false},
			{"WRITE", "transit/encrypt/other", text, false},
			{"WRITE", "transit/decrypt/other", cipher, false},
			{"READ", "transit/keys/other", nil, false},

			{"READ", "secret/anything", nil, false},
			{"WRITE", "secret/anything", map[string]any{"a": "b"}, false},
			{"READ", "sys/mounts", nil, false},
			{"READ", "sys/policies/acl/cpis-service", nil, false},
			{"WRITE", "sys/policies/acl/cpis-service", map[string]any{"policy": ""}, false},
			{"WRITE", "sys/seal", nil, false},
			{"READ", "auth/approle/role/cpis-service/role-id", nil, false},
			{"WRITE", "auth/approle/role/cpis-service/secret-id", nil, false},
			{"WRITE", "auth/token/create", nil, false},
			{"READ", "cubbyhole/anything", nil, false},
			{"READ", "identity/entity/id", nil, false},
		})
	})
	t.Run("OperatorMayRotateAndNotUse", func(t *testing.T) {
		t.Parallel()
		made, err := root.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{
			Policies: []string{"cpis-operator"}, NoDefaultPolicy: true,
		})
		must(t, err)
		config := "transit/keys/cpis-kek/config"
		wantTries(t, newClient(t, server.Address(), made.Auth.ClientToken), []try{
			{"READ", "transit/keys/cpis-kek", nil, true},
			{"READ", "transit/keys/cpis-log", nil, true},
			{"WRITE", "transit/keys/cpis-kek/rotate", nil, true},
			{"WRITE", "transit/keys/cpis-log/rotate", nil, true},
			{"WRITE", config, map[string]any{"min_decryption_version": 1}, true},

			{"WRITE", config, map[string]any{"min_decryption_version": 1, "deletion_allowed": true}, false},
			{"WRITE", config, map[string]any{"exportable": true}, false},
			{"WRITE", config, map[string]any{"allow_plaintext_backup": true}, false},
			{"WRITE", "transit/keys/cpis-log/config", map[string]any{"min_encryption_version": 1}, false},
			{"DELETE", "transit/keys/cpis-kek", nil, false},
			{"WRITE", "transit/keys/cpis-kek/trim", map[string]any{"min_available_version": 1}, false},
			{"WRITE", "transit/decrypt/cpis-kek", map[string]any{"context": owner}, false},
			{"WRITE", "transit/encrypt/cpis-kek", map[string]any{"context": owner}, false},
			{"WRITE", "transit/rewrap/cpis-kek", map[string]any{"context": owner}, false},
			{"WRITE", "transit/sign/cpis-log", map[string]any{"input": owner}, false},
			{"READ", "transit/export/encryption-key/cpis-kek", nil, false},
			{"READ", "transit/backup/cpis-kek", nil, false},
			{"LIST", "transit/keys", nil, false},
			{"WRITE", "auth/approle/role/cpis-service/secret-id", nil, false},
			{"WRITE", "sys/policies/acl/cpis-operator", map[string]any{"policy": ""}, false},
		})
	})
	t.Run("KeysCannotBeTakenOutEvenByRoot", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{
			"transit/export/encryption-key/cpis-kek", "transit/export/signing-key/cpis-log",
			"transit/backup/cpis-kek", "transit/backup/cpis-log",
		} {
			if _, err := root.Logical().ReadWithContext(t.Context(), path); err == nil {
				t.Errorf("%s gave something", path)
			}
		}
	})
}

// TestSetUpAgain runs the script again under different circumstances.
func TestSetUpAgain(t *testing.T) { //nolint:tparallel // one step follows the other
	t.Parallel()
	server := mustStart(t, vaultdev.Options{Dir: t.TempDir()})
	root := newClient(t, server.Address(), server.RootToken())
	dir, err := vaultdev.SetUpDir()
	must(t, err)
	binary, err := vaultdev.Binary()
	must(t, err)
	setUp := func(env ...string) error {
		return vaultdev.RunSetUp(t.Context(), vaultdev.SetUp{
			Script: filepath.Join(dir, "setup.sh"), Binary: binary,
			Address: server.Address(), Token: server.RootToken(),
			Dir: filepath.Dir(server.RoleIDFile()), Env: env,
		})
	}

	t.Run("KeepsKeysAndSecretID", func(t *testing.T) {
		before := mustRead(t, server.SecretIDFile())
		must(t, setUp())
		serviceClient(t, server)
		if mustRead(t, server.SecretIDFile()) != before {
			t.Error("the secret id was exchanged")
		}
		key, err := root.Logical().ReadWithContext(t.Context(), "transit/keys/cpis-kek")
		must(t, err)
		if got := fmt.Sprintf("%v %v %v", key.Data["latest_version"], key.Data["derived"], key.Data["type"]); got != "1 true aes256-gcm96" {
			t.Errorf("the key is %s", got)
		}
	})
	t.Run("ReplacesASecretIDThatNoLongerWorks", func(t *testing.T) {
		must(t, os.WriteFile(server.SecretIDFile(), []byte("b7b0ad1c-0000-0000-0000-000000000000"), 0o600))
		must(t, setUp())
		serviceClient(t, server)
	})
	t.Run("BringsPoliciesUpToDate", func(t *testing.T) {
		must(t, root.Sys().PutPolicyWithContext(t.Context(), "cpis-service", `path "*" { capabilities = ["sudo"] }`))
		must(t, setUp())
		rules, err := root.Sys().GetPolicyWithContext(t.Context(), "cpis-service")
		must(t, err)
		if strings.Contains(rules, "sudo") {
			t.Error("the policy stayed as it was")
		}
	})
	t.Run("RefusesAKeyOfTheWrongKind", func(t *testing.T) {
		must(t, root.Sys().MountWithContext(t.Context(), "wrong", &api.MountInput{Type: "transit"}))
		_, err := root.Logical().WriteWithContext(t.Context(), "wrong/keys/cpis-kek", nil) // not derived
		must(t, err)
		err = setUp("CPIS_TRANSIT=wrong")
		if err == nil || !strings.Contains(err.Error(), "its derived is false") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
	t.Run("WorksWithOtherMounts", func(t *testing.T) {
		must(t, setUp("CPIS_TRANSIT=team/keys", "CPIS_APPROLE=team/apps"))
		login, err := newClient(t, server.Address(), "").Logical().WriteWithContext(t.Context(), "auth/team/apps/login", map[string]any{
			"role_id": mustRead(t, server.RoleIDFile()), "secret_id": mustRead(t, server.SecretIDFile()),
		})
		must(t, err)
		wantTries(t, newClient(t, server.Address(), login.Auth.ClientToken), []try{
			{"WRITE", "team/keys/encrypt/cpis-kek", map[string]any{"context": "YQ==", "plaintext": "YQ=="}, true},
			{"READ", "team/keys/keys/cpis-log", nil, true},
			{"WRITE", "transit/encrypt/cpis-kek", map[string]any{"context": "YQ==", "plaintext": "YQ=="}, false},
		})
	})
	t.Run("FailsWithoutPermission", func(t *testing.T) {
		err := vaultdev.RunSetUp(t.Context(), vaultdev.SetUp{
			Script: filepath.Join(dir, "setup.sh"), Binary: binary,
			Address: server.Address(), Token: "hvs.nobody", Dir: t.TempDir(),
		})
		if err == nil {
			t.Error("it succeeded")
		}
	})
}
