package files

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

const (
	// arrivalTime is how long a file may take to arrive, as the room allows it, with
	// the time that it waits for others.
	arrivalTime = 5 * time.Minute
	// maxField is the longest text beside a file.
	maxField = 1 << 10
	// chunkSize is how much of a file is passed on together.
	chunkSize = 64 << 10
)

// sendPage asks for a file.
type sendPage struct {
	frame.Page

	Heading nhsuk.Heading
	Extent  nhsuk.Radios
	File    nhsuk.FileUpload
	Excel   nhsuk.Details
	Dataset nhsuk.Details
	Ways    nhsuk.Details // other ones than this form
	Submit  nhsuk.Button
	Act     string
}

// ask asks for a file.
func (p *pages) ask(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showForm(v, http.StatusOK, f)
}

func (p *pages) showForm(v *frame.Visit, status int, f *frame.Form) error {
	const title = "Send a file of plans"
	return v.Show(status, "file_new", &sendPage{
		Page: frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to files", Href: "/files"}}, Heading: frame.Heading(title), Act: f.Act(),
		Extent: nhsuk.Radios{
			Name: "extent", Value: f.Or("extent", ""), Legend: nhsuk.Legend{Text: "What is in the file?", Size: nhsuk.Medium}, Error: f.Error("extent"),
			Choices: []nhsuk.Choice{
				{Value: string(upload.Delta), Text: "Only plans that are new or have changed", Hint: nhsuk.Hint{Text: "All your other plans stay as they are"}},
				{Value: string(upload.Whole), Text: "Every plan that is in force today", Hint: nhsuk.Hint{Text: "Plans that are missing from the file will end. You see which before anything changes"}},
			},
		},
		File: nhsuk.FileUpload{
			Name: "file", Label: nhsuk.Label{Text: "Which file?", Size: nhsuk.Medium}, Error: f.Error("file"), Accept: ".csv,.zip", Multiple: true,
			Hint: nhsuk.Hint{Text: "A CSV file, or the tables of the Standard Safeguarding Dataset as one ZIP or as CSV files. At most " + sizeWords(v.MaxFile)},
		},
		Excel: nhsuk.Details{
			Summary: "The file is an Excel workbook",
			Text:    "Open it in Excel, choose Save as, and then CSV UTF-8 (comma delimited). Send the file that this makes. Keep the column of NHS numbers as text, or Excel drops digits.",
		},
		Dataset: nhsuk.Details{
			Summary: "The file comes from the Standard Safeguarding Dataset",
			Text: "All six tables must be there: ssd_person, ssd_linked_identifiers, ssd_cp_plans, ssd_cla_episodes, ssd_legal_status and ssd_mother. " +
				"Put them into one ZIP, or choose all six together.",
		},
		Ways:   nhsuk.Details{Summary: "Other ways to send a file", Text: "Your case system can send files by itself, over the contract of this service. Ask whoever looks after it, or call the number below."},
		Submit: nhsuk.Button{Text: "Send and check", PreventDoubleClick: true},
	})
}

// take takes a file as it comes: it is never held here as a whole.
func (p *pages) take(v *frame.Visit) error {
	control := http.NewResponseController(v.W)
	until := time.Now().Add(arrivalTime) //nolint:forbidigo // the machine's clock is the connection's
	_ = control.SetReadDeadline(until)   // if the connection cannot, the file has the time that all have
	_ = control.SetWriteDeadline(until.Add(2 * patience))
	in, err := arrivalOf(v)
	if err != nil {
		return err
	}
	if !in.form.Fine() {
		return p.refuse(v, in)
	}
	q := &upload.Request{
		Format: upload.FormatOf(in.part.FileName()), Extent: upload.Extent(in.form.Text("extent")), Request: in.form.Act(), Wait: patience,
	}
	in.named = q.Format == upload.CSV
	sent, err := p.Uploads.Upload(v.R.Context(), v.Caller(), q, in.next)
	switch {
	case errors.Is(in.failed, errOtherKind):
		return p.refuse(v, in)
	case in.failed != nil:
		return in.failed
	case in.form.Refuse(err, map[string]string{"file": "file|Select at most 16 files"}):
		return p.refuse(v, in)
	case err != nil:
		return err
	}
	return v.To("/files/" + sent.Upload.ID)
}

// refuse asks for the file again. What still comes of it is taken and forgotten: a
// browser that is not heard out shows no answer.
func (p *pages) refuse(v *frame.Visit, in *arrival) error {
	if _, err := io.Copy(io.Discard, v.R.Body); err != nil {
		return frame.FileError(err)
	}
	return p.showForm(v, http.StatusUnprocessableEntity, in.form)
}

// arrival is a form with a file in it, on its way in: what was asked beside the file
// comes before it.
type arrival struct {
	form   *frame.Form
	parts  *multipart.Reader
	part   *multipart.Part // of a file, being read
	named  bool            // the name of the part was passed on, or need not be
	buffer []byte
	failed error // what a form failed with
}

// arrivalOf reads a form until its file begins.
func arrivalOf(v *frame.Visit) (*arrival, error) {
	v.R.Body = http.MaxBytesReader(v.W, v.R.Body, v.MaxFile)
	parts, err := v.R.MultipartReader()
	if err != nil {
		return nil, frame.ErrUnreadable
	}
	values := url.Values{}
	in := &arrival{form: frame.FormOf(values), parts: parts, buffer: make([]byte, chunkSize)}
	for in.part == nil {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, frame.FileError(err)
		}
		if part.FormName() == "file" {
			if part.FileName() != "" {
				in.part = part
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, maxField))
		if err != nil {
			return nil, frame.FileError(err)
		}
		values.Set(part.FormName(), string(text))
	}
	in.check()
	return in, nil
}

// check says what is wrong with the form.
func (in *arrival) check() {
	if e := upload.Extent(in.form.Text("extent")); e != upload.Delta && e != upload.Whole {
		in.form.Reject("extent", "Select what is in the file")
	}
	if in.part == nil {
		in.form.Reject("file", "Select a file")
	} else if kind := kindProblem(in.part.FileName()); kind != "" {
		in.form.Reject("file", kind)
	}
}

// workbooks are endings of files that are to be saved as CSV.
var workbooks = []string{".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"}

// kindProblem says what to do with a file that is of no kind that is read.
func kindProblem(name string) string {
	switch ending := strings.ToLower(path.Ext(name)); {
	case ending == ".csv", ending == ".zip":
		return ""
	case slices.Contains(workbooks, ending):
		return "The selected file is a workbook. In Excel, choose Save as, then CSV UTF-8, and send that file"
	}
	return "The selected file must be a CSV or a ZIP. In Excel, choose Save as, then CSV UTF-8"
}

// errOtherKind says that one of several files is of no kind that is read.
var errOtherKind = errors.New("a file of another kind")

// next passes the file on, part by part. A form that broke off must not look like one
// that ended.
func (in *arrival) next() (upload.Part, error) {
	part, err := in.more()
	if err != nil && !errors.Is(err, io.EOF) && in.failed == nil {
		in.failed = frame.FileError(err)
	}
	return part, err
}

func (in *arrival) more() (upload.Part, error) {
	for {
		if !in.named {
			in.named = true
			return upload.Part{File: path.Base(in.part.FileName())}, nil
		}
		n, err := in.part.Read(in.buffer)
		if n > 0 {
			return upload.Part{Chunk: in.buffer[:n]}, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return upload.Part{}, err
		}
		if errors.Is(err, io.EOF) {
			if err := in.another(); err != nil {
				return upload.Part{}, err
			}
		}
	}
}

// another goes on to the next of several files. The error is io.EOF after the last.
func (in *arrival) another() error {
	for {
		part, err := in.parts.NextPart()
		if err != nil {
			return err
		}
		if part.FileName() == "" {
			continue
		}
		if kind := kindProblem(part.FileName()); kind != "" {
			in.form.Reject("file", kind)
			in.failed = errOtherKind
			return errOtherKind
		}
		in.part, in.named = part, false
		return nil
	}
}
