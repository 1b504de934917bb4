package keys_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"cpis/service/keys"
)

const canary = "canary-9990000018"

// hidden checks that no form of the canary is in what was printed.
func hidden(t *testing.T, how, printed string) {
	t.Helper()
	decimal := strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]")
	bytesInHex := fmt.Sprintf("%x", canary)
	for _, form := range []string{canary, decimal, bytesInHex, strings.ToUpper(bytesInHex), "Y2FuYXJ5"} {
		if strings.Contains(printed, form) {
			t.Errorf("%s printed the secret: %s", how, printed)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := keys.SecretText(canary)
	type inside struct{ hidden keys.Secret } // fmt cannot call its methods here
	for name, v := range map[string]any{
		"secret":   s,
		"pointer":  &s,
		"exported": struct{ Name keys.Secret }{s},
		"inside":   inside{s},
		"slice":    []keys.Secret{s},
		"map":      map[string]keys.Secret{"name": s},
	} {
		hiddenInPrint(t, name, v)
		hidden(t, name+" as %p", fmt.Sprintf("%p", v))
		var out bytes.Buffer
		_ = gob.NewEncoder(&out).Encode(v)
		hidden(t, name+" as gob", out.String())
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	t.Parallel()
	key := keys.Plain{Owner: "person/1"}
	copy(key.Key[:], canary)
	for name, v := range map[string]any{
		"plain":   key,
		"pointer": &key,
		"result":  []keys.Result[keys.Plain]{{Value: key}},
		"opened":  openDataKey(t, key.Key),
	} {
		hiddenInPrint(t, name, v)
	}
}

// hiddenInPrint prints, encodes and logs v in every way that is common.
func hiddenInPrint(t *testing.T, name string, v any) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%e", "%t"} {
		hidden(t, name+" as "+verb, fmt.Sprintf(verb, v))
	}
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(v) // some cannot be encoded, which is well
	_ = xml.NewEncoder(&out).Encode(v)
	logger := zerolog.New(&out)
	logger.Info().Interface("v", v).Any("w", v).Msg(fmt.Sprint(v))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	hidden(t, name+" logged", out.String())
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	s := keys.SecretText(canary)
	if s.RevealText() != canary || string(s.Reveal()) != canary {
		t.Error("the secret is not what was put in")
	}
	if got := fmt.Sprint(s); got != "[redacted]" {
		t.Errorf("it prints as %q", got)
	}
	if got, err := json.Marshal(s); err != nil || string(got) != `"[redacted]"` {
		t.Errorf("it encodes as %s, %v", got, err)
	}
	var none keys.Secret
	if none.Reveal() != nil || none.RevealText() != "" || none.String() != "[redacted]" {
		t.Error("the zero secret is not empty")
	}
}
