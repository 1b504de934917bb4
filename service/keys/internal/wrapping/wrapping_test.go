package wrapping_test

import (
	"bytes"
	"strings"
	"testing"

	"cpis/service/keys/internal/wrapping"
)

func TestParse(t *testing.T) {
	t.Parallel()
	sealed := bytes.Repeat([]byte{7}, wrapping.Size)
	good := wrapping.Format("vault", 12, sealed)

	t.Run("GivesBackWhatWasFormatted", func(t *testing.T) {
		t.Parallel()
		version, got, ok := wrapping.Parse("vault", good)
		if !ok || version != 12 || !bytes.Equal(got, sealed) {
			t.Errorf("Parse: got %d, %x, %v", version, got, ok)
		}
	})
	for name, text := range map[string]string{
		"Empty":           "",
		"OtherKeeper":     wrapping.Format("local", 12, sealed),
		"NoVersion":       strings.Replace(good, "v12", "v", 1),
		"VersionZero":     strings.Replace(good, "v12", "v0", 1),
		"NegativeVersion": strings.Replace(good, "v12", "v-12", 1),
		"LeadingZero":     strings.Replace(good, "v12", "v012", 1),
		"PlusSign":        strings.Replace(good, "v12", "v+12", 1),
		"HugeVersion":     strings.Replace(good, "v12", "v99999999999999999999", 1),
		"Short":           good[:len(good)-4],
		"Long":            good + "AAAA",
		"LineBreak":       good[:len(good)-1] + "\n",
		"NotBase64":       good[:len(good)-1] + "!",
	} {
		t.Run(name+"IsRefused", func(t *testing.T) {
			t.Parallel()
			if _, _, ok := wrapping.Parse("vault", text); ok {
				t.Errorf("Parse(%q) said yes", text)
			}
		})
	}
}

// FuzzParse checks that every accepted text is the only one of its key.
func FuzzParse(f *testing.F) {
	f.Add(wrapping.Format("vault", 1, make([]byte, wrapping.Size)))
	f.Add("vault:v1:AAAA")
	f.Add("vault:v:")
	f.Fuzz(func(t *testing.T, text string) {
		version, sealed, ok := wrapping.Parse("vault", text)
		if !ok {
			return
		}
		if again := wrapping.Format("vault", version, sealed); again != text {
			t.Errorf("Parse(%q) said yes, but Format gives %q", text, again)
		}
	})
}
