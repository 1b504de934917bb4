package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// hashLength is how many hexadecimal digits of its hash name a policy in the
// audit log: 64 bits, in every entry.
const hashLength = 16

// Text returns the whole policy: the model, an empty line, and a line for each
// rule in force, in the order in which they are tried.
func (e *Enforcer) Text() string { return e.text }

// Hash names the policy in the audit log: the first 16 hexadecimal digits of the
// SHA-256 of its Text.
func (e *Enforcer) Hash() string { return e.hash }

// HashOf returns the hash of a policy's text.
func HashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashLength]
}

// textOf writes a policy down.
func textOf(rules []Rule) string {
	var b strings.Builder
	b.WriteString(modelText + "\n")
	for _, r := range rules {
		b.WriteString("p, " + strings.Join(r.words(), ", ") + "\n")
	}
	return b.String()
}

// words returns the rule as a line of policy.csv has it.
func (r Rule) words() []string {
	words := r.fields()
	if r.Mode == Unspecified {
		words[4] = noMode
	}
	return words
}
