package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
)

// provider starts an identity provider that knows this program.
func provider(t *testing.T) *idp.Provider {
	t.Helper()
	p, err := idp.Start(t.Context(), idp.Config{
		Address: "127.0.0.1:0", Directory: t.TempDir(), Audience: devAudience, Now: time.Now,
		Applications: []idp.Application{{ID: devClient, RedirectURIs: []string{"http://127.0.0.1" + callbackPath}, Native: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.WithoutCancel(t.Context())) })
	return p
}

var shownLink = regexp.MustCompile(`\n(http://\S+)\n`)

// signInAs signs somebody in: the command on one side, a browser on the other.
// Steer, if there is one, changes the address that the browser opens.
func signInAs(t *testing.T, person string, steer func(address string) string, flags ...string) outcome {
	t.Helper()
	stdout, stderr := &screen{sign: "\x00"}, &screen{sign: "five minutes:\n\n", seen: make(chan struct{})}
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), append([]string{"sign-in"}, flags...), &world{
			getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		})
	}()
	select {
	case status := <-ended:
		return outcome{status, stdout.String(), stderr.String()}
	case <-stderr.seen:
	}
	address := shownLink.FindStringSubmatch(stderr.String() + "\n")
	if address == nil {
		t.Fatalf("no address in %q", stderr)
	}
	if steer != nil {
		address[1] = steer(address[1])
	}
	browse(t, address[1], person)
	return outcome{<-ended, stdout.String(), stderr.String()}
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

// browse is what somebody does in the browser.
func browse(t *testing.T, address, person string) {
	t.Helper()
	page := fetched(t, http.MethodGet, address, nil)
	field := requestField.FindStringSubmatch(page)
	if field == nil {
		return // refused: the browser was sent back already
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"request": {field[1]}, "person": {person}}
	if got := fetched(t, http.MethodPost, u.Scheme+"://"+u.Host+"/signin", form); !strings.Contains(got, "close this page") {
		t.Errorf("the browser shows %q", got)
	}
}

// fetched does what a browser does with an address, redirects included.
func fetched(t *testing.T, method, address string, form url.Values) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	a := &authority{plans: &cpisv1.ListPlansResponse{}}
	service := a.serve(t)[1]
	file := filepath.Join(t.TempDir(), "new", "sign-in.json")
	kept := []string{"--url", service, "--sign-in-file", file}
	command(t, "", append([]string{"plan", "list"}, kept...)...).want(t, 1, "Sign in with cpis sign-in")

	to := append([]string{"--issuer", provider(t).URL(), "--client", devClient, "--scope", "openid,profile"}, kept...)
	o := signInAs(t, "lead", nil, to...)
	o.want(t, 0, "Signed in as LINDQVIST Grace (Ms) until ")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	var s signIn
	if err := json.Unmarshal([]byte(readText(t, file)), &s); err != nil || strings.Contains(o.stdout+o.stderr, s.Token) {
		t.Errorf("the token was printed, or not kept: %v", err)
	}
	command(t, "", append([]string{"plan", "list"}, kept...)...).want(t, 0)
	command(t, "", "plan", "list", "--url", "https://cpis.example.org", "--sign-in-file", file).want(t, 1, "you are signed in for "+service)

	s.Expires = time.Now().Add(-time.Second)
	if err := s.keep(file); err != nil {
		t.Fatal(err)
	}
	command(t, "", append([]string{"plan", "list"}, kept...)...).want(t, 1, "expired: run cpis sign-in again")
	command(t, "", "sign-out", "--sign-in-file", file).want(t, 0, "Signed out")
	command(t, "", "sign-out", "--sign-in-file", file).want(t, 0, "Nobody was signed in")
}

// What others can read, or what is no sign-in, is not used.
func TestSignIn_IsNotTakenFromAnyFile(t *testing.T) {
	t.Parallel()
	readable, empty := written(t, "a", `{"access_token": "x"}`), written(t, "b", "{}")
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, "", "plan", "list", "--sign-in-file", readable).want(t, 1, "others can read")
	command(t, "", "plan", "list", "--sign-in-file", empty).want(t, 1, "holds no sign-in")
}

func TestSignIn_Refuses(t *testing.T) {
	t.Parallel()
	idp := provider(t).URL()
	changed := func(name, value string) func(string) string {
		return func(address string) string {
			u, _ := url.Parse(address)
			q := u.Query()
			q.Set(name, value)
			u.RawQuery = q.Encode()
			return u.String()
		}
	}
	for _, tt := range []struct {
		name, want string
		steer      func(string) string
		flags      []string
	}{
		{"AnIDTokenOfAnotherSignIn", "is not of this sign-in", changed("nonce", "another"), nil},
		{"ACodeForAnotherVerifier", "gives no token: invalid_grant", changed("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), nil},
		{"NoIDToken", "refused the sign-in: ", changed("prompt", "none"), nil},
		{"AnUnknownIssuer", "reading what the identity provider offers", nil, []string{"--issuer", idp + "/other"}},
		{"PlainHTTP", "--issuer must be https", nil, []string{"--issuer", "http://idp.example.org"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "sign-in.json")
			flags := append([]string{"--issuer", idp, "--client", devClient, "--sign-in-file", file}, tt.flags...)
			signInAs(t, "nurse", tt.steer, flags...).want(t, 1, tt.want)
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("something was kept: %v", err)
			}
		})
	}
}

// An answer that is not of this sign-in neither ends it nor counts.
func TestSignIn_PassesOverAnswersOfOthers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sign-in.json")
	forge := func(address string) string {
		u, _ := url.Parse(address)
		back := u.Query().Get("redirect_uri")
		for _, query := range []string{"", "?code=x", "?code=x&state=y", "?error=access_denied&state="} {
			if got := fetched(t, http.MethodGet, back+query, nil); !strings.Contains(got, "not the sign-in that was begun") {
				t.Errorf("%q: the browser shows %q", query, got)
			}
		}
		return address
	}
	signInAs(t, "nurse", forge, "--issuer", provider(t).URL(), "--client", devClient, "--sign-in-file", file).want(t, 0, "Signed in")
}
