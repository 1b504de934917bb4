package keys_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"cpis/service/keys"
)

var (
	firstIndex  = keys.Plain{Owner: "index/1", Key: [32]byte{1}}
	secondIndex = keys.Plain{Owner: "index/2", Key: [32]byte{2}}
)

// The form is stored: whoever changes it makes every row of every database
// damaged.
func TestRowMAC_Form(t *testing.T) {
	t.Parallel()
	ring := openIndex(t, secondIndex, firstIndex)
	var want []byte
	for _, k := range []keys.Plain{secondIndex, firstIndex} {
		h := hmac.New(sha256.New, k.Key[:])
		h.Write([]byte("cpis row v1\x00text"))
		want = binary.BigEndian.AppendUint32(want, uint32(k.Key[0]))
		want = h.Sum(want)
	}
	if got := ring.RowMAC([]byte("text")); string(got) != string(want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// While the index key rotates, whoever has either key verifies what was written
// with both, and only what was written with one it has.
func TestVerifiesRow_WhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	before, during, after := openIndex(t, firstIndex), openIndex(t, secondIndex, firstIndex), openIndex(t, secondIndex)
	text := []byte("text")
	for name, tt := range map[string]struct {
		by, of *keys.Ring
		want   bool
	}{
		"before by before": {before, before, true},
		"before by during": {during, before, true},
		"before by after":  {after, before, false},
		"during by before": {before, during, true},
		"during by during": {during, during, true},
		"during by after":  {after, during, true},
		"after by before":  {before, after, false},
		"after by during":  {during, after, true},
	} {
		if got := tt.by.VerifiesRow(text, tt.of.RowMAC(text)); got != tt.want {
			t.Errorf("%s: got %t, want %t", name, got, tt.want)
		}
	}
}

func TestVerifiesRow_RefusesWhatIsNotTheMAC(t *testing.T) {
	t.Parallel()
	ring := openIndex(t, firstIndex)
	text := []byte("text")
	right := ring.RowMAC(text)
	for i := range right {
		wrong := append([]byte(nil), right...)
		wrong[i] ^= 1
		if ring.VerifiesRow(text, wrong) {
			t.Errorf("verifies with byte %d changed", i)
		}
	}
	for n := range right {
		if ring.VerifiesRow(text, right[:n]) {
			t.Errorf("verifies cut to %d bytes", n)
		}
	}
	if ring.VerifiesRow([]byte("texts"), right) || ring.VerifiesRow(nil, nil) {
		t.Error("verifies another text")
	}
}

func BenchmarkVerifiesRow(b *testing.B) {
	ring := openIndex(b, firstIndex)
	text := make([]byte, 280)
	mac := ring.RowMAC(text)
	b.ReportAllocs()
	for b.Loop() {
		if !ring.VerifiesRow(text, mac) {
			b.Fatal("does not verify")
		}
	}
}
