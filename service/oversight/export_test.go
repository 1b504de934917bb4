package oversight

import (
	"errors"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
)

// HasTopic reports whether it is said what an action is about.
func HasTopic(a policy.Action) bool {
	_, ok := topics[a]
	return ok
}

// Protect hides counts of a table, and returns it with its totals.
func Protect(cells [][]int64, columns int) (n [][]int64, hidden [][]bool) {
	t := newCounted(cells, columns)
	t.protect()
	return t.n, t.hidden
}

// ProtectBoth hides counts of a table and of a part of it, and returns what is
// hidden of each.
func ProtectBoth(all, some [][]int64, columns int) (whole, part [][]bool) {
	w, p := newCounted(all, columns), newCounted(some, columns)
	protectBoth(w, p)
	return w.hidden, p.hidden
}

// RereadPlace reads a place, and writes it again.
func RereadPlace(text string) (again string, ok bool) {
	p, ok := parsePlace(text)
	if !ok {
		return "", false
	}
	return placeText(p), true
}

// RereadSubject reads what entries call a person, and writes it again.
func RereadSubject(text string) (again string, ok bool) {
	tag, ok := ParseSubject(text)
	if !ok {
		return "", false
	}
	return SubjectText(tag[:]), true
}

// ReadQuery says what is wrong with a query.
func ReadQuery(q Query, report Report, p guard.Paging) []domain.Violation {
	r := read(q, string(report), "")
	r.narrow(report)
	r.page(p)
	if invalid, is := errors.AsType[*domain.InvalidError](r.Err()); is {
		return invalid.Violations
	}
	return nil
}
