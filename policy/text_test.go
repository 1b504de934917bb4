package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"cpis/policy"
)

// The text of a policy is all that decides, and its hash anybody can compute.
func TestTextSaysWhatDecides(t *testing.T) {
	t.Parallel()
	e := mustNew(t)
	text := e.Text()
	sum := sha256.Sum256([]byte(text))
	if want := hex.EncodeToString(sum[:])[:16]; e.Hash() != want || policy.HashOf(text) != want {
		t.Errorf("hash %s, want %s", e.Hash(), want)
	}
	_, rules, found := strings.Cut(text, "\n\np, ")
	if !found {
		t.Fatalf("no rules in\n%s", text)
	}
	again, err := policy.ReadRules("p, " + rules)
	if err != nil || len(again) != len(e.Rules()) {
		t.Fatalf("%d rules, want %d: %v", len(again), len(e.Rules()), err)
	}
	for i, r := range e.Rules() {
		if again[i] != r {
			t.Errorf("rule %s is written as %+v", r.ID, again[i])
		}
	}
	if len(text) > 32<<10 {
		t.Errorf("%d bytes: an entry of the log may not hold it for long", len(text))
	}
}

// Another policy has another hash; the same has the same.
func TestHashTellsPoliciesApart(t *testing.T) {
	t.Parallel()
	one, same := mustNew(t), mustNew(t)
	other := mustNew(t, policy.Override{Withdraw: "S3"})
	if one.Hash() != same.Hash() || one.Hash() == other.Hash() {
		t.Errorf("hashes %s, %s and %s", one.Hash(), same.Hash(), other.Hash())
	}
}
