package clinician

import (
	"errors"
	"strconv"

	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/session"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// listPage has the answers to a clinic list, in its order. Whatever they are, the page
// has one length for as many patients.
type listPage struct {
	frame.Page

	Heading nhsuk.Heading
	Counts  []lineCount
	Lines   []answerLine
	Advice  string
	NoRisk  string
	Ways    []frame.Way
	Print   string
	Printed string
}

// lineCount is how many lines have an answer, and which they are.
type lineCount struct {
	Kind, Text string
	Lines      []frame.Way // those to look at; none of those without a flag
}

// answerLine is the answer about one patient.
type answerLine struct {
	Line     int
	Kind     string // its shape
	Answer   string
	Asked    string
	Sharp    []string
	Kinds    []string
	Call     *call
	Whole    frame.Way
	WholeFor string
}

// answerList looks up everybody on a list, and shows the answers.
func (p *pages) answerList(v *frame.Visit) error {
	l, err := listOf(v)
	if errors.Is(err, errExpired) {
		return listAgain(v)
	}
	if err != nil {
		return err
	}
	id := v.R.PathValue("q")
	ask := &lookup.ClinicList{Setting: l.Setting, Purpose: domain.DirectCare, Request: v.Request}
	for i, one := range l.Patients {
		ask.Items = append(ask.Items, lookup.ClinicItem{NHSNumber: one.Number, DateOfBirth: one.Born.String(), EncounterID: encounterOf(lineID(id, i+1))})
	}
	found, err := p.LookUps.LookUpMany(v.R.Context(), v.Caller(), ask)
	if err != nil {
		return err
	}
	return writeList(v, id, l, found)
}

// listAgain sends somebody whose list is gone to the form.
func listAgain(v *frame.Visit) error {
	v.Session.Message = session.Message{Kind: "important", Text: words.In(v.Language()).List.Expired}
	if err := v.Sessions.Keep(v.R.Context(), v.Session); err != nil {
		return err
	}
	return v.To(v.In("/list"))
}

// alikeLine is what each patient adds to the length of a page of answers: more than any
// answer has.
const alikeLine = 1_500

func writeList(v *frame.Visit, id string, l *clinicList, found *lookup.ListAnswer) error {
	page := &listPage{Page: pageOf(v, nil)}
	w := page.Say()
	page.Title = w.List.Answers.Of(len(l.Patients))
	page.Heading = frame.Heading(page.Title)
	for i, one := range l.Patients {
		line := answerLineOf(v, w, &found.Items[i])
		number, _ := domain.ParseNHSNumber(one.Number)
		line.Line, line.Asked = i+1, w.Answer.Asked.With(words.NHSNumber(number), w.Language.Day(one.Born))
		line.Whole = frame.Way{Text: w.List.Whole, Href: v.In("/list/" + id + "/" + strconv.Itoa(i+1))}
		line.WholeFor = w.List.OfLine.With(words.Number(i + 1))
		page.Lines = append(page.Lines, line)
	}
	page.Counts = countsOf(w, page.Lines)
	page.Advice, page.NoRisk = w.Advice.AbsenceNotNo, w.List.NotNo
	page.Ways = []frame.Way{{Text: w.List.Another, Href: v.In("/list")}, {Text: w.Answer.LookUpAnother, Href: v.In("/look-up")}}
	page.Print, page.Printed = w.Answer.Print, w.List.Recorded.With(w.Language.Clock(v.Now()))
	return showAlike(v, "list_answers", page, alike+alikeLine*len(l.Patients))
}

// answerLineOf is an answer in a few lines. What could not be asked is never taken for
// "no flag": nobody can say.
func answerLineOf(v *frame.Visit, w *words.Words, item *lookup.ItemAnswer) answerLine {
	a := item.Answer
	if a == nil {
		a = &lookup.Answer{Verdict: lookup.CannotSay}
	}
	var line answerLine
	line.Kind, line.Answer, _ = verdictWords(w, a.Verdict)
	if a.Verdict != lookup.NoFlagKnown || a.Superseded {
		line.Sharp = sharpWords(w, a)
	}
	seen := map[domain.Kind]bool{}
	for i := range a.Plans {
		if kind := a.Plans[i].Kind; !seen[kind] {
			seen[kind] = true
			line.Kinds = append(line.Kinds, w.Kinds.Of(kind))
		}
	}
	if calls := callsOf(v, w, a); a.Verdict != lookup.NoFlagKnown && len(calls) > 0 {
		line.Call = &calls[0]
	}
	return line
}

// countsOf says how many lines have which answer, and leads to those that must be looked
// at.
func countsOf(w *words.Words, lines []answerLine) []lineCount {
	counts := []lineCount{{Kind: "flag"}, {Kind: "unknown"}, {Kind: "none"}}
	n := map[string]int{}
	for i := range lines {
		n[lines[i].Kind]++
	}
	for i := range counts {
		c := &counts[i]
		c.Text = map[string]words.Count{"flag": w.List.Held, "unknown": w.List.Unknown, "none": w.List.None}[c.Kind].Of(n[c.Kind])
		for j := range lines {
			if lines[j].Kind == c.Kind && c.Kind != "none" {
				number := strconv.Itoa(lines[j].Line)
				c.Lines = append(c.Lines, frame.Way{Text: number, Href: "#line-" + number})
			}
		}
	}
	return counts
}

// openLine leads to the whole answer about the patient of a line.
func openLine(v *frame.Visit) error {
	l, err := listOf(v)
	if errors.Is(err, errExpired) {
		return listAgain(v)
	}
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.R.PathValue("line"))
	if err != nil || n < 1 || n > len(l.Patients) {
		return frame.ErrNoPage
	}
	one, id := l.Patients[n-1], lineID(v.R.PathValue("q"), n)
	if err := keepPatient(v, id, &patient{Number: one.Number, Born: one.Born, Setting: l.Setting}); err != nil {
		return err
	}
	return v.To(v.In("/look-up/" + id))
}
