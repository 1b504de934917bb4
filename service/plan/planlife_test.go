package plan_test

import (
	"fmt"

	"cpis/service/plan"
)

// acts returns what was done to a plan, the newest first.
func acts(versions []plan.Version) []string {
	var out []string
	for _, v := range versions {
		out = append(out, fmt.Sprint(v.Plan.Version, " ", v.Change.Act, " by ", v.Change.Actor))
	}
	return out
}
