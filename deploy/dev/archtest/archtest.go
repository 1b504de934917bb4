// Package archtest checks how this module is put together: which package may
// import which, who alone may import a certain library, and what lies at the
// top of the tree. The tables are in table.go; they are the architecture.
//
// Only the code that runs in production is checked. Tests may wire up what
// they need, and so may helpers for development (deploy/dev) and for tests
// (packages whose name ends in "test"), which production code cannot import.
package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Package is what `go list` says about one package of the module.
type Package struct {
	ImportPath     string
	Imports        []string // what its files import, tests left out
	Deps           []string // all it reaches, directly or not
	IgnoredGoFiles []string // files that build constraints leave out
}

// Check compares packages with the tables and returns a sentence for each
// bent arrow, in order. Packages outside the module are not looked at.
func Check(module string, packages []Package) []string {
	var bent []string
	for _, p := range packages {
		name, ours := inModule(module, p.ImportPath)
		if !ours {
			continue
		}
		bent = append(bent, checkHidden(name, p.IgnoredGoFiles)...)
		bent = append(bent, checkImports(module, name, p.Imports)...)
		bent = append(bent, checkReach(name, p.Deps)...)
	}
	slices.Sort(bent)
	return bent
}

// CheckTop compares the names at the top of the tree with the ones agreed.
// Names with a leading dot are free.
func CheckTop(names []string) []string {
	var wrong []string
	for _, name := range names {
		if !strings.HasPrefix(name, ".") && !slices.Contains(top, name) {
			wrong = append(wrong, name+" does not belong at the top of the tree")
		}
	}
	for _, name := range top {
		if !slices.Contains(names, name) {
			wrong = append(wrong, name+" is missing at the top of the tree")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// checkHidden finds production code that is sometimes built and not seen here.
func checkHidden(name string, ignored []string) []string {
	var bent []string
	for _, file := range ignored {
		if !isHelper(name) && !strings.HasSuffix(file, "_test.go") {
			bent = append(bent, fmt.Sprintf("%s hides %s behind build constraints, where nothing here is checked", name, file))
		}
	}
	return bent
}

// checkImports checks the direct imports of one package.
func checkImports(module, name string, imports []string) []string {
	var bent []string
	for _, path := range imports {
		to, ours := inModule(module, path)
		switch {
		case ours && !mayImport(name, to):
			bent = append(bent, fmt.Sprintf("%s imports %s, which is not one of its arrows", name, to))
		case !ours && !atHome(name, path):
			bent = append(bent, fmt.Sprintf("%s imports %s, which belongs elsewhere", name, path))
		}
	}
	if _, ok := rowOf(name); !ok && !isHelper(name) {
		bent = append(bent, name+" has no row in the table of arrows: say what it may import")
	}
	return bent
}

// checkReach checks what one package reaches through others.
func checkReach(name string, deps []string) []string {
	var bent []string
	for _, r := range unreachable {
		if !matches(r.from, name) {
			continue
		}
		for _, dep := range deps {
			if matchesAny(r.never, dep) {
				bent = append(bent, fmt.Sprintf("%s reaches %s, which it must be able to do without", name, dep))
			}
		}
	}
	return bent
}

// mayImport reports whether an import within the module is an arrow of the table.
func mayImport(from, to string) bool {
	if isHelper(from) {
		return true
	}
	row, ok := rowOf(from)
	if !ok {
		return true // reported once, as a missing row
	}
	// A helper lies in the folder of what it helps with, but a pattern that
	// covers the folder does not let it into production code.
	return matchesAny(row.to, to) && (!isHelper(to) || slices.Contains(row.to, to))
}

// atHome reports whether a package may import a library that has a home.
func atHome(name, library string) bool {
	if isHelper(name) {
		return true
	}
	for _, h := range homes {
		if matches(h.library, library) && !matchesAny(h.in, name) {
			return false
		}
	}
	return true
}

// rowOf finds the row of a package: the first that covers it.
func rowOf(name string) (arrow, bool) {
	i := slices.IndexFunc(arrows, func(a arrow) bool { return matches(a.from, name) })
	if i < 0 {
		return arrow{}, false
	}
	return arrows[i], true
}

// isHelper reports whether a package is for development or tests only.
func isHelper(name string) bool {
	return strings.HasPrefix(name, "deploy/dev/") || strings.HasSuffix(path.Base(name), "test")
}

// inModule takes the module's path off an import path.
func inModule(module, importPath string) (name string, ours bool) {
	return strings.CutPrefix(importPath, module+"/")
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// matches reports whether a pattern covers a name: itself or, if it ends in
// "/...", itself and all that lies beneath.
func matches(pattern, name string) bool {
	tree, ok := strings.CutSuffix(pattern, "/...")
	return name == tree || ok && strings.HasPrefix(name, tree+"/")
}
