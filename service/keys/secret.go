package keys

import (
	"fmt"
	"io"
)

// redacted stands wherever a secret would have been printed.
const redacted = "[redacted]"

// Secret holds bytes that must not be printed by accident: names, dates of
// birth, NHS numbers, plan details. Every way of printing or encoding it gives
// "[redacted]"; Reveal returns the bytes and is easy to search for.
//
// The bytes are held in a closure, not in a field: fmt cannot call the methods
// of a value in an unexported field of another struct and would print its
// bytes, but of a closure it prints an address only.
//
// The zero Secret is empty.
type Secret struct {
	reveal func() []byte
}

// NewSecret takes b over: the caller must not change it afterwards.
func NewSecret(b []byte) Secret {
	return Secret{reveal: func() []byte { return b }}
}

// SecretText returns a Secret of a text.
func SecretText(s string) Secret { return NewSecret([]byte(s)) }

// Reveal returns the bytes. They are not a copy: do not change them.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// RevealText returns the bytes as a text.
func (s Secret) RevealText() string { return string(s.Reveal()) }

// String hides the bytes.
func (Secret) String() string { return redacted }

// GoString hides the bytes.
func (Secret) GoString() string { return redacted }

// Format hides the bytes whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the bytes.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON hides the bytes. Loggers that write values as JSON come through
// here.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
