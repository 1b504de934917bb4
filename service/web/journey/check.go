package journey

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// checkedPage shows all that was answered, before anything happens.
type checkedPage struct {
	frame.Page

	Caption nhsuk.Caption
	Heading nhsuk.Component
	About   nhsuk.Component
	Says    []string
	List    nhsuk.SummaryList
	Button  nhsuk.Button
	Action  string
	Act     string // request id
}

// showCheck shows all that was answered, and what is wrong with it.
func (j *Journey[A]) showCheck(v *frame.Visit, status int, d *draft[A], problems []nhsuk.Problem) error {
	c := j.Check(v, &d.Answers)
	page := &checkedPage{
		Page:    frame.Page{Title: c.Title, Problems: problems, Back: j.backOfCheck(v, d)},
		Caption: nhsuk.Caption{Text: j.Caption, Size: nhsuk.Large}, Heading: frame.Heading(c.Title), About: c.About, Says: c.Says,
		List: nhsuk.SummaryList{Rows: j.rows(v, d)}, Action: below(v) + "/" + checkPage, Act: d.Act,
		Button: nhsuk.Button{Text: c.Button, PreventDoubleClick: true},
	}
	if c.Risky {
		page.Heading, page.Says = interruption(c), nil
		page.Button.Variant = nhsuk.Warning
	}
	return v.Show(status, "journey_check", page)
}

// interruption stops somebody before a risky act.
func interruption(c Check) nhsuk.Panel {
	var says nhsuk.Group
	for _, s := range c.Says {
		says = append(says, nhsuk.Paragraph(s))
	}
	return nhsuk.Panel{Interruption: true, Heading: nhsuk.Heading{Text: c.Title, Size: nhsuk.Large}, Body: says}
}

// backOfCheck leads to the last question.
func (j *Journey[A]) backOfCheck(v *frame.Visit, d *draft[A]) nhsuk.BackLink {
	asked := j.asked(d)
	if len(asked) == 0 {
		return j.back(v, d, "")
	}
	return j.back(v, d, asked[len(asked)-1].Name)
}

// rows are the answers, each with the way to change it.
func (j *Journey[A]) rows(v *frame.Visit, d *draft[A]) []nhsuk.Row {
	var all []nhsuk.Row
	for _, q := range j.asked(d) {
		for _, field := range q.Fields {
			in, is := field.input(v, &d.Answers), *field.At(&d.Answers)
			value := in.Say(is)
			if field.Was != nil && *field.Was(&d.Answers) != is {
				value += " (was: " + in.Say(*field.Was(&d.Answers)) + ")"
			}
			all = append(all, nhsuk.Row{Key: field.Key, Value: value, Actions: []nhsuk.Action{{
				Text: "Change", Hidden: lowered(field.Key), Href: below(v) + "/" + q.Name,
			}}})
		}
	}
	return all
}

// lowered is a text within a sentence.
func lowered(text string) string {
	if strings.HasPrefix(text, "NHS") {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// wrong is what does not fit together by now.
func (j *Journey[A]) wrong(v *frame.Visit, d *draft[A]) []nhsuk.Problem {
	return j.problems(v, d, j.violations(v, d))
}

// problems says what is wrong, each with the way to the page that asks for it.
func (j *Journey[A]) problems(v *frame.Visit, d *draft[A], all []domain.Violation) []nhsuk.Problem {
	var problems []nhsuk.Problem
	for _, violation := range all {
		problem := nhsuk.Problem{Text: j.Words(violation), Href: "#maincontent"}
		for _, q := range j.asked(d) {
			for _, field := range q.Fields {
				if field.Name == violation.Field {
					problem.Href = below(v) + "/" + q.Name + "#" + field.input(v, &d.Answers).First(field.Name)
				}
			}
		}
		problems = append(problems, problem)
	}
	return problems
}

// act does what was checked, if that is still what is kept.
func (j *Journey[A]) act(v *frame.Visit) error {
	d, err := j.find(v)
	switch {
	case err != nil:
		return err
	case d == nil:
		return j.showOver(v)
	case d.Ending != nil:
		return v.To(below(v) + "/" + donePage)
	case j.next(d) != checkPage:
		return v.To(below(v) + "/" + j.next(d))
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	if f.Text("request") != d.Act {
		return j.showCheck(v, http.StatusConflict, d, []nhsuk.Problem{{Text: "Your answers have changed since this page was shown. Check them again", Href: "#maincontent"}})
	}
	ending, err := j.Act(v, &d.Answers, d.Act)
	if err != nil {
		return j.refuse(v, d, err)
	}
	done := &draft[A]{Ending: ending} // what was answered is not needed any more
	if err := done.save(v, below(v)); err != nil {
		return err
	}
	return v.To(below(v) + "/" + donePage)
}

// refuse says why the act was not done, if that can be mended here, and is in the log.
func (j *Journey[A]) refuse(v *frame.Visit, d *draft[A], err error) error {
	if errors.Is(err, guard.ErrUnrecorded) {
		return err
	}
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		return j.showCheck(v, http.StatusUnprocessableEntity, d, j.problems(v, d, invalid.Violations))
	}
	if state, ok := errors.AsType[*guard.StateError](err); ok {
		return j.showCheck(v, http.StatusConflict, d, []nhsuk.Problem{{Text: Sentence(state.Problem), Href: "#maincontent"}})
	}
	if errors.Is(err, guard.ErrConflict) && j.Changed != nil {
		return j.showChanged(v, d)
	}
	return err
}

// changedView shows what somebody else changed meanwhile.
type changedView struct {
	frame.Page

	Heading nhsuk.Heading
	Says    []string
	Table   nhsuk.Table
	Button  nhsuk.Button
	Action  string
}

func (j *Journey[A]) showChanged(v *frame.Visit, d *draft[A]) error {
	change, err := j.Changed(v, &d.Answers)
	if err != nil {
		return err
	}
	title := "Somebody changed this while you were typing"
	return v.Show(http.StatusConflict, "journey_changed", &changedView{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Href: j.Back(&d.Answers), Text: "Leave it as it is now"}}, Heading: frame.Heading(title),
		Says: change.Says, Table: change.Table, Action: below(v) + "/" + changedPage,
		Button: nhsuk.Button{Text: "Keep what you typed, and check again", PreventDoubleClick: true},
	})
}

// goOn takes over what somebody else changed, and has everything checked again.
func (j *Journey[A]) goOn(v *frame.Visit, d *draft[A]) error {
	if err := j.Again(v, &d.Answers); err != nil {
		return err
	}
	if err := d.save(v, below(v)); err != nil {
		return err
	}
	return v.To(below(v) + "/" + j.next(d))
}

// endingPage says what happens next.
type endingPage struct {
	frame.Page

	Panel   nhsuk.Panel
	Next    []string
	Ways    []frame.Way
	Receipt nhsuk.Details
}

func (j *Journey[A]) showEnding(v *frame.Visit, d *draft[A]) error {
	e := d.Ending
	page := &endingPage{
		Page: frame.Page{Title: e.Title}, Panel: nhsuk.Panel{Heading: nhsuk.Heading{Text: e.Title}}, Next: e.Next, Ways: e.Ways,
	}
	page.Receipt = nhsuk.Details{Summary: "Receipt: proof that this is in the log", Body: nhsuk.SummaryList{Classes: "break-anywhere", Rows: []nhsuk.Row{{
		Key: "Receipt", Value: e.Proof, Actions: []nhsuk.Action{{Text: "Check", Hidden: "a receipt", Href: "/log"}},
	}}}}
	return v.Show(http.StatusOK, "journey_done", page)
}

// What rooms say in messages that people do not read: identifiers, and days as systems
// write them.
var (
	identifier = regexp.MustCompile(` [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	isoDay     = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`)
)

// Sentence is what a room says, as people read it.
func Sentence(problem string) string {
	text := identifier.ReplaceAllString(problem, "")
	text = isoDay.ReplaceAllStringFunc(text, func(day string) string {
		d, err := domain.ParseDate(day)
		if err != nil {
			return day
		}
		return words.English.Day(d)
	})
	runes := []rune(text)
	if len(runes) > 0 {
		runes[0] = unicode.ToUpper(runes[0])
	}
	return string(runes)
}
