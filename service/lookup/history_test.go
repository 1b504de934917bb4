package lookup_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"cpis/policy"
)

// Whatever callers are called, the history they leave takes no more room than
// an answer has for it.
func TestLookUp_HistoryIsBounded(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	names := []string{
		strings.Repeat("€", 80), strings.Repeat(`"`, 200), strings.Repeat("<", 200), strings.Repeat("\U0001F469", 60),
		strings.Repeat("a", 256), "Alexandra Featherstonehaugh",
	}
	for i := range 26 {
		c := caller(fmt.Sprint("nurse-", i), trust, policy.AcuteTrust, policy.ClinicianUnscheduled)
		c.Name = names[i%len(names)]
		f.MustLookUp(c, attended(fmt.Sprint("ED-", i)))
	}
	history := f.MustLookUp(nurse, attended("ED-0")).History
	if len(history) != 25 {
		t.Fatalf("got a history of %d, want 25", len(history))
	}
	for _, a := range history {
		text, err := json.Marshal(a.Who)
		if err != nil || len(text) > 80+len(`""`) || a.Who == "" || !utf8.ValidString(a.Who) {
			t.Errorf("%q takes %d bytes, %v", a.Who, len(text), err)
		}
		if strings.HasPrefix(a.Who, "Alexandra") != strings.HasSuffix(a.Who, ", Tester") {
			t.Errorf("got %q: a short name is shown whole, and a long one is not", a.Who)
		}
	}
}
