package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"cpis/service/store"
	"cpis/service/text"
)

// environment reads variables and collects what is wrong with them. It names
// variables, never their values.
type environment struct {
	getenv func(string) string
	errs   []error
}

func (e *environment) fail(name, problem string) {
	e.errs = append(e.errs, fmt.Errorf("%s %s", name, problem))
}

func (e *environment) text(name, fallback string) string {
	if v := e.getenv(name); v != "" {
		return v
	}
	return fallback
}

func (e *environment) required(name string) string {
	v := e.getenv(name)
	if v == "" {
		e.fail(name, "is required")
	}
	return v
}

func (e *environment) number(name string, fallback int) int {
	return e.numberFrom(1, name, fallback)
}

func (e *environment) numberFrom(least int, name string, fallback int) int {
	n, err := strconv.Atoi(e.text(name, strconv.Itoa(fallback)))
	if err != nil || n < least {
		e.fail(name, fmt.Sprintf("must be a number of at least %d", least))
	}
	return n
}

func (e *environment) duration(name string, fallback time.Duration) time.Duration {
	d, err := time.ParseDuration(e.text(name, fallback.String()))
	if err != nil || d <= 0 {
		e.fail(name, "must be a duration such as 15m")
	}
	return d
}

// pause reads how long something is put off: not at all if it is 0s.
func (e *environment) pause(name string, fallback, most time.Duration) time.Duration {
	d, err := time.ParseDuration(e.text(name, fallback.String()))
	if err != nil || d < 0 || d > most {
		e.fail(name, fmt.Sprintf("must be a duration from 0s to %v, such as %v", most, fallback))
	}
	return d
}

func (e *environment) yes(name string) bool {
	b, err := strconv.ParseBool(e.text(name, "false"))
	if err != nil {
		e.fail(name, "must be true or false")
	}
	return b
}

// file reads the name of a file that must be there.
func (e *environment) file(name string) string {
	file := e.getenv(name)
	if file == "" {
		return ""
	}
	if problem := unreadable(file); problem != "" {
		e.fail(name, "must name a file that can be read, and "+problem)
	}
	return file
}

// directory reads the name of a directory that must be there, and in which files
// can be made.
func (e *environment) directory(name string) string {
	dir := e.getenv(name)
	if dir == "" {
		return ""
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		e.fail(name, "must name a directory in which this user may make files")
	}
	return dir
}

// unreadable says why a file cannot be read; nothing if it can. What is no
// regular file may be read only once, so it is not tried.
func unreadable(name string) string {
	info, err := os.Stat(name)
	if err == nil && info.Mode().IsRegular() {
		var f *os.File
		if f, err = os.Open(name); err == nil {
			err = f.Close()
		}
	}
	switch errno, _ := errors.AsType[syscall.Errno](err); {
	case errors.Is(err, fs.ErrNotExist):
		return "there is none of that name"
	case errors.Is(err, fs.ErrPermission):
		return "this user may not read it"
	case err != nil:
		return "it cannot be: " + errno.Error()
	case info.IsDir():
		return "that is a directory"
	case info.Mode().IsRegular() && info.Size() == 0:
		return "it is empty"
	}
	return ""
}

// listen reads an address to listen on.
func (e *environment) listen(name, fallback string) string {
	address := e.text(name, fallback)
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port) //nolint:noctx // asks nobody: from a list of the system
	}
	if err != nil {
		e.fail(name, "must be an address and a port, such as "+fallback)
	}
	return address
}

// maybeListen reads an address to listen on, if there is one.
func (e *environment) maybeListen(name string) string {
	if e.getenv(name) == "" {
		return ""
	}
	return e.listen(name, "127.0.0.1:8445")
}

// url reads an address of the web, which must be https unless it is on this
// machine or inside is set.
func (e *environment) url(name string, inside bool) string {
	text := e.getenv(name)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https":
		e.fail(name, "must be an address such as https://host.example")
	case u.Scheme == "http" && !inside && !loopback(net.JoinHostPort(u.Hostname(), "0")):
		e.fail(name, "must be https: http is for this machine only")
	}
	return text
}

// database reads the address of a database.
func (e *environment) database(name string) string {
	text := e.required(name)
	if text == "" {
		return ""
	}
	if _, err := store.AddressOf(text, "here"); err != nil {
		e.fail(name, "must be an address such as postgres://cpis_app@db.example/cpis, and the files that it names must be readable")
	}
	return text
}

// checkEnvironment refuses variables of ours that nobody reads, and those that
// are set to nothing: either was meant to say something, and would not be heard.
func checkEnvironment(environ []string, known []string) error {
	var errs []error
	inKubernetes := slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "KUBERNETES_SERVICE_HOST=") })
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case !strings.HasPrefix(name, "CPIS_") || inKubernetes && serviceLink.MatchString(name):
		case !slices.Contains(known, name):
			errs = append(errs, fmt.Errorf("%s is not a setting%s", name, nearest(name, known)))
		case strings.TrimSpace(value) == "":
			errs = append(errs, fmt.Errorf("%s is empty: leave it out, or give it a value", name))
		}
	}
	return errors.Join(errs...)
}

// serviceLink are variables that Kubernetes sets for a Service called cpis.
var serviceLink = regexp.MustCompile(`^CPIS_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT)|PORT)(_[A-Z0-9_]+)?$`)

// nearest names the setting that was probably meant.
func nearest(name string, known []string) string {
	best, least := "", 4 // more than three letters apart is another word
	for _, k := range known {
		if d := text.Slips(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return "; docs/operations.md lists them"
	}
	return "; did you mean " + best + "?"
}

// setupVariables are read by deploy/vault/setup.sh, in whose shell our commands
// may run as well.
var setupVariables = []string{"CPIS_TRANSIT", "CPIS_APPROLE", "CPIS_VAULT_CLI"}

// knownVariables are all that the program reads: what configures the service,
// what the flags of commands stand for, and what sets Vault up.
func knownVariables(model *kong.Application) []string {
	read := map[string]bool{}
	for _, name := range setupVariables {
		read[name] = true
	}
	note := func(file string) func(string) string {
		return func(name string) string {
			read[name] = true
			if name == "CPIS_LOCAL_KEYS_FILE" {
				return file
			}
			return ""
		}
	}
	_, _ = readConfig(note(""))
	_, _ = readConfig(note("keys.json")) // each hides what belongs to the other
	_ = kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			for _, name := range f.Envs {
				read[name] = true
			}
		}
		return next(nil)
	})
	names := make([]string, 0, len(read))
	for name := range read {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
