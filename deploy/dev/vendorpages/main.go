// Command vendorpages makes the files that browsers get with each page, from our
// own sources and the NHS design system in the version pinned here: one style
// sheet without remote fonts, one script of those components that are used, and
// the icons that the style sheet shows, each with its compressed forms. It also
// brings the examples that our components are compared with. The same sources
// and versions make the same files, byte for byte. Needs node and npm.
//
//	go run ./deploy/dev/vendorpages # from the top of the tree
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

// Pinned here and nowhere else. An upgrade is a version here, and a test run.
const (
	designSystem = "nhsuk-frontend@10.6.1"
	bundler      = "esbuild@0.28.2"
)

// The folders, from the top of the tree.
const (
	modules = ".tmp/npm/pages"
	system  = modules + "/node_modules/nhsuk-frontend/dist/nhsuk"
	sources = "service/web/assets/source"
	files   = "service/web/assets/files"
	oracle  = "service/web/nhsuk/testdata/fixtures.json.gz"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vendorpages:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return errors.New("want no argument")
	}
	if err := os.RemoveAll(files); err != nil {
		return fmt.Errorf("removing what was made before: %w", err)
	}
	for _, step := range []func(context.Context) error{install, style, script, icons, compress, fixtures, seal} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
