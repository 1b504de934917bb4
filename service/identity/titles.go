package identity

import (
	"strings"

	"cpis/policy"
)

// RoleTitles returns what people call the roles of a list, as entries of the log have
// it. What is no role is left out.
func RoleTitles(list string) []string {
	var all []string
	for name := range strings.SplitSeq(list, ",") {
		if role, known := policy.ParseRole(name); known {
			all = append(all, role.Title())
		}
	}
	return all
}
