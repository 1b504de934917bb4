package local_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cpis/service/keys"
	"cpis/service/keys/keystest"
	"cpis/service/keys/local"
)

func mustCreate(tb testing.TB) (k *local.Keeper, path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "keys.json")
	k, err := local.Create(path)
	if err != nil {
		tb.Fatalf("creating keys: %v", err)
	}
	return k, path
}

func TestConformance(t *testing.T) {
	t.Parallel()
	keystest.Conformance(t, func(t *testing.T) keystest.Subject {
		t.Helper()
		k, _ := mustCreate(t)
		return keystest.Subject{
			Keeper:         k,
			RotateWrapping: func(context.Context) error { return k.RotateWrapping() },
			RotateSigning:  func(context.Context) error { return k.RotateSigning() },
		}
	})
}

func mustWrap(tb testing.TB, k keys.Keeper, p keys.Plain) keys.Wrapped {
	tb.Helper()
	wrapped, err := k.Wrap(tb.Context(), []keys.Plain{p})
	if err != nil {
		tb.Fatalf("wrapping: %v", err)
	}
	return wrapped[0]
}

func wantOpens(tb testing.TB, k keys.Keeper, w keys.Wrapped, want keys.Plain) {
	tb.Helper()
	opened, err := k.Unwrap(tb.Context(), []keys.Wrapped{w})
	if err != nil || opened[0].Err != nil || opened[0].Value.Key != want.Key {
		tb.Errorf("the key does not open: %v, %v", err, opened)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	k, path := mustCreate(t)

	stat, err := os.Stat(path)
	if err != nil || stat.Mode() != 0o600 {
		t.Errorf("the key file has mode %v (%v), want 0600", stat.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("creating left %v behind", left)
	}
	before, _ := os.ReadFile(path)
	if _, err := local.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating again: got %v, want %v", err, fs.ErrExist)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("creating again changed the file")
	}
	p := keys.Plain{Owner: "person/1", Key: [32]byte{1}}
	again, err := local.Open(path)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	wantOpens(t, again, mustWrap(t, k, p), p)
}

func TestCreateInMissingDirectory(t *testing.T) {
	t.Parallel()
	_, err := local.Create(filepath.Join(t.TempDir(), "no", "keys.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestOneOfManyCreatorsWins(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	var all sync.WaitGroup
	made := make([]error, 8)
	for i := range made {
		all.Go(func() { _, made[i] = local.Create(path) })
	}
	all.Wait()
	winners := 0
	for _, err := range made {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, fs.ErrExist):
			t.Errorf("creating: %v", err)
		}
	}
	if winners != 1 {
		t.Errorf("%d creators won, want 1", winners)
	}
}

func TestOpenRefusesWiderPermissions(t *testing.T) {
	t.Parallel()
	_, path := mustCreate(t)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(path); !errors.Is(err, local.ErrPermissions) {
			t.Errorf("mode %v: got %v, want %v", mode, err, local.ErrPermissions)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(path); err != nil {
		t.Errorf("mode 0400: %v", err)
	}
}

func TestOpenRefusesWhatIsNoKeyFile(t *testing.T) {
	t.Parallel()
	_, path := mustCreate(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(whole)
	key := strings.SplitN(text, `"`, 9)[7] // the first key
	for name, content := range map[string]string{
		"Empty":         "",
		"Truncated":     text[:len(text)-3],
		"Trailing":      text + "{}",
		"OtherFormat":   strings.Replace(text, "keys v1", "keys v2", 1),
		"UnknownField":  strings.Replace(text, `"wrapping"`, `"wraping"`, 1),
		"NoKeys":        `{"format":"cpis local keys v1","wrapping":[],"signing":[]}`,
		"ShortKey":      strings.ReplaceAll(text, key, key[:len(key)-4]),
		"NotBase64":     strings.ReplaceAll(text, key, "!"+key[1:]),
		"NotJSON":       "keys",
		"OnlySeparator": "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := local.Open(path)
			if err == nil {
				t.Fatal("it was opened")
			}
			if strings.Contains(err.Error(), key[:8]) {
				t.Error("the error quotes a key")
			}
		})
	}
	t.Run("Directory", func(t *testing.T) {
		t.Parallel()
		if _, err := local.Open(t.TempDir()); err == nil {
			t.Error("it was opened")
		}
	})
	t.Run("Missing", func(t *testing.T) {
		t.Parallel()
		if _, err := local.Open(filepath.Join(t.TempDir(), "no")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want %v", err, fs.ErrNotExist)
		}
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()

	t.Run("IsSeenByOtherProcesses", func(t *testing.T) {
		t.Parallel()
		k, path := mustCreate(t)
		other, err := local.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.RotateWrapping(); err != nil {
			t.Fatalf("rotating: %v", err)
		}
		p := keys.Plain{Owner: "person/1", Key: [32]byte{1}}
		wantOpens(t, k, mustWrap(t, other, p), p)
	})
	t.Run("ByManyAtOnceLosesNoVersion", func(t *testing.T) {
		t.Parallel()
		_, path := mustCreate(t)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { rotateUntilDone(t, path) })
		}
		all.Wait()
		k, err := local.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		public, err := k.PublicKeys(t.Context())
		if err != nil || len(public) != 5 {
			t.Errorf("after 4 rotations there are %d keys (%v), want 5", len(public), err)
		}
	})
	t.Run("KeepsThePermissions", func(t *testing.T) {
		t.Parallel()
		k, path := mustCreate(t)
		if err := k.RotateSigning(); err != nil {
			t.Fatalf("rotating: %v", err)
		}
		if stat, err := os.Stat(path); err != nil || stat.Mode() != 0o600 {
			t.Errorf("the key file has mode %v (%v), want 0600", stat.Mode(), err)
		}
	})
	t.Run("InterruptedOneIsReported", func(t *testing.T) {
		t.Parallel()
		k, path := mustCreate(t)
		if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := k.RotateWrapping(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("rotating: got %v, want %v", err, fs.ErrExist)
		}
		if _, err := os.Stat(path + ".new"); err != nil {
			t.Errorf("somebody else's file was removed: %v", err)
		}
	})
	t.Run("FailedOneChangesNothing", func(t *testing.T) {
		t.Parallel()
		k, path := mustCreate(t)
		p := keys.Plain{Owner: "person/1", Key: [32]byte{1}}
		w := mustWrap(t, k, p)
		if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := k.RotateWrapping(); err == nil {
			t.Error("rotating a broken file succeeded")
		}
		if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file aside was left behind: %v", err)
		}
		wantOpens(t, k, w, p)
	})
}

// rotateUntilDone rotates the signing key once, however often others are at it.
func rotateUntilDone(t *testing.T, path string) {
	t.Helper()
	k, err := local.Open(path)
	if err != nil {
		t.Errorf("opening: %v", err)
		return
	}
	for t.Context().Err() == nil {
		err := k.RotateSigning()
		if err == nil {
			return
		}
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("rotating: %v", err)
			return
		}
	}
}

// TestLostFile: what is in memory goes on; what only the file could tell is
// not known, and not called tampering.
func TestLostFile(t *testing.T) {
	t.Parallel()
	k, path := mustCreate(t)
	p := keys.Plain{Owner: "person/1", Key: [32]byte{1}}
	w := mustWrap(t, k, p)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantOpens(t, k, w, p)
	newer := keys.Wrapped{Owner: w.Owner, Text: strings.Replace(w.Text, ":v1:", ":v2:", 1)}
	opened, err := k.Unwrap(t.Context(), []keys.Wrapped{newer})
	if err != nil || !errors.Is(opened[0].Err, keys.ErrUnavailable) {
		t.Errorf("got %v, %v; want %v", opened, err, keys.ErrUnavailable)
	}
}

func FuzzOpen(f *testing.F) {
	k, path := mustCreate(f)
	_ = k
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"format":"cpis local keys v1"}`))
	f.Add([]byte(`{"format":"cpis local keys v1","wrapping":[null],"signing":[""]}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Remove(file.Name()) }()
		if _, err := file.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		k, err := local.Open(file.Name())
		if err != nil {
			return
		}
		if _, err := k.Wrap(t.Context(), []keys.Plain{{Owner: "person/1"}}); err != nil {
			t.Errorf("an accepted file does not work: %v", err)
		}
	})
}
