package rpc_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"cpis/service/rpc"
)

// Answers of every length arrive whole and in order on one connection, with and
// without TLS: of those that take two writes the first is kept back until the
// second.
func TestAnswersArriveWholeOnOneConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	plain, _, _ := start(t, b.handler, time.Minute)
	ca := newAuthority(t)
	own := ca.issue(t, "server")
	secure := "https://" + listen(t, rpc.NewServer(b.handler, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}, zerolog.Nop()))
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.certificate)
	one := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13}}}
	defer one.CloseIdleConnections()
	for _, url := range []string{plain, secure} {
		for i := range 50 {
			a, procedure := noFlag(), "LookUp"
			if i%3 == 0 {
				a = flaggedAnswer(t)
			}
			if i%5 == 0 {
				procedure = "Nothing" // a short answer between long ones
			}
			b.uses.answer = a
			body := askEmpty(t, one, url+"/cpis.v1.LookupService/"+procedure)
			if long := len(body) == 12<<10; long != (i%5 != 0) {
				t.Errorf("%s: answer %d has %d bytes", url, i, len(body))
			}
		}
	}
}

// askEmpty asks with an empty message, and returns the whole answer.
func askEmpty(t *testing.T, client *http.Client, url string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+nurseToken)
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
