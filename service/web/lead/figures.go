package lead

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cpis/service/domain"
	"cpis/service/notice"
	"cpis/service/web/chart"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// figuresPage shows how often somebody looked, and how soon notices were answered.
type figuresPage struct {
	frame.Page

	Heading  nhsuk.Heading
	Period   string
	Other    figuresLink // the same of more or fewer weeks
	LookUps  chart.Figure
	Answers  chart.Figure
	Weeks    nhsuk.Table // answers by week
	None     bool
	Download string
}

// figuresLink leads to figures of other weeks.
type figuresLink struct{ Text, Href string }

const (
	fewWeeks, manyWeeks = 13, 52
	notShown            = "Not shown"
	tooFew              = "Too few to say"
)

// figuresOf reads the figures that an address asks for: 13 weeks, unless it says 52.
func (p *pages) figuresOf(v *frame.Visit) (*notice.Figures, int, error) {
	weeks := fewWeeks
	if v.R.URL.Query().Get("weeks") == strconv.Itoa(manyWeeks) {
		weeks = manyWeeks
	}
	found, err := p.Notices.GetFigures(v.R.Context(), v.Caller(), &notice.FiguresRequest{Weeks: weeks, Request: v.Request})
	return found, weeks, err
}

// showFigures shows charts, each with its table.
func (p *pages) showFigures(v *frame.Visit) error {
	found, weeks, err := p.figuresOf(v)
	if err != nil {
		return err
	}
	page := &figuresPage{
		Page: frame.Page{Title: "Figures"}, Heading: frame.Heading("Figures"), None: len(found.Settings) == 0,
		Period:  words.English.Days(found.From, found.Until),
		Other:   figuresLink{"Show 52 weeks", "/figures?weeks=52"},
		LookUps: lookUpFigure(found), Answers: answerFigure(&found.Answered), Weeks: answersByWeek(found),
		Download: "/figures/file?weeks=" + strconv.Itoa(weeks),
	}
	if weeks == manyWeeks {
		page.Other = figuresLink{"Show 13 weeks", "/figures"}
	}
	return v.Show(http.StatusOK, "figures", page)
}

// lookUpFigure has a panel and a column for each setting, those with most first.
func lookUpFigure(f *notice.Figures) chart.Figure {
	order := busiest(f)
	out := chart.Figure{
		Finding: mostWords(f),
		Note:    "A short grey mark is a number from 1 to 4, which is not shown and is left out of the sum. All others are rounded to the nearest 5.",
		Table: nhsuk.Table{
			Caption: nhsuk.Heading{Text: "Look-ups that you were told of, by week and care setting", Size: nhsuk.Medium, ID: "look-ups"}, FirstIsHeader: true, Scroll: true,
			Columns: []nhsuk.Column{{Text: "Week from"}, {Text: "All", Format: nhsuk.Numeric}},
		},
	}
	panels := chart.Series{{Name: "All settings", Points: pointsOf(f, func(w *notice.FiguresWeek) notice.Figure { return w.All })}}
	for _, i := range order {
		name := words.In(words.English).Setting(f.Settings[i])
		panels = append(panels, chart.Line{Name: name, Points: pointsOf(f, func(w *notice.FiguresWeek) notice.Figure { return w.Settings[i] })})
		out.Table.Columns = append(out.Table.Columns, nhsuk.Column{Text: name, Format: nhsuk.Numeric})
	}
	for i := range f.Weeks {
		w := &f.Weeks[i]
		row := []nhsuk.Cell{{Text: words.English.Day(w.Week)}, {Text: figureWords(w.All)}}
		for _, i := range order {
			row = append(row, nhsuk.Cell{Text: figureWords(w.Settings[i])})
		}
		out.Table.Rows = append(out.Table.Rows, row)
	}
	out.Chart = panels
	return out
}

// busiest are the places of the settings, by how much is shown of each.
func busiest(f *notice.Figures) []int {
	order, shown := make([]int, len(f.Settings)), make([]int64, len(f.Settings))
	for i := range order {
		order[i] = i
		for w := range f.Weeks {
			shown[i] += f.Weeks[w].Settings[i].Count
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(shown[b], shown[a]) })
	return order
}

func pointsOf(f *notice.Figures, of func(*notice.FiguresWeek) notice.Figure) (points []chart.Point) {
	for i := range f.Weeks {
		n := of(&f.Weeks[i])
		points = append(points, chart.Point{Label: shortDay(f.Weeks[i].Week), Value: n.Count, Hidden: n.Hidden})
	}
	return points
}

// shortDay is a day as a chart has room for it: 2 Nov.
func shortDay(d domain.Date) string { return d.Time().Format("2 Jan") }

// figureWords is a number as a table shows it.
func figureWords(n notice.Figure) string {
	if n.Hidden {
		return notShown
	}
	return words.Number(n.Count)
}

// mostWords says in which week most looked.
func mostWords(f *notice.Figures) string {
	most := &notice.FiguresWeek{}
	for i := range f.Weeks {
		if f.Weeks[i].All.Count > most.All.Count {
			most = &f.Weeks[i]
		}
	}
	if most.All.Count == 0 {
		return "In no week were there so many that their number is shown."
	}
	return fmt.Sprintf("Most were in the week from %s: about %s.", words.English.Day(most.Week), words.Number(most.All.Count))
}

// answerFigure says how soon notices were acknowledged.
func answerFigure(a *notice.Answered) chart.Figure {
	out := chart.Figure{
		Finding: "There were too few notices to say how soon they were acknowledged.",
		Table: nhsuk.Table{
			Caption: nhsuk.Heading{Text: "How soon notices of look-ups were acknowledged", Size: nhsuk.Medium}, FirstIsHeader: true,
			Columns: []nhsuk.Column{{Text: "Acknowledged"}, {Text: "Of all notices", Format: nhsuk.Numeric}},
		},
	}
	var bars chart.Bars
	for _, part := range []struct {
		text    string
		percent int
	}{
		{"Within 4 hours", a.FourHours}, {"Within 1 working day", a.WorkingDay}, {"Within 72 hours", a.ThreeDays}, {"Not yet", a.Open},
	} {
		share := "About " + strconv.Itoa(part.percent) + "%"
		if !a.Known {
			share = tooFew
		}
		out.Table.Rows = append(out.Table.Rows, []nhsuk.Cell{{Text: part.text}, {Text: share}})
		bars = append(bars, chart.Point{Label: part.text + ", in %", Value: int64(part.percent)})
	}
	if a.Known {
		out.Finding, out.Chart = "Half of them were acknowledged within "+lastedWords(a.Median)+", and 9 in 10 within "+lastedWords(a.Ninth)+".", bars
		switch {
		case a.Median < 0:
			out.Finding = "More than half of them are not acknowledged yet."
		case a.Ninth < 0:
			out.Finding = "Half of them were acknowledged within " + lastedWords(a.Median) + ". More than 1 in 10 are not acknowledged yet."
		}
		out.Note = "Shares are rounded to the nearest 5%. A working day ends with the next day from Monday to Friday; bank holidays count as one."
	}
	return out
}

// lastedWords says how long something took.
func lastedWords(hours float64) string {
	switch d := time.Duration(hours * float64(time.Hour)); {
	case d < 0:
		return "a longer time"
	case d < 2*time.Minute:
		return "2 minutes"
	case d < 2*time.Hour:
		return words.Number(int(d.Minutes())) + " minutes"
	case d < 72*time.Hour:
		return words.Number(int(d.Hours()+0.5)) + " hours"
	default:
		return words.Number(int(d.Hours()/24+0.5)) + " days"
	}
}

// answersByWeek has a row for each week.
func answersByWeek(f *notice.Figures) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "The same by week", Size: nhsuk.Medium}, FirstIsHeader: true, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Week from"}, {Text: "Half within"}, {Text: "9 in 10 within"}},
	}
	for i := range f.Weeks {
		w := &f.Weeks[i]
		half, ninth := "None", "None"
		switch {
		case w.Took.Known:
			half, ninth = withinWords(w.Took.Median), withinWords(w.Took.Ninth)
		case w.All.Hidden:
			half, ninth = notShown, notShown
		}
		t.Rows = append(t.Rows, []nhsuk.Cell{{Text: words.English.Day(w.Week)}, {Text: half}, {Text: ninth}})
	}
	return t
}

// withinWords is how long something took in a table.
func withinWords(hours float64) string {
	if hours < 0 {
		return "Not yet"
	}
	return lastedWords(hours)
}

// sendFigures sends the tables as one file.
func (p *pages) sendFigures(v *frame.Visit) error {
	found, _, err := p.figuresOf(v)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.WriteAll(figureRecords(found)) // into memory
	v.W.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.W.Header().Set("Content-Disposition", `attachment; filename="figures-`+found.Until.String()+`.csv"`)
	v.Status = http.StatusOK
	v.W.WriteHeader(v.Status)
	_, err = v.W.Write(out.Bytes())
	return err
}

// figureRecords are the tables with a line for each week. What is not shown is empty.
func figureRecords(f *notice.Figures) [][]string {
	head := []string{"week", "all"}
	for _, s := range f.Settings {
		head = append(head, cmp.Or(string(s), "not_given"))
	}
	records := [][]string{append(head, "median_hours", "ninth_hours")}
	for i := range f.Weeks {
		w := &f.Weeks[i]
		line := []string{w.Week.String(), countText(w.All)}
		for _, n := range w.Settings {
			line = append(line, countText(n))
		}
		half, ninth := "", ""
		if w.Took.Known {
			half, ninth = hoursText(w.Took.Median), hoursText(w.Took.Ninth)
		}
		records = append(records, append(line, half, ninth))
	}
	return records
}

func countText(n notice.Figure) string {
	if n.Hidden {
		return ""
	}
	return strconv.FormatInt(n.Count, 10)
}

func hoursText(hours float64) string {
	if hours < 0 {
		return ""
	}
	return strconv.FormatFloat(hours, 'f', 1, 64)
}
