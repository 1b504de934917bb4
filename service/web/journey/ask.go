package journey

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// begin begins a journey, at its first question.
func (j *Journey[A]) begin(v *frame.Visit) error {
	d := &draft[A]{}
	if j.Begin != nil {
		given, err := j.Begin(v, &d.Answers)
		if err != nil {
			return err
		}
		d.Given = given
	}
	below := v.R.URL.Path + "/" + uuid.NewString()
	if err := d.save(v, below); err != nil {
		return err
	}
	return v.To(below + "/" + j.next(d))
}

// show shows a page of a journey, or sends the browser to the one whose turn it is.
func (j *Journey[A]) show(v *frame.Visit) error {
	d, err := j.find(v)
	page := v.R.PathValue("page")
	switch {
	case err != nil:
		return err
	case d == nil:
		return j.showOver(v)
	case d.Ending != nil && page == donePage:
		return j.showEnding(v, d)
	case d.Ending != nil:
		return v.To(below(v) + "/" + donePage)
	case page == checkPage && j.next(d) == checkPage:
		return j.showCheck(v, http.StatusOK, d, j.wrong(v, d))
	}
	q, before := j.at(d, page)
	if q == nil {
		return v.To(below(v) + "/" + j.next(d))
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	return j.ask(v, http.StatusOK, d, q, before, f)
}

// questionPage asks one question.
type questionPage struct {
	frame.Page

	Caption nhsuk.Caption
	Heading *nhsuk.Heading // unless the field is it
	Before  nhsuk.Component
	Fields  []nhsuk.Component
	Button  nhsuk.Button
	Action  string
}

// ask asks a question.
func (j *Journey[A]) ask(v *frame.Visit, status int, d *draft[A], q *Question[A], before string, f *frame.Form) error {
	title := q.Title(&d.Answers)
	page := &questionPage{
		Page:    frame.Page{Title: title, Problems: f.Problems, Back: j.back(v, d, before)},
		Caption: nhsuk.Caption{Text: j.Caption, Size: nhsuk.Large}, Action: below(v) + "/" + q.Name,
		Button: nhsuk.Button{Text: "Continue", PreventDoubleClick: true},
	}
	look := Look{Form: f}
	if len(q.Fields) == 1 && q.Before == nil {
		look.Title = title
	} else {
		heading := frame.Heading(title)
		page.Heading = &heading
	}
	if q.Before != nil {
		page.Before = q.Before(&d.Answers)
	}
	for _, field := range q.Fields {
		look.Name, look.Held = field.Name, *field.At(&d.Answers)
		page.Fields = append(page.Fields, field.input(v, &d.Answers).Write(look))
	}
	return v.Show(status, "journey_question", page)
}

// back is the link to the page before.
func (j *Journey[A]) back(v *frame.Visit, d *draft[A], before string) nhsuk.BackLink {
	if before == "" {
		return nhsuk.BackLink{Href: j.Back(&d.Answers)}
	}
	return nhsuk.BackLink{Href: below(v) + "/" + before}
}

// answer takes the answer to a question, and sends the browser on.
func (j *Journey[A]) answer(v *frame.Visit) error {
	d, err := j.find(v)
	page := v.R.PathValue("page")
	switch {
	case err != nil:
		return err
	case d == nil:
		return j.showOver(v)
	case d.Ending != nil:
		return v.To(below(v) + "/" + donePage)
	case page == changedPage && j.Again != nil:
		return j.goOn(v, d)
	}
	q, before := j.at(d, page)
	if q == nil {
		return v.To(below(v) + "/" + j.next(d))
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	if err := j.read(v, d, q, f); err != nil {
		return err
	}
	if !f.Fine() {
		return j.ask(v, http.StatusUnprocessableEntity, d, q, before, f)
	}
	d.give(q.Name)
	if err := d.save(v, below(v)); err != nil {
		return err
	}
	return v.To(below(v) + "/" + j.next(d))
}

// read reads what was answered, and says what is wrong with it.
func (j *Journey[A]) read(v *frame.Visit, d *draft[A], q *Question[A], f *frame.Form) error {
	for _, field := range q.Fields {
		*field.At(&d.Answers) = field.input(v, &d.Answers).Read(v, f, field.Name)
	}
	if f.Fine() {
		for _, violation := range j.violations(v, d) {
			for _, field := range q.Fields {
				if field.Name == violation.Field {
					f.RejectAt(field.Name, field.input(v, &d.Answers).First(field.Name), j.Words(violation))
				}
			}
		}
	}
	if !f.Fine() || q.Then == nil {
		return nil
	}
	return q.Then(v, &d.Answers, f)
}

// violations are what is wrong with the answers so far.
func (j *Journey[A]) violations(v *frame.Visit, d *draft[A]) []domain.Violation {
	if j.Fits == nil {
		return nil
	}
	invalid, _ := errors.AsType[*domain.InvalidError](j.Fits(v, &d.Answers))
	if invalid == nil {
		return nil
	}
	return invalid.Violations
}

// overPage says that a form is not kept any more.
type overPage struct {
	frame.Page

	Heading nhsuk.Heading
	Way     nhsuk.Button
}

func (j *Journey[A]) showOver(v *frame.Visit) error {
	title := "This form is not kept any more"
	return v.Show(http.StatusNotFound, "journey_over", &overPage{
		Page: frame.Page{Title: title}, Heading: frame.Heading(title), Way: nhsuk.Button{Text: "Go to your home page", Href: "/home"},
	})
}
