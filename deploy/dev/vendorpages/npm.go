package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// install puts the pinned packages into .tmp. Nothing of them is run but the
// bundler.
func install(ctx context.Context) error {
	npm := exec.CommandContext(ctx, "npm", "install", "--prefix", modules,
		"--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", designSystem, bundler)
	npm.Stdout, npm.Stderr = os.Stdout, os.Stderr
	if err := npm.Run(); err != nil {
		return fmt.Errorf("installing %s and %s from npm: %w", designSystem, bundler, err)
	}
	return nil
}

// script bundles our script with those of the design system that it imports.
func script(ctx context.Context) error {
	bundle, err := esbuild(ctx, sources+"/pages.js", "--bundle", "--format=esm", "--target=es2020")
	if err != nil {
		return err
	}
	return write(files+"/pages.js", bundle)
}

// esbuild makes a source small.
func esbuild(ctx context.Context, name string, flags ...string) ([]byte, error) {
	flags = append(flags, name, "--minify", "--charset=utf8", "--legal-comments=none", "--log-level=warning")
	cmd := exec.CommandContext(ctx, modules+"/node_modules/.bin/esbuild", flags...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules+"/node_modules")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("making %s small: %w", name, err)
	}
	return out, nil
}
