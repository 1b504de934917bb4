package acceptance_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store/dbtest"
)

// commandsOf returns what docs/operations.md has a reader type under a heading.
func commandsOf(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/operations.md")
	must(t, err)
	_, chapter, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/operations.md has no chapter %q", heading)
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	var all strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(chapter, -1) {
		all.WriteString(block[1])
	}
	return all.String()
}

// The first start works as it is written, where PostgreSQL asks everybody for a
// password: commands are taken from the page, and only names of this machine
// are put in.
func TestFirstStartAsWrittenWithPasswords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := &installation{tb: t, program: program(t), tokens: map[string]token{}}
	in.startIDP()
	issuers := strings.TrimPrefix(in.env[0], "CPIS_ISSUERS=")
	must(t, os.Rename(issuers, filepath.Join(dir, "issuers.json")))
	writeCertificate(t, dir)
	cluster := dbtest.Cluster(t, pgdev.Options{})
	admin, err := url.Parse(cluster.TCPURL("postgres"))
	must(t, err)
	password, _ := admin.User.Password()
	must(t, os.WriteFile(filepath.Join(dir, "postgres-password"), []byte(password+"\n"), 0o600))

	s := &server{in: in, admin: "http://" + freeAddress(t), base: "https://" + freeAddress(t), logFile: filepath.Join(dir, "log")}
	written := strings.NewReplacer(
		"/etc/cpis/", dir+"/", "db.example", admin.Host, "sslmode=verify-full", "sslmode=disable",
		"0.0.0.0:8443", strings.TrimPrefix(s.base, "https://"), "cpis serve", "exec cpis serve",
	).Replace(commandsOf(t, "First start"))
	s.process = shell(t, s.logFile, written,
		"PATH="+filepath.Dir(in.program)+":"+os.Getenv("PATH"), "HOME="+dir, "CPIS_ADMIN_LISTEN="+strings.TrimPrefix(s.admin, "http://"),
		"CPIS_LOCAL_KEYS=i-understand", "CPIS_LOCAL_KEYS_FILE="+filepath.Join(dir, "keys"))
	t.Cleanup(s.bury)
	s.awaitReady(http.StatusOK)

	nurse, err := in.token("nurse")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "nurse"), []byte(nurse), 0o600))
	in.env = nil
	cmd := in.command(t.Context(), "lookup", "9990000018", "--url", s.base, "--ca", filepath.Join(dir, "tls.crt"),
		"--token-file", filepath.Join(dir, "nurse"), "--encounter", "ED-1", "--setting", "emergency_department")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 11 {
		t.Errorf("the first look-up: got %v, want status 11 for no flag known\n%s", err, out)
	}
	if code := s.terminate(); code != 0 {
		t.Errorf("the server ended with status %d", code)
	}
}

// shell runs commands as somebody who types them does, and stops at the first
// that fails.
func shell(t *testing.T, log, commands string, env ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	defer func() { _ = out.Close() }() // the process has its own copy
	cmd := exec.Command("bash", "-e", "-u", "-c", commands)
	cmd.Env, cmd.Stdout, cmd.Stderr = slices.Clone(env), out, out
	p, err := spawn(cmd)
	must(t, err)
	return p
}

// writeCertificate writes a certificate for this machine, which signs itself.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	must(t, err)
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"tls.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}
