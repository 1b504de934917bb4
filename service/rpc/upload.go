package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service"
	"cpis/service/identity"
)

// Uploads are the use cases behind UploadService.
type Uploads interface {
	Upload(ctx context.Context, c *identity.Caller, file io.Reader, o service.UploadOptions) (*service.UploadResult, error)
}

// uploadHandler is UploadService.
type uploadHandler struct {
	cpisv1connect.UnimplementedUploadServiceHandler
	uses Uploads
	max  int64 // bytes of a file
}

func (h *uploadHandler) Upload(ctx context.Context, stream cpisv1connect.UploadServiceUploadServerStream) (*cpisv1.UploadResponse, error) {
	c := callOf(ctx)
	if _, err := receiveBegin(stream); err != nil {
		return nil, err
	}
	file := &file{receive: stream.Receive, left: h.max, max: h.max}
	r, err := h.uses.Upload(ctx, &c.caller, file, service.UploadOptions{
		Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return uploadToProto(r), nil
}

// receiveBegin receives the first message, which says what comes.
func receiveBegin(stream cpisv1connect.UploadServiceUploadServerStream) (*cpisv1.UploadBegin, error) {
	first, err := stream.Receive()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if first.GetBegin() == nil {
		return nil, newFault(nil, service.Violation{Field: "begin", Problem: "is required in the first message"})
	}
	return first.GetBegin(), nil
}

// file is the file of an upload as a reader. What is wrong with a message, or
// with the connection, is an error of the reader: a file that did not arrive
// whole must not look like one that ended.
type file struct {
	receive   func() (*cpisv1.UploadRequest, error)
	chunk     []byte // received and not read yet
	left, max int64  // bytes that may still come, and that may come at all
	err       error
}

// Read reads from the chunks, one after the other.
func (f *file) Read(p []byte) (int, error) {
	for len(f.chunk) == 0 && f.err == nil {
		f.chunk, f.err = f.next()
	}
	if f.err != nil {
		return 0, f.err
	}
	n := copy(p, f.chunk)
	f.chunk = f.chunk[n:]
	return n, nil
}

func (f *file) next() ([]byte, error) {
	m, err := f.receive()
	if err != nil {
		return nil, leftTo(err)
	}
	if m.GetBegin() != nil {
		return nil, leftTo(newFault(nil, service.Violation{Field: "begin", Problem: "must come only once"}))
	}
	f.left -= int64(len(m.GetChunk()))
	if f.left < 0 {
		return nil, leftTo(newFault(errTooLarge, service.Violation{
			Field: "chunk", Problem: fmt.Sprintf("makes the file larger than %d bytes", f.max),
		}))
	}
	return m.GetChunk(), nil
}

// leftTo leaves a fault to the use case that reads the file: it records it.
func leftTo(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		f.recorded = true
	}
	return err
}
