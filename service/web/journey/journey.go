package journey

import (
	"cpis/service/domain"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// Level is the assurance that every page of a journey asks for: before anything is
// typed, because its act asks for it.
const Level = 3

// A Journey is the way to one act. What is answered is an A, which is kept as JSON.
type Journey[A any] struct {
	// Path is where it begins, such as /plans/{id}/end. Its pages are below.
	Path    string
	Caption string // over each question, such as "End a plan"
	Who     frame.Who
	Action  string // of the entry that the act leaves
	Reads   string // of the entry that beginning leaves, if it reads what is held
	Finds   string // of the entry that an answer leaves for which something is looked up

	// Begin finds what is known before anything is asked. It returns the questions that
	// this answers. None is asked for if it is nil.
	Begin func(v *frame.Visit, a *A) (given []string, err error)
	// Back is where the first question leads back to.
	Back      func(a *A) string
	Questions []Question[A]
	// Fits says what is wrong with the answers, as far as there are any, with an
	// *domain.InvalidError. Whatever is about a question without an answer is left out.
	Fits func(v *frame.Visit, a *A) error
	// Words says what is wrong so that people know what to do. Fields are named as rooms
	// name them.
	Words func(domain.Violation) string
	Check func(v *frame.Visit, a *A) Check
	// Act does it. A second time under the same request id it does nothing, and returns
	// the same.
	Act func(v *frame.Visit, a *A, request string) (*Ending, error)
	// Changed shows what somebody else changed meanwhile, after guard.ErrConflict, and
	// Again takes that over and keeps what was answered.
	Changed func(v *frame.Visit, a *A) (*Change, error)
	Again   func(v *frame.Visit, a *A) error
}

// A Question is one page.
type Question[A any] struct {
	Name   string // in the address
	Title  func(a *A) string
	Before func(a *A) nhsuk.Component // stands before the fields
	When   func(a *A) bool            // it is asked; always if nil
	Fields []Field[A]
	// Then looks at an answer that is fine in itself, and may reject it.
	Then func(v *frame.Visit, a *A, f *frame.Form) error
}

// A Field is one answer. Its name is that of rooms, so that what they say of it stands
// beside it.
type Field[A any] struct {
	Name string
	Key  string // what the check page calls it
	At   func(a *A) *string
	Was  func(a *A) *string // what is held, of an answer that changes it
	Input
	InputFor func(v *frame.Visit, a *A) Input // in the place of Input, if it depends on other answers
}

// input is how the field is asked, with these answers.
func (f *Field[A]) input(v *frame.Visit, a *A) Input {
	if f.InputFor != nil {
		return f.InputFor(v, a)
	}
	return f.Input
}

// A Check is what stands on the page on which all is checked.
type Check struct {
	Title  string
	About  nhsuk.Component // what it is about, before the answers
	Says   []string        // what happens by it
	Button string
	Risky  bool // in blue, so that it is not passed over
}

// An Ending says what was done, and what happens next. It is kept, sealed, in the
// place of the answers.
type Ending struct {
	Title string
	Next  []string
	Ways  []frame.Way
	Proof string // the receipt. Not called that: drafts of before have a list there
}

// A Change is what somebody else did meanwhile.
type Change struct {
	Says  []string
	Table nhsuk.Table // as it was seen, as it is, and as it was answered
}

// Always is a title that does not depend on answers.
func Always[A any](title string) func(*A) string { return func(*A) string { return title } }

// Routes are the pages of the journey.
func (j *Journey[A]) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET " + j.Path, Who: j.Who, Action: j.Reads, Level: Level, Serve: j.begin},
		{Pattern: "GET " + j.Path + "/{j}/{page}", Who: j.Who, Level: Level, Serve: j.show},
		{Pattern: "POST " + j.Path + "/{j}/{page}", Who: j.Who, Action: j.Finds, Level: Level, Serve: j.answer},
		{Pattern: "POST " + j.Path + "/{j}/" + checkPage, Who: j.Who, Action: j.Action, Level: Level, Serve: j.act},
	}
}

// The pages of a journey that are no questions.
const (
	checkPage   = "check"
	changedPage = "changed"
	donePage    = "done"
)
