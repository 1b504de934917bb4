// Package keystest holds the tests that every keys.Keeper must pass.
package keystest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/keys"
)

// Subject is a keeper to be tested, with keys of its own.
type Subject struct {
	Keeper keys.Keeper
	// RotateWrapping creates a new version of the key-encryption key.
	RotateWrapping func(ctx context.Context) error
	// RotateSigning creates a new version of the log's signing key.
	RotateSigning func(ctx context.Context) error
}

// promptly is far longer than refusing takes and far shorter than a time-out.
const promptly = 500 * time.Millisecond

// Conformance tests the keepers that open makes: one for each subtest.
func Conformance(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"WrappedKeyOpensForItsOwner", opensForItsOwner},
		{"WrappedKeyOpensForNobodyElse", opensForNobodyElse},
		{"AnyChangedLetterIsTampering", changedLetterIsTampering},
		{"GarbageIsTampering", garbageIsTampering},
		{"BadItemSparesTheOthers", badItemSparesTheOthers},
		{"BatchesOfAnySizeUpToTheLimit", batchSizes},
		{"LargerBatchesAreRefused", largerBatches},
		{"OldWrappingsOpenAfterRotation", oldWrappingsOpen},
		{"RewrappingKeepsTheKey", rewrapping},
		{"RewrappingRefusesWhatDoesNotVerify", rewrappingRefuses},
		{"SignatureVerifies", signatureVerifies},
		{"PublicKeysNewestFirst", publicKeysNewestFirst},
		{"EndedContextIsRefusedPromptly", endedContext},
		{"ReadyWhenReady", ready},
		{"ConcurrentUse", concurrentUse},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

func opensForItsOwner(t *testing.T, s Subject) {
	want := plainKeys(3)
	wrapped := mustWrap(t, s, want)
	for i, w := range wrapped {
		if w.Owner != want[i].Owner {
			t.Errorf("wrapping %d belongs to %q, want %q", i, w.Owner, want[i].Owner)
		}
	}
	wantOpened(t, mustUnwrap(t, s, wrapped), want)
	again := mustWrap(t, s, want)
	if wrapped[0].Text == again[0].Text {
		t.Error("wrapping one key twice gave the same text")
	}
}

func opensForNobodyElse(t *testing.T, s Subject) {
	wrapped := mustWrap(t, s, plainKeys(2))
	wrapped[0].Owner, wrapped[1].Owner = wrapped[1].Owner, wrapped[0].Owner
	for i, r := range mustUnwrap(t, s, wrapped) {
		wantTampered(t, fmt.Sprintf("item %d", i), r.Err, r.Value.Key)
	}
}

func changedLetterIsTampering(t *testing.T, s Subject) {
	w := mustWrap(t, s, plainKeys(1))[0]
	changed := make([]keys.Wrapped, len(w.Text))
	for i := range changed {
		letters := []byte(w.Text)
		letters[i] ^= 1
		changed[i] = keys.Wrapped{Owner: w.Owner, Text: string(letters)}
	}
	for i, r := range mustUnwrap(t, s, changed) {
		wantTampered(t, fmt.Sprintf("letter %d", i), r.Err, r.Value.Key)
	}
}

// garbage is what no keeper can have made.
func garbage(good string) []string {
	return []string{
		"", "x", "vault:v1:", "local:v1:", ":", strings.Repeat("A", 1000),
		good[:len(good)-1], good + "A", good + "\n", good + good,
		strings.Replace(good, ":v1:", ":v0:", 1),
		strings.Replace(good, ":v1:", ":v2:", 1),
		strings.Replace(good, ":v1:", ":v-1:", 1),
		strings.Replace(good, ":v1:", ":v01:", 1),
		strings.Replace(good, ":v1:", ":v99999999999999999999:", 1),
		"\x00\xff", "☃",
	}
}

func garbageIsTampering(t *testing.T, s Subject) {
	w := mustWrap(t, s, plainKeys(1))[0]
	for _, text := range garbage(w.Text) {
		r := mustUnwrap(t, s, []keys.Wrapped{{Owner: w.Owner, Text: text}})[0]
		wantTampered(t, fmt.Sprintf("garbage of %d bytes", len(text)), r.Err, r.Value.Key)
	}
	r := mustUnwrap(t, s, []keys.Wrapped{{Owner: "", Text: w.Text}})[0]
	wantTampered(t, "no owner", r.Err, r.Value.Key)
}

func badItemSparesTheOthers(t *testing.T, s Subject) {
	want := plainKeys(4)
	wrapped := mustWrap(t, s, want)
	wrapped[0].Text = "garbage"
	wrapped[2].Owner = "person/somebody-else"
	opened := mustUnwrap(t, s, wrapped)
	for i, r := range opened {
		if i%2 == 0 {
			wantTampered(t, fmt.Sprintf("item %d", i), r.Err, r.Value.Key)
			continue
		}
		wantOpened(t, opened[i:i+1], want[i:i+1])
	}
}

func batchSizes(t *testing.T, s Subject) {
	for _, n := range []int{0, 1, keys.MaxBatch} {
		want := plainKeys(n)
		wrapped := mustWrap(t, s, want)
		wantOpened(t, mustUnwrap(t, s, wrapped), want)
		if rewrapped := mustRewrap(t, s, wrapped); len(rewrapped) != n {
			t.Errorf("rewrapping %d gave %d", n, len(rewrapped))
		}
	}
}

func largerBatches(t *testing.T, s Subject) {
	const n = keys.MaxBatch + 1
	if _, err := s.Keeper.Wrap(t.Context(), make([]keys.Plain, n)); !errors.Is(err, keys.ErrBatchTooLarge) {
		t.Errorf("Wrap of %d: got %v, want %v", n, err, keys.ErrBatchTooLarge)
	}
	if _, err := s.Keeper.Unwrap(t.Context(), make([]keys.Wrapped, n)); !errors.Is(err, keys.ErrBatchTooLarge) {
		t.Errorf("Unwrap of %d: got %v, want %v", n, err, keys.ErrBatchTooLarge)
	}
	if _, err := s.Keeper.Rewrap(t.Context(), make([]keys.Wrapped, n)); !errors.Is(err, keys.ErrBatchTooLarge) {
		t.Errorf("Rewrap of %d: got %v, want %v", n, err, keys.ErrBatchTooLarge)
	}
}

func oldWrappingsOpen(t *testing.T, s Subject) {
	old, young := plainKeys(2), plainKeys(2)
	wrapped := mustWrap(t, s, old)
	must(t, "rotating", s.RotateWrapping(t.Context()))
	wrapped = append(wrapped, mustWrap(t, s, young)...)
	wantOpened(t, mustUnwrap(t, s, wrapped), append(old, young...))
}

func rewrapping(t *testing.T, s Subject) {
	want := plainKeys(3)
	wrapped := mustWrap(t, s, want)
	if same := mustRewrap(t, s, wrapped); !cmp.Equal(same, wrapped) {
		t.Error("wrappings under the newest key did not come back as they were")
	}
	must(t, "rotating", s.RotateWrapping(t.Context()))
	fresh := mustRewrap(t, s, wrapped)
	for i := range fresh {
		if fresh[i].Owner != want[i].Owner || fresh[i].Text == wrapped[i].Text {
			t.Errorf("item %d was not wrapped again for its owner", i)
		}
	}
	wantOpened(t, mustUnwrap(t, s, fresh), want)
	wantOpened(t, mustUnwrap(t, s, wrapped), want)
	if same := mustRewrap(t, s, fresh); !cmp.Equal(same, fresh) {
		t.Error("rewrapping twice changed wrappings again")
	}
}

func rewrappingRefuses(t *testing.T, s Subject) {
	want := plainKeys(3)
	wrapped := mustWrap(t, s, want)
	must(t, "rotating", s.RotateWrapping(t.Context()))
	wrapped[0].Owner = "person/somebody-else"
	wrapped[1].Text = "garbage"
	results, err := s.Keeper.Rewrap(t.Context(), wrapped)
	must(t, "rewrapping", err)
	for i, r := range results[:2] {
		if !errors.Is(r.Err, keys.ErrTampered) || r.Value.Text != "" {
			t.Errorf("item %d: got error %v and a text: %v; want %v", i, r.Err, r.Value.Text != "", keys.ErrTampered)
		}
	}
	must(t, "rewrapping the good one", results[2].Err)
	wantOpened(t, mustUnwrap(t, s, []keys.Wrapped{results[2].Value}), want[2:])
}

func signatureVerifies(t *testing.T, s Subject) {
	for _, message := range [][]byte{nil, []byte("a checkpoint\n1\nhash\n"), make([]byte, 10_000)} {
		signature, public, err := s.Keeper.Sign(t.Context(), message)
		must(t, "signing", err)
		if !ed25519.Verify(public, message, signature) {
			t.Errorf("the signature of %d bytes does not verify", len(message))
		}
		if ed25519.Verify(public, append(slices.Clip(message), 0), signature) {
			t.Errorf("the signature of %d bytes verifies for other bytes", len(message))
		}
	}
}

func publicKeysNewestFirst(t *testing.T, s Subject) {
	_, first, err := s.Keeper.Sign(t.Context(), []byte("before"))
	must(t, "signing", err)
	wantPublicKeys(t, s, first)
	must(t, "rotating", s.RotateSigning(t.Context()))
	signature, second, err := s.Keeper.Sign(t.Context(), []byte("after"))
	must(t, "signing", err)
	if second.Equal(first) {
		t.Fatal("the old key signs after the rotation")
	}
	if !ed25519.Verify(second, []byte("after"), signature) {
		t.Error("the signature does not verify after the rotation")
	}
	wantPublicKeys(t, s, second, first)
}

func wantPublicKeys(t *testing.T, s Subject, want ...ed25519.PublicKey) {
	t.Helper()
	got, err := s.Keeper.PublicKeys(t.Context())
	must(t, "asking for public keys", err)
	if !cmp.Equal(got, want) {
		t.Errorf("PublicKeys: got %x, want %x", got, want)
	}
}

func endedContext(t *testing.T, s Subject) {
	wrapped := mustWrap(t, s, plainKeys(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Wrap":       func() error { _, err := s.Keeper.Wrap(ctx, plainKeys(1)); return err },
		"Unwrap":     func() error { _, err := s.Keeper.Unwrap(ctx, wrapped); return err },
		"Rewrap":     func() error { _, err := s.Keeper.Rewrap(ctx, wrapped); return err },
		"Sign":       func() error { _, _, err := s.Keeper.Sign(ctx, []byte("m")); return err },
		"PublicKeys": func() error { _, err := s.Keeper.PublicKeys(ctx); return err },
		"Ready":      func() error { return s.Keeper.Ready(ctx) },
	} {
		start := time.Now()
		if err := call(); !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, keys.ErrUnavailable)
		}
		if took := time.Since(start); took > promptly {
			t.Errorf("%s took %v", name, took)
		}
	}
	must(t, "being ready afterwards", s.Keeper.Ready(t.Context()))
}

func ready(t *testing.T, s Subject) {
	must(t, "being ready", s.Keeper.Ready(t.Context()))
}

func concurrentUse(t *testing.T, s Subject) {
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for range 3 {
				want := plainKeys(5)
				wrapped, err := s.Keeper.Wrap(t.Context(), want)
				if err != nil {
					t.Errorf("worker %d: wrapping: %v", worker, err)
					return
				}
				opened, err := s.Keeper.Unwrap(t.Context(), wrapped)
				if err != nil {
					t.Errorf("worker %d: unwrapping: %v", worker, err)
					return
				}
				wantOpened(t, opened, want)
				if _, _, err := s.Keeper.Sign(t.Context(), []byte("m")); err != nil {
					t.Errorf("worker %d: signing: %v", worker, err)
				}
			}
		})
	}
	all.Go(func() {
		if err := errors.Join(s.RotateWrapping(t.Context()), s.RotateSigning(t.Context())); err != nil {
			t.Errorf("rotating meanwhile: %v", err)
		}
	})
	all.Wait()
}

// plainKeys creates n random keys with owners of their own.
func plainKeys(n int) []keys.Plain {
	plain := make([]keys.Plain, n)
	for i := range plain {
		plain[i].Owner = "person/" + rand.Text()
		_, _ = rand.Read(plain[i].Key[:])
	}
	return plain
}

func mustWrap(t *testing.T, s Subject, plain []keys.Plain) []keys.Wrapped {
	t.Helper()
	wrapped, err := s.Keeper.Wrap(t.Context(), plain)
	must(t, "wrapping", err)
	if len(wrapped) != len(plain) {
		t.Fatalf("wrapping %d keys gave %d", len(plain), len(wrapped))
	}
	return wrapped
}

func mustUnwrap(t *testing.T, s Subject, wrapped []keys.Wrapped) []keys.Result[keys.Plain] {
	t.Helper()
	opened, err := s.Keeper.Unwrap(t.Context(), wrapped)
	must(t, "unwrapping", err)
	if len(opened) != len(wrapped) {
		t.Fatalf("unwrapping %d keys gave %d results", len(wrapped), len(opened))
	}
	return opened
}

func mustRewrap(t *testing.T, s Subject, wrapped []keys.Wrapped) []keys.Wrapped {
	t.Helper()
	results, err := s.Keeper.Rewrap(t.Context(), wrapped)
	must(t, "rewrapping", err)
	rewrapped := make([]keys.Wrapped, len(results))
	for i, r := range results {
		must(t, "rewrapping an item", r.Err)
		rewrapped[i] = r.Value
	}
	return rewrapped
}

func must(t *testing.T, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

func wantOpened(t *testing.T, got []keys.Result[keys.Plain], want []keys.Plain) {
	t.Helper()
	for i, r := range got {
		switch {
		case r.Err != nil:
			t.Errorf("item %d: %v", i, r.Err)
		case r.Value.Owner != want[i].Owner, !bytes.Equal(r.Value.Key[:], want[i].Key[:]):
			t.Errorf("item %d: another key came back", i)
		}
	}
}

func wantTampered(t *testing.T, what string, err error, key [32]byte) {
	t.Helper()
	if !errors.Is(err, keys.ErrTampered) {
		t.Errorf("%s: got %v, want %v", what, err, keys.ErrTampered)
	}
	if key != [32]byte{} {
		t.Errorf("%s: a key came back", what)
	}
}
