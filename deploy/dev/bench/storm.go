package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/uuid"

	"cpis/deploy/dev/idp"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/reference"
)

// storm is what look-ups notice of all authorities uploading at once, as they
// do in the same nights.
type storm struct {
	idle, busy sample // of look-ups by stormCallers callers
	uploads    int
	took       time.Duration // from the first byte until the last file was applied
}

const (
	stormCallers = 64
	stormSeconds = 30               // while the storm lasts, about a minute
	stormRows    = 1000             // of each file
	stormFrom    = 200_000          // NHS numbers from here on are of files
	stormPatient = 30 * time.Minute // until who is refused gives up
	stormRetry   = 2 * time.Second  // between attempts
	stormApart   = 1200             // numbers from one file to the next, of which 1 in 11 is not valid
	stormChunk   = 256 << 10
)

// uploadStorm has every authority send a file and approve it, while look-ups go
// on. What these notice is measured over stormSeconds, of the storm and before.
func (b *bench) uploadStorm(ctx context.Context, s *site) (storm, error) {
	var out storm
	authorities, err := reference.Authorities()
	if err != nil {
		return out, err
	}
	lookups := s.lookups(jsonCodec)
	if out.idle, err = s.load(ctx, stormCallers, lookups, stormSeconds); err != nil {
		return out, err
	}
	began := b.Now()
	var checks []time.Duration
	done := make(chan error, 1)
	go func() {
		var err error
		checks, err = s.uploadAll(ctx, authorities)
		out.took = b.Now().Sub(began)
		done <- err
	}()
	out.busy, err = s.load(ctx, stormCallers, lookups, stormSeconds)
	if err = errors.Join(err, <-done); err != nil {
		return out, err
	}
	out.uploads = len(checks)
	return out, nil
}

// uploadAll has each authority upload at the same time, and says how long each
// waited for its preview.
func (s *site) uploadAll(ctx context.Context, authorities []reference.Authority) ([]time.Duration, error) {
	took := make([]time.Duration, len(authorities))
	errs := make([]error, len(authorities))
	var all sync.WaitGroup
	for i := range authorities {
		all.Go(func() { took[i], errs[i] = s.uploadOne(ctx, authorities[i].GSS, i) })
	}
	all.Wait()
	return took, errors.Join(errs...)
}

// uploadOne uploads and approves one authority's file.
func (s *site) uploadOne(ctx context.Context, authority string, i int) (time.Duration, error) {
	system, err := s.idp.Token("la-system", tokenLife, func(claims map[string]any) { claims["organisation"] = authority })
	if err != nil {
		return 0, err
	}
	lead, err := s.idp.Token("lead", tokenLife, leadOf(authority))
	if err != nil {
		return 0, err
	}
	began := s.b.Now()
	request := uuid.NewString()
	var sent *cpisv1.UploadResponse
	err = s.patiently(ctx, func() (err error) {
		sent, err = s.send(ctx, system, request, stormFile(i))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("uploading: %w", err)
	}
	u, err := s.checked(ctx, lead, sent.GetUpload())
	if err != nil {
		return 0, fmt.Errorf("waiting for the preview: %w", err)
	}
	took := s.b.Now().Sub(began)
	request = uuid.NewString()
	err = s.patiently(ctx, func() error {
		done, err := s.uploadClient(lead, request).ApproveUpload(ctx,
			&cpisv1.ApproveUploadRequest{UploadId: u.GetId(), Version: u.GetVersion()})
		if err == nil && done.GetUpload().GetCounts().GetNew() != stormRows {
			return fmt.Errorf("%w: of %d rows %d were new", errLoad, stormRows, done.GetUpload().GetCounts().GetNew())
		}
		return err
	})
	return took, err
}

// checked waits until it is known what a file would do. Where many come at once that
// is after the answer to whoever sent it.
func (s *site) checked(ctx context.Context, lead string, u *cpisv1.Upload) (*cpisv1.Upload, error) {
	for u.GetState() == cpisv1.UploadState_UPLOAD_STATE_RECEIVED {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(stormRetry):
		}
		err := s.patiently(ctx, func() error {
			got, err := s.uploadClient(lead, "").GetUpload(ctx, &cpisv1.GetUploadRequest{UploadId: u.GetId()})
			u = got.GetUpload()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return u, nil
}

// leadOf makes the lead's token that of another authority.
func leadOf(authority string) idp.Option {
	return func(claims map[string]any) {
		roles, _ := claims["nhsid_nrbac_roles"].([]any)
		selected, _ := roles[len(roles)-1].(map[string]any)
		selected["org_code"] = authority
	}
}

// patiently tries again what was refused because others come first.
func (s *site) patiently(ctx context.Context, do func() error) error {
	until := s.b.Now().Add(stormPatient)
	for {
		err := do()
		code := connect.CodeOf(err)
		if err == nil || code != connect.CodeResourceExhausted && code != connect.CodeUnavailable || s.b.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(stormRetry):
		}
	}
}

// send sends a file.
func (s *site) send(ctx context.Context, token, request string, file []byte) (*cpisv1.UploadResponse, error) {
	stream, err := s.uploadClient(token, request).Upload(ctx)
	if err != nil {
		return nil, err
	}
	begin := &cpisv1.UploadBegin{
		Format: cpisv1.UploadFormat_UPLOAD_FORMAT_CSV, Extent: cpisv1.UploadExtent_UPLOAD_EXTENT_DELTA,
	}
	err = stream.Send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Begin{Begin: begin}})
	for chunk := range slices.Chunk(file, stormChunk) {
		if err != nil {
			break // it was answered already; how, is said below
		}
		err = stream.Send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Chunk{Chunk: chunk}})
	}
	return stream.CloseAndReceive()
}

func (s *site) uploadClient(token, request string) cpisv1connect.UploadServiceClient {
	return cpisv1connect.NewUploadServiceClient(s.dial(token, request))
}

// dial returns what calls the server, with a token and, unless it is empty, a
// request id.
func (s *site) dial(token, request string) *connect.Client {
	transport := connecthttp.NewTransport(http.DefaultClient, s.base)
	return connect.NewClient(transport, func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			if _, ok := connect.CallInfoForClientContext(ctx); !ok {
				ctx, _ = connect.NewClientContext(ctx)
			}
			info, _ := connect.CallInfoForClientContext(ctx)
			info.RequestHeader().Set("Authorization", "Bearer "+token)
			if request != "" {
				info.RequestHeader().Set("X-Request-ID", request)
			}
			return next(ctx, spec)
		}
	})
}

// stormFile is the i-th authority's file, of people whom no other one has.
func stormFile(i int) []byte {
	var b bytes.Buffer
	b.WriteString("nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n")
	rows := 0
	for n := stormFrom + i*stormApart; rows < stormRows; n++ {
		if number, ok := numberAt(n); ok {
			rows++
			b.WriteString(number + ",Family" + strconv.Itoa(rows) + ",Given,2019-04-30,cpp,2026-01-02,no\n")
		}
	}
	return b.Bytes()
}
