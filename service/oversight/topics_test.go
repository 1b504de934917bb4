package oversight_test

import (
	"testing"

	"cpis/policy"
	"cpis/service/oversight"
)

// Whoever adds an action says which report it belongs to.
func TestEveryActionHasATopic(t *testing.T) {
	t.Parallel()
	for _, a := range policy.AllActions() {
		if !oversight.HasTopic(a) {
			t.Errorf("derive.go does not say what %s is about", a)
		}
	}
}
