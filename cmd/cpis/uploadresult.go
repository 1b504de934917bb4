package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	cpisv1 "cpis/proto/cpis/v1"
)

type uploadResultCmd struct {
	connection `embed:""`

	ID  string `arg:"" help:"Identifier of the upload."`
	Out string `type:"path" placeholder:"FILE" help:"Where to save it; by default the identifier with .result.csv or .result.zip."`
}

// Help says what the file holds, and for how long.
func (uploadResultCmd) Help() string {
	return "Your own columns stay, behind \"Line\", \"Result\" and \"What to do\": correct the rows that were rejected, and upload the same file again. " +
		"It holds what you uploaded: keep it as you keep that. " +
		"A file is kept while it waits and, if rows were rejected, for 7 days after it was applied or rejected."
}

// Run saves the result. It is there under its name only when all of it came.
func (c *uploadResultCmd) Run(ctx context.Context, w *world) error {
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(c.Out), ".cpis-result-*")
	if err != nil {
		return fmt.Errorf("saving the result: %w", err)
	}
	defer os.Remove(part.Name())
	defer part.Close()
	format, err := c.receive(ctx, service, part)
	if err != nil {
		return &refusedError{err}
	}
	out := c.Out
	if out == "" {
		out = c.ID + resultEndings[format]
	}
	if _, err := os.Stat(out); err == nil {
		return fmt.Errorf("%s is there already", out)
	}
	if err := errors.Join(part.Sync(), part.Close(), os.Rename(part.Name(), out)); err != nil {
		return fmt.Errorf("saving the result: %w", err)
	}
	_, err = fmt.Fprintf(w.stdout, "Saved to %s.\n", out)
	return err
}

// resultEndings are those of the names of results.
var resultEndings = map[cpisv1.UploadFormat]string{
	cpisv1.UploadFormat_UPLOAD_FORMAT_CSV: ".result.csv", cpisv1.UploadFormat_UPLOAD_FORMAT_SSD: ".result.zip",
}

// receive writes what comes.
func (c *uploadResultCmd) receive(ctx context.Context, service *clients, to io.Writer) (cpisv1.UploadFormat, error) {
	stream, err := service.uploads.DownloadResult(withRequestID(ctx, uuid.NewString()), &cpisv1.DownloadResultRequest{UploadId: c.ID})
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	var m *cpisv1.DownloadResultResponse
	for have := int64(0); ; have += int64(len(m.GetChunk())) {
		next, err := stream.Receive()
		switch {
		case errors.Is(err, io.EOF) && have == m.GetSize():
			return m.GetFormat(), nil
		case errors.Is(err, io.EOF):
			return 0, errShort
		case err != nil:
			return 0, err
		}
		m = next
		if _, err := to.Write(m.GetChunk()); err != nil {
			return 0, fmt.Errorf("saving the result: %w", err)
		}
	}
}
