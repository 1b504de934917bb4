package vault_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"cpis/service/keys"
	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

// TestOddAnswers: what Vault never says must not be believed, nor end the
// program.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString(make([]byte, 59))
	for name, answer := range map[string]string{
		"Nothing":          `{}`,
		"NoData":           `{"data":null}`,
		"NoItems":          `{"data":{"batch_results":[]}}`,
		"TooManyItems":     `{"data":{"batch_results":[{},{}]}}`,
		"EmptyItem":        `{"data":{"batch_results":[{}]}}`,
		"NullItem":         `{"data":{"batch_results":[null]}}`,
		"NoWrapping":       `{"data":{"batch_results":[{"ciphertext":"` + vaulttest.Canary + `"}]}}`,
		"ShortWrapping":    `{"data":{"batch_results":[{"ciphertext":"vault:v1:` + short + `"}]}}`,
		"ItemRefused":      `{"data":{"batch_results":[{"error":"` + vaulttest.Canary + `"}]}}`,
		"WrongType":        `{"data":{"batch_results":"` + vaulttest.Canary + `"}}`,
		"PlaintextInWords": `{"data":{"batch_results":[{"plaintext":"` + vaulttest.Canary + `"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).signedIn(t)
			w := mustWrap(t, f)
			f.fake.FailAlways("encrypt", vaulttest.Body(answer))
			_, err := wrap(t, f)
			wantUnavailable(t, err)

			f.fake.FailAlways("decrypt", vaulttest.Body(answer))
			opened, err := f.Unwrap(t.Context(), []keys.Wrapped{w})
			if err == nil {
				err = opened[0].Err
			}
			if err == nil || opened != nil && opened[0].Value.Key != [32]byte{} {
				t.Errorf("unwrapping: got %v, %v", opened, err)
			}
			f.fake.FailAlways("rewrap", vaulttest.Body(answer))
			rewrapped, err := f.Rewrap(t.Context(), []keys.Wrapped{w})
			if err == nil {
				err = rewrapped[0].Err
			}
			wantUnavailable(t, err)
		})
	}
}

// TestEarlierAnswersLeaveNoTrace: the first answer is half right and refused as
// a whole; nothing of it may show in the second.
func TestEarlierAnswersLeaveNoTrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t).signedIn(t)
	w := mustWrap(t, f)
	f.fake.Fail("decrypt", vaulttest.Body(`{"data":{"batch_results":[{"error":"invalid ciphertext"},7]}}`))
	wantOpens(t, f, w)
}

func TestUnwrappedThingMustBeAKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t).signedIn(t)
	w := mustWrap(t, f)
	for _, size := range []int{0, 31, 33} {
		plaintext := base64.StdEncoding.EncodeToString(make([]byte, size))
		f.fake.Fail("decrypt", vaulttest.Body(`{"data":{"batch_results":[{"plaintext":"`+plaintext+`"}]}}`))
		opened, err := f.Unwrap(t.Context(), []keys.Wrapped{w})
		if err != nil || !errors.Is(opened[0].Err, keys.ErrTampered) {
			t.Errorf("%d bytes: got %v, %v; want %v", size, opened, err, keys.ErrTampered)
		}
	}
}

// TestRetiredVersion: a version that must not be used any more may be allowed
// again; nobody tampered with anything.
func TestRetiredVersion(t *testing.T) {
	t.Parallel()
	fake := vaulttest.NewFake(t)
	s := fake.Subject(t)
	old := mustWrap(t, s.Keeper)
	if err := s.RotateWrapping(t.Context()); err != nil {
		t.Fatal(err)
	}
	young := mustWrap(t, s.Keeper)
	fake.Retire(2)
	opened, err := s.Keeper.Unwrap(t.Context(), []keys.Wrapped{old, young})
	if err != nil {
		t.Fatalf("unwrapping: %v", err)
	}
	wantUnavailable(t, opened[0].Err)
	if opened[1].Err != nil {
		t.Errorf("the newer one: %v", opened[1].Err)
	}
	fake.Retire(1)
	wantOpens(t, s.Keeper, old)
}

func TestDeletedKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t).signedIn(t)
	w := mustWrap(t, f)
	f.fake.DeleteKeys()
	_, err := wrap(t, f)
	wantUnavailable(t, err)
	_, err = f.Unwrap(t.Context(), []keys.Wrapped{w})
	wantUnavailable(t, err)
	_, _, err = f.Sign(t.Context(), []byte("m"))
	wantUnavailable(t, err)
	wantUnavailable(t, f.Ready(t.Context()))
}

func TestKeyThatDoesNotBindIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fake.Underive()
	for range 2 {
		_, err := wrap(t, f)
		wantUnavailable(t, err)
	}
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("the other key: %v", err)
	}
}

func TestSigner(t *testing.T) {
	t.Parallel()
	message := []byte("a checkpoint")

	t.Run("PublicKeyIsReadOnce", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		for range 5 {
			signature, public, err := f.Sign(t.Context(), message)
			if err != nil || !ed25519.Verify(public, message, signature) {
				t.Fatalf("signing: %v", err)
			}
		}
		if got := f.fake.Asked("keys"); got != 1 {
			t.Errorf("public keys were read %d times, want once", got)
		}
	})
	t.Run("ReplacedKeyIsNoticed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		_, before, err := f.Sign(t.Context(), message)
		if err != nil {
			t.Fatalf("signing: %v", err)
		}
		f.fake.ReplaceSigningKey()
		signature, after, err := f.Sign(t.Context(), message)
		if err != nil || after.Equal(before) || !ed25519.Verify(after, message, signature) {
			t.Errorf("signing with another key of the same version: %v", err)
		}
	})
	forged := base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
	for name, answer := range map[string]string{
		"NoSignature":    `{"data":{}}`,
		"NoVersion":      `{"data":{"signature":"vault:` + forged + `"}}`,
		"VersionZero":    `{"data":{"signature":"vault:v0:` + forged + `"}}`,
		"UnknownVersion": `{"data":{"signature":"vault:v7:` + forged + `"}}`,
		"TooShort":       `{"data":{"signature":"vault:v1:AAAA"}}`,
		"NotBase64":      `{"data":{"signature":"vault:v1:` + strings.Repeat("!", 88) + `"}}`,
		"Forged":         `{"data":{"signature":"vault:v1:` + forged + `"}}`,
	} {
		t.Run(name+"IsRefused", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).signedIn(t)
			f.fake.FailAlways("sign", vaulttest.Body(answer))
			signature, _, err := f.Sign(t.Context(), message)
			wantUnavailable(t, err)
			if signature != nil {
				t.Error("a signature came back")
			}
		})
	}
	for name, answer := range map[string]string{
		"NoKeys":        `{"data":{"keys":{}}}`,
		"SymmetricKey":  `{"data":{"keys":{"1":1795455165}}}`,
		"ShortKey":      `{"data":{"keys":{"1":{"public_key":"AAAA"}}}}`,
		"OddVersion":    `{"data":{"keys":{"one":{"public_key":"` + base64.StdEncoding.EncodeToString(make([]byte, 32)) + `"}}}}`,
		"NoKeyMaterial": `{"data":{"keys":{"1":{}}}}`,
	} {
		t.Run("PublicKeys"+name+"IsRefused", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).signedIn(t)
			f.fake.FailAlways("keys", vaulttest.Body(answer))
			_, err := f.PublicKeys(t.Context())
			wantUnavailable(t, err)
		})
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add("vault:v1:" + base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize)))
	f.Add("vault:v:")
	f.Add("vault:v1")
	f.Fuzz(func(t *testing.T, text string) {
		version, signature, ok := vault.ParseSignature(text)
		if ok && (version < 1 || len(signature) != ed25519.SignatureSize || !strings.HasPrefix(text, "vault:v")) {
			t.Errorf("ParseSignature(%q): got version %d and %d bytes", text, version, len(signature))
		}
	})
}
