package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/google/uuid"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
)

// shownRows is how many rows with the same outcome are printed; the file with
// the result has them all.
const shownRows = 5

// shown are the outcomes of which rows are printed, what needs a look first.
var shown = []struct {
	outcome cpisv1.RowOutcome
	count   func(*cpisv1.UploadCounts) int32
}{
	{cpisv1.RowOutcome_ROW_OUTCOME_ENDING, (*cpisv1.UploadCounts).GetEnding},
	{cpisv1.RowOutcome_ROW_OUTCOME_REJECTED, (*cpisv1.UploadCounts).GetRejected},
	{cpisv1.RowOutcome_ROW_OUTCOME_HELD_BACK, (*cpisv1.UploadCounts).GetHeldBack},
	{cpisv1.RowOutcome_ROW_OUTCOME_CHANGED, (*cpisv1.UploadCounts).GetChanged},
	{cpisv1.RowOutcome_ROW_OUTCOME_NEW, (*cpisv1.UploadCounts).GetNew},
}

// preview prints what a file would do, or did.
func (u *uploader) preview(ctx context.Context, state *cpisv1.Upload) error {
	var p page
	if state.GetBrake() {
		p.line("SAFETY BRAKE: this would end %s.", counted(int(ends(state)), "plan", "plans"))
	}
	for _, text := range state.GetWarnings() {
		p.paragraph("", "Warning: "+text)
	}
	for _, v := range state.GetProblems() {
		p.line("The file: %s", violationText(v))
	}
	if _, err := io.WriteString(u.w.stdout, p.String()); err != nil {
		return err
	}
	if err := printCounts(u.w.stdout, state.GetCounts()); err != nil {
		return err
	}
	for _, s := range shown {
		if n := int(s.count(state.GetCounts())); n > 0 {
			if err := u.printRows(ctx, state.GetId(), s.outcome, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// printCounts prints the counts as a table.
func printCounts(out io.Writer, n *cpisv1.UploadCounts) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(table, "rows\tnew\tchanged\tunchanged\tending\theld back\trejected\t\n%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", // Flush says what went wrong
		n.GetRows(), n.GetNew(), n.GetChanged(), n.GetUnchanged(), n.GetEnding(), n.GetHeldBack(), n.GetRejected())
	return table.Flush()
}

// printRows prints the first of the rows with an outcome.
func (u *uploader) printRows(ctx context.Context, id string, outcome cpisv1.RowOutcome, all int) error {
	var p page
	n := 0
	for row, err := range u.rows(ctx, id, outcome) {
		if err != nil {
			return err
		}
		p.line("  %s", rowText(row))
		if n++; n == shownRows {
			break
		}
	}
	if more := all - n; more > 0 {
		p.line("  and %d more: %s", more, wordIn(outcome))
	}
	_, err := io.WriteString(u.w.stdout, p.String())
	return err
}

// rowText says what becomes of a row.
func rowText(row *cpisv1.RowResult) string {
	text := wordIn(row.GetOutcome())
	if row.GetLine() > 0 {
		text = fmt.Sprintf("line %d, %s", row.GetLine(), text)
	}
	if row.GetFile() != "" {
		text = row.GetFile() + ", " + text
	}
	if row.GetReference() != "" {
		text += ", " + row.GetReference()
	}
	var why []string
	for _, v := range row.GetViolations() {
		why = append(why, violationText(v))
	}
	for _, c := range row.GetChanges() {
		why = append(why, changeText(c))
	}
	if len(why) > 0 {
		text += ": " + strings.Join(why, "; ")
	}
	return text
}

// rows returns the rows of an upload, or those with one outcome, page by page.
func (u *uploader) rows(ctx context.Context, id string, outcome cpisv1.RowOutcome) iter.Seq2[*cpisv1.RowResult, error] {
	return func(yield func(*cpisv1.RowResult, error) bool) {
		q := &cpisv1.ListUploadRowsRequest{UploadId: id, Outcome: outcome}
		for {
			var answer *cpisv1.ListUploadRowsResponse
			err := again(ctx, isAway, func() (err error) {
				answer, err = u.service.uploads.ListUploadRows(withRequestID(ctx, uuid.NewString()), q)
				return err
			})
			if err != nil {
				yield(nil, &refusedError{err})
				return
			}
			for _, row := range answer.GetRows() {
				if !yield(row, nil) {
					return
				}
			}
			if q.Page = answer.GetNextPage(); q.GetPage() == "" {
				return
			}
		}
	}
}

// report says what became of the file, and writes what became of its rows.
func (u *uploader) report(ctx context.Context, state *cpisv1.Upload, receipt *cpisv1.Receipt, checkOnly bool) error {
	var p page
	p.line("%s", conclusion(state, receipt))
	if checkOnly && state.GetState() == cpisv1.UploadState_UPLOAD_STATE_WAITING {
		p.line("%s", waits(state))
	}
	rejected := state.GetCounts().GetRejected() > 0
	name := u.result
	if name == "" && rejected {
		name = u.beside
	}
	if name != "" {
		if err := u.writeResult(ctx, state.GetId(), name); err != nil {
			return err
		}
		p.line("The result of each row is in %s.", name)
	}
	if _, err := io.WriteString(u.w.stdout, p.String()); err != nil {
		return err
	}
	if rejected || state.GetState() == cpisv1.UploadState_UPLOAD_STATE_REJECTED {
		return exitError(exitRejected)
	}
	return nil
}

// conclusion says what became of a file.
func conclusion(state *cpisv1.Upload, receipt *cpisv1.Receipt) string {
	switch state.GetState() { //nolint:exhaustive // the others are on their way
	case cpisv1.UploadState_UPLOAD_STATE_APPLIED:
		text := fmt.Sprintf("Applied: entry %d of the log %s.", receipt.GetIndex(), receipt.GetLog())
		if n := state.GetCounts().GetRejected(); n > 0 {
			text += fmt.Sprintf(" %s rejected and left out: correct and upload again.", counted(int(n), "row was", "rows were"))
		}
		return text
	case cpisv1.UploadState_UPLOAD_STATE_CHECKED:
		return "Nothing to apply: every row matches what is already recorded."
	case cpisv1.UploadState_UPLOAD_STATE_REJECTED:
		return fmt.Sprintf("Rejected (%s): nothing was changed.", state.GetCode())
	case cpisv1.UploadState_UPLOAD_STATE_WAITING:
		return "Checked: nothing was changed."
	}
	return "The upload is " + wordIn(state.GetState()) + "."
}

// counted says how many there are of something.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// waits says how to approve a file that waits.
func waits(state *cpisv1.Upload) string {
	text := fmt.Sprintf("It waits for approval: cpis upload approve %s --version %d", state.GetId(), state.GetVersion())
	if state.GetBrake() {
		text += fmt.Sprintf(" --confirm-ending %d", ends(state))
	}
	return text
}

// writeResult writes what became of each row, one line for each remark.
func (u *uploader) writeResult(ctx context.Context, id, name string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{{"file", "line", "outcome", "code", "plan_id", "reference", "column", "problem", "example"}}
	for row, err := range u.rows(ctx, id, cpisv1.RowOutcome_ROW_OUTCOME_UNSPECIFIED) {
		if err != nil {
			return err
		}
		lines = append(lines, resultLines(row)...)
	}
	if err := w.WriteAll(lines); err != nil {
		return fmt.Errorf("writing result: %w", err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing result: %w", err)
	}
	return nil
}

// resultLines are the lines about one row. Of a change they name the column:
// what stood and stands there is nobody's but the authority's.
func resultLines(row *cpisv1.RowResult) [][]string {
	begin := []string{
		row.GetFile(), strconv.Itoa(int(row.GetLine())), wordIn(row.GetOutcome()), row.GetCode(), row.GetPlanId(), row.GetReference(),
	}
	var lines [][]string
	add := func(column, problem, example string) {
		line := append(slices.Clone(begin), column, problem, example)
		for i := range line {
			line[i] = audit.HarmlessCell(line[i])
		}
		lines = append(lines, line)
	}
	for _, v := range row.GetViolations() {
		add(v.GetField(), v.GetProblem(), v.GetExample())
	}
	for _, c := range row.GetChanges() {
		add(c.GetField(), "is held otherwise", "")
	}
	if len(lines) == 0 {
		add("", "", "")
	}
	return lines
}
