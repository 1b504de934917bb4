package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/planfile"
)

// chunk is how much of a file goes into one message.
const chunk = 256 << 10

// source is one file of an upload. It may be read more than once.
type source struct {
	name string // empty if there is only one file
	size int64
	open func() (io.ReadCloser, error)
}

// sources finds the files. Tables of the dataset are recognised by their names,
// so that nobody need say so; and by them it is known which is which.
func (c *uploadCmd) sources() ([]source, error) {
	names := c.tables()
	files := make([]source, len(names))
	for i, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("reading file: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no file, and no directory with CSV files of --ssd", name)
		}
		files[i] = source{name: filepath.Base(name), size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(name) }}
	}
	c.SSD = c.SSD || holdTables(names)
	if len(names) > 1 && !c.SSD {
		return nil, errors.New("several files make one upload only with --ssd")
	}
	for i, name := range names {
		if !c.SSD || strings.EqualFold(filepath.Ext(name), ".zip") {
			files[i].name = ""
		}
	}
	return files, nil
}

// tables returns the CSV files of a directory, if one is given, or else the
// files that are.
func (c *uploadCmd) tables() []string {
	if len(c.Files) != 1 {
		return c.Files
	}
	if found, err := filepath.Glob(filepath.Join(globQuote(c.Files[0]), "*.[cC][sS][vV]")); err == nil && len(found) > 0 {
		return found
	}
	return c.Files
}

// holdTables reports whether files are tables of the dataset, or one is an
// archive with them. One that cannot be read is not: sending it will say why.
func holdTables(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		file, err := os.Open(name)
		if err != nil {
			return false
		}
		defer file.Close()
		info, err := file.Stat()
		return err == nil && planfile.HoldsTables([]planfile.Source{{Name: filepath.Base(name), Size: info.Size(), At: file}})
	})
}

// globQuote takes a path for itself, whatever stands in it.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// resultName is where the result goes by itself: beside the first file.
func (c *uploadCmd) resultName() string { return strings.TrimRight(c.Files[0], "/") + ".result.csv" }

// send sends the file, and shows on a terminal how far that is.
func (u *uploader) send(ctx context.Context, begin *cpisv1.UploadBegin) (*cpisv1.UploadResponse, error) {
	bar := u.progress()
	out, err := sendFile(ctx, u.service, u.request, &sending{begin, u.files, func(n int64) {
		_ = bar.Set64(n) // a bar that is not drawn harms nobody
		if bar.IsFinished() {
			u.tell("sent: the service checks it")
		}
	}})
	_ = bar.Clear()
	u.tell("")
	if err != nil && mayBeDone(err) {
		return nil, fmt.Errorf("%w\nNothing was changed. Send it again with --request %s: it is taken once", err, u.request)
	}
	return out, err
}

// progress is a bar on a terminal, and nothing elsewhere.
func (u *uploader) progress() *progressbar.ProgressBar {
	var size int64
	for _, f := range u.files {
		size += f.size
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetDescription("sending"),
		progressbar.OptionSetWriter(u.w.stderr),
		progressbar.OptionSetVisibility(onTerminal(u.w.stderr)),
		progressbar.OptionShowBytes(true),
		progressbar.OptionClearOnFinish(),
	)
}

// sending is an upload on its way.
type sending struct {
	begin *cpisv1.UploadBegin
	files []source
	sent  func(n int64) // is told how many bytes have gone
}

// sendFile sends a file of plans, from the beginning if the service is busy or
// the connection is lost, and returns what the check says of it.
func sendFile(ctx context.Context, service *clients, request string, s *sending) (out *cpisv1.UploadResponse, err error) {
	err = again(ctx, isAway, func() error {
		out, err = s.once(withRequestID(ctx, request), service)
		return err
	})
	if err != nil {
		return nil, &refusedError{err}
	}
	return out, nil
}

// once sends a file once.
func (s *sending) once(ctx context.Context, service *clients) (*cpisv1.UploadResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream if it was given up
	stream, err := service.uploads.Upload(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Begin{Begin: s.begin}})
	total := int64(0)
	for _, f := range s.files {
		if err != nil {
			break
		}
		err = f.send(stream.Send, func(n int) { total += int64(n); s.sent(total) })
	}
	if err != nil && !errors.Is(err, io.EOF) { // EOF: the service has answered already; what, is said below
		return nil, err
	}
	return stream.CloseAndReceive()
}

// send sends one file in chunks.
func (f *source) send(send func(*cpisv1.UploadRequest) error, sent func(n int)) error {
	file, err := f.open()
	if err != nil {
		return fmt.Errorf("reading file: %w", err)
	}
	defer file.Close()
	if f.name != "" {
		if err := send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_File{File: &cpisv1.UploadFile{Name: f.name}}}); err != nil {
			return err
		}
	}
	for buffer := make([]byte, chunk); ; {
		n, readErr := io.ReadFull(file, buffer)
		if n > 0 {
			if err := send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Chunk{Chunk: buffer[:n]}}); err != nil {
				return err
			}
			sent(n)
		}
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("reading file: %w", readErr)
		}
	}
}
