package keys_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/keys"
)

// vectors are values of fixed keys made by another implementation. They freeze
// what is stored: if one of these tests fails, databases have become unreadable.
type vectors struct {
	DataKey string `json:"data_key"`
	Sealed  []struct {
		Purpose, Table, Row string
		Version             int
		Plaintext           string
		AssociatedData      string `json:"associated_data"`
		Sealed              string
	}
	IndexKey string `json:"index_key"`
	Tags     []struct{ Number, Tag string }
	Hashes   []struct {
		Domain string
		Parts  []string
		Hash   string
	}
}

func mustVectors(tb testing.TB) vectors {
	tb.Helper()
	content, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(content, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func mustHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	t.Parallel()
	v := mustVectors(t)

	t.Run("Sealed", func(t *testing.T) {
		t.Parallel()
		key := openDataKey(t, [32]byte(mustHex(t, v.DataKey)))
		for i, s := range v.Sealed {
			c := keys.Context{Purpose: s.Purpose, Table: s.Table, Row: s.Row, Version: s.Version}
			if got := hex.EncodeToString(c.AssociatedData()); got != s.AssociatedData {
				t.Errorf("%d: associated data: got %s, want %s", i, got, s.AssociatedData)
			}
			got, err := key.Open(mustHex(t, s.Sealed), c)
			if err != nil || hex.EncodeToString(got) != s.Plaintext {
				t.Errorf("%d: Open: got %x, %v; want %s", i, got, err, s.Plaintext)
			}
		}
	})
	t.Run("Tags", func(t *testing.T) {
		t.Parallel()
		ring := openIndex(t, keys.Plain{Owner: "index/1", Key: [32]byte(mustHex(t, v.IndexKey))})
		for _, want := range v.Tags {
			if got := ring.Tag(want.Number); hex.EncodeToString(got[:]) != want.Tag {
				t.Errorf("Tag(%q): got %x, want %s", want.Number, got, want.Tag)
			}
		}
	})
	t.Run("Hashes", func(t *testing.T) {
		t.Parallel()
		ring := openIndex(t, keys.Plain{Owner: "index/1", Key: [32]byte(mustHex(t, v.IndexKey))})
		for _, want := range v.Hashes {
			got := ring.Hash(want.Domain, want.Parts...)
			if hex.EncodeToString(got[:]) != want.Hash {
				t.Errorf("Hash(%q, %q): got %x, want %s", want.Domain, want.Parts, got, want.Hash)
			}
			if len(want.Parts) != 1 {
				continue
			}
			if diff := cmp.Diff(got, ring.HashBytes(want.Domain, []byte(want.Parts[0]))); diff != "" {
				t.Errorf("HashBytes(%q, %q) is not Hash: %s", want.Domain, want.Parts[0], diff)
			}
		}
	})
}
