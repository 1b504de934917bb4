package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
)

const (
	// tokenLifetime is how long the demo's tokens last: as long as the service
	// takes them at most, if it is not told otherwise.
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

// load uploads each authority's file as its lead, and approves it. If an
// earlier start did so, what became of the plans since stays.
func (d *dev) load(ctx context.Context) (loaded, error) {
	var sum loaded
	if err := os.MkdirAll(filepath.Join(d.dir, "plans"), 0o700); err != nil {
		return sum, err
	}
	now := time.Now()
	for _, f := range demo.Files(now) {
		counts, err := d.loadFile(ctx, f)
		if err != nil {
			return sum, fmt.Errorf("uploading the plans of %s: %w", f.Authority.Name, err)
		}
		sum.authorities++
		sum.rows += int(counts.GetRows())
		sum.unchanged += int(counts.GetUnchanged())
	}
	if _, err := d.keepFile(d.changedFile(), demo.Changed(now)); err != nil {
		return sum, err
	}
	return sum, d.offerTransfer(ctx)
}

// loadFile uploads an authority's file, if it has uploaded none.
func (d *dev) loadFile(ctx context.Context, f demo.File) (*cpisv1.UploadCounts, error) {
	file, err := d.keepFile(d.planFile(f.Authority.GSS), f.CSV)
	if err != nil {
		return nil, err
	}
	service, err := d.asLead(f.Authority)
	if err != nil {
		return nil, err
	}
	before, err := service.uploads.ListUploads(withRequestID(ctx, uuid.NewString()), &cpisv1.ListUploadsRequest{})
	if err != nil {
		return nil, &refusedError{err}
	}
	for _, u := range before.GetUploads() {
		if u.GetState() == cpisv1.UploadState_UPLOAD_STATE_APPLIED {
			rows := int32(bytes.Count(file, []byte("\n")) - 1) //nolint:gosec // a few hundred
			return &cpisv1.UploadCounts{Rows: rows, Unchanged: rows}, nil
		}
	}
	return upload(ctx, service, f.Authority, file)
}

// asLead returns clients of an authority's safeguarding lead.
func (d *dev) asLead(a demo.Authority) (*clients, error) {
	token, err := d.leadToken(a)
	if err != nil {
		return nil, err
	}
	return newClients(http.DefaultClient, d.public, token), nil
}

// offerTransfer has one authority offer a plan to another, if it never did.
func (d *dev) offerTransfer(ctx context.Context) error {
	from, to := demo.Transfer()
	service, err := d.asLead(from)
	if err != nil {
		return err
	}
	offered, err := service.plans.ListTransfers(withRequestID(ctx, uuid.NewString()), &cpisv1.ListTransfersRequest{})
	if err != nil || len(offered.GetTransfers()) > 0 {
		return err
	}
	held, err := service.plans.GetPerson(withRequestID(ctx, uuid.NewString()), &cpisv1.GetPersonRequest{NhsNumber: demo.Moving.NHSNumber})
	if err != nil {
		return fmt.Errorf("offering a transfer: %w", &refusedError{err})
	}
	for _, plan := range held.GetPlans() {
		_, err := service.plans.ProposeTransfer(withRequestID(ctx, uuid.NewString()), &cpisv1.ProposeTransferRequest{
			PlanId: plan.GetId(), Version: plan.GetVersion(), To: to.GSS, Reason: "The family moves to " + to.Name,
		})
		if err != nil {
			return fmt.Errorf("offering a transfer: %w", &refusedError{err})
		}
	}
	return nil
}

func (d *dev) planFile(gss string) string { return filepath.Join(d.dir, "plans", gss+".csv") }

func (d *dev) changedFile() string { return filepath.Join(d.dir, "plans", "changed.csv") }

// keepFile writes a file, or reads the one of the first start: the days in it
// count from then.
func (d *dev) keepFile(name string, text []byte) ([]byte, error) {
	file, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return text, replaceFile(name, string(text))
	}
	return file, err
}

// upload uploads an authority's file, and returns what it did.
func upload(ctx context.Context, service *clients, a demo.Authority, file []byte) (*cpisv1.UploadCounts, error) {
	begin := &cpisv1.UploadBegin{Format: cpisv1.UploadFormat_UPLOAD_FORMAT_CSV, Authority: a.GSS}
	text := source{size: int64(len(file)), open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }}
	sent, err := sendFile(ctx, service, uuid.NewString(), &sending{begin, []source{text}, func(int64) {}})
	if err != nil {
		return nil, err
	}
	return approveWhole(ctx, service, sent.GetUpload())
}

// approveWhole approves a file of which every row is right, and returns what it
// did.
func approveWhole(ctx context.Context, service *clients, state *cpisv1.Upload) (*cpisv1.UploadCounts, error) {
	u := &uploader{service: service, w: &world{stdout: io.Discard, stderr: io.Discard}}
	state, err := u.await(ctx, state)
	if err == nil && state.GetState() == cpisv1.UploadState_UPLOAD_STATE_WAITING && state.GetCounts().GetRejected() == 0 {
		var approved *cpisv1.ApproveUploadResponse
		if approved, err = u.approve(ctx, state); err == nil {
			state, err = u.await(ctx, approved.GetUpload())
		}
	}
	if err != nil {
		return nil, err
	}
	switch state.GetState() { //nolint:exhaustive // the others are no success
	case cpisv1.UploadState_UPLOAD_STATE_APPLIED, cpisv1.UploadState_UPLOAD_STATE_CHECKED:
		return state.GetCounts(), nil
	}
	return nil, fmt.Errorf("it is %s, and %d rows are wrong", wordIn(state.GetState()), state.GetCounts().GetRejected())
}

// leadToken returns a token of an authority's safeguarding lead. Of those who
// can sign in it is the first; the other authorities have the same lead with
// another name and place.
func (d *dev) leadToken(a demo.Authority) (string, error) {
	lead := person("lead")
	for _, p := range idp.People() {
		if p.JobRole == lead.JobRole && p.Place == a.GSS {
			return d.provider.Token(p.Key)
		}
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
