package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
)

// Auth is a way to sign in to Vault: AppRole, Kubernetes or TokenFile.
type Auth interface {
	// check finds mistakes of configuration.
	check() error
	// signIn gets a token. Secrets are read anew each time, so that they can be
	// exchanged under a running service.
	signIn(ctx context.Context, s *session) (grant, error)
}

// maxSecretFile is the largest file that is taken for a secret, in bytes.
const maxSecretFile = 64 << 10

// AppRole signs in with a role id and a secret id.
type AppRole struct {
	// Mount is where the auth method is mounted. Empty: "approle".
	Mount string
	// RoleIDFile and SecretIDFile name the files that hold the two ids, each
	// alone, blanks around it ignored. Required.
	RoleIDFile, SecretIDFile string
}

func (a AppRole) check() error {
	if a.RoleIDFile == "" || a.SecretIDFile == "" {
		return errors.New("the files of role id and secret id are required")
	}
	return checkPath("mount of the auth method", orDefault(a.Mount, "approle"))
}

func (a AppRole) signIn(ctx context.Context, s *session) (grant, error) {
	role, err := readSecret(a.RoleIDFile)
	if err != nil {
		return grant{}, err
	}
	secret, err := readSecret(a.SecretIDFile)
	if err != nil {
		return grant{}, err
	}
	return s.logIn(ctx, orDefault(a.Mount, "approle"), map[string]string{"role_id": role, "secret_id": secret})
}

// Kubernetes signs in with the token of a pod's service account.
type Kubernetes struct {
	// Mount is where the auth method is mounted. Empty: "kubernetes".
	Mount string
	// Role is the name of the role in Vault. Required.
	Role string
	// JWTFile names the file with the account's token. Empty: where Kubernetes
	// puts it.
	JWTFile string
}

const podTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path, not a credential

func (a Kubernetes) check() error {
	if a.Role == "" {
		return errors.New("the Kubernetes role is required")
	}
	return checkPath("mount of the auth method", orDefault(a.Mount, "kubernetes"))
}

func (a Kubernetes) signIn(ctx context.Context, s *session) (grant, error) {
	jwt, err := readSecret(orDefault(a.JWTFile, podTokenFile))
	if err != nil {
		return grant{}, err
	}
	return s.logIn(ctx, orDefault(a.Mount, "kubernetes"), map[string]string{"role": a.Role, "jwt": jwt})
}

// TokenFile names a file that holds a token, such as an agent of Vault keeps
// up to date. The token is renewed if it can be; when it no longer works the
// file is read again.
type TokenFile string

func (a TokenFile) check() error {
	if a == "" {
		return errors.New("the token file is required")
	}
	return nil
}

func (a TokenFile) signIn(ctx context.Context, s *session) (grant, error) {
	token, err := readSecret(string(a))
	if err != nil {
		return grant{}, err
	}
	return s.lookUp(ctx, token)
}

func orDefault(given, standard string) string {
	if given == "" {
		return standard
	}
	return given
}

// readSecret reads a file that holds one secret. Its errors name the file only.
func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return "", err
	}
	content = bytes.TrimSpace(content)
	if len(content) == 0 || len(content) > maxSecretFile {
		return "", fmt.Errorf("%s: it does not hold a secret", path)
	}
	if bytes.ContainsFunc(content, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", fmt.Errorf("%s: it holds more than a secret", path)
	}
	return string(content), nil
}
