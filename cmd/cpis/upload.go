package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	cpisv1 "cpis/proto/cpis/v1"
)

// exitRejected is the status of `cpis upload` when rows of the file are wrong,
// or all of it is.
const exitRejected = 4

// pollEvery is how often the service is asked how far it is.
const pollEvery = time.Second

// errDeclined says that somebody saw the preview and did not want it.
var errDeclined = errors.New("not approved: nothing was changed")

type uploadCmd struct {
	connection `embed:""`

	Files         []string `arg:"" name:"file" type:"path" help:"File of plans (CSV); with --ssd, tables as CSV files, a directory of them, or a ZIP."`
	SSD           bool     `name:"ssd" help:"The files are tables of the Standard Safeguarding Dataset."`
	Whole         bool     `xor:"extent" help:"The file lists all plans in force: plans that are missing from it are ended."`
	Delta         bool     `xor:"extent" help:"The file lists only what is new or changed: plans that are missing from it stay (the default)."`
	Sequence      int64    `placeholder:"N" help:"Your number of the file: one more than that of the file before."`
	Authority     string   `placeholder:"TEXT" help:"Your authority: its name, or its GSS, DfE or ODS code. A file of another is rejected."`
	Check         bool     `help:"Check the file and stop: it waits for approval."`
	Yes           bool     `help:"Approve without asking. Needed if nobody is there to ask."`
	ConfirmEnding int32    `placeholder:"N" help:"With --yes, if the safety brake holds the file: how many plans it may end."`
	Result        string   `type:"path" placeholder:"FILE" help:"Where to write the result of each row. By default FILE.result.csv, and only if rows were rejected."`
	Request       string   `placeholder:"UUID" help:"Identifier of the request (X-Request-ID); a new one if not given. A file that is sent again under the same identifier is taken only once."`
}

// Help says what happens, what the statuses mean and where the result is.
func (uploadCmd) Help() string {
	return `The file is sent and checked, and nothing is changed until you approve. Then all correct rows are applied together: ` +
		`all of them or none. The result of each row is written as CSV. It names rows by their line, and repeats ` +
		`nothing from them but your own reference. ` +
		`Exit status: 0 applied, or nothing to apply, or with --check nothing is wrong; 4 rows are wrong, or the whole file is; ` +
		`1 failed or not approved; 2 the command line is wrong.`
}

// Validate puts the code of the authority in place of its name.
func (c *uploadCmd) Validate() error {
	if c.Authority == "" || strings.ContainsAny(c.Authority, "0123456789") {
		return nil // a code, which the service knows: DfE and ODS codes look alike
	}
	code, err := authorityCode(c.Authority)
	if err != nil {
		return fmt.Errorf("--authority %w", err)
	}
	c.Authority = code
	return nil
}

// Run sends the file, shows what it would do, asks, and approves it.
func (c *uploadCmd) Run(ctx context.Context, w *world) error {
	if !c.Yes && !c.Check && !onTerminal(w.stdin) {
		return errors.New("nobody can be asked here: give --yes to approve the file, or --check")
	}
	files, err := c.sources()
	if err != nil {
		return err
	}
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	u := &uploader{service: service, files: files, w: w, request: c.Request, result: c.Result, beside: c.resultName()}
	if u.request == "" {
		u.request = uuid.NewString()
	}
	agree := u.ask
	switch {
	case c.Check:
		agree = nil
	case c.Yes:
		agree = c.agreed
	}
	return u.upload(ctx, c.begin(), agree)
}

// begin says what comes.
func (c *uploadCmd) begin() *cpisv1.UploadBegin {
	b := &cpisv1.UploadBegin{
		Format: cpisv1.UploadFormat_UPLOAD_FORMAT_CSV, Extent: cpisv1.UploadExtent_UPLOAD_EXTENT_DELTA,
		Sequence: c.Sequence, Authority: c.Authority,
	}
	if c.SSD {
		b.Format = cpisv1.UploadFormat_UPLOAD_FORMAT_SSD
	}
	if c.Whole {
		b.Extent = cpisv1.UploadExtent_UPLOAD_EXTENT_WHOLE
	}
	return b
}

// agreed agrees to what the flags agree to.
func (c *uploadCmd) agreed(u *cpisv1.Upload) (bool, error) {
	ending := ends(u)
	if u.GetBrake() && c.ConfirmEnding != ending {
		return false, fmt.Errorf("not approved: the safety brake holds this file, which would end %d plans. "+
			"Look at them (cpis upload rows %s); if that is right, run\n"+
			"cpis upload approve %s --version %d --confirm-ending %d", ending, u.GetId(), u.GetId(), u.GetVersion(), ending)
	}
	return true, nil
}

// ends returns how many plans a file ends: those that it lacks, and those whose
// rows say so.
func ends(u *cpisv1.Upload) int32 { return u.GetCounts().GetEnding() + u.GetCounts().GetClosing() }

// agreement decides whether to approve what was shown.
type agreement func(*cpisv1.Upload) (bool, error)

// uploader is a file on its way to the service.
type uploader struct {
	service *clients
	files   []source
	w       *world
	request string // id of the request that sends it
	result  string // where to write what becomes of each row; may be empty
	beside  string // where to write it if rows were rejected
}

// upload sends the file and, if agree says so, approves it. Without agree it
// only sends it.
func (u *uploader) upload(ctx context.Context, begin *cpisv1.UploadBegin, agree agreement) error {
	sent, err := u.send(ctx, begin)
	if err != nil {
		return err
	}
	state, receipt, err := u.settle(ctx, sent.GetUpload(), sent.GetReceipt(), agree)
	if err != nil {
		return err
	}
	return u.report(ctx, state, receipt, agree == nil)
}

// settle shows what the file would do and has it approved, until it does not
// wait any more.
func (u *uploader) settle(
	ctx context.Context, state *cpisv1.Upload, receipt *cpisv1.Receipt, agree agreement,
) (*cpisv1.Upload, *cpisv1.Receipt, error) {
	for {
		var err error
		if state, err = u.await(ctx, state); err != nil {
			return nil, nil, err
		}
		if err := u.preview(ctx, state); err != nil {
			return nil, nil, err
		}
		if state.GetState() != cpisv1.UploadState_UPLOAD_STATE_WAITING || agree == nil {
			return state, receipt, nil
		}
		yes, err := agree(state)
		if err != nil {
			return nil, nil, err
		}
		if !yes {
			_, _ = fmt.Fprintln(u.w.stderr, waits(state))
			return nil, nil, errDeclined
		}
		approved, err := u.approve(ctx, state)
		if err != nil {
			return nil, nil, err
		}
		state, receipt = approved.GetUpload(), approved.GetReceipt()
		if state.GetState() != cpisv1.UploadState_UPLOAD_STATE_WAITING {
			state, err = u.await(ctx, state)
			return state, receipt, err
		}
		_, _ = fmt.Fprintln(u.w.stderr, "What is held has changed meanwhile, and so what the file would do:")
	}
}

// approve approves what was shown.
func (u *uploader) approve(ctx context.Context, state *cpisv1.Upload) (*cpisv1.ApproveUploadResponse, error) {
	q := &cpisv1.ApproveUploadRequest{UploadId: state.GetId(), Version: state.GetVersion()}
	if state.GetBrake() {
		q.ConfirmEnding = ends(state)
	}
	id := uuid.NewString()
	var out *cpisv1.ApproveUploadResponse
	u.tell("applying")
	err := again(ctx, isAway, func() (err error) {
		out, err = u.service.uploads.ApproveUpload(withRequestID(ctx, id), q)
		return err
	})
	u.tell("")
	if err != nil && mayBeDone(err) {
		return nil, fmt.Errorf("%w\nIt may have been applied or not: see cpis upload get %s", &refusedError{err}, state.GetId())
	}
	if err != nil {
		return nil, &refusedError{err}
	}
	return out, nil
}

// await waits while the service works on a file.
func (u *uploader) await(ctx context.Context, state *cpisv1.Upload) (*cpisv1.Upload, error) {
	for state.GetState() == cpisv1.UploadState_UPLOAD_STATE_RECEIVED || state.GetState() == cpisv1.UploadState_UPLOAD_STATE_APPLYING {
		u.tell(wordIn(state.GetState()) + ": the service works on it")
		if err := pause(ctx, pollEvery); err != nil {
			return nil, err
		}
		err := again(ctx, isAway, func() error {
			got, err := u.service.uploads.GetUpload(withRequestID(ctx, uuid.NewString()), &cpisv1.GetUploadRequest{UploadId: state.GetId()})
			if err == nil {
				state = got.GetUpload()
			}
			return err
		})
		if err != nil {
			return nil, &refusedError{err}
		}
	}
	u.tell("")
	return state, nil
}

// ask asks whether to approve what was shown. If the safety brake holds the
// file, the number of plans that will end must be repeated.
func (u *uploader) ask(state *cpisv1.Upload) (bool, error) {
	ending := strconv.Itoa(int(ends(state)))
	question := "Approve this? [y/N] "
	if state.GetBrake() {
		question = "This would end " + ending + " plans. To approve it, type that number: "
	}
	_, _ = fmt.Fprint(u.w.stderr, question)
	line, err := bufio.NewReader(u.w.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	if state.GetBrake() {
		return answer == ending, nil
	}
	return answer == "y" || answer == "yes", nil
}

// tell writes over the line that a terminal is at.
func (u *uploader) tell(text string) {
	if onTerminal(u.w.stderr) {
		_, _ = fmt.Fprintf(u.w.stderr, "\r\x1b[2K%s", text)
	}
}
