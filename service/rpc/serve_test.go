package rpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/rs/zerolog"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

func TestPlainHTTPIsServedOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:8443": true, "127.8.9.1:0": true, "[::1]:8443": true, "localhost:8443": true,
		":8443": false, "0.0.0.0:8443": false, "[::]:8443": false, "10.0.0.1:8443": false, "example.org:8443": false,
		"localhost.example.org:8443": false, "127.0.0.1.example.org:1": false, "127.0.0.1": false, "": false,
	} {
		if err := rpc.CheckListen(address, false); (err == nil) != want {
			t.Errorf("%q without TLS: got %v", address, err)
		}
	}
	for _, address := range []string{":8443", "0.0.0.0:8443", "10.0.0.1:8443"} {
		if err := rpc.CheckListen(address, true); err != nil {
			t.Errorf("%q with TLS: got %v", address, err)
		}
	}
}

// authority signs certificates for a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.certificate, a.key = sign(t, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// issue makes a certificate that serves as both sides'.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	c, key := sign(t, a, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func sign(t *testing.T, by *authority, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("GenerateKey: %v", err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatalf("CreateCertificate: %v", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("ParseCertificate: %v", err)
	}
	return c, key
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.certificate)
	return p
}

// write puts a certificate and its key into files.
func write(t *testing.T, files rpc.TLSFiles, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatalf("MarshalPKCS8PrivateKey: %v", err)
	}
	writePEM(t, files.Certificate, "CERTIFICATE", c.Certificate[0])
	writePEM(t, files.Key, "PRIVATE KEY", key)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatalf("WriteFile: %v", err)
	}
}

func newFiles(t *testing.T) rpc.TLSFiles {
	t.Helper()
	dir := t.TempDir()
	return rpc.TLSFiles{
		Certificate: filepath.Join(dir, "tls.crt"),
		Key:         filepath.Join(dir, "tls.key"),
		ClientCAs:   filepath.Join(dir, "clients.crt"),
	}
}

// call makes one look-up over HTTP/2 with TLS.
func call(t *testing.T, address string, c *tls.Config) error {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := connect.NewClient(
		connecthttp.NewTransport(&http.Client{Transport: transport}, "https://"+address, connecthttp.WithGRPC()),
		sending([]string{"Authorization", "Bearer " + nurseToken}),
	)
	_, err := cpisv1connect.NewLookupServiceClient(client).LookUp(t.Context(), &cpisv1.LookUpRequest{})
	return err
}

func TestClientCertificatesReachTheVerifier(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	files := newFiles(t)
	write(t, files, ours.issue(t, "server"))
	writePEM(t, files.ClientCAs, "CERTIFICATE", ours.certificate.Raw)
	for _, required := range []bool{false, true} {
		files.RequireClient = required
		c, err := rpc.TLSConfig(files, time.Now, zerolog.Nop())
		if err != nil {
			t.Fatalf("TLSConfig: %v", err)
		}
		b := newBench(t)
		address := listen(t, rpc.NewServer(b.handler, c, zerolog.Nop()))

		if err := call(t, address, &tls.Config{RootCAs: ours.pool()}); (err == nil) == required {
			t.Errorf("without a certificate, required %v: got %v", required, err)
		}
		known := ours.issue(t, "client")
		if err := call(t, address, &tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{known}}); err != nil {
			t.Errorf("with a certificate: %v", err)
		}
		unknown := others.issue(t, "client")
		force := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &unknown, nil }
		if err := call(t, address, &tls.Config{RootCAs: ours.pool(), GetClientCertificate: force}); err == nil {
			t.Error("a certificate of an unknown authority was taken")
		}
		last := b.door.seen[len(b.door.seen)-1]
		if last == nil || !last.Equal(known.Leaf) {
			t.Errorf("the verifier saw %v", last)
		}
		if !required && b.door.seen[0] != nil {
			t.Error("the verifier saw a certificate where there was none")
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	files := newFiles(t)
	files.ClientCAs = ""
	write(t, files, ours.issue(t, "server"))
	c, err := rpc.TLSConfig(files, time.Now, zerolog.Nop())
	if err != nil {
		t.Fatalf("TLSConfig: %v", err)
	}
	address := listen(t, rpc.NewServer(newBench(t).handler, c, zerolog.Nop()))
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		err := call(t, address, &tls.Config{RootCAs: ours.pool(), MinVersion: tls.VersionTLS10, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
	}
}

func TestCertificatesAreLoadedAnew(t *testing.T) {
	t.Parallel()
	first, second := newAuthority(t), newAuthority(t)
	files := newFiles(t)
	files.ClientCAs = ""
	write(t, files, first.issue(t, "server"))
	log := &lockedBuffer{}
	at := &clock{}
	c, err := rpc.TLSConfig(files, at.now, zerolog.New(log))
	if err != nil {
		t.Fatalf("TLSConfig: %v", err)
	}
	address := listen(t, rpc.NewServer(newBench(t).handler, c, zerolog.Nop()))
	check := func(when string, a *authority) {
		t.Helper()
		if err := call(t, address, &tls.Config{RootCAs: a.pool()}); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	check("at first", first)
	write(t, files, second.issue(t, "server"))
	check("within a minute", first)
	at.move(time.Minute)
	check("after a minute", second)
	if err := os.WriteFile(files.Key, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	at.move(time.Minute)
	check("with a broken file", second)
	if !strings.Contains(log.String(), "could not be loaded anew") {
		t.Errorf("the broken file was not logged: %s", log)
	}
	write(t, files, first.issue(t, "server"))
	at.move(time.Minute)
	check("when mended", first)
}

func TestTLSFilesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	good := newFiles(t)
	write(t, good, ours.issue(t, "server"))
	writePEM(t, good.ClientCAs, "CERTIFICATE", ours.certificate.Raw)
	for name, change := range map[string]func(*rpc.TLSFiles){
		"no certificate":       func(f *rpc.TLSFiles) { f.Certificate += "x" },
		"no key":               func(f *rpc.TLSFiles) { f.Key += "x" },
		"no authorities":       func(f *rpc.TLSFiles) { f.ClientCAs += "x" },
		"key as certificate":   func(f *rpc.TLSFiles) { f.Certificate = f.Key },
		"key as authorities":   func(f *rpc.TLSFiles) { f.ClientCAs = f.Key },
		"required, but nobody": func(f *rpc.TLSFiles) { f.ClientCAs, f.RequireClient = "", true },
	} {
		files := good
		change(&files)
		if _, err := rpc.TLSConfig(files, time.Now, zerolog.Nop()); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestEveryProtocolIsServedWithoutTLSOnLoopback(t *testing.T) {
	t.Parallel()
	address := listen(t, rpc.NewServer(newBench(t).handler, nil, zerolog.Nop()))
	for name, client := range map[string]*http.Client{"HTTP/1.1": {}, "HTTP/2": h2c(t)} {
		for _, options := range [][]connecthttp.Option{nil, {connecthttp.WithGRPC()}, {connecthttp.WithGRPCWeb()}} {
			if name == "HTTP/1.1" && len(options) > 0 {
				continue // gRPC needs HTTP/2
			}
			c := connect.NewClient(connecthttp.NewTransport(client, "http://"+address, options...), sending([]string{"Authorization", "Bearer " + nurseToken}))
			if _, err := cpisv1connect.NewLookupServiceClient(c).LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// slow answers when it is told to.
type slow struct{ begun, finish chan struct{} }

func (s slow) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	close(s.begun)
	<-s.finish
	_, _ = io.WriteString(w, "done")
}

func start(t *testing.T, h http.Handler, drain time.Duration) (url string, stop context.CancelFunc, served <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- rpc.Serve(ctx, drain, rpc.Listener{Server: rpc.NewServer(h, nil, zerolog.Nop()), Listen: l})
	}()
	t.Cleanup(stop)
	return "http://" + l.Addr().String(), stop, done
}

func get(t *testing.T, url string) <-chan string {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			got <- err.Error()
			return
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			got <- "cut off"
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		got <- string(body)
	}()
	return got
}

func TestRequestsUnderWayFinishBeforeTheServerStops(t *testing.T) {
	t.Parallel()
	h := slow{make(chan struct{}), make(chan struct{})}
	url, stop, served := start(t, h, time.Minute)
	answer := get(t, url)
	<-h.begun
	stop()
	close(h.finish)
	if got := <-answer; got != "done" {
		t.Errorf("got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestRequestsThatDoNotFinishAreCutOff(t *testing.T) {
	t.Parallel()
	h := slow{make(chan struct{}), make(chan struct{})}
	defer close(h.finish)
	url, stop, served := start(t, h, time.Millisecond)
	answer := get(t, url)
	<-h.begun
	stop()
	if err := <-served; err == nil {
		t.Error("Serve: got nil, want an error that says so")
	}
	if got := <-answer; got != "cut off" {
		t.Errorf("got %q", got)
	}
}

func TestOneListenerThatFailsEndsAll(t *testing.T) {
	t.Parallel()
	listeners := make([]rpc.Listener, 2)
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("Listen: %v", err)
		}
		listeners[i] = rpc.Listener{Server: rpc.NewServer(http.NotFoundHandler(), nil, zerolog.Nop()), Listen: l}
	}
	listeners[1].Listen.Close()
	if err := rpc.Serve(t.Context(), time.Second, listeners...); err == nil {
		t.Error("Serve: got nil")
	}
	if _, err := net.Dial("tcp", listeners[0].Listen.Addr().String()); err == nil {
		t.Error("the other still listens")
	}
}

func TestWhatTheHTTPServerComplainsOfIsLoggedWithoutItsText(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	s := rpc.NewServer(http.NotFoundHandler(), nil, zerolog.New(log))
	s.ErrorLog.Printf("http: panic serving 10.0.0.1:5: %s", canary)
	s.ErrorLog.Printf("http: TLS handshake error from 10.0.0.1:5: %s", canary)
	s.ErrorLog.Printf("http: TLS handshake error from [2001:db8::1]:5: tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of %q)", canary)
	s.ErrorLog.Printf("http: TLS handshake error from %s: EOF", canary)
	s.ErrorLog.Print(canary)
	want := `{"level":"warn","kind":"panic serving","message":"http server complained"}
{"level":"warn","kind":"TLS handshake error","address":"10.0.0.1:5","cause":"other","message":"http server complained"}
{"level":"warn","kind":"TLS handshake error","address":"[2001:db8::1]:5","cause":"certificate signed by unknown authority","message":"http server complained"}
{"level":"warn","kind":"TLS handshake error","cause":"EOF","message":"http server complained"}
{"level":"warn","kind":"other","message":"http server complained"}
`
	if got := log.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestServersHaveBounds(t *testing.T) {
	t.Parallel()
	s := rpc.NewServer(http.NotFoundHandler(), nil, zerolog.Nop())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes != 32<<10 {
		t.Errorf("got %+v", s)
	}
}

func TestAConfigurationThatLacksSomethingIsRefused(t *testing.T) {
	t.Parallel()
	_, err := rpc.NewHandler(rpc.Config{})
	if err == nil {
		t.Fatal("NewHandler: got nil")
	}
	for _, want := range []string{"use cases", "a verifier", "metrics", "readiness", "a clock"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}
