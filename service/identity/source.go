package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxAnswer is the largest key set or discovery document that is read.
const maxAnswer = 1 << 20

var (
	errAnswerTooLarge = errors.New("the answer is too large")
	errWrongIssuer    = errors.New("the discovery document is of another issuer")
)

// source returns how to fetch the keys of an issuer.
func (i *Issuer) source(client *http.Client) func(context.Context) ([]byte, error) {
	switch {
	case i.JWKSFile != "":
		return func(context.Context) ([]byte, error) { return readKeys(i.JWKSFile) }
	case i.JWKSURL != "":
		return func(ctx context.Context) ([]byte, error) { return get(ctx, client, i.JWKSURL) }
	default:
		return func(ctx context.Context) ([]byte, error) { return discover(ctx, client, i.URL) }
	}
}

func readKeys(file string) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	defer f.Close()
	return readAll(f)
}

// discover learns the address of the keys from the issuer, each time anew: an
// issuer that moves its keys says so there.
func discover(ctx context.Context, client *http.Client, issuer string) ([]byte, error) {
	data, err := get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(data, &document); err != nil || document.Issuer != issuer {
		return nil, errWrongIssuer
	}
	if err := checkURL(document.Keys); err != nil {
		return nil, fmt.Errorf("reading jwks_uri: %w", err)
	}
	return get(ctx, client, document.Keys)
}

func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking for keys: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for keys: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking for keys: answered %d", response.StatusCode)
	}
	return readAll(response.Body)
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	if len(data) > maxAnswer {
		return nil, errAnswerTooLarge
	}
	return data, nil
}

// fetcher returns the client to fetch keys with. It follows no redirects, as
// they could lead to where nobody trusted.
func fetcher(given *http.Client) *http.Client {
	client := http.Client{Transport: defaultTransport()}
	if given != nil {
		client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func defaultTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 5 * time.Second,
		IdleConnTimeout:     time.Minute,
		MaxIdleConns:        8,
	}
}
