package oversight

import "slices"

// A board's paper goes from hand to hand, so counts under minShown are hidden in
// it: somebody may know whom three look-ups were about. What is hidden must not be
// worked out from totals either, so others are hidden with it.

// minShown is the least count that is shown.
const minShown = 5

// counted is a table of counts with its totals, which stand last in each row and
// as the last row.
type counted struct {
	n      [][]int64
	hidden [][]bool
}

// newCounted returns a table with totals, of rows that are of one length.
func newCounted(cells [][]int64, columns int) *counted {
	t := &counted{}
	totals := make([]int64, columns+1)
	for _, cells := range cells {
		row := make([]int64, columns+1)
		copy(row, cells)
		for i, n := range cells {
			row[columns] += n
			totals[i] += n
			totals[columns] += n
		}
		t.n = append(t.n, row)
	}
	t.n = append(t.n, totals)
	for range t.n {
		t.hidden = append(t.hidden, make([]bool, columns+1))
	}
	return t
}

// protect hides each count under minShown, a total as well, and with it the corners
// of a rectangle: all four could change together, by minShown, without any line's
// sum being another, and without any count being negative. So for each of them
// there is a table that shows the same, and in which it is minShown or more:
// nobody can tell that it is less, nor what it is.
func (t *counted) protect() {
	if len(t.n) < 2 || len(t.n[0]) < 2 { // nothing but a total of nothing
		return
	}
	for r := range t.n {
		for c := range t.n[r] {
			if t.n[r][c] < minShown {
				t.hidden[r][c] = true
			}
		}
	}
	for r := range t.n {
		for c := range t.n[r] {
			if t.n[r][c] < minShown {
				t.cover(r, c)
			}
		}
	}
}

// protectBoth protects a table and one of a part of its counts. No count of the
// part is more than its whole, which would narrow down what either hides. So if
// anything is hidden, nothing of the part is shown but its grand total; and not
// that, if the whole's is hidden.
func protectBoth(whole, part *counted) {
	whole.protect()
	part.protect()
	if !whole.hides() && !part.hides() {
		return
	}
	last, sum := len(part.n)-1, len(part.n[0])-1
	grand := part.hidden[last][sum] || whole.hidden[last][sum]
	for r := range part.hidden {
		for c := range part.hidden[r] {
			part.hidden[r][c] = true
		}
	}
	part.hidden[last][sum] = grand
}

// hides reports whether anything of a table is hidden.
func (t *counted) hides() bool {
	for _, row := range t.hidden {
		if slices.Contains(row, true) {
			return true
		}
	}
	return false
}

// cover hides the rectangle that costs least: what is hidden already costs
// nothing, and all else as much as it counts. There always is one: that with the
// totals.
func (t *counted) cover(r, c int) {
	least, row, column := int64(-1), 0, 0
	for r2 := range t.n {
		for c2 := range t.n[r2] {
			if r2 == r || c2 == c || !t.moves(r, c, r2, c2) {
				continue
			}
			if cost := t.cost(r, c2) + t.cost(r2, c) + t.cost(r2, c2); least < 0 || cost < least {
				least, row, column = cost, r2, c2
			}
		}
	}
	t.hidden[r][column], t.hidden[row][c], t.hidden[row][column] = true, true, true
}

// cost is what it costs to hide a cell.
func (t *counted) cost(r, c int) int64 {
	if t.hidden[r][c] {
		return 0
	}
	return t.n[r][c] + 1
}

// moves reports whether a cell may grow by minShown if the other corners of a
// rectangle follow. A total moves with what it sums up, others against each other.
func (t *counted) moves(r, c, r2, c2 int) bool {
	up := minShown * t.sign(r, c)
	return t.n[r][c2]-up*t.sign(r, c2) >= 0 && t.n[r2][c]-up*t.sign(r2, c) >= 0 && t.n[r2][c2]+up*t.sign(r2, c2) >= 0
}

// sign is -1 for a total, and 1 for all else and for the total of totals.
func (t *counted) sign(r, c int) int64 {
	sign := int64(1)
	if r == len(t.n)-1 {
		sign = -sign
	}
	if c == len(t.n[r])-1 {
		sign = -sign
	}
	return sign
}
