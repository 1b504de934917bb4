package chart_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"cpis/service/web/chart"
	"cpis/service/web/nhsuk"
)

// written is a component as a browser reads it.
func written(t *testing.T, c nhsuk.Component) *goquery.Document {
	t.Helper()
	html, err := c.HTML()
	if err != nil {
		t.Fatalf("HTML: %v", err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(html)))
	if err != nil {
		t.Fatalf("reading it: %v", err)
	}
	return doc
}

// number is an attribute that is a number.
func number(t *testing.T, s *goquery.Selection, name string) int {
	t.Helper()
	n, err := strconv.Atoi(s.AttrOr(name, ""))
	if err != nil {
		t.Errorf("%s is %v", name, err)
	}
	return n
}

var twoSettings = chart.Series{
	{Name: "Emergency department", Points: []chart.Point{{Label: "2 Nov", Value: 40}, {Label: "9 Nov", Hidden: true}, {Label: "16 Nov", Value: 1}}},
	{Name: "Ambulance", Points: []chart.Point{{Label: "2 Nov", Value: 10}, {Label: "9 Nov"}, {Label: "16 Nov", Value: 20}}},
}

func TestSeries_HasAPanelForEachLineOnOneScale(t *testing.T) {
	t.Parallel()
	doc := written(t, twoSettings)
	panels := doc.Find("svg")
	if panels.Length() != 2 || doc.Find("svg[aria-hidden=true]").Length() != 2 {
		t.Fatalf("there are %d panels", panels.Length())
	}
	first, second := panels.Eq(0).Find("rect"), panels.Eq(1).Find("rect")
	if forty, ten := number(t, first.Eq(0), "height"), number(t, second.Eq(0), "height"); forty != 4*ten {
		t.Errorf("40 is drawn %d high, 10 is drawn %d", forty, ten)
	}
	if one, none := number(t, first.Eq(2), "height"), number(t, second.Eq(1), "height"); one < 1 || none != 0 {
		t.Errorf("1 is drawn %d high, 0 is drawn %d", one, none)
	}
	if got := panels.Eq(1).Find("text").Map(func(_ int, s *goquery.Selection) string { return s.Text() }); strings.Join(got, "|") != "Ambulance|2 Nov|most 20|16 Nov" {
		t.Errorf("the second panel says %q", got)
	}
}

// A number that is not shown is drawn alike, whatever it is.
func TestCharts_DoNotTellWhatIsHidden(t *testing.T) {
	t.Parallel()
	of := func(n int64) []chart.Point {
		return []chart.Point{{Label: "2 Nov", Value: 9}, {Label: "9 Nov", Value: n, Hidden: true}}
	}
	for name, draw := range map[string]func(int64) nhsuk.Component{
		"series": func(n int64) nhsuk.Component { return chart.Series{{Name: "All", Points: of(n)}} },
		"bars":   func(n int64) nhsuk.Component { return chart.Bars(of(n)) },
	} {
		none, _ := draw(0).HTML()
		many, _ := draw(4000).HTML()
		if none != many {
			t.Errorf("%s: 0 is %s, 4000 is %s", name, none, many)
		}
		if doc := written(t, draw(3)); doc.Find("rect.chart__bar--other").Length() != 1 {
			t.Errorf("%s: nothing is marked as hidden", name)
		}
	}
}

func TestCharts_StayWithinTheirPicture(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 13, 52, 500} {
		points := make([]chart.Point, n)
		for i := range points {
			points[i] = chart.Point{Label: "2 Nov", Value: int64(i) << 40}
		}
		for _, c := range []nhsuk.Component{chart.Series{{Name: "All", Points: points}}, chart.Bars(points)} {
			doc := written(t, c)
			high := number(t, doc.Find("svg"), "height")
			doc.Find("rect").Each(func(_ int, r *goquery.Selection) {
				x, y, w, h := number(t, r, "x"), number(t, r, "y"), number(t, r, "width"), number(t, r, "height")
				if x < 0 || y < 0 || w < 0 || h < 0 || x+w > 288 || y+h > high {
					t.Errorf("of %d points one is at %d,%d and %d wide and %d high", n, x, y, w, h)
				}
			})
		}
	}
}

func TestFigure_SaysItInWordsAndInATable(t *testing.T) {
	t.Parallel()
	table := nhsuk.Table{Columns: []nhsuk.Column{{Text: "Week"}, {Text: "Look-ups"}}, Rows: [][]nhsuk.Cell{{{Text: "2 Nov"}, {Text: "40"}}}}
	doc := written(t, chart.Figure{Finding: "Most were in the week of 2 November: 40.", Chart: twoSettings, Note: "How to read it", Table: table})
	if p := doc.Find("p").First().Text(); p != "Most were in the week of 2 November: 40." {
		t.Errorf("the finding is %q", p)
	}
	if doc.Find("svg").Length() != 2 || doc.Find("table td").Length() != 2 {
		t.Error("a chart or the table is missing")
	}
	bare := written(t, chart.Figure{Finding: "There were none.", Table: table})
	if bare.Find("svg").Length() != 0 || bare.Find("table").Length() != 1 {
		t.Error("without numbers there is a chart, or no table")
	}
}

// What came from elsewhere is text, and there is nothing that the policy of pages forbids.
func TestCharts_AreInert(t *testing.T) {
	t.Parallel()
	hostile := `"><script>alert(1)</script>` + "\u202e=1+1"
	points := []chart.Point{{Label: hostile, Value: 7}, {Label: hostile, Value: 9}}
	for _, c := range []nhsuk.Component{chart.Series{{Name: hostile, Points: points}}, chart.Bars(points), chart.Series{}, chart.Bars{}} {
		doc := written(t, c)
		if n := doc.Find("script, style, [style], [onload], foreignObject, use, image").Length(); n != 0 {
			t.Errorf("there are %d things that run or style", n)
		}
	}
	if doc := written(t, chart.Bars(points)); !strings.HasPrefix(doc.Find("text").First().Text(), `"><script>`) {
		t.Errorf("the text is %q", doc.Find("text").First().Text())
	}
}
