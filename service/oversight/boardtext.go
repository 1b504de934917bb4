package oversight

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"cpis/service/domain"
)

// summaryText writes a summary as it is printed for a board.
func summaryText(s *BoardSummary) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Weeks from %s to %s\n", day(domain.DateOf(s.From)), day(domain.DateOf(s.Until.AddDate(0, 0, -1))))
	b.WriteString("*  fewer than 5, or hidden so that nobody can work out what is fewer than 5\n")
	for i := range s.Tables {
		writeTable(&b, &s.Tables[i])
	}
	return b.String()
}

// writeTable writes a table, a line for each column: there are thirteen weeks or
// fourteen, and there may be 153 authorities.
func writeTable(b *strings.Builder, t *SummaryTable) {
	fmt.Fprintf(b, "\n%s\n", t.Title)
	if len(t.Columns) == 0 {
		b.WriteString("  none\n")
		return
	}
	out := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(out, "week of\t") // a builder never fails
	for i := range t.Rows {
		_, _ = fmt.Fprintf(out, "%s\t", t.Rows[i].Week.Time().Format("2 Jan"))
	}
	_, _ = fmt.Fprint(out, "total\t\n")
	for c, name := range t.Columns {
		_, _ = fmt.Fprintf(out, "%s\t", name)
		for i := range t.Rows {
			_, _ = fmt.Fprintf(out, "%s\t", t.Rows[i].Cells[c].text())
		}
		_, _ = fmt.Fprintf(out, "%s\t\n", t.Total.Cells[c].text())
	}
	_, _ = fmt.Fprint(out, "total\t")
	for i := range t.Rows {
		_, _ = fmt.Fprintf(out, "%s\t", t.Rows[i].Total.text())
	}
	_, _ = fmt.Fprintf(out, "%s\t\n", t.Total.Total.text())
	_ = out.Flush()
}

// text writes a count, with the hours that half of the notices took.
func (c *SummaryCell) text() string {
	switch {
	case c.Hidden:
		return "*"
	case c.MedianHours > 0:
		return fmt.Sprintf("%d (%.1f h)", c.Count, c.MedianHours)
	}
	return strconv.FormatInt(c.Count, 10)
}

func day(d domain.Date) string { return d.Time().Format("2 January 2006") }
