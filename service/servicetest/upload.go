package servicetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/upload"
)

// SendCase uploads one of planfile's cases as a delta.
func (f *uploadSteps) SendCase(name string) *upload.Upload {
	f.TB.Helper()
	path := filepath.Join("../planfile/testdata/cases", name)
	if content, err := os.ReadFile(path + ".csv"); err == nil {
		return f.MustSend(Lead, Delta, string(content))
	}
	return f.MustSendFiles(Lead, upload.Request{Format: upload.SSD, Extent: upload.Delta}, path)
}

// HeldAbout says what is held about whoever has an NHS number.
func (f *uploadSteps) HeldAbout(number string) string {
	f.TB.Helper()
	p := f.all.MustGet(Lead, number)
	out := []string{number, p.Person.Family, p.Person.DateOfBirth.String()}
	for _, plan := range p.Plans {
		d := plan.Details
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s to %s %s%s", d.Kind, d.Start, d.End, d.Expected, d.Basis)))
	}
	return strings.Join(out, ", ")
}

// CrashApplying approves an upload while the keys are away, as if the server had
// died before it could do anything.
func (f *uploadSteps) CrashApplying(c *identity.Caller, u *upload.Upload) {
	f.TB.Helper()
	f.Keeper.TakeAway(true)
	defer f.Keeper.TakeAway(false)
	got, err := f.Approve(f.TB.Context(), c, u, u.Counts.Ending)
	if err != nil || got.State != upload.Applying {
		f.TB.Fatalf("got %+v, %s", got, Explain(err))
	}
	if e := f.all.LastEntry(); e.Action != "apply_upload" || e.Outcome != "failed" {
		f.TB.Errorf("entry %+v", e)
	}
}

// InParts returns a file as the parts in which it comes.
func InParts(file io.Reader) func() (upload.Part, error) {
	buffer := make([]byte, 64<<10)
	return func() (upload.Part, error) {
		n, err := file.Read(buffer)
		if n > 0 {
			err = nil
		}
		return upload.Part{Chunk: buffer[:n]}, err
	}
}

// Send uploads a file.
func (f *uploadSteps) Send(ctx context.Context, c *identity.Caller, q upload.Request, file io.Reader) (*upload.Upload, error) {
	out, err := f.Upload(ctx, c, &q, InParts(file))
	if err != nil {
		return nil, err
	}
	return &out.Upload, nil
}

// MustSend uploads a file.
func (f *uploadSteps) MustSend(c *identity.Caller, q upload.Request, file string) *upload.Upload {
	f.TB.Helper()
	out, err := f.Send(f.TB.Context(), c, q, strings.NewReader(file))
	if err != nil {
		f.TB.Fatalf("Upload: %s", Explain(err))
	}
	return out
}

// Approve approves what was sent.
func (f *uploadSteps) Approve(ctx context.Context, c *identity.Caller, u *upload.Upload, confirm int) (*upload.Upload, error) {
	out, err := f.ApproveUpload(ctx, c, &upload.ApproveRequest{UploadID: u.ID, Version: u.Version, ConfirmEnding: confirm})
	if err != nil {
		return nil, err
	}
	return &out.Upload, nil
}

// MustApply uploads a file and approves it.
func (f *uploadSteps) MustApply(c *identity.Caller, q upload.Request, file string) *upload.Upload {
	f.TB.Helper()
	sent := f.MustSend(c, q, file)
	if sent.State != upload.Waiting {
		f.TB.Fatalf("Upload: %+v", sent)
	}
	out, err := f.Approve(f.TB.Context(), c, sent, sent.Counts.Ending)
	if err != nil || out.State != upload.Applied {
		f.TB.Fatalf("ApproveUpload: %+v, %s", out, Explain(err))
	}
	return out
}

// Await waits until an upload stands somewhere.
func (f *uploadSteps) Await(c *identity.Caller, id string, state upload.State) *upload.Upload {
	f.TB.Helper()
	often := time.NewTicker(5 * time.Millisecond)
	defer often.Stop()
	for {
		now, err := f.GetUpload(f.TB.Context(), c, &upload.GetRequest{UploadID: id})
		if err != nil {
			f.TB.Fatalf("GetUpload: %s", Explain(err))
		}
		if now.Upload.State == state {
			return &now.Upload
		}
		select {
		case <-often.C:
		case <-f.TB.Context().Done():
			f.TB.Fatalf("it is %s, want %s", now.Upload.State, state)
		}
	}
}

// Rows returns what is said about all rows of an upload.
func (f *uploadSteps) Rows(c *identity.Caller, u *upload.Upload) []upload.RowResult {
	f.TB.Helper()
	var all []upload.RowResult
	for q := (upload.ListRowsRequest{UploadID: u.ID}); ; {
		page, err := f.ListUploadRows(f.TB.Context(), c, &q)
		if err != nil {
			f.TB.Fatalf("ListUploadRows: %s", Explain(err))
		}
		all = append(all, page.Rows...)
		if q.Page = page.Next; q.Page == "" {
			return all
		}
	}
}

// Lines returns a line for each row.
func Lines(rows []upload.RowResult) []string {
	var all []string
	for _, r := range rows {
		var line strings.Builder
		fmt.Fprint(&line, r.Line, " ", r.Outcome)
		for _, v := range r.Violations {
			fmt.Fprint(&line, "; ", v.Field, " ", v.Problem)
		}
		for _, c := range r.Changes {
			fmt.Fprintf(&line, "; %s %q to %q", c.Field, c.Old, c.New)
		}
		all = append(all, line.String())
	}
	return all
}

// ReaderFunc is a function that reads.
type ReaderFunc func([]byte) (int, error)

// Read implements io.Reader.
func (r ReaderFunc) Read(p []byte) (int, error) { return r(p) }

// Persist tries again what is refused because others are busy.
func Persist(try func() error) error {
	var err error
	for range 30 {
		err = try()
		if !IsOverloaded(err) && !errors.Is(err, guard.ErrUnavailable) {
			return err
		}
	}
	return err
}

// AssertNothingPersonal looks for what the right registrations say about people,
// also inside what is compressed.
func AssertNothingPersonal(tb testing.TB, kept []byte) {
	tb.Helper()
	if _, packed, found := bytes.Cut(kept, []byte{'\n'}); found {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			tb.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			tb.Fatal(err)
		}
		kept = append(kept, plain...)
	}
	for _, secret := range []string{"9990000018", "Example", "Robin", "2019", "CASE", "2026-09"} {
		if bytes.Contains(kept, []byte(secret)) {
			tb.Errorf("%q is kept", secret)
		}
	}
}

// MustSetRules creates the first rules of Islington.
func (f *uploadSteps) MustSetRules(r upload.Rules) {
	f.TB.Helper()
	if _, err := f.SetUploadRules(f.TB.Context(), Lead, &upload.SetRulesRequest{Rules: r}); err != nil {
		f.TB.Fatalf("SetUploadRules: %s", Explain(err))
	}
}

// MustSendFiles uploads all files of a directory.
func (f *uploadSteps) MustSendFiles(c *identity.Caller, q upload.Request, dir string) *upload.Upload {
	f.TB.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		f.TB.Fatal(err)
	}
	var parts []upload.Part
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			f.TB.Fatal(err)
		}
		parts = append(parts, upload.Part{File: file.Name()}, upload.Part{Chunk: data})
	}
	out, err := f.Upload(f.TB.Context(), c, &q, func() (upload.Part, error) {
		if len(parts) == 0 {
			return upload.Part{}, io.EOF
		}
		next := parts[0]
		parts = parts[1:]
		return next, nil
	})
	if err != nil {
		f.TB.Fatalf("Upload: %s", Explain(err))
	}
	return &out.Upload
}
