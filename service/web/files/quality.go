package files

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cpis/service/guard"
	"cpis/service/upload"
	"cpis/service/web/chart"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// countingTime is how long a page waits for all plans to be opened and counted.
const countingTime = 8 * time.Second

// confirmWithin is how many days numbers may stand unconfirmed.
const confirmWithin = 90

// qualityPage says what is missing or doubtful in an authority's plans.
type qualityPage struct {
	frame.Page

	Heading nhsuk.Heading
	// Late says that counting took too long, and nothing else is there.
	Late    bool
	Plans   chart.Figure
	Causes  *chart.Figure // rows of the last file that stayed out; nil if there are none
	Unsent  bool          // no file was ever read
	Numbers nhsuk.SummaryList
}

// showQuality says what is missing or doubtful in an authority's plans. All of them are
// opened for that, which may take too long: then the page says so, and shows no number.
func (p *pages) showQuality(v *frame.Visit) error {
	page := &qualityPage{Page: frame.Page{Title: "Data quality"}, Heading: frame.Heading("Data quality")}
	ctx, cancel := context.WithTimeout(v.R.Context(), countingTime)
	defer cancel()
	report, err := p.Uploads.GetQualityReport(ctx, v.Caller(), &upload.QualityReportRequest{Request: v.Request})
	if tooLate(ctx, err) {
		page.Late = true
		return v.Show(http.StatusServiceUnavailable, "quality", page)
	}
	if err != nil {
		return err
	}
	page.Plans, page.Causes = doubtfulPlans(v, report), rowsOut(report.Rejected)
	page.Unsent = report.ValidNumbersPercent < 0 && report.DaysSince < 0 && len(report.Rejected) == 0
	page.Numbers = nhsuk.SummaryList{Rows: []nhsuk.Row{validNumbers(report), lastFile(v, report), confirmedNumbers(v, report)}}
	return v.Show(http.StatusOK, "quality", page)
}

// tooLate reports whether something failed because it took too long, or because a file
// of the authority is worked on for as long.
func tooLate(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	_, busy := errors.AsType[*guard.OverloadedError](err)
	return busy || errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// doubtfulPlans are the plans that want looking after, with the lists of them.
func doubtfulPlans(v *frame.Visit, r *upload.QualityReport) chart.Figure {
	f := chart.Figure{
		Finding: "You have " + counted(r.Active, "plan", "plans") + " in force.",
		Table: nhsuk.Table{
			Caption: nhsuk.Heading{Text: "Plans to check", Size: nhsuk.Medium}, Responsive: true, FirstIsHeader: true,
			Columns: []nhsuk.Column{{Text: "What is doubtful"}, {Text: "Plans", Format: nhsuk.Numeric}, {Text: "What to do"}},
		},
	}
	var bars chart.Bars
	for _, c := range []struct {
		what, todo, list string
		plans            int
	}{
		{"Baby past the expected date", "Record the birth, or end the plan", "/plans?show=overdue", r.Overdue},
		{"Young person who is 18 or older", "End the plan, or check the date of birth", "/plans?show=adult", r.Adults},
	} {
		first := nhsuk.Cell{Text: c.what}
		if c.plans > 0 {
			first.Href = v.Offered(c.list)
		}
		f.Table.Rows = append(f.Table.Rows, []nhsuk.Cell{first, {Text: words.Number(c.plans)}, {Text: c.todo}})
		bars = append(bars, chart.Point{Label: c.what, Value: int64(c.plans)})
	}
	switch n := r.Overdue + r.Adults; n {
	case 0:
		f.Finding += " Nothing about them looks doubtful."
	default:
		f.Finding, f.Chart = f.Finding+" "+counted(n, "of your plans wants", "of your plans want")+" a look.", bars
	}
	return f
}

// rowsOut are the rows of the last file that stayed out, by cause, the most first.
func rowsOut(reasons []upload.ReasonCount) *chart.Figure {
	if len(reasons) == 0 {
		return nil
	}
	all := slices.Clone(reasons)
	slices.SortStableFunc(all, func(a, b upload.ReasonCount) int { return cmp.Compare(b.Rows, a.Rows) })
	f := &chart.Figure{
		Finding: "Most often it was: " + causeWords(&all[0]) + ", in " + counted(all[0].Rows, "row", "rows") + ". A row with two mistakes is counted with each.",
		Table: nhsuk.Table{
			Caption: nhsuk.Heading{Text: "Rows of the last file that stayed out", Size: nhsuk.Medium}, Responsive: true, FirstIsHeader: true,
			Columns: []nhsuk.Column{{Text: "What is wrong"}, {Text: "Rows", Format: nhsuk.Numeric}, {Text: "What to do"}},
		},
	}
	var bars chart.Bars
	for i := range all {
		r := &all[i]
		f.Table.Rows = append(f.Table.Rows, []nhsuk.Cell{
			{Text: causeWords(r)}, {Text: words.Number(r.Rows)}, {Text: cmp.Or(fixes[r.Field], "Correct it in your case system, and send the file again.")},
		})
		bars = append(bars, chart.Point{Label: fieldWords(r.Field), Value: int64(r.Rows)})
	}
	f.Chart = bars
	return f
}

// causeWords says why rows stayed out, in few words.
func causeWords(r *upload.ReasonCount) string { return fieldWords(r.Field) + " " + r.Problem }

// validNumbers says how many rows have a valid NHS number.
func validNumbers(r *upload.QualityReport) nhsuk.Row {
	row := nhsuk.Row{Key: "Valid NHS numbers", Value: "Not counted: no whole list has been sent yet"}
	if r.ValidNumbersPercent < 0 {
		return row
	}
	// Rounded down: 94.9 is not what is needed.
	row.Value = strconv.FormatFloat(math.Floor(r.ValidNumbersPercent*10)/10, 'f', -1, 64) + "% of the rows of the last whole list"
	if r.ValidNumbersPercent < upload.GoLivePercent {
		row.Value += ". It should be " + strconv.Itoa(upload.GoLivePercent) + "% or more"
	}
	return row
}

// lastFile says when a file was last applied.
func lastFile(v *frame.Visit, r *upload.QualityReport) nhsuk.Row {
	row := nhsuk.Row{Key: "Last file applied", Value: "None yet", Actions: way(v, "See the files", "/files")}
	if r.DaysSince >= 0 {
		row.Value = frame.Moment(r.LastApplied) + ", " + ago(r.DaysSince)
	}
	return row
}

// confirmedNumbers says how old the telephone numbers are.
func confirmedNumbers(v *frame.Visit, r *upload.QualityReport) nhsuk.Row {
	row := nhsuk.Row{Key: "Contact numbers", Value: "Nobody has confirmed them yet", Actions: way(v, "Check the numbers", "/contacts")}
	if r.ContactsDays >= 0 {
		row.Value = "Confirmed " + ago(r.ContactsDays)
	}
	if r.ContactsDays > confirmWithin {
		row.Value += ". Confirm them every " + strconv.Itoa(confirmWithin) + " days"
	}
	return row
}

// way leads to a page, if it is there.
func way(v *frame.Visit, text, path string) []nhsuk.Action {
	href := v.Offered(path)
	if href == "" {
		return nil
	}
	return []nhsuk.Action{{Text: text, Href: href}}
}

// ago says how many days have passed.
func ago(days int) string {
	if days == 0 {
		return "today"
	}
	return counted(days, "day", "days") + " ago"
}
