package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/oversight"
)

// reports are the commands that ask the log.
type reports struct {
	verbs

	Download reportDownloadCmd `cmd:"" help:"Save the file of an export, from where it was cut off."`

	Rebuild reportRebuildCmd `cmd:"" help:"Throw the index that reports are made from away, and make it again from the log."`
	Check   reportCheckCmd   `cmd:"" help:"Compare that index with the log. Exit status: 0 it says what the log says, 3 it does not, 1 something could not be read."`
}

const (
	entryColumns = "at actor organisation organisation_name role action access_mode purpose outcome reason break_glass subject index"
	glassColumns = "at actor organisation organisation_name role purpose outcome reviewed review_outcome review_id subject index"
)

// reportVerbs are the verbs of reports: of each report one.
var reportVerbs = []verb{
	reportVerb("child", "child", "Who looked at this child. You are asked for the NHS number, or give --subject.", entryColumns),
	reportVerb("actor", "actor", "What a person or a system did.", entryColumns),
	reportVerb("organisation", "organisation", "What was done for an organisation.", entryColumns),
	reportVerb("refusals", "refusals", "What was refused.", entryColumns),
	reportVerb("break-glass", "break_glass", "Look-ups for which a right was claimed that the caller did not hold, and their reviews.", glassColumns),
	reportVerb("reports", "reports", "Exports of the log, and reports.", entryColumns),
	reportVerb("plans", "plans", "Changes of plans and people, and files of plans.", entryColumns),
	reportVerb("policy", "policy", "Changes of settings, keys and rules.", entryColumns+" rule"),
	reportVerb("contacts", "contacts", "Changes of telephone numbers.", entryColumns),
	reportVerb("channels", "channels", "Changes of channels.", entryColumns),
	reportVerb("out-of-hours", "out_of_hours", "Look-ups and reading by people outside Monday to Friday, 08:00 to 18:30.", entryColumns),
	reportVerb("no-encounter", "no_encounter", "Look-ups that named no encounter.", entryColumns),
	reportVerb("request", "request", "Everything under one request, by its identifier or by a receipt.", entryColumns),
	reportVerb("all", "everything", "Everything that the options let through.", entryColumns),
	{name: "count", method: "GetEntryCount", help: "Count the entries of a report before you ask for them."},
	{name: "export", service: "ExportService", method: "CreateExport", help: "Save a report as a file that proves itself, and that cpis audit verify verifies."},
	{
		name: "exports", service: "ExportService", method: "ListExports", help: "List the exports that you asked for and that are not forgotten.",
		columns: "id state report entries size asked expires",
	},
	{name: "show-export", service: "ExportService", method: "GetExport", help: "Show where an export stands."},
	{name: "delete-export", service: "ExportService", method: "DeleteExport", help: "Forget an export before its time."},
	{
		name: "many", method: "ListTallies", help: "Children who were looked up by many people, in 31 days at most.",
		columns: "subject callers look_ups first last", fixed: map[protoreflect.Name]string{"tally": "children"},
	},
	{
		name: "again", method: "ListTallies", help: "People who looked the same child up again and again, in 31 days at most.",
		columns: "actor organisation subject look_ups first last", fixed: map[protoreflect.Name]string{"tally": "callers"},
	},
}

func reportVerb(name, report, help, columns string) verb {
	return verb{
		name: name, method: "ListEntries", help: help, columns: columns, fixed: map[protoreflect.Name]string{"report": report},
	}
}

// fieldsOf are the fields of a request that the verb does not say itself. Of
// reports, one alone asks who somebody is.
func (v *verb) fieldsOf(request protoreflect.MessageDescriptor) []*field {
	asks := len(v.fixed) == 0 || v.fixed["report"] == "child"
	return slices.DeleteFunc(fieldsOf(request), func(f *field) bool {
		_, fixed := v.fixed[f.path[0].Name()]
		return fixed || f.personal() && !asks
	})
}

// fix sets what the verb says itself.
func (v *verb) fix(request proto.Message) error {
	for _, name := range slices.Sorted(maps.Keys(v.fixed)) {
		fd := request.ProtoReflect().Descriptor().Fields().ByName(name)
		value, err := parseValue(fd, v.fixed[name])
		if err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
		request.ProtoReflect().Set(fd, value)
	}
	return nil
}

// asksNobody reports whether a request asks the log about no child by its number.
func asksNobody(request proto.Message) bool {
	switch q := request.(type) {
	case *cpisv1.ListEntriesRequest:
		return q.GetReport() != cpisv1.Report_REPORT_CHILD || q.GetQuery().GetSubject() != ""
	case *cpisv1.CreateExportRequest:
		return q.GetReport() != cpisv1.Report_REPORT_CHILD || q.GetQuery().GetSubject() != ""
	case *cpisv1.GetEntryCountRequest:
		return q.GetReport() != cpisv1.Report_REPORT_CHILD || q.GetQuery().GetSubject() != ""
	}
	return false
}

// tableFlag is of verbs that list what the log says.
type tableFlag struct {
	CSV bool `name:"csv" help:"Write all of it, with all that is known, as CSV for a spreadsheet."`
}

// hasCoverage reports whether an answer says how far it reaches.
func hasCoverage(answer protoreflect.MessageDescriptor) bool {
	return answer.Fields().ByName("coverage") != nil
}

// tellCoverage says how far an answer reaches, and what is left out of it.
func tellCoverage(out io.Writer, answer proto.Message) {
	a, ok := answer.(interface{ GetCoverage() *cpisv1.Coverage })
	if !ok || a.GetCoverage() == nil {
		return
	}
	c := a.GetCoverage()
	text := "Complete up to " + london(c.GetCompleteUntil()) + "."
	switch n := c.GetBehind(); n {
	case 0:
	case 1:
		text += " 1 newer entry of the log is not in it yet: ask again in a second."
	default:
		text += fmt.Sprintf(" %d newer entries of the log are not in it yet: ask again in a second.", n)
	}
	if c.GetAuthoritiesLeftOut() {
		text += " The child is restricted: what authorities did is left out."
	}
	_, _ = fmt.Fprintln(out, text)
}

// printAll writes all pages of an answer as CSV. The heads come first, also where
// nothing follows.
func (c *verbCmd) printAll(ctx context.Context, service *clients, request proto.Message, w *world) error {
	if m := request.ProtoReflect(); m.Descriptor().Fields().ByName("page") != nil {
		if q, ok := request.(*cpisv1.ListEntriesRequest); ok && q.GetPageSize() == 0 {
			q.PageSize = csvPage
		}
	}
	table := csv.NewWriter(w.stdout)
	rows := int64(0)
	for first := true; ; first = false {
		answer := c.message(c.method.Output())
		if err := c.call(ctx, service, request, answer); err != nil {
			return err
		}
		list := listIn(answer.ProtoReflect())
		if err := writeCSV(table, list, first); err != nil {
			return fmt.Errorf("writing the table: %w", err)
		}
		rows += int64(list.Len())
		next := textIn(answer, "next_page")
		if next == "" {
			_, _ = fmt.Fprintf(w.stderr, "%d rows. ", rows)
			tellCoverage(w.stderr, answer)
			return nil
		}
		setText(request, "page", next)
	}
}

// csvPage is how many entries are asked for at a time.
const csvPage = 1000

// writeCSV writes a list as rows of cells that no spreadsheet takes for formulas.
func writeCSV(table *csv.Writer, list protoreflect.List, heads bool) error {
	paths := slices.Collect(leavesOf(list.NewElement().Message().Descriptor()))
	if heads {
		if err := table.Write(paths); err != nil {
			return err
		}
	}
	for i := range list.Len() {
		cells := make([]string, len(paths))
		for j, path := range paths {
			cells[j] = audit.HarmlessCell(csvCell(list.Get(i).Message(), path))
		}
		if err := table.Write(cells); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// csvCell is what stands at a path, a moment in UTC.
func csvCell(m protoreflect.Message, path string) string {
	if fd := m.Descriptor().Fields().ByName(protoreflect.Name(path)); fd != nil && m.Has(fd) && fd.Message() != nil {
		if at, ok := m.Get(fd).Message().Interface().(*timestamppb.Timestamp); ok {
			return at.AsTime().Format(time.RFC3339Nano)
		}
	}
	return cellAt(m, strings.Split(path, "."))
}

type reportRebuildCmd struct{ databaseFlags }

// Run makes the index again.
func (c *reportRebuildCmd) Run(ctx context.Context, w *world) error {
	command, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	admin := oversight.Admin{Command: command}
	checked, err := admin.Rebuild(ctx, func(origin string, done, size int64) {
		_, _ = fmt.Fprintf(w.stderr, "%s: %d of %d entries\n", origin, done, size)
	})
	if err != nil {
		return fmt.Errorf("rebuilding the index: %w", err)
	}
	return printChecked(w.stdout, checked)
}

type reportCheckCmd struct{ databaseFlags }

// Run compares the index with the log.
func (c *reportCheckCmd) Run(ctx context.Context, w *world) error {
	command, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	admin := oversight.Admin{Command: command}
	checked, err := admin.Check(ctx)
	if err != nil {
		return fmt.Errorf("checking the index: %w", err)
	}
	return printChecked(w.stdout, checked)
}

// printChecked says what was found of each index.
func printChecked(out io.Writer, checked []oversight.Checked) error {
	var wrong error
	for _, c := range checked {
		text := fmt.Sprintf("%s: the index has %d of %d entries, as the log says.", c.Origin, c.Indexed, c.Size)
		if c.Wrong >= 0 {
			text = fmt.Sprintf("%s: DAMAGED. Of entry %d the index says something else than the log. Verify an export of the log first; \"cpis report rebuild\" makes the index again.",
				c.Origin, c.Wrong)
			wrong = exitError(exitBroken)
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return errors.Join(wrong, err)
		}
	}
	return wrong
}
