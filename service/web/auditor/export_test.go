package auditor

// ReadReceipt reads a receipt as it was pasted.
func ReadReceipt(text string) (log string, index int64, leaf []byte, ok bool) {
	r, ok := readReceipt(text)
	if !ok {
		return "", 0, nil, false
	}
	return r.Log, r.Index, r.Leaf, true
}
