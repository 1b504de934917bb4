package clinician

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/session"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// maxListed is how many patients a clinic list has at most, as the room says.
const maxListed = 200

// clinicList is whom somebody expects: kept as a question about one patient is.
type clinicList struct {
	Patients []listed       `json:"patients"`
	Setting  domain.Setting `json:"setting"`
}

func listDraft(id string) session.Draft {
	return session.Draft{Of: "clinic list " + id, For: session.KeepQuestion, UntilLogOut: true}
}

// listOf returns the list of this address, or errExpired.
func listOf(v *frame.Visit) (*clinicList, error) {
	var l clinicList
	found, err := v.Kept(listDraft(v.R.PathValue("q")).Of, &l)
	if err == nil && !found {
		err = errExpired
	}
	return &l, err
}

// lineID is what a line of a list is called: the same each time, so that the line and the
// whole answer about its patient are one encounter.
func lineID(list string, line int) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(list+" "+strconv.Itoa(line))).String()
}

// askListPage asks for the patients of a clinic.
type askListPage struct {
	frame.Page

	Heading  nhsuk.Heading
	Patients nhsuk.Textarea
	Where    nhsuk.Select
	Tells    string
	Button   nhsuk.Button
	Action   string
	File     nhsuk.FileUpload
	Read     nhsuk.Button
	FromFile string
}

func showList(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return writeListForm(v, http.StatusOK, f)
}

func writeListForm(v *frame.Visit, status int, f *frame.Form) error {
	held, err := workplaceOf(v)
	if err != nil {
		return err
	}
	page := &askListPage{Page: pageOf(v, f), Action: v.In("/list"), FromFile: v.In("/list/file")}
	w := page.Say()
	page.Title, page.Heading, page.Tells = w.List.Title, frame.Heading(w.List.Title), w.List.Silent
	page.Patients = nhsuk.Textarea{
		Name: "patients", Value: f.Or("patients", ""), Rows: 10, Label: nhsuk.Label{Text: w.List.Patients, Size: nhsuk.Medium},
		Hint: nhsuk.Hint{Text: w.List.PatientsHint.With(strconv.Itoa(maxListed))}, Error: f.ErrorIn(w, "patients"), Autocomplete: "off", NoSpellcheck: true,
	}
	page.Where = whereField(w, f, expectedSettings, held.Setting)
	page.Button = nhsuk.Button{Text: w.List.Button, PreventDoubleClick: true}
	page.File = nhsuk.FileUpload{
		Name: "file", Label: nhsuk.Label{Text: w.List.File, Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: w.List.FileHint}, Error: f.ErrorIn(w, "file"),
		Accept: ".csv,.txt", ChooseText: w.List.FileChoose, NoFileText: w.List.FileNone, DropText: w.List.FileDrop,
		ChosenText: nhsuk.Plurals(w.List.FileChosen.Forms()), EnteredText: w.List.FileEntered, LeftText: w.List.FileLeft,
	}
	page.Read = nhsuk.Button{Text: w.List.FileButton, Variant: nhsuk.Secondary, PreventDoubleClick: true}
	return v.Show(status, "list", page)
}

// askList keeps a list, and sends the browser to its answers.
func askList(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	l := readClinicList(v, f)
	if !f.Fine() {
		return writeListForm(v, http.StatusUnprocessableEntity, f)
	}
	if err := keepWorkplace(v, &workplace{Setting: l.Setting}); err != nil {
		return err
	}
	id := uuid.NewString()
	if err := v.Sessions.SaveDraft(v.R.Context(), v.Owner(), listDraft(id), l); err != nil {
		return err
	}
	return v.To(v.In("/list/" + id))
}

// linesTold is of how many lines the form says at once what is wrong.
const linesTold = 10

// readClinicList reads the form, and says what is wrong with it, line by line.
func readClinicList(v *frame.Visit, f *frame.Form) *clinicList {
	w := words.In(v.Language())
	patients, wrong := readList(w, f.Values.Get("patients"), v.Today())
	l := &clinicList{Patients: patients, Setting: domain.Setting(f.Text("setting"))}
	switch {
	case len(wrong) > 0:
		rejectLines(w, f, wrong)
	case len(patients) == 0:
		f.Reject("patients", w.List.Empty)
	case len(patients) > maxListed:
		f.Reject("patients", w.List.TooMany.With(strconv.Itoa(maxListed), words.Number(len(patients))))
	}
	if !slices.Contains(expectedSettings, l.Setting) {
		f.Reject("setting", w.LookUp.WhereEmpty)
	}
	return l
}

func rejectLines(w *words.Words, f *frame.Form, wrong []wrongLine) {
	for i, l := range wrong {
		if i == linesTold {
			f.Problems = append(f.Problems, nhsuk.Problem{Text: w.List.MoreLines.Of(len(wrong) - i), Href: "#patients"})
			return
		}
		text := w.List.Line.With(words.Number(l.line), l.problem)
		if i == 0 {
			f.Reject("patients", text)
			continue
		}
		f.Problems = append(f.Problems, nhsuk.Problem{Text: text, Href: "#patients"})
	}
}

// maxListFile is how many bytes a file of a clinic has at most.
const maxListFile = 32 << 10

// takeListFile puts the lines of a file into the form, so that they are seen, and can be
// mended, before anybody is looked up.
func takeListFile(v *frame.Visit) error {
	file, err := listFile(v)
	if err != nil {
		return err
	}
	w, f := words.In(v.Language()), frame.FormOf(url.Values{})
	switch {
	case len(file) == 0:
		f.Reject("file", w.List.FileEmpty)
	case len(file) > maxListFile:
		f.Reject("file", w.List.FileTooBig)
	case bytes.IndexByte(file, 0) >= 0: // a workbook, or pages of text in another code
		f.Reject("file", w.List.FileKind)
	}
	if !f.Fine() {
		return writeListForm(v, http.StatusUnprocessableEntity, f)
	}
	text := strings.TrimPrefix(strings.ToValidUTF8(string(file), "?"), "\ufeff")
	if err := v.KeepFor(v.In("/list"), url.Values{"patients": {text}}); err != nil {
		return err
	}
	return v.To(v.In("/list"))
}

// listFile returns the beginning of the file that was sent; nothing if there was none.
// What else comes is heard out and forgotten.
func listFile(v *frame.Visit) (file []byte, err error) {
	v.R.Body = http.MaxBytesReader(v.W, v.R.Body, v.MaxFile)
	parts, err := v.R.MultipartReader()
	if err != nil {
		return nil, frame.ErrUnreadable
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return file, nil
		}
		if err != nil {
			return nil, frame.FileError(err)
		}
		if part.FormName() != "file" || file != nil {
			continue
		}
		if file, err = io.ReadAll(io.LimitReader(part, maxListFile+1)); err != nil {
			return nil, frame.FileError(err)
		}
	}
}
