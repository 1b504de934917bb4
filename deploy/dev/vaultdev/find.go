package vaultdev

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNotInstalled says that no Vault or OpenBao program was found.
var ErrNotInstalled = errors.New("no Vault found (make tools builds it into .tmp/bin)")

// errNoSetUp says that the set-up script was not found.
var errNoSetUp = errors.New("deploy/vault/setup.sh not found; run this from within the project, or name the script")

// Binary finds the server program: the one that the project built, at or above
// the working directory, else vault or bao on the PATH. It returns
// ErrNotInstalled if there is none.
func Binary() (string, error) {
	if path, ok := upwards(".tmp/bin/vault"); ok {
		return path, nil
	}
	for _, name := range []string{"vault", "bao"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", ErrNotInstalled
}

// SetUpDir finds the project's deploy/vault at or above the working directory:
// the set-up script and the policies.
func SetUpDir() (string, error) {
	script, ok := upwards("deploy/vault/setup.sh")
	if !ok {
		return "", errNoSetUp
	}
	return filepath.Dir(script), nil
}

// upwards looks for a file relative to the working directory and to each of
// the directories above.
func upwards(name string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		path := filepath.Join(dir, name)
		if stat, err := os.Stat(path); err == nil && stat.Mode().IsRegular() {
			return path, true
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", false
		}
		dir = above
	}
}
