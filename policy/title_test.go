package policy_test

import (
	"testing"

	"cpis/policy"
)

func TestEveryRole_HasATitleOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"": true}
	for _, r := range policy.AllRoles() {
		if seen[r.Title()] {
			t.Errorf("%s is called %q", r, r.Title())
		}
		seen[r.Title()] = true
	}
	if got := policy.Role(0).Title(); got != "" {
		t.Errorf("no role is called %q", got)
	}
}
