package domain

import (
	"slices"
	"strings"

	"cpis/service/text"
)

// NameKeys returns what a name that is held is found by: each of its parts, and
// all of them written as one, because O Brien is also written O'Brien.
func NameKeys(held string) []string {
	parts := text.NameParts(held)
	if len(parts) > 1 {
		parts = append(parts, strings.Join(parts, ""))
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// AskedName is a name that somebody looks for, as what must be found of it: all
// the keys of one of the alternatives.
type AskedName [][]string

// AskName reads a name that somebody looks for. One without letters asks for
// nothing, which every name has.
func AskName(asked string) AskedName {
	parts := text.NameParts(asked)
	switch len(parts) {
	case 0:
		return AskedName{nil}
	case 1:
		return AskedName{parts}
	}
	return AskedName{slices.Clone(parts), {strings.Join(parts, "")}}
}

// Empty reports whether nothing is asked for.
func (a AskedName) Empty() bool { return len(a[0]) == 0 }

// Fits reports whether a name that is held is one that is looked for.
func (a AskedName) Fits(held string) bool {
	keys := NameKeys(held)
	return slices.ContainsFunc(a, func(all []string) bool {
		return !slices.ContainsFunc(all, func(part string) bool { return !slices.Contains(keys, part) })
	})
}
