package keys_test

import (
	"errors"
	"testing"

	"cpis/service/keys"
)

func TestSealBriefly_OpensInItsPlaceAlone(t *testing.T) {
	t.Parallel()
	before, during, after := openIndex(t, firstIndex), openIndex(t, secondIndex, firstIndex), openIndex(t, secondIndex)
	here := keys.Context{Purpose: "session", Table: "session", Row: "a", Version: 1}
	sealed := before.SealBriefly([]byte("text"), here)
	for name, ring := range map[string]*keys.Ring{"before": before, "during": during} {
		if got, err := ring.OpenBriefly(sealed, here); string(got) != "text" || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	elsewhere, later := here, here
	elsewhere.Row, later.Version = "b", 2
	changed := append([]byte(nil), sealed...)
	changed[len(changed)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"after the key retired": func() ([]byte, error) { return after.OpenBriefly(sealed, here) },
		"in another row":        func() ([]byte, error) { return before.OpenBriefly(sealed, elsewhere) },
		"as another version":    func() ([]byte, error) { return before.OpenBriefly(sealed, later) },
		"changed":               func() ([]byte, error) { return before.OpenBriefly(changed, here) },
		"cut":                   func() ([]byte, error) { return before.OpenBriefly(sealed[:3], here) },
	} {
		if got, err := try(); !errors.Is(err, keys.ErrTampered) {
			t.Errorf("%s: got %q, %v, want ErrTampered", name, got, err)
		}
	}
}
