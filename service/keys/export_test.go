package keys

// AssociatedData returns the encoded form of a context to tests of its layout.
func (c Context) AssociatedData() []byte { return c.appendTo(nil) }
