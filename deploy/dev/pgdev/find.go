package pgdev

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// ErrNotInstalled says that no PostgreSQL server binaries were found.
var ErrNotInstalled = errors.New("no PostgreSQL server binaries found (Debian: apt-get install postgresql)")

// debianBins is where Debian and Ubuntu put server binaries, one directory for
// each major version, and none of them on the PATH.
const debianBins = "/usr/lib/postgresql/*/bin"

// Binaries returns the directory of the newest installed PostgreSQL server:
// Debian's layout first, then the PATH. It returns ErrNotInstalled if there
// is none.
func Binaries() (string, error) {
	dirs, err := filepath.Glob(debianBins)
	if err != nil {
		return "", fmt.Errorf("looking for PostgreSQL: %w", err)
	}
	best, newest := "", -1
	for _, dir := range dirs {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && version > newest && executable(filepath.Join(dir, "postgres")) {
			best, newest = dir, version
		}
	}
	if best != "" {
		return best, nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", ErrNotInstalled
	}
	// Packagers put a link on the PATH; initdb and the rest lie beside the target.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", ErrNotInstalled
	}
	return filepath.Dir(path), nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
