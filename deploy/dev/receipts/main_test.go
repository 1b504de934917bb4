package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"cpis/audit"
	"cpis/service"
	"cpis/service/faces"
	"cpis/service/identity"
	"cpis/service/rpc"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// anybody takes everybody for the nurse.
type anybody struct{}

func (anybody) Verify(context.Context, string, *x509.Certificate) (identity.Caller, error) {
	return *servicetest.Nurse, nil
}

// serve serves a service, and returns its address.
func serve(t *testing.T, s *service.Service) string {
	t.Helper()
	metrics, err := rpc.NewMetrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := rpc.NewHandler(rpc.Config{
		UseCases: faces.RPC(s),
		Verifier: anybody{}, Metrics: metrics, Readiness: rpc.NewReadiness(time.Now, zerolog.Nop()), Now: time.Now, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// A client keeps receipts, and checks them a month later, when the log has grown
// and the server is another; and finds what was done to the log meanwhile.
func TestReceiptsAreCheckedAMonthLater(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	dir := t.TempDir()
	env := map[string]string{"CPIS_URL": serve(t, f.Service), "CPIS_TOKEN": "token", "CPIS_LOG_KEY": keyOf(t, f)}
	receipts := func(stdin string, args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append(args, dir), func(name string) string { return env[name] }, strings.NewReader(stdin), &out)
		return out.String(), err
	}
	must := func(want, stdin string, args ...string) {
		t.Helper()
		if out, err := receipts(stdin, args...); err != nil || !strings.Contains(out, want) {
			t.Fatalf("%v: %q, %v", args, out, err)
		}
	}
	must("entry 0", "999 000 0018\n", "keep")
	must("entry 1", "999 000 0034\n", "keep")
	if err := f.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	must("2 receipts are in the log", "", "check")

	f.Clock.Advance(31 * 24 * time.Hour)
	f.Grow(300)
	later := f.Another()
	env["CPIS_URL"] = serve(t, later)
	must("entry 300", "999 000 0018\n", "keep")
	if err := later.Log.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	must("3 receipts are in the log", "", "check")
	must("3 receipts are in the log", "", "check") // from what was kept
	if _, err := os.Stat(filepath.Join(dir, "300.tlog-proof")); err != nil {
		t.Error(err)
	}

	f.Exec(`UPDATE cpis.entry SET line = 'x' WHERE idx = 299; DELETE FROM cpis.checkpoint WHERE size > 2`)
	env["CPIS_URL"] = serve(t, f.Another())
	if out, err := receipts("", "check"); err == nil {
		t.Errorf("of a log that was rolled back: %q", out)
	}
}

// keyOf is the public key of the log, as an auditor has it.
func keyOf(t *testing.T, f *servicetest.Fixture) string {
	t.Helper()
	pubs, err := f.Keeper.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.NewVerifierKey(dbtest.Origin, pubs[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}
