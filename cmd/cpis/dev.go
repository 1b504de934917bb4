package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/idp"
	"cpis/deploy/dev/pgdev"
	"cpis/deploy/dev/vaultdev"
)

const (
	devOrigin   = "demo.cpis.invalid/log/1"
	devAudience = "https://demo.cpis.invalid"
	devDatabase = "cpis"
	// devPatience is how long each part has to stop.
	devPatience = 20 * time.Second
)

type devCmd struct {
	Vault       bool   `help:"Keep the keys in a real Vault of its own. Without this option they are kept in the Vault that VAULT_ADDR names, or else in a file."`
	Dir         string `placeholder:"DIR" help:"Directory to keep everything in (default .tmp/dev, or another beside it if the keys are in a Vault)."`
	Listen      string `default:"127.0.0.1:8443" placeholder:"ADDRESS" help:"Address on which the service answers (default ${default})."`
	AdminListen string `default:"127.0.0.1:9443" placeholder:"ADDRESS" help:"Address of health and metrics, for operators (default ${default})."`
	PagesListen string `default:"127.0.0.1:8445" placeholder:"ADDRESS" help:"Address of the pages (default ${default})."`
	IDPListen   string `name:"idp-listen" default:"127.0.0.1:8444" placeholder:"ADDRESS" help:"Address on which the identity provider answers (default ${default})."`
}

// Help says what to expect.
func (devCmd) Help() string {
	return `Starts a private PostgreSQL, an identity provider with invented people, and the service; loads a few hundred synthetic ` +
		`children from files, through the service; and prints commands to try. All of it listens on this machine only. ` +
		`Ctrl-C stops everything, and the next start finds its data. It is a demonstration: never put real data in.`
}

// Run runs the demo until the context ends.
func (c *devCmd) Run(ctx context.Context, w *world) error {
	d := &dev{cmd: c, w: w, began: time.Now()}
	err := d.run(ctx)
	if ctx.Err() != nil && !d.ready {
		err = nil // somebody stopped it on its way
	}
	_, _ = fmt.Fprintln(w.stderr, "stopping")
	if stopErr := d.stop(ctx); stopErr != nil {
		err = errors.Join(err, stopErr)
	} else if d.dir != "" {
		_, _ = fmt.Fprintf(w.stderr, "stopped; everything is kept in %s\n", d.dir)
	}
	return err
}

// dev is a running demo. Its parts are started in order and stopped in the
// opposite one.
type dev struct {
	cmd   *devCmd
	w     *world
	began time.Time

	dir      string
	env      settings
	cluster  *pgdev.Cluster
	vault    *vaultdev.Server // nil: the keys are in a file, or in a Vault elsewhere
	provider *idp.Provider
	log      *os.File
	public   string // addresses, once known
	pages    string
	admin    string
	ready    bool
	stops    []func(context.Context) error
}

// stop stops what was started.
func (d *dev) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), devPatience)
	defer cancel()
	var errs []error
	for _, stop := range slices.Backward(d.stops) {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

func (d *dev) atStop(f func(context.Context) error) { d.stops = append(d.stops, f) }

// run starts the parts and serves.
func (d *dev) run(ctx context.Context) error {
	for _, part := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"directory", d.openDir},
		{"PostgreSQL", d.startPostgreSQL},
		{"keys", d.startKeys},
		{"identity provider", d.startProvider},
		{"database", d.prepareDatabase},
	} {
		if err := part.start(ctx); err != nil {
			return fmt.Errorf("starting the demo's %s: %w", part.name, err)
		}
		d.say("%s", part.name)
	}
	return d.serve(ctx)
}

// say says how far the start is.
func (d *dev) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.w.stderr, "%5.1fs  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// serve runs the service in this process, loads the children and prints what
// to try.
func (d *dev) serve(ctx context.Context) error {
	cfg, err := readConfig(d.env.get)
	if err != nil {
		return fmt.Errorf("configuring the service: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, ready := make(chan error, 1), make(chan struct{})
	go func() {
		served <- serve(ctx, cfg, d.log, func(public, admin net.Addr) {
			d.public, d.admin = "http://"+public.String(), "http://"+admin.String()
			close(ready)
		})
	}()
	select {
	case err := <-served:
		return err
	case <-ready:
	}
	if err := d.show(ctx); err != nil {
		stop()
		return errors.Join(err, <-served)
	}
	return <-served
}

// show makes the running service worth trying, and says how.
func (d *dev) show(ctx context.Context) error {
	d.say("service")
	if err := d.keepTokens(ctx); err != nil {
		return err
	}
	loaded, err := d.load(ctx)
	if err != nil {
		return fmt.Errorf("loading the children: %w", err)
	}
	d.say("children")
	d.env["CPIS_URL"] = d.public
	if err := d.env.write(filepath.Join(d.dir, "env")); err != nil {
		return err
	}
	d.ready = true
	_, err = io.WriteString(d.w.stdout, d.text(loaded, demo.Questions()))
	return err
}
