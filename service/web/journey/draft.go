package journey

import (
	"path"
	"slices"

	"github.com/google/uuid"

	"cpis/service/session"
	"cpis/service/web/frame"
)

// draft is how far somebody is on a journey: what they answered, or what was done.
type draft[A any] struct {
	Answers A
	Given   []string // the questions that were answered
	// Act is the request id of the act with these answers: another one whenever they
	// change.
	Act    string
	Ending *Ending
}

// draftAt is the draft behind the pages below an address, and no other's: neither of
// another journey nor of another plan.
func draftAt(below string) session.Draft { return session.Draft{Of: "journey " + below} }

// find returns the draft of this page, or nil if it is not kept any more.
func (*Journey[A]) find(v *frame.Visit) (*draft[A], error) {
	var d draft[A]
	found, err := v.Kept(draftAt(below(v)).Of, &d)
	if err != nil || !found {
		return nil, err
	}
	return &d, nil
}

// below is the address that all pages of a journey have in common.
func below(v *frame.Visit) string { return path.Dir(v.R.URL.Path) }

// save keeps the answers, with a new act.
func (d *draft[A]) save(v *frame.Visit, below string) error {
	d.Act = uuid.NewString()
	return v.Sessions.SaveDraft(v.R.Context(), v.Owner(), draftAt(below), d)
}

// give takes a question as answered.
func (d *draft[A]) give(question string) {
	if !slices.Contains(d.Given, question) {
		d.Given = append(d.Given, question)
	}
}

// asked are the questions that are asked with these answers.
func (j *Journey[A]) asked(d *draft[A]) []*Question[A] {
	var all []*Question[A]
	for i := range j.Questions {
		if q := &j.Questions[i]; q.When == nil || q.When(&d.Answers) {
			all = append(all, q)
		}
	}
	return all
}

// next is the page to go to: the first question without an answer, or the check.
func (j *Journey[A]) next(d *draft[A]) string {
	for _, q := range j.asked(d) {
		if !slices.Contains(d.Given, q.Name) {
			return q.Name
		}
	}
	return checkPage
}

// at finds a question that may be asked now: no other comes first. It also returns
// the page before.
func (j *Journey[A]) at(d *draft[A], name string) (q *Question[A], before string) {
	next := j.next(d)
	for _, q := range j.asked(d) {
		switch {
		case q.Name == name && next == checkPage:
			return q, checkPage
		case q.Name == name:
			return q, before
		case q.Name == next:
			return nil, ""
		}
		before = q.Name
	}
	return nil, ""
}
