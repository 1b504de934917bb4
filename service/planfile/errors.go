package planfile

import "strconv"

// Error gives where and what, as in "ssd_person, line 3: is not text".
func (e *Error) Error() string {
	text := e.Problem
	if e.Line > 0 {
		text = "line " + strconv.Itoa(e.Line) + ": " + text
	}
	if e.File != "" {
		text = e.File + ", " + text
	}
	return text
}
