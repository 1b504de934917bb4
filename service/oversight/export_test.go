package oversight

// Protect hides counts of a table, and returns it with its totals.
func Protect(cells [][]int64, columns int) (n [][]int64, hidden [][]bool) {
	t := newCounted(cells, columns)
	t.protect()
	return t.n, t.hidden
}
