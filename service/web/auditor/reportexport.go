package auditor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cpis/service/export"
	"cpis/service/identity"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Exports are reports as files. *export.Exports makes them.
type Exports interface {
	CreateExport(ctx context.Context, c *identity.Caller, q *export.CreateExportRequest) (*export.CreatedExport, error)
	GetExport(ctx context.Context, c *identity.Caller, q *export.GetExportRequest) (*export.FoundExport, error)
	ListExports(ctx context.Context, c *identity.Caller, q *export.ListExportsRequest) (*export.List, error)
	DownloadExport(ctx context.Context, c *identity.Caller, q *export.DownloadExportRequest, send func(*export.Part) error) error
	DeleteExport(ctx context.Context, c *identity.Caller, q *export.DeleteExportRequest) (*export.DeletedExport, error)
}

// formatTexts are the forms in which a report leaves, besides the log's own lines.
var formatTexts = []option{
	{"csv", "CSV, for spreadsheets"}, {"xlsx", "Excel"}, {"fhir_nhs", "FHIR AuditEvents, as the NHS has them"}, {"fhir_balp", "FHIR AuditEvents, as IHE has them"},
}

func formatBoxes() nhsuk.Checkboxes {
	boxes := nhsuk.Checkboxes{
		Name: "format", Values: []string{"csv"}, Small: true, Legend: nhsuk.Legend{Text: "Which files besides the lines of the log?", Size: nhsuk.Small},
	}
	for _, f := range formatTexts {
		boxes.Choices = append(boxes.Choices, nhsuk.Choice{Value: f.value, Text: f.text})
	}
	return boxes
}

// exportReport has a report made as a file.
func (p *pages) exportReport(v *frame.Visit) error {
	a, err := askingOf(v)
	if a == nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	made, err := p.Exports.CreateExport(v.R.Context(), v.Caller(), &export.CreateExportRequest{
		Report: a.kind.report, Query: a.question.query(a.filter), Formats: f.Values["format"], Request: f.Act(),
	})
	if err != nil {
		return err
	}
	return v.To("/exports/" + made.Export.ID)
}

// exportsPage lists the files of the person.
type exportsPage struct {
	frame.Page

	Heading nhsuk.Heading
	Table   nhsuk.Table
	None    bool
}

// listExports lists the files of the person.
func (p *pages) listExports(v *frame.Visit) error {
	found, err := p.Exports.ListExports(v.R.Context(), v.Caller(), &export.ListExportsRequest{Request: v.Request})
	if err != nil {
		return err
	}
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Files, the newest first", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Report"}, {Text: "Asked for"}, {Text: "Entries"}, {Text: "State"}, {Text: "Kept until"}},
	}
	for i := range found.Exports {
		x := &found.Exports[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: exportTitle(x), Hidden: ", asked for on " + frame.Moment(x.Asked), Href: "/exports/" + x.ID},
			{Text: frame.Moment(x.Asked)},
			{Text: words.Number(x.Entries)},
			{Body: stateTag(x)},
			{Text: frame.Day(x.Expires)},
		})
	}
	return v.Show(http.StatusOK, "exports", &exportsPage{
		Page: frame.Page{Title: "Your files"}, Heading: frame.Heading("Your files"), Table: t, None: len(found.Exports) == 0,
	})
}

func exportTitle(x *export.Export) string {
	if kind, known := kindOf(string(x.Report)); known {
		return kind.title
	}
	return "A report that cannot be opened just now"
}

func stateTag(x *export.Export) nhsuk.Tag {
	switch x.State {
	case export.Making:
		return nhsuk.Tag{Text: "Being made", Colour: nhsuk.Blue}
	case export.Ready:
		return nhsuk.Tag{Text: "Ready", Colour: nhsuk.Green}
	case export.Failed:
		return nhsuk.Tag{Text: "Failed", Colour: nhsuk.Red}
	}
	return nhsuk.Tag{Text: "Not known", Colour: nhsuk.Grey}
}

// exportPage shows where a file stands.
type exportPage struct {
	frame.Page

	Heading  nhsuk.Heading
	ID       string
	Making   bool
	Ready    bool
	Progress string
	List     nhsuk.SummaryList
	Download nhsuk.Button
	Delete   nhsuk.Button
	Act      string
}

// exportHeadings say where a file stands.
var exportHeadings = map[export.State]string{
	export.Making: "Your file is being made", export.Ready: "Your file is ready", export.Failed: "Your file could not be made",
}

// showExport shows where a file stands.
func (p *pages) showExport(v *frame.Visit) error {
	found, err := p.Exports.GetExport(v.R.Context(), v.Caller(), &export.GetExportRequest{ID: v.R.PathValue("id"), Request: v.Request})
	if err != nil {
		return err
	}
	x := &found.Export
	title := exportHeadings[x.State]
	page := &exportPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Your files", Href: "/exports"}}, Heading: frame.Heading(title), ID: x.ID,
		Making: x.State == export.Making, Ready: x.State == export.Ready, List: aboutExport(x), Act: v.Request,
		Download: nhsuk.Button{Text: "Download the file", Href: "/exports/" + x.ID + "/file"},
		Delete:   nhsuk.Button{Text: "Delete this file", Variant: nhsuk.Warning, PreventDoubleClick: true},
	}
	if page.Making && x.Work > 0 {
		page.Progress = strconv.FormatInt(100*x.Done/x.Work, 10) + "%"
	}
	return v.Show(http.StatusOK, "export", page)
}

func aboutExport(x *export.Export) nhsuk.SummaryList {
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Question", Value: exportTitle(x)},
		{Key: "Why", Value: cmp.Or(reasonWords(string(x.Reason)), "Not known")},
		{Key: "Entries", Value: words.Number(x.Entries)},
		{Key: "Files", Value: formatWords(x.Formats)},
		{Key: "Asked for", Value: frame.Moment(x.Asked)},
		{Key: "Kept until", Value: frame.Moment(x.Expires)},
	}}
	if x.State == export.Ready {
		list.Rows = append(list.Rows, nhsuk.Row{Key: "Size", Value: sizeWords(x.Size)})
	}
	return list
}

// formatWords says which files an export holds.
func formatWords(formats []string) string {
	all := []string{"The log’s own lines"}
	for _, f := range formats {
		if text := textOf(formatTexts, f); text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// sizeWords says how large a file is.
func sizeWords(bytes int64) string {
	switch {
	case bytes < 1000:
		return strconv.FormatInt(bytes, 10) + " bytes"
	case bytes < 1_000_000:
		return strconv.FormatInt((bytes+999)/1000, 10) + " kB"
	}
	return words.Number((bytes+999_999)/1_000_000) + " MB"
}

// errStillMade says that a file is not ready.
var errStillMade = errors.New("the file is still being made")

// sendExport sends a file to its owner, from where it was cut off if the browser says
// so.
func (p *pages) sendExport(v *frame.Visit) error {
	ask := &export.DownloadExportRequest{ID: v.R.PathValue("id"), Offset: rangeStart(v.R.Header.Get("Range")), Request: v.Request}
	err := p.Exports.DownloadExport(v.R.Context(), v.Caller(), ask, func(p *export.Part) error {
		if p.Export.State != export.Ready {
			return errStillMade
		}
		if v.Status == 0 {
			beginFile(v, p, ask.Offset)
		}
		_, err := v.W.Write(p.Chunk)
		return err
	})
	if errors.Is(err, errStillMade) {
		return v.To("/exports/" + ask.ID)
	}
	return err
}

// beginFile says what comes. Whoever hears less than its length knows that it was cut
// off.
func beginFile(v *frame.Visit, p *export.Part, offset int64) {
	h := v.W.Header()
	if offset >= p.Export.Size {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", p.Export.Size))
		v.Status = http.StatusRequestedRangeNotSatisfiable
		v.W.WriteHeader(v.Status)
		return
	}
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="report-`+p.Export.ID+`.zip"`)
	h.Set("Content-Length", strconv.FormatInt(p.Export.Size-offset, 10))
	h.Set("Accept-Ranges", "bytes")
	v.Status = http.StatusOK
	if offset > 0 {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, p.Export.Size-1, p.Export.Size))
		v.Status = http.StatusPartialContent
	}
	v.W.WriteHeader(v.Status)
}

// rangeStart reads from where on a file is asked for: of what is none, the whole.
func rangeStart(header string) int64 {
	from, ok := strings.CutPrefix(header, "bytes=")
	from, open := strings.CutSuffix(from, "-")
	n, err := strconv.ParseInt(from, 10, 64)
	if !ok || !open || err != nil || n < 0 {
		return 0
	}
	return n
}

// deleteExport forgets a file before its time.
func (p *pages) deleteExport(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if _, err := p.Exports.DeleteExport(v.R.Context(), v.Caller(), &export.DeleteExportRequest{ID: v.R.PathValue("id"), Request: f.Act()}); err != nil {
		return err
	}
	return v.ToTelling("/exports", "The file was deleted.")
}
