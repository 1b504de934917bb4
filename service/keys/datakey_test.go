package keys_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"cpis/service/keys"
)

var here = keys.Context{Purpose: "details", Table: "person_version", Row: "1", Version: 1}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	key := openDataKey(t, [32]byte{1})
	for _, size := range []int{0, 1, 15, 16, 17, 300, 1 << 20} {
		plaintext := bytes.Repeat([]byte{7}, size)
		sealed := key.Seal(plaintext, here)
		if len(sealed) != size+keys.SealedOverhead {
			t.Errorf("sealing %d bytes gave %d, want %d", size, len(sealed), size+keys.SealedOverhead)
		}
		before := bytes.Clone(sealed)
		opened, err := key.Open(sealed, here)
		if err != nil || !bytes.Equal(opened, plaintext) {
			t.Errorf("opening %d bytes: got %d bytes, %v", size, len(opened), err)
		}
		if !bytes.Equal(sealed, before) {
			t.Errorf("opening %d bytes changed the sealed ones", size)
		}
		if bytes.Equal(sealed, key.Seal(plaintext, here)) {
			t.Errorf("sealing %d bytes twice gave the same", size)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	key := openDataKey(t, [32]byte{1})
	sealed := key.Seal([]byte("secret"), here)

	t.Run("AnyChangedByte", func(t *testing.T) {
		t.Parallel()
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 0x80
			wantTampered(t, key, changed, here)
		}
	})
	t.Run("AnyOtherLength", func(t *testing.T) {
		t.Parallel()
		for n := range sealed {
			wantTampered(t, key, sealed[:n], here)
		}
		wantTampered(t, key, append(bytes.Clone(sealed), 0), here)
		wantTampered(t, key, nil, here)
	})
	t.Run("AnotherContext", func(t *testing.T) {
		t.Parallel()
		for _, c := range []keys.Context{
			{},
			{Purpose: "reason", Table: here.Table, Row: here.Row, Version: here.Version},
			{Purpose: here.Purpose, Table: "plan_version", Row: here.Row, Version: here.Version},
			{Purpose: here.Purpose, Table: here.Table, Row: "2", Version: here.Version},
			{Purpose: here.Purpose, Table: here.Table, Row: here.Row, Version: 2},
			{Purpose: here.Purpose + here.Table, Row: here.Row, Version: here.Version},
		} {
			wantTampered(t, key, sealed, c)
		}
	})
	t.Run("AnotherKey", func(t *testing.T) {
		t.Parallel()
		wantTampered(t, openDataKey(t, [32]byte{2}), sealed, here)
	})
}

func wantTampered(t *testing.T, key *keys.DataKey, sealed []byte, c keys.Context) {
	t.Helper()
	if opened, err := key.Open(sealed, c); !errors.Is(err, keys.ErrTampered) || opened != nil {
		t.Errorf("got %q, %v; want %v", opened, err, keys.ErrTampered)
	}
}

func TestContextsNeverCoincide(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune{0, 1, 'a', 'b'}), 0, 6, -1)
	context := rapid.Custom(func(t *rapid.T) keys.Context {
		return keys.Context{
			Purpose: text.Draw(t, "purpose"), Table: text.Draw(t, "table"),
			Row: text.Draw(t, "row"), Version: rapid.IntRange(-2, 2).Draw(t, "version"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := context.Draw(t, "a"), context.Draw(t, "b")
		if same := bytes.Equal(a.AssociatedData(), b.AssociatedData()); same != (a == b) {
			t.Errorf("%+v and %+v: same bytes: %v", a, b, same)
		}
	})
}

func TestDataKeyIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	key := openDataKey(t, [32]byte{1})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			c := keys.Context{Purpose: "details", Row: string(rune('a' + worker)), Version: worker}
			for range 200 {
				want := bytes.Repeat([]byte{byte(worker)}, worker*10)
				if got, err := key.Open(key.Seal(want, c), c); err != nil || !bytes.Equal(got, want) {
					t.Errorf("worker %d: got %x, %v", worker, got, err)
				}
			}
		})
	}
	all.Wait()
}

func FuzzOpen(f *testing.F) {
	key := openDataKey(f, [32]byte{1})
	f.Add(key.Seal([]byte("secret"), here))
	f.Add([]byte{1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		// Whoever does not have the key cannot make a sealed value: only the
		// seed itself may open, and its plaintext is known.
		if opened, err := key.Open(sealed, here); err == nil && string(opened) != "secret" {
			t.Errorf("a forged value opened: %x", sealed)
		}
	})
}
