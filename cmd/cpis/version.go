package main

import (
	"fmt"
	"runtime/debug"

	"cpis/service/admin"
)

// program says which program this is, as it was built.
func program() admin.Program {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return admin.Program{Version: unknownVersion}
	}
	return programOf(info)
}

// unknownVersion stands for the version of a program that was not built from a release.
const unknownVersion = "unreleased"

// programOf reads what the build says of itself.
func programOf(info *debug.BuildInfo) admin.Program {
	p := admin.Program{Version: info.Main.Version}
	if p.Version == "" || p.Version == "(devel)" {
		p.Version = unknownVersion
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			p.Commit = s.Value
		case "vcs.modified":
			p.Modified = s.Value == "true"
		}
	}
	return p
}

type versionCmd struct{}

// Run prints which program this is.
func (versionCmd) Run(w *world) error {
	p := program()
	text := "cpis " + p.Version
	if p.Commit != "" {
		text += ", commit " + p.Commit
	}
	if p.Modified {
		text += ", with changes"
	}
	_, err := fmt.Fprintln(w.stdout, text)
	return err
}
