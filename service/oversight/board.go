package oversight

import (
	"context"
	"slices"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// BoardSummaryRequest asks for the numbers of a quarter.
type BoardSummaryRequest struct {
	Year    int
	Quarter int // 1 to 4
	Reason  Reason
	Request string // request id
}

// BoardSummary is the numbers of a quarter, for a board: whole weeks, which begin
// on the Mondays of the quarter in London. They are those of the caller's
// organisation, or of all if the caller may see all.
//
// A quarter is summed up when it is over and its last notices had their time to be
// acknowledged, always in the same way: by comparing summaries of several periods
// nobody can work out what each of them hides.
type BoardSummary struct {
	guard.Receipt
	Coverage

	From, Until time.Time
	Tables      []SummaryTable
	Text        string // the same to be read
}

// SummaryTable is a table of counts by week. Counts under 5 are hidden, and as
// many others as are needed that they cannot be worked out.
type SummaryTable struct {
	Title   string
	Columns []string // classes of organisations, or names of authorities
	Rows    []SummaryRow
	Total   SummaryRow
}

// SummaryRow is one week of a table.
type SummaryRow struct {
	Week  domain.Date // its Monday; zero for the total
	Cells []SummaryCell
	Total SummaryCell
}

// SummaryCell is one count.
type SummaryCell struct {
	Count       int64 // 0 if hidden
	Hidden      bool
	MedianHours float64 // of times until notices were acknowledged; 0 of other tables, and of totals
}

const (
	// acknowledgeIn is how long a notice has to be acknowledged, to count.
	acknowledgeIn = 7 * 24 * time.Hour
	firstYear     = 2020
)

// The titles of the tables.
const (
	titleLookUps      = "Look-ups"
	titleHits         = "Look-ups that found a flag"
	titleNotices      = "Notices to authorities"
	titleAcknowledged = "Notices acknowledged within 7 days"
)

// GetBoardSummary sums up a quarter. Its errors are those of ListEntries.
func (s *Reports) GetBoardSummary(ctx context.Context, c *identity.Caller, q *BoardSummaryRequest) (*BoardSummary, error) {
	r := read(Query{Reason: q.Reason}, "board_summary", q.Request)
	from, until := q.read(r, s.clock.Moment())
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*BoardSummary, error) {
		out := &BoardSummary{From: from, Until: until}
		var err error
		if out.Coverage, err = s.coverage(ctx, tx, r.asked); err != nil {
			return nil, err
		}
		looks, err := tx.Index.LookUpsByWeek(ctx, from, until, r.filter.Organisation)
		if err != nil {
			return nil, err
		}
		notices, err := tx.Notices.ByWeek(ctx, from, until, acknowledgeIn, r.filter.Organisation)
		if err != nil {
			return nil, err
		}
		weeks := weeksOf(from, until)
		out.Tables = slices.Concat(tablesOf(weeks, looks, titleLookUps, titleHits), tablesOf(weeks, notices, titleNotices, titleAcknowledged))
		out.Text = summaryText(out)
		e.Counts = audit.Counts{"shown": int64(len(out.Tables))}
		return out, nil
	})
}

// read reads which quarter is asked for, and returns its weeks: from the first
// Monday in it to the first Monday behind it.
func (q *BoardSummaryRequest) read(r *Question, now time.Time) (from, until time.Time) {
	if q.Year < firstYear || q.Year > 9999 {
		r.Add("year", "must be a year from 2020 on", "2026")
	}
	if q.Quarter < 1 || q.Quarter > 4 {
		r.Add("quarter", "must be 1 to 4", "3")
	}
	if r.Err() != nil {
		return from, until
	}
	from = firstMonday(q.Year, 3*q.Quarter-2)
	until = firstMonday(q.Year, 3*q.Quarter+1)
	if now.Before(until.Add(acknowledgeIn)) {
		r.Add("quarter", "must be over for a week, so that its last notices had time to be acknowledged", "")
	}
	return from, until
}

// firstMonday returns the first Monday of a month, as it begins in London.
func firstMonday(year, month int) time.Time {
	t := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, domain.London)
	for t.Weekday() != time.Monday {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// weeksOf are the Mondays of a period.
func weeksOf(from, until time.Time) (weeks []domain.Date) {
	for t := from; t.Before(until); t = t.AddDate(0, 0, 7) {
		weeks = append(weeks, domain.DateOf(t))
	}
	return weeks
}

// tablesOf makes a table of all that was counted, and one of some of it.
func tablesOf(weeks []domain.Date, counts []store.WeekCount, all, some string) []SummaryTable {
	var columns, names []string
	for i := range counts {
		if of := counts[i].Of; !slices.Contains(columns, of) {
			columns, names = append(columns, of), append(names, nameOf(&counts[i]))
		}
	}
	first, second, hours := grid(weeks, columns), grid(weeks, columns), make([][]float64, len(weeks))
	for i := range hours {
		hours[i] = make([]float64, len(columns))
	}
	for i := range counts {
		w, c := slices.Index(weeks, domain.DateOf(counts[i].Week)), slices.Index(columns, counts[i].Of)
		if w < 0 {
			continue
		}
		first[w][c], second[w][c], hours[w][c] = counts[i].All, counts[i].Some, counts[i].Median
	}
	whole, part := newCounted(first, len(names)), newCounted(second, len(names))
	protectBoth(whole, part)
	return []SummaryTable{tableOf(all, names, weeks, whole, nil), tableOf(some, names, weeks, part, hours)}
}

func nameOf(w *store.WeekCount) string {
	if w.Name != "" {
		return w.Name
	}
	return w.Of
}

func grid(weeks []domain.Date, columns []string) [][]int64 {
	cells := make([][]int64, len(weeks))
	for i := range cells {
		cells[i] = make([]int64, len(columns))
	}
	return cells
}

// tableOf makes one table, without what must not be shown.
func tableOf(title string, columns []string, weeks []domain.Date, t *counted, hours [][]float64) SummaryTable {
	out := SummaryTable{Title: title, Columns: columns}
	for r := range t.n {
		row := SummaryRow{}
		for c := range columns {
			cell := t.cell(r, c)
			if hours != nil && r < len(weeks) && !cell.Hidden {
				cell.MedianHours = hours[r][c]
			}
			row.Cells = append(row.Cells, cell)
		}
		row.Total = t.cell(r, len(columns))
		if r < len(weeks) {
			row.Week = weeks[r]
			out.Rows = append(out.Rows, row)
			continue
		}
		out.Total = row
	}
	return out
}

// cell returns a count as it is shown.
func (t *counted) cell(r, c int) SummaryCell {
	if t.hidden[r][c] {
		return SummaryCell{Hidden: true}
	}
	return SummaryCell{Count: t.n[r][c]}
}
