package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
)

const (
	// tokenLifetime is how long the demo's tokens last: as long as the service
	// takes them at most, where it is not told otherwise.
	tokenLifetime = time.Hour
	// renewTokens is how often those in files are replaced, so that the
	// commands that were printed work for as long as the demo runs.
	renewTokens = 5 * time.Minute
)

// keepTokens writes a header with a token of everybody into files, and keeps
// them fresh until the context ends.
func (d *dev) keepTokens(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(d.dir, "tokens"), 0o700); err != nil {
		return err
	}
	if err := d.writeTokens(); err != nil {
		return err
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(renewTokens)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := d.writeTokens(); err != nil {
				d.say("writing tokens: %v", err)
			}
		}
	}()
	d.atStop(func(context.Context) error { <-stopped; return nil })
	return nil
}

func (d *dev) writeTokens() error {
	for _, p := range idp.People() {
		token, err := d.provider.Token(p.Key)
		if err != nil {
			return err
		}
		if err := replaceFile(d.header(p.Key), "Authorization: Bearer "+token+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// header names the file with somebody's token.
func (d *dev) header(key string) string { return filepath.Join(d.dir, "tokens", key) }

// loaded counts what became of the files.
type loaded struct{ authorities, rows, unchanged int }

// load uploads each authority's file as its lead. Where an earlier start did
// so, nothing changes.
func (d *dev) load(ctx context.Context) (loaded, error) {
	var sum loaded
	if err := os.MkdirAll(filepath.Join(d.dir, "plans"), 0o700); err != nil {
		return sum, err
	}
	for _, f := range demo.Files(time.Now()) {
		file, err := d.keepFile(f)
		if err != nil {
			return sum, err
		}
		result, err := d.upload(ctx, f.Authority, file)
		if err != nil {
			return sum, fmt.Errorf("uploading the plans of %s: %w", f.Authority.Name, err)
		}
		sum.authorities++
		sum.rows += int(result.GetUpload().GetCounts().GetRows())
		sum.unchanged += int(result.GetUpload().GetCounts().GetUnchanged())
	}
	return sum, nil
}

func (d *dev) planFile(gss string) string { return filepath.Join(d.dir, "plans", gss+".csv") }

// keepFile writes a file, or reads the one of the first start: the days in it
// count from then.
func (d *dev) keepFile(f demo.File) ([]byte, error) {
	name := d.planFile(f.Authority.GSS)
	file, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return f.CSV, replaceFile(name, string(f.CSV))
	}
	return file, err
}

func (d *dev) upload(ctx context.Context, a demo.Authority, file []byte) (*cpisv1.UploadResponse, error) {
	token, err := d.leadToken(a)
	if err != nil {
		return nil, err
	}
	service := newClients(http.DefaultClient, d.public, token)
	result, err := sendFile(ctx, service, bytes.NewReader(file), func(int) {})
	if err == nil && result.GetUpload().GetCounts().GetRejected() > 0 {
		err = errors.New("rows were rejected")
	}
	return result, err
}

// leadToken gives a token of the authority's safeguarding lead. Only one of
// them can sign in; the others are the same with another name and place.
func (d *dev) leadToken(a demo.Authority) (string, error) {
	lead := person("lead")
	if lead.Place == a.GSS {
		return d.provider.Token(lead.Key)
	}
	id := "lead-" + a.GSS
	role := map[string]any{"person_roleid": id, "org_code": a.GSS, "role_code": lead.JobRole, "role_name": lead.JobTitle}
	return d.provider.Token(lead.Key,
		idp.Claim("sub", id), idp.Claim("nhsid_useruid", id), idp.Claim("uid", id),
		idp.Claim("name", a.Lead), idp.Claim("given_name", nil), idp.Claim("family_name", nil),
		idp.Claim("selected_roleid", id), idp.Claim("nhsid_nrbac_roles", []any{role}))
}

// person finds somebody who can sign in.
func person(key string) idp.Person {
	for _, p := range idp.People() {
		if p.Key == key {
			return p
		}
	}
	return idp.Person{}
}
