package audit

// WellFormed is the check that Verify makes of each line, which does without
// writing the entry once more.
func WellFormed(line []byte) bool {
	var e Entry
	return e.parse(line) == nil
}
