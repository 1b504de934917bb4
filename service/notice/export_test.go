package notice

// ReadCursor reads a cursor and writes it again.
func ReadCursor(text string) (again string, ok bool) {
	c, ok := parseCursor(text)
	return c.String(), ok
}

// SingleOut shows numbers of a week so that they single nobody out.
func SingleOut(counts []int64) (sum Figure, each []Figure) { return singleOut(counts) }
