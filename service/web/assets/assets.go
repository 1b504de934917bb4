package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// Root is the path under which the files are.
const Root = "/assets/"

// Snippet is the one script within a page, first in its body: the design
// system's own, which says that scripts run. SnippetHash is how a content
// security policy names it.
const (
	Snippet     = `document.body.className += ' js-enabled' + ('noModule' in HTMLScriptElement.prototype ? ' nhsuk-frontend-supported' : '');`
	SnippetHash = "sha256-tDOvXJi1PXbg0CWjLCCYSNHRXtps26K4JXkE3M6u/c0="
)

// Stylesheet is the address of the style sheet.
func Stylesheet() string { return address("pages.css") }

// Script is the address of the script, which is a module.
func Script() string { return address("pages.js") }

// Icon is the address of the icon, which is an SVG.
func Icon() string { return address("favicon.svg") }

// address is that of a file in this version.
func address(name string) string { return Root + loaded().version + "/" + name }

// A file is what is sent, in the forms that browsers may ask for.
type file struct {
	contentType       string
	plain, zipped, br []byte
}

// set is all files, under one version.
type set struct {
	version string
	files   map[string]file
}

//go:embed files
var embedded embed.FS

// loaded reads the files once, when the first page is shown.
var loaded = sync.OnceValue(func() set {
	all := set{files: map[string]file{}}
	sum := sha256.New()
	err := fs.WalkDir(embedded, "files", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || contentType(name) == "" {
			return err
		}
		f := file{contentType: contentType(name), plain: read(name), zipped: read(name + ".gz"), br: read(name + ".br")}
		sum.Write([]byte(name))
		sum.Write(f.plain)
		all.files[strings.TrimPrefix(name, "files/")] = f
		return nil
	})
	if err != nil {
		panic(err) // they are embedded
	}
	all.version = hex.EncodeToString(sum.Sum(nil)[:8])
	return all
})

func read(name string) []byte {
	text, err := embedded.ReadFile(name)
	if err != nil {
		panic(err) // make vendor-pages makes all forms
	}
	return text
}

// contentType is that of a file, or nothing of a compressed form.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}
