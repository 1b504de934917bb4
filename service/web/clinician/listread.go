package clinician

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"cpis/service/domain"
	"cpis/service/text"
	"cpis/service/web/frame"
	"cpis/service/web/words"
)

// listed is a patient of a clinic list.
type listed struct {
	Number string      `json:"number"`
	Born   domain.Date `json:"born"`
}

// wrongLine is a line that names no patient, and what to do about it.
type wrongLine struct {
	line    int
	problem string
}

// newlines are the ends of lines, wherever a text comes from.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// readList reads a list as it was pasted: a patient on each line, with whatever else
// stands there. Nothing is guessed: a line with two numbers or two dates is wrong. The
// head of columns, and empty lines, are passed over.
func readList(w *words.Words, pasted string, today domain.Date) (patients []listed, wrong []wrongLine) {
	begun := false
	for i, raw := range strings.Split(newlines.Replace(pasted), "\n") {
		line := plainLine(raw)
		head := !begun && !strings.ContainsFunc(line, unicode.IsDigit)
		if text.Blank(strings.ReplaceAll(line, ",", "")) {
			continue
		}
		if begun = true; head {
			continue
		}
		one, problem := readLine(w, line, today)
		if problem != "" {
			wrong = append(wrong, wrongLine{i + 1, problem})
			continue
		}
		patients = append(patients, one)
	}
	return patients, wrong
}

// columns are what stands between columns. Digits on both sides never make one number.
var columns = strings.NewReplacer("\t", ",", ";", ",", "|", ",", `"`, " ", "'", " ")

// plainLine is a line as it is read: plain hyphens and spaces, a comma between columns.
func plainLine(raw string) string { return text.Plain(columns.Replace(raw)) }

// numberIn is an NHS number within a line, as people write it.
var numberIn = regexp.MustCompile(`\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b`)

// readLine reads the one number and the one date of birth of a line.
func readLine(w *words.Words, line string, today domain.Date) (one listed, problem string) {
	found := numberIn.FindAllStringIndex(line, 2)
	switch {
	case len(found) == 0:
		return listed{}, w.List.NoNumber
	case len(found) > 1:
		return listed{}, w.List.ManyNumbers
	}
	one.Number = line[found[0][0]:found[0][1]]
	if problem := frame.NumberProblem(w, one.Number); problem != "" {
		return listed{}, problem
	}
	one.Born, problem = dateIn(w, line[:found[0][0]]+" , "+line[found[0][1]:], today)
	return one, problem
}

// dates are dates within a line, as people and systems write them: the day stands before
// the month, or the year before both. Of eight digits only one order is ever a date of our
// time: no month is the 19th or 20th.
var dates = []struct {
	pattern          *regexp.Regexp
	year, month, day int // groups
}{
	{regexp.MustCompile(`\b([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})\b`), 1, 2, 3},
	{regexp.MustCompile(`\b([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})\b`), 3, 2, 1},
	{regexp.MustCompile(`(?i)\b([0-9]{1,2})(?:st|nd|rd|th)?[-. ]*([a-z]{3,9})[-., ]+([0-9]{4})\b`), 3, 2, 1},
	{regexp.MustCompile(`\b((?:19|20)[0-9]{2})(0[1-9]|1[0-2])([0-9]{2})\b`), 1, 2, 3},
	{regexp.MustCompile(`\b([0-9]{2})(0[1-9]|1[0-2])((?:19|20)[0-9]{2})\b`), 3, 2, 1},
}

// dateIn reads the one date of birth of a line.
func dateIn(w *words.Words, line string, today domain.Date) (born domain.Date, problem string) {
	n := 0
	for _, d := range dates {
		for _, found := range d.pattern.FindAllStringSubmatch(line, 2) {
			n++
			born, problem = dateOf(w, found[d.year], found[d.month], found[d.day], today)
		}
	}
	switch {
	case n == 0:
		return domain.Date{}, w.List.NoDate
	case n > 1:
		return domain.Date{}, w.List.ManyDates
	}
	return born, problem
}

// months are what months begin with.
var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

func dateOf(w *words.Words, year, month, day string, today domain.Date) (domain.Date, string) {
	for i, name := range months {
		if strings.HasPrefix(strings.ToLower(month), name) {
			month = strconv.Itoa(i + 1)
		}
	}
	y, _ := strconv.Atoi(year) // what is no number is no date
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	born, err := domain.ParseDate(fmt.Sprintf("%04d-%02d-%02d", y, m, d))
	switch {
	case err != nil, y < 1900:
		return domain.Date{}, w.Identifiers.BornNotReal
	case born.After(today):
		return domain.Date{}, w.Identifiers.BornFuture
	}
	return born, ""
}
