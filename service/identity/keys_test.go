package identity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cpis/service/identity"
)

func wantUnavailable(tb testing.TB, err error) {
	tb.Helper()
	if !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrUnauthenticated) {
		tb.Fatalf("Verify: got error %v, want ErrUnavailable", err)
	}
}

// refreshed advances the clock until keys are due, and waits until they have
// been asked for because somebody calls.
func (f *fixture) refreshed(tb testing.TB, token string) {
	tb.Helper()
	f.clock.Advance(6 * time.Minute)
	_, _ = f.Verify(tb.Context(), token, nil)
	eventually(tb, "keys are confirmed", func() bool {
		return f.Issuers()[0].Confirmed.Equal(f.clock.Now())
	})
}

func TestKeys_Rotation(t *testing.T) {
	t.Parallel()

	t.Run("ANewKeyCountsAtOnce", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		old := f.signer.Sign(f.nurse())
		f.mustVerify(t, old)
		f.clock.Advance(time.Minute)
		next := newSigner(t, "k2")
		f.issuer.Publish(f.signer, next)
		f.mustVerify(t, next.Sign(f.nurse()))
		f.mustVerify(t, old)
	})

	t.Run("AWithdrawnKeyStopsCountingForNewAndRememberedTokens", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		next := newSigner(t, "k2")
		long := f.signer.Sign(with(f.nurse(), map[string]any{"exp": begin.Unix() + 3600}))
		f.mustVerify(t, long)
		f.issuer.Publish(next)
		f.refreshed(t, long)
		f.mustRefuse(t, long, identity.UnknownKey)
		f.mustRefuse(t, f.signer.Sign(f.nurse()), identity.UnknownKey)
		f.mustVerify(t, next.Sign(f.nurse()))
	})

	t.Run("AnotherKeyOfTheSameNameIsAnotherKey", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		long := f.signer.Sign(with(f.nurse(), map[string]any{"exp": begin.Unix() + 3600}))
		f.mustVerify(t, long)
		f.issuer.Publish(newSigner(t, f.signer.id))
		f.refreshed(t, long)
		f.mustRefuse(t, long, identity.Signature)
	})

	t.Run("AKeyThatComesBackCountsAgain", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		long := f.signer.Sign(with(f.nurse(), map[string]any{"exp": begin.Unix() + 3600}))
		f.mustVerify(t, long)
		for _, keys := range [][]signer{{}, {f.signer}} {
			f.issuer.Publish(keys...)
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(keys) == 0 {
				f.mustRefuse(t, long, identity.UnknownKey)
			} else {
				f.mustVerify(t, long)
			}
		}
	})

	t.Run("AfterAPauseTheFirstCallerWaitsForTheKeys", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		long := f.signer.Sign(with(f.nurse(), map[string]any{"exp": begin.Unix() + 3600}))
		f.mustVerify(t, long)
		f.issuer.Publish(newSigner(t, "k2"))
		f.clock.Advance(15 * time.Minute)
		f.mustRefuse(t, long, identity.UnknownKey)
	})
}

func TestKeys_IssuerDown(t *testing.T) {
	t.Parallel()

	t.Run("KnownKeysGoOnCounting", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.issuer.Answer(down)
		for range 100 {
			f.clock.Advance(6 * time.Minute)
			f.mustVerify(t, f.signer.Sign(f.nurse()))
		}
	})

	t.Run("KnownKeysGoOnCountingWhenNobodyListens", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.issuer.Close()
		f.clock.Advance(time.Hour)
		f.mustVerify(t, f.signer.Sign(f.nurse()))
	})

	t.Run("ButNotForEver", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		long := func() string {
			return f.signer.Sign(with(f.nurse(), map[string]any{"exp": f.clock.Now().Unix() + 3600}))
		}
		f.issuer.Answer(down)
		f.clock.Advance(24*time.Hour - time.Minute)
		remembered := long()
		f.mustVerify(t, remembered)
		f.clock.Advance(2 * time.Minute)
		for _, token := range []string{remembered, long()} {
			_, err := f.Verify(t.Context(), token, nil)
			wantUnavailable(t, err)
		}
		f.issuer.Answer(nil)
		f.clock.Advance(time.Minute)
		f.mustVerify(t, remembered)
	})

	t.Run("AnUnknownKeyIsNeitherAcceptedNorRefused", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.issuer.Answer(down)
		f.clock.Advance(time.Minute)
		next := newSigner(t, "k2")
		for range 3 {
			_, err := f.Verify(t.Context(), next.Sign(f.nurse()), nil)
			wantUnavailable(t, err)
		}
		f.issuer.Answer(nil)
		f.issuer.Publish(f.signer, next)
		f.clock.Advance(time.Minute)
		f.mustVerify(t, next.Sign(f.nurse()))
	})

	t.Run("AnIssuerThatIsDownAtTheStartIsAskedAgain", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.issuer.Answer(down)
		f.Verifier = f.MustNew(t)
		_, err := f.Verify(t.Context(), f.signer.Sign(f.nurse()), nil)
		wantUnavailable(t, err)
		if status := f.Issuers()[0]; status.Err == nil || status.Keys != 0 || !status.Confirmed.IsZero() {
			t.Errorf("Issuers: got %+v, want a failure", status)
		}
		f.issuer.Answer(nil)
		f.clock.Advance(time.Minute)
		f.mustVerify(t, f.signer.Sign(f.nurse()))
		if status := f.Issuers()[0]; status.Err != nil || status.Keys != 1 || !status.Confirmed.Equal(f.clock.Now()) {
			t.Errorf("Issuers: got %+v, want one key", status)
		}
	})

	t.Run("ACallerWhoHangsUpDoesNotSpoilItForOthers", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		next := newSigner(t, "k2")
		f.issuer.Publish(f.signer, next)
		f.clock.Advance(time.Minute)
		answering := make(chan struct{})
		release := make(chan struct{})
		f.issuer.Answer(func(w http.ResponseWriter, _ *http.Request) {
			close(answering)
			<-release
			writeJSON(w, map[string]any{"keys": []any{next.public()}})
		})
		ctx, hangUp := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := f.Verify(ctx, next.Sign(f.nurse()), nil)
			gone <- err
		}()
		<-answering
		hangUp()
		err := <-gone
		wantUnavailable(t, err)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Verify: got error %v, want one that says canceled", err)
		}
		close(release)
		f.mustVerify(t, next.Sign(f.nurse()))
	})

	t.Run("RefreshReportsTheFailure", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.issuer.Answer(down)
		if err := f.Refresh(t.Context()); err == nil {
			t.Errorf("Refresh: got no error, want one")
		}
		f.mustVerify(t, f.signer.Sign(f.nurse()))
	})
}

func TestKeys_UnknownNamesDoNotPesterTheIssuer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.issuer.asked.Load()
	f.clock.Advance(time.Minute)
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			for m := range 20 {
				token := signer{strconv.Itoa(n*100 + m), jose.ES256, f.signer.key}.Sign(f.nurse())
				if _, err := f.Verify(t.Context(), token, nil); identity.ReasonOf(err) != identity.UnknownKey {
					t.Errorf("Verify: got error %v, want unknown key", err)
				}
			}
		})
	}
	wg.Wait()
	if got := f.issuer.asked.Load() - before; got != 1 {
		t.Errorf("1000 unknown keys: the issuer was asked %d times, want 1", got)
	}
	f.clock.Advance(11 * time.Second)
	f.mustRefuse(t, newSigner(t, "k9").Sign(f.nurse()), identity.UnknownKey)
	if got := f.issuer.asked.Load() - before; got != 2 {
		t.Errorf("some time later: the issuer was asked %d times, want 2", got)
	}
}

func TestKeys_ManyCallersAskOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	next := newSigner(t, "k2")
	f.issuer.Publish(f.signer, next)
	f.clock.Advance(time.Minute)
	before := f.issuer.asked.Load()
	var wg sync.WaitGroup
	for range 64 {
		token := next.Sign(f.nurse())
		wg.Go(func() {
			if _, err := f.Verify(t.Context(), token, nil); err != nil {
				t.Errorf("Verify: got error %v, want a caller", err)
			}
		})
	}
	wg.Wait()
	if got := f.issuer.asked.Load() - before; got != 1 {
		t.Errorf("the issuer was asked %d times, want 1", got)
	}
}

// TestKeys_NotEveryKeyCounts publishes keys that must not be used.
func TestKeys_NotEveryKeyCounts(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := newSigner(t, "k1")
	private := jose.JSONWebKey{Key: good.key, KeyID: "k1", Use: "sig"}
	encrypt := good.public()
	encrypt.Use = "enc"
	other := good.public()
	other.Algorithm = "RS256"
	nameless := good.public()
	nameless.KeyID = ""
	cases := []struct {
		name string
		keys []any
		sign signer
	}{
		{"Symmetric", []any{jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "k1"}}, good},
		{"Private", []any{private}, good},
		{"ForEncryption", []any{encrypt}, good},
		{"ForAnotherAlgorithm", []any{other}, good},
		{"Nameless", []any{nameless}, good},
		{"ShortRSA", []any{jose.JSONWebKey{Key: weak.Public(), KeyID: "weak"}}, signer{"weak", jose.RS256, weak}},
		{"TwoOfOneName", []any{good.public(), newSigner(t, "k1").public()}, good},
		{"ThreeOfOneName", []any{good.public(), newSigner(t, "k1").public(), good.public()}, good},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			fine := newSigner(t, "fine") // what is wrong with one key does not harm the others
			f.issuer.PublishRaw(append(c.keys, fine.public(), map[string]any{"kty": "new", "kid": "n"}, 7)...)
			f.Verifier = f.MustNew(t, func(cfg *identity.Config) { cfg.Issuers[0].Algorithms = []string{"ES256", "RS256"} })
			f.mustRefuse(t, c.sign.Jose(t, f.nurse()), identity.UnknownKey)
			f.mustVerify(t, fine.Sign(f.nurse()))
		})
	}
}

func TestKeys_AnswersThatAreNoKeys(t *testing.T) {
	t.Parallel()
	cases := map[string]http.HandlerFunc{
		"APage":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) },
		"NoKeys":    func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]any{}) },
		"Null":      func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]any{"keys": nil}) },
		"TooLarge":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20+1)) },
		"Redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"NoContent": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	}
	for name, answer := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.issuer.Answer(answer)
			if err := f.Refresh(t.Context()); err == nil {
				t.Errorf("Refresh: got no error, want one")
			}
			f.mustVerify(t, f.signer.Sign(f.nurse()))
		})
	}
}

func TestKeys_Discovery(t *testing.T) {
	t.Parallel()

	t.Run("TheAddressOfTheKeysIsLearned", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *identity.Config) { c.Issuers[0].JWKSURL = "" })
		f.mustVerify(t, f.signer.Sign(f.nurse()))
	})

	t.Run("ButOnlyFromTheIssuerItself", func(t *testing.T) {
		t.Parallel()
		for name, document := range map[string]map[string]any{
			"of another issuer":     {"issuer": "https://evil.test", "jwks_uri": "https://evil.test/keys"},
			"without issuer":        {"jwks_uri": "https://evil.test/keys"},
			"with an open address":  {"jwks_uri": "http://issuer.test/keys"},
			"with a file":           {"jwks_uri": "file:///etc/passwd"},
			"without address":       {},
			"with something else":   {"jwks_uri": 7},
			"with a user's address": {"jwks_uri": "https://user@issuer.test/keys"},
		} {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if _, has := document["issuer"]; !has && name != "without issuer" {
					document["issuer"] = server.URL
				}
				writeJSON(w, document)
			}))
			t.Cleanup(server.Close)
			f := newFixture(t)
			v := f.MustNew(t, func(c *identity.Config) { c.Issuers[0].URL, c.Issuers[0].JWKSURL = server.URL, "" })
			if err := v.Refresh(t.Context()); err == nil {
				t.Errorf("a document %s: got no error, want one", name)
			}
		}
	})
}

func TestKeys_File(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	write := func(keys ...signer) {
		set := jose.JSONWebKeySet{}
		for _, k := range keys {
			set.Keys = append(set.Keys, k.public())
		}
		raw, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fromFile := func(c *identity.Config) { c.Issuers[0].JWKSURL, c.Issuers[0].JWKSFile = "", file }

	c := f.Config()
	fromFile(&c)
	if _, err := identity.New(t.Context(), c, f.directory, f.clock.Now); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("New without the file: got error %v, want ErrNotExist", err)
	}

	write(f.signer)
	f.Verifier = f.MustNew(t, fromFile)
	f.mustVerify(t, f.signer.Sign(f.nurse()))

	next := newSigner(t, "k2")
	write(next)
	f.clock.Advance(time.Minute)
	f.mustVerify(t, next.Sign(f.nurse()))
	f.mustRefuse(t, f.signer.Sign(f.nurse()), identity.UnknownKey)
}

func TestKeys_AreNotTakenFromAnotherIssuer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second := newSigner(t, "k1")
	other := newIssuer(t, second)
	f.Verifier = f.MustNew(t, func(c *identity.Config) {
		more := c.Issuers[0]
		more.URL, more.JWKSURL = other.URL, other.URL+"/keys"
		c.Issuers = append(c.Issuers, more)
	})
	f.mustVerify(t, f.signer.Sign(f.nurse()))
	f.mustVerify(t, second.Sign(with(f.nurse(), map[string]any{"iss": other.URL})))
	f.mustRefuse(t, second.Sign(f.nurse()), identity.Signature)

	_, err := f.Verify(t.Context(), second.Sign(f.nurse()), nil)
	refusal, ok := errors.AsType[*identity.RefusalError](err)
	if !ok || refusal.Issuer != f.issuer.URL {
		t.Errorf("Verify: got error %+v, want one that names issuer %s", err, f.issuer.URL)
	}
	if got := len(f.Issuers()); got != 2 {
		t.Errorf("Issuers: got %d, want 2", got)
	}
}
