package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
)

// fontFaces are the two rules that fetch Frutiger, which is licensed to the NHS,
// from elsewhere.
var fontFaces = regexp.MustCompile(`@font-face\{[^}]*\}`)

// rule is a style rule, alone or within others.
var rule = regexp.MustCompile(`([^{}]*)\{[^{}]*\}`)

// unused is a selector of a component that pages do not have, as in left.
var unused = regexp.MustCompile(`\.nhsuk-(hero|image|password-input|tabs)(__|--|[^a-z-]|$)`)

// empty is what is left of a rule around others.
var empty = regexp.MustCompile(`@[^{}]*\{\}`)

// image is an address of an icon in the style sheet.
var image = regexp.MustCompile(`/assets/images/([a-z0-9-]+\.svg)`)

// style joins the design system's style sheet, without what is remote or unused,
// and ours.
func style(ctx context.Context) error {
	css, err := os.ReadFile(system + "/nhsuk-frontend.min.css")
	if err != nil {
		return fmt.Errorf("reading the style sheet: %w", err)
	}
	if n := len(fontFaces.FindAll(css, -1)); n != 2 {
		return fmt.Errorf("the style sheet has %d font rules, not 2: see what they are", n)
	}
	css = fontFaces.ReplaceAll(css, nil)
	css = bytes.ReplaceAll(css, []byte("Frutiger W01,"), nil)
	css = image.ReplaceAll(css, []byte("images/$1"))
	css, _, _ = bytes.Cut(css, []byte("/*# sourceMappingURL="))
	css = empty.ReplaceAll(rule.ReplaceAllFunc(css, withoutUnused), nil)
	own, err := esbuild(ctx, sources+"/pages.css", "--target=es2020,safari14")
	if err != nil {
		return err
	}
	return write(files+"/pages.css", slices.Concat(bytes.TrimSpace(css), []byte("\n"), own))
}

// withoutUnused leaves a rule out that is about unused components only.
func withoutUnused(text []byte) []byte {
	selectors, _, _ := bytes.Cut(text, []byte("{"))
	for selector := range bytes.SplitSeq(selectors, []byte(",")) {
		if !unused.Match(selector) {
			return text
		}
	}
	return nil
}

// icons takes those that the style sheet shows, and our own.
func icons(context.Context) error {
	css, err := os.ReadFile(files + "/pages.css")
	if err != nil {
		return fmt.Errorf("reading the style sheet: %w", err)
	}
	from := map[string]string{"favicon.svg": sources}
	for _, found := range regexp.MustCompile(`images/[a-z0-9-]+\.svg`).FindAll(css, -1) {
		from[string(found)] = system + "/assets"
	}
	for name, folder := range from {
		icon, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return fmt.Errorf("reading an icon: %w", err)
		}
		if err := write(filepath.Join(files, name), icon); err != nil {
			return err
		}
	}
	return nil
}

// left are components that pages do not have.
var left = []string{"hero", "images", "password-input", "tabs"}

// An example is what the design system writes for some options.
type example struct {
	Name      string          `json:"name"`
	Context   json.RawMessage `json:"context"`
	CallBlock string          `json:"callBlock,omitempty"`
	HTML      string          `json:"html"`
}

// fixtures collects the examples of the components that are ours as well.
func fixtures(context.Context) error {
	names, err := filepath.Glob(system + "/components/*/fixtures.json")
	if err != nil {
		return fmt.Errorf("looking for examples: %w", err)
	}
	all := map[string][]example{}
	for _, name := range names {
		component := filepath.Base(filepath.Dir(name))
		if slices.Contains(left, component) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading examples: %w", err)
		}
		var file struct{ Fixtures []example }
		if err := json.Unmarshal(text, &file); err != nil {
			return fmt.Errorf("reading examples of %s: %w", component, err)
		}
		if len(file.Fixtures) > 0 {
			all[component] = file.Fixtures
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("writing examples: %w", err)
	}
	packed, err := packGzip(text)
	if err != nil {
		return err
	}
	return write(oracle, packed)
}

// compress puts what is sent to browsers beside each file.
func compress(context.Context) error {
	return filepath.WalkDir(files, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			return err
		}
		text, err := os.ReadFile(name) //nolint:gosec // a folder of sources
		if err != nil {
			return fmt.Errorf("reading a file to compress: %w", err)
		}
		zipped, err := packGzip(text)
		if err != nil {
			return err
		}
		packed, err := packBrotli(text)
		if err != nil {
			return err
		}
		return errors.Join(write(name+".gz", zipped), write(name+".br", packed))
	})
}

func packGzip(text []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	err = pack(w, text)
	return packed.Bytes(), err
}

func packBrotli(text []byte) ([]byte, error) {
	var packed bytes.Buffer
	err := pack(brotli.NewWriterLevel(&packed, brotli.BestCompression), text)
	return packed.Bytes(), err
}

func pack(w io.WriteCloser, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("compressing: %w", err)
	}
	return nil
}

func write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a folder of sources
		return fmt.Errorf("making a folder: %w", err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil { //nolint:gosec // a source file
		return fmt.Errorf("writing a file: %w", err)
	}
	return nil
}

// seal notes which sources were used, as sha256sum would, so that a test tells
// when they have changed since.
func seal(context.Context) error {
	var sums bytes.Buffer
	names, err := filepath.Glob(sources + "/*")
	if err != nil {
		return fmt.Errorf("looking for sources: %w", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading a source: %w", err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), filepath.Base(name))
	}
	return write(filepath.Dir(files)+"/source.sum", sums.Bytes())
}
