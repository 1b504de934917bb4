package planfile

// ParseDay reads a day in any of the forms that files may have, and returns it
// as YYYY-MM-DD. Nothing is no day. The problem, if there is one, is in words
// for people and does not repeat the text.
func ParseDay(text string) (day, problem string) {
	d, problem := parseDay(text, dayOrder{})
	return d.String(), problem
}
