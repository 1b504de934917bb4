package notice

// ReadCursor reads a cursor and writes it again.
func ReadCursor(text string) (again string, ok bool) {
	c, ok := parseCursor(text)
	return c.String(), ok
}
