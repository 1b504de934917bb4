package frame_test

import (
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"

	"cpis/service/domain"
	"cpis/service/web/frame"
	"cpis/service/web/words"
)

// typed is a form into which a day was typed.
func typed(day, month, year string) *frame.Form {
	return frame.FormOf(url.Values{"born[day]": {day}, "born[month]": {month}, "born[year]": {year}})
}

func TestReadDay_SaysWhatIsWrongOfTheFirstPartThatIs(t *testing.T) {
	t.Parallel()
	today := domain.DateOf(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	past, open := frame.BornWords(words.In(words.English)), frame.DayNamed("last day")
	for _, c := range []struct {
		say              frame.DayWords
		day, month, year string
		want, at         string
	}{
		{past, "", "", "", "Enter the date of birth", "#born-day"},
		{past, "", "4", "2019", "Date of birth must include a day", "#born-day"},
		{past, "30", "", "", "Date of birth must include a month", "#born-month"},
		{past, "30", "4", "", "Date of birth must include a year", "#born-year"},
		{past, "31", "4", "2019", past.NotReal, "#born-day"},
		{past, "30", "4", "1899", past.NotReal, "#born-day"},
		{past, "30", "April", "2019", past.NotReal, "#born-day"},
		{past, "23", "11", "2026", "Date of birth must be today or in the past", "#born-day"},
		{past, "22", "11", "2026", "", ""},
		{open, "", "", "", "", ""},
		{open, "1", "9", "", "Last day must include a year", "#born-year"},
		{open, "1", "9", "2027", "", ""},
	} {
		f := typed(c.day, c.month, c.year)
		f.ReadDay("born", c.say, today)
		said, at := "", ""
		if !f.Fine() {
			said, at = f.Problems[0].Text, f.Problems[0].Href
		}
		if said != c.want || at != c.at {
			t.Errorf("%s/%s/%s: got %q at %q, want %q at %q", c.day, c.month, c.year, said, at, c.want, c.at)
		}
	}
}

// What is read is the day that was typed, and is read again as it is written.
func FuzzReadDay(f *testing.F) {
	f.Add("30", "4", "2019")
	f.Add("29", "2", "2023")
	f.Add("+1", "09", "9999")
	f.Fuzz(func(t *testing.T, day, month, year string) {
		form := typed(day, month, year)
		read := form.ReadDay("born", frame.DayNamed("date"), domain.Date{})
		if !form.Fine() {
			if !read.IsZero() {
				t.Fatalf("%q/%q/%q is wrong, and read as %s", day, month, year, read)
			}
			return
		}
		if read.IsZero() {
			return
		}
		var n [3]int
		for i, part := range []string{"year", "month", "day"} {
			n[i], _ = strconv.Atoi(form.Text("born[" + part + "]"))
		}
		if got := fmt.Sprintf("%04d-%02d-%02d", n[0], n[1], n[2]); got != read.String() {
			t.Fatalf("%q/%q/%q is read as %s", day, month, year, read)
		}
		shown := frame.FormOf(nil).DayField(words.In(words.English), "born", "", "", read)
		if again := typed(shown.Day.Value, shown.Month.Value, shown.Year.Value); again.ReadDay("born", frame.DayNamed("date"), domain.Date{}) != read || !again.Fine() {
			t.Fatalf("%s is shown as %s/%s/%s", read, shown.Day.Value, shown.Month.Value, shown.Year.Value)
		}
	})
}
