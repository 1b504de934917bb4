package vault_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"cpis/service/keys/vaulttest"
)

// A document is read and written with the service's rights, after the version that
// was read, and not after another.
func TestRealDocument(t *testing.T) {
	t.Parallel()
	v := vaulttest.Real(t)
	mount := v.Checkpoints(t)
	d, err := v.Keeper(t).Document(mount, "cpis.example/log/1")
	if err != nil {
		t.Fatal(err)
	}
	if text, version, err := d.Read(t.Context()); text != nil || version != 0 || err != nil {
		t.Errorf("before there is one: got %q, version %d, %v", text, version, err)
	}
	for i, text := range []string{"one\n\n— x y=\n", "two"} {
		version, written, err := d.Write(t.Context(), []byte(text), i)
		if version != i+1 || !written || err != nil {
			t.Errorf("writing %q: version %d, %v, %v", text, version, written, err)
		}
		got, version, err := d.Read(t.Context())
		if string(got) != text || version != i+1 || err != nil {
			t.Errorf("got %q, version %d, %v", got, version, err)
		}
	}
	for _, after := range []int{0, 1, 3} {
		if _, written, err := d.Write(t.Context(), []byte("stale"), after); written || err != nil {
			t.Errorf("after version %d: written %v, %v", after, written, err)
		}
	}
	// Somebody with more rights took it away.
	if _, err := v.Client.Logical().DeleteWithContext(t.Context(), mount+"/data/cpis.example/log/1"); err != nil {
		t.Fatal(err)
	}
	text, version, err := d.Read(t.Context())
	if text != nil || version != 2 || err != nil {
		t.Errorf("after it was deleted: got %q, version %d, %v", text, version, err)
	}
	if _, written, err := d.Write(t.Context(), []byte("again"), version); !written || err != nil {
		t.Errorf("writing it again: %v, %v", written, err)
	}
}

// Of many who write after the same version one does.
func TestRealDocument_IsWrittenByOne(t *testing.T) {
	t.Parallel()
	v := vaulttest.Real(t)
	k := v.Keeper(t)
	d, err := k.Document(v.Checkpoints(t), "log")
	if err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	var written atomic.Int64
	for range 8 {
		writing.Go(func() {
			if _, ok, err := d.Write(t.Context(), []byte("mine"), 0); err != nil {
				t.Error(err)
			} else if ok {
				written.Add(1)
			}
		})
	}
	writing.Wait()
	if written.Load() != 1 {
		t.Errorf("%d wrote", written.Load())
	}
}

// An engine that is not there is no document that is not there yet.
func TestRealDocument_NeedsItsEngine(t *testing.T) {
	t.Parallel()
	k := vaulttest.Real(t).Keeper(t) // and nobody has mounted it
	d, err := k.Document("nowhere", "log")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Read(t.Context())
	wantUnavailable(t, err)
	_, _, err = d.Write(t.Context(), []byte("x"), 0)
	wantUnavailable(t, err)
	for _, name := range []string{"", "../transit", "a b", "log?x"} {
		if _, err := k.Document("kv", name); err == nil {
			t.Errorf("%q: no error", name)
		}
	}
}
