package words

// ReadEnglish reads a file of English words.
func ReadEnglish(text []byte) (*Words, error) {
	w := &Words{}
	_, err := w.read(English, text)
	return w, err
}

// ReadCount reads the forms of a text about a number, and returns that for one.
func ReadCount(language Language, text []byte, n int) (string, error) {
	var c Count
	err := c.read(language, text)
	return c.Of(n), err
}
