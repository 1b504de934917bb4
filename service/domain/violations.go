package domain

// Violation is one thing wrong with a request. Nothing in it repeats what was
// sent.
type Violation struct {
	Field   string // path of the field, or name of the column
	Problem string // what is wrong
	Example string // what a right value looks like
}

// InvalidError says what is wrong with a request.
type InvalidError struct{ Violations []Violation }

// Error says that the request is not valid, and how many things are wrong.
func (e *InvalidError) Error() string { return "the request is not valid" }

// Violations collects what is wrong with a request.
type Violations []Violation

// Add notes something that is wrong, and what a right value looks like.
func (v *Violations) Add(field, problem, example string) {
	*v = append(*v, Violation{field, problem, example})
}

// Err returns nil if nothing is wrong.
func (v Violations) Err() error {
	if len(v) == 0 {
		return nil
	}
	return &InvalidError{v}
}
