package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"

	cpisv1 "cpis/proto/cpis/v1"
)

// exitRejected is the status of `cpis upload` when rows of the file are wrong.
const exitRejected = 4

// chunk is how much of a file goes into one message.
const chunk = 256 << 10

// errDeclined says that somebody saw the preview and did not want it.
var errDeclined = errors.New("not applied: nothing was changed")

type uploadCmd struct {
	connection `embed:""`

	File      string `arg:"" type:"existingfile" help:"File of plans (CSV)."`
	CheckOnly bool   `help:"Only say what would become of each row."`
	Yes       bool   `help:"Apply without asking. Required where nobody can be asked."`
}

// Help says what the statuses mean and where the result is.
func (uploadCmd) Help() string {
	return `The file is checked first and nothing is changed until you agree. What becomes of each row is written to ` +
		`FILE.result.csv, which names rows by their line and repeats nothing of what stands in them. ` +
		`Either all rows are applied or none. ` +
		`Exit status: 0 applied (or checked, and nothing is wrong), 4 rows are wrong and nothing was applied, ` +
		`1 failed or declined, 2 the command line is wrong.`
}

// Run checks the file, shows what would happen, asks, and applies it.
func (c *uploadCmd) Run(ctx context.Context, w *world) error {
	if !c.Yes && !c.CheckOnly && !onTerminal(w.stdin) {
		return errors.New("nobody can be asked here: give --yes to apply the file, or --check-only")
	}
	file, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("reading file: %w", err)
	}
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	u := &uploader{service: service, file: file, name: c.File, quiet: c.Yes && !c.CheckOnly, w: w}
	switch {
	case c.CheckOnly:
		return u.upload(ctx, nil)
	case c.Yes:
		return u.upload(ctx, func() (bool, error) { return true, nil })
	}
	return u.upload(ctx, u.ask)
}

// uploader is a file on its way to the service. It holds the whole file, so
// that what is applied is what was shown.
type uploader struct {
	service *clients
	file    []byte
	name    string
	// quiet says nothing of a check that finds nothing wrong: nobody will be
	// asked, and what becomes of the rows is said once they are applied.
	quiet bool
	w     *world
}

// upload checks the file and, if agree says so, applies it. Without agree it
// only checks.
func (u *uploader) upload(ctx context.Context, agree func() (bool, error)) error {
	if err := u.pass(ctx, true); err != nil || agree == nil {
		return err
	}
	yes, err := agree()
	if err != nil {
		return err
	}
	if !yes {
		return errDeclined
	}
	// Rows may be wrong now that were right before: somebody else was faster.
	return u.pass(ctx, false)
}

// ask asks whether to apply what was shown.
func (u *uploader) ask() (bool, error) {
	_, _ = fmt.Fprint(u.w.stderr, "Apply this? [y/N] ")
	line, err := bufio.NewReader(u.w.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// pass sends the file once and reports what the service says of it.
func (u *uploader) pass(ctx context.Context, checkOnly bool) error {
	result, err := u.send(ctx, checkOnly)
	if err != nil {
		return err
	}
	if checkOnly && u.quiet && result.GetUpload().GetCounts().GetRejected() == 0 {
		return nil
	}
	if err := printResult(u.w.stdout, result, u.resultName()); err != nil {
		return err
	}
	if result.GetUpload().GetCounts().GetRejected() > 0 {
		return exitError(exitRejected)
	}
	return nil
}

// send sends the file, and shows on a terminal how far that is.
func (u *uploader) send(ctx context.Context, checkOnly bool) (*cpisv1.UploadResponse, error) {
	what := "applying"
	if checkOnly {
		what = "checking"
	}
	bar := u.progress(what)
	result, err := sendFile(ctx, u.service, bytes.NewReader(u.file), func(n int) {
		_ = bar.Add(n) // a bar that is not drawn harms nobody
		if bar.IsFinished() {
			u.tell(what + ": sent; the service works on it")
		}
	})
	_ = bar.Clear()
	u.tell("")
	if err != nil && !checkOnly {
		return nil, fmt.Errorf("%w\nThe file may have been applied or not. Upload it again: what is held already stays as it is", err)
	}
	return result, err
}

// tell writes over the line that a terminal is at.
func (u *uploader) tell(text string) {
	if onTerminal(u.w.stderr) {
		_, _ = fmt.Fprintf(u.w.stderr, "\r\x1b[2K%s", text)
	}
}

// sendFile sends a file of plans, and gives what the service says of it.
func sendFile(
	ctx context.Context, service *clients, file io.Reader, sent func(n int),
) (*cpisv1.UploadResponse, error) {
	ctx, cancel := context.WithCancel(withRequestID(ctx, uuid.NewString()))
	defer cancel() // ends the stream where it was given up
	stream, err := service.uploads.Upload(ctx)
	if err != nil {
		return nil, &refusedError{err}
	}
	err = stream.Send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Begin{Begin: &cpisv1.UploadBegin{}}})
	for buffer := make([]byte, chunk); err == nil; {
		n, readErr := io.ReadFull(file, buffer)
		if n > 0 {
			err = stream.Send(&cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Chunk{Chunk: buffer[:n]}})
			sent(n)
		}
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
			break
		}
		if readErr != nil {
			return nil, fmt.Errorf("reading file: %w", readErr)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) { // EOF: the service has answered already; what, is said below
		return nil, &refusedError{err}
	}
	result, err := stream.CloseAndReceive()
	if err != nil {
		return nil, &refusedError{err}
	}
	return result, nil
}

// progress is a bar on a terminal, and nothing elsewhere.
func (u *uploader) progress(what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(len(u.file),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(u.w.stderr),
		progressbar.OptionSetVisibility(onTerminal(u.w.stderr)),
		progressbar.OptionShowBytes(true),
		progressbar.OptionClearOnFinish(),
	)
}

func (u *uploader) resultName() string { return u.name + ".result.csv" }

// printResult prints what became, or would become, of a file.
func printResult(out io.Writer, r *cpisv1.UploadResponse, name string) error {
	n := r.GetUpload().GetCounts()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	said := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format, args...) } // Flush says what went wrong
	said("rows\tnew\tunchanged\trejected\t\n%d\t%d\t%d\t%d\t\n", n.GetRows(), n.GetNew(), n.GetUnchanged(), n.GetRejected())
	if err := table.Flush(); err != nil {
		return err
	}
	var p page
	p.line("%s", conclusion(r))
	p.line("What became of each row stands in %s.", name)
	_, err := io.WriteString(out, p.String())
	return err
}

func conclusion(r *cpisv1.UploadResponse) string {
	switch {
	case r.GetUpload().GetCounts().GetRejected() > 0:
		return "Nothing was applied: correct the rejected rows and upload the whole file again."
	case r.GetUpload().GetState() == cpisv1.UploadState_UPLOAD_STATE_APPLIED:
		return fmt.Sprintf("Applied: entry %d of the log %s.", r.GetReceipt().GetIndex(), r.GetReceipt().GetLog())
	}
	return "Only checked: nothing was changed."
}

// cell keeps a text from being taken for a formula by a spreadsheet.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
