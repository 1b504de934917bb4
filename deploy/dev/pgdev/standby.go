package pgdev

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
)

// Standby copies the running cluster into opts.Dir and runs the copy as a
// streaming standby that calls itself name. Whether the primary waits for it
// is the primary's setting (synchronous_standby_names).
func (c *Cluster) Standby(ctx context.Context, name string, opts Options) (*Cluster, error) {
	primary := fmt.Sprintf("host=%s port=%d user=%s application_name=%s", c.sockets, c.port, superuser, name)
	opts.Settings = maps.Clone(opts.Settings)
	if opts.Settings == nil {
		opts.Settings = map[string]string{}
	}
	opts.Settings["primary_conninfo"] = primary
	s, err := prepare(opts)
	if err != nil {
		return nil, fmt.Errorf("preparing standby: %w", err)
	}
	if err := s.copyFrom(ctx, c); err != nil {
		return nil, errors.Join(fmt.Errorf("copying primary: %w", err), s.release())
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting standby: %w", err), s.release())
	}
	return s, nil
}

// copyFrom takes a base backup of the primary.
func (c *Cluster) copyFrom(ctx context.Context, primary *Cluster) error {
	c.password = primary.password
	if err := c.writeFile(c.path("password"), c.password); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + c.data(), "--host=" + primary.sockets, "--port=" + strconv.Itoa(primary.port),
		"--username=" + superuser, "--checkpoint=fast", "--wal-method=stream",
	}
	if c.opts.Fast || c.opts.Temporary {
		args = append(args, "--no-sync")
	}
	if err := c.run(ctx, filepath.Join(c.bin, "pg_basebackup"), args...); err != nil {
		return errors.Join(err, os.RemoveAll(c.data()))
	}
	return c.writeFile(filepath.Join(c.data(), "standby.signal"), "")
}
