package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"

	cpisv1 "cpis/proto/cpis/v1"
)

// exportFlags are of the verb that asks for a report as a file.
type exportFlags struct {
	Format []string `enum:"csv,xlsx,fhir_balp,fhir_nhs" default:"csv" placeholder:"WORD" help:"In which formats, besides the lines of the log: csv, xlsx, fhir_balp, fhir_nhs, separated by commas."`
	Out    string   `type:"path" placeholder:"FILE" help:"Where to save the file; by default the identifier of the export with .zip."`
	NoWait bool     `help:"Do not wait for the file: cpis report download fetches it later."`
}

// lay sets the formats.
func (f *exportFlags) lay(q *cpisv1.CreateExportRequest) {
	for _, name := range f.Format {
		format := cpisv1.ExportFormat_value["EXPORT_FORMAT_"+strings.ToUpper(name)]
		q.Formats = append(q.Formats, cpisv1.ExportFormat(format))
	}
}

// save says how many entries the report has, and saves the file when it is made.
func (f *exportFlags) save(ctx context.Context, service *clients, made *cpisv1.CreateExportResponse, w *world) error {
	x := made.GetExport()
	_, _ = fmt.Fprintf(w.stderr, "%s. ", entryCount(x.GetEntries()))
	tellCoverage(w.stderr, made)
	if f.NoWait {
		_, err := fmt.Fprintf(w.stdout, "cpis report download %s\n", x.GetId())
		return err
	}
	d := downloader{service: service, id: x.GetId(), out: f.Out, w: w}
	return d.run(ctx)
}

func entryCount(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

type reportDownloadCmd struct {
	connection `embed:""`

	ID  string `arg:"" help:"Identifier of the export, as \"cpis report exports\" lists it."`
	Out string `type:"path" placeholder:"FILE" help:"Where to save the file; by default the identifier with .zip."`
}

// Help says what happens if it is cut off.
func (reportDownloadCmd) Help() string {
	return "What came before it was cut off is kept beside the file, in FILE.ID.part: the same command goes on from there. " +
		"It waits for a file that is still being made. Every download is an entry of the log."
}

// Run downloads the file of an export.
func (c *reportDownloadCmd) Run(ctx context.Context, w *world) error {
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	d := downloader{service: service, id: c.ID, out: c.Out, w: w}
	return d.run(ctx)
}

// downloader saves the file of an export.
type downloader struct {
	service *clients
	id, out string
	w       *world
	part    *os.File
	have    int64 // bytes of the file
	export  *cpisv1.Export
	bar     *progressbar.ProgressBar
	making  bool // the bar shows how it is made
}

// errShort says that a stream ended before the file did.
var errShort = errors.New("the file did not come whole")

// run downloads the file, from where it was cut off. It is there under its name
// only when all of it came.
func (d *downloader) run(ctx context.Context) error {
	if d.out == "" {
		d.out = d.id + ".zip"
	}
	if _, err := os.Stat(d.out); err == nil {
		return fmt.Errorf("%s is there already", d.out)
	}
	name := d.out + "." + d.id + ".part"
	var err error
	if d.part, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("saving the file: %w", err)
	}
	defer d.part.Close()
	if d.have, err = d.part.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("saving the file: %w", err)
	}
	err = again(ctx, d.cutOff, func() error { return d.stream(ctx) })
	d.finishBar()
	if err != nil {
		return &refusedError{err}
	}
	if err := errors.Join(d.part.Sync(), d.part.Close(), os.Rename(name, d.out)); err != nil {
		return fmt.Errorf("saving the file: %w", err)
	}
	_, err = fmt.Fprintf(d.w.stdout, "Saved %s to %s. To verify it: cpis audit verify %s --key KEY\n", entryCount(d.export.GetEntries()), d.out, d.out)
	return err
}

// cutOff reports whether to go on from where it was cut off.
func (d *downloader) cutOff(err error) bool {
	remote, ok := errors.AsType[*connect.Error](err)
	return isBusy(err) || errors.Is(err, errShort) || ok && !remote.IsRemote() && remote.Code() == connect.CodeUnavailable
}

// stream receives what is left of the file.
func (d *downloader) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(withRequestID(ctx, uuid.NewString()))
	defer cancel()
	stream, err := d.service.exports.DownloadExport(ctx, &cpisv1.DownloadExportRequest{ExportId: d.id, Offset: d.have})
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		m, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return d.whole()
		}
		if err != nil {
			return err
		}
		if err := d.take(m); err != nil {
			return err
		}
	}
}

// take takes a part of the file.
func (d *downloader) take(m *cpisv1.DownloadExportResponse) error {
	d.export = m.GetExport()
	d.show()
	if len(m.GetChunk()) == 0 {
		return nil
	}
	if m.GetOffset() != d.have {
		return errShort
	}
	n, err := d.part.Write(m.GetChunk())
	d.have += int64(n)
	if err != nil {
		return fmt.Errorf("saving the file: %w", err)
	}
	return nil
}

// whole returns nil if all of the file came.
func (d *downloader) whole() error {
	if d.export.GetState() != cpisv1.ExportState_EXPORT_STATE_READY || d.have != d.export.GetSize() {
		return errShort
	}
	return nil
}

// show shows how far the file is.
func (d *downloader) show() {
	making := d.export.GetState() == cpisv1.ExportState_EXPORT_STATE_MAKING
	if d.bar == nil || making != d.making {
		d.finishBar()
		d.making = making
		most, what := d.export.GetSize(), "downloading"
		if making {
			most, what = max(d.export.GetWork(), 1), "making"
		}
		d.bar = progressbar.NewOptions64(most, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(d.w.stderr),
			progressbar.OptionSetVisibility(onTerminal(d.w.stderr)), progressbar.OptionShowBytes(!making), progressbar.OptionClearOnFinish())
	}
	at := d.have
	if making {
		at = min(d.export.GetDone(), d.export.GetWork())
	}
	_ = d.bar.Set64(at) // a bar that cannot be shown is no failure
}

func (d *downloader) finishBar() {
	if d.bar != nil {
		_ = d.bar.Finish()
	}
}
