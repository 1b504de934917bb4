package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// unknownLife is how long a token is used if the provider does not say how long
// it lasts.
const unknownLife = 5 * time.Minute

// signIn is what cpis sign-in keeps.
type signIn struct {
	Service string    `json:"service"` // address of the service that the token is for
	Issuer  string    `json:"issuer"`
	Name    string    `json:"name,omitempty"`
	Token   string    `json:"access_token"`
	Expires time.Time `json:"expires"`
}

// signInFile names the file that sign-ins are kept in.
func signInFile(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding where to keep the sign-in (--sign-in-file names a file): %w", err)
	}
	return filepath.Join(dir, "cpis", "sign-in.json"), nil
}

// keep writes the sign-in for its owner only.
func (s *signIn) keep(name string) error {
	text, err := json.Marshal(s) //nolint:gosec // into a file of its owner's only
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return replaceFile(name, string(text)+"\n")
}

// readSignIn reads a sign-in that was kept; nil if nobody is signed in.
func readSignIn(name string) (*signIn, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the sign-in: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the sign-in: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read %s: remove it (cpis sign-out) and sign in again", name)
	}
	var s signIn
	if json.NewDecoder(io.LimitReader(f, maxInput)).Decode(&s) != nil || !isToken(s.Token) {
		return nil, fmt.Errorf("%s holds no sign-in: remove it (cpis sign-out) and sign in again", name)
	}
	return &s, nil
}

// tokenFor returns the token if it is still good and for that service.
func (s *signIn) tokenFor(service string, now time.Time) (string, error) {
	switch {
	case strings.TrimRight(s.Service, "/") != strings.TrimRight(service, "/"):
		return "", fmt.Errorf("you are signed in for %s, not for %s: cpis sign-in --url %s", printable(s.Service), service, service)
	case !now.Before(s.Expires):
		return "", errors.New("your sign-in has expired: run cpis sign-in again")
	}
	return s.Token, nil
}

type signOutCmd struct {
	SignInFile string `env:"CPIS_SIGN_IN_FILE" type:"path" placeholder:"FILE" help:"File that the sign-in is kept in, if not the usual one."`
}

// Run forgets the sign-in. The token itself ends when the provider said.
func (c *signOutCmd) Run(w *world) error {
	name, err := signInFile(c.SignInFile)
	if err != nil {
		return err
	}
	switch err := os.Remove(name); {
	case errors.Is(err, fs.ErrNotExist):
		_, err = fmt.Fprintln(w.stdout, "Nobody was signed in.")
		return err
	case err != nil:
		return fmt.Errorf("removing the sign-in: %w", err)
	}
	_, err = fmt.Fprintln(w.stdout, "Signed out of this program. Your browser may still be signed in to the identity provider.")
	return err
}
