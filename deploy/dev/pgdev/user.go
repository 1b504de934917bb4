package pgdev

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// serverUsers are the users a root process runs the server as: the first that
// exists.
var serverUsers = []string{"postgres", "nobody"}

// account is the user the server runs as. The zero account is this process's
// own user.
type account struct {
	name     string
	uid, gid int
	other    bool // another user than this process's
}

// serverAccount is this process's own user, or if that is root, who may not
// run PostgreSQL, one of serverUsers.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range serverUsers {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("reading user %s: %w", name, err)
		}
		return account{name: name, uid: uid, gid: gid, other: true}, nil
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// credential is what a child process needs to become this account, nil if
// it is this process's own.
func (a account) credential() *syscall.Credential {
	if !a.other {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)} //nolint:gosec // ids of a user that exists fit.
}

// own makes path belong to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// elsewhere is where clusters live that cannot live where they were asked to.
// Only root can make directories there, and only root comes to this.
const elsewhere = "/var/lib/pgdev"

// home is where a cluster that was asked to live in dir really lives: there,
// or if the server's user cannot enter a directory above it (root's home,
// for one), in a directory elsewhere that a link in dir leads to.
func (a account) home(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	ok, err := a.reaches(dir)
	if ok || err != nil {
		return dir, err
	}
	link := filepath.Join(dir, "cluster")
	if home, err := os.Readlink(link); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(elsewhere, 0o755); err != nil { //nolint:gosec // the server's user must pass through.
		return "", err
	}
	home, err := os.MkdirTemp(elsewhere, "")
	if err != nil {
		return "", err
	}
	return home, os.Symlink(home, link)
}

// reaches reports whether the account can enter every directory above dir.
func (a account) reaches(dir string) (bool, error) {
	if !a.other {
		return true, nil
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return false, fmt.Errorf("looking at the directories above: %w", err)
		}
		if info.Mode()&0o001 == 0 && !a.owns(info) {
			return false, nil
		}
		if parent == filepath.Dir(parent) {
			return true, nil
		}
	}
}

// owns reports whether the account may enter a directory as its owner.
func (a account) owns(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == a.uid && info.Mode()&0o100 != 0
}
