package oversight_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"cpis/service/oversight"
)

// Nothing under five is shown, and nobody who knows all that is shown, and that no
// count is negative, can tell what was hidden: by adding and subtracting it is not
// determined, and it may as well be five or more.
func TestProtect_NothingHiddenCanBeWorkedOut(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		rows, columns := 1+random.IntN(5), 1+random.IntN(5)
		cells := make([][]int64, rows)
		for r := range cells {
			for range columns {
				n := random.Int64N([]int64{3, 8, 40, 1000}[round%4])
				cells[r] = append(cells[r], n)
			}
		}
		n, hidden := oversight.Protect(cells, columns)
		checkProtected(t, n, hidden)
		if t.Failed() {
			t.Fatalf("round %d: cells %v are hidden as %v", round, n, hidden)
		}
	}
}

// checkProtected solves what is shown for what is hidden.
func checkProtected(t *testing.T, n [][]int64, hidden [][]bool) {
	t.Helper()
	unknown := map[[2]int]int{}
	for r := range n {
		for c := range n[r] {
			if hidden[r][c] {
				unknown[[2]int{r, c}] = len(unknown)
			} else if n[r][c] < 5 {
				t.Errorf("%d at %d, %d is shown", n[r][c], r, c)
			}
		}
	}
	determined := solve(equations(n, unknown), len(unknown))
	for at, i := range unknown {
		if n[at[0]][at[1]] < 5 && determined[i] {
			t.Errorf("%d at %v can be worked out", n[at[0]][at[1]], at)
		}
	}
}

// equations are the sums of all lines, totals with the other sign, over what is
// hidden. What they sum up to does not matter to what is determined.
func equations(n [][]int64, unknown map[[2]int]int) (all [][]*big.Rat) {
	line := func(cells func(i int) ([2]int, bool)) {
		row := make([]*big.Rat, len(unknown))
		for i := range row {
			row[i] = new(big.Rat)
		}
		for i := 0; ; i++ {
			at, ok := cells(i)
			if !ok {
				break
			}
			if at, hidden := unknown[at]; hidden {
				row[at].SetInt64(1)
			}
		}
		all = append(all, row)
	}
	for r := range n {
		line(func(i int) ([2]int, bool) { return [2]int{r, i}, i < len(n[r]) })
	}
	for c := range n[0] {
		line(func(i int) ([2]int, bool) { return [2]int{i, c}, i < len(n) })
	}
	// The last of each line is its total.
	for i, row := range all {
		for at, u := range unknown {
			total := i < len(n) && at[1] == len(n[0])-1 || i >= len(n) && at[0] == len(n)-1
			if total {
				row[u].Neg(row[u])
			}
		}
	}
	return all
}

// solve reports which unknowns equations determine: those that stand alone in a
// row, once the equations are reduced.
func solve(rows [][]*big.Rat, unknowns int) []bool {
	determined := make([]bool, unknowns)
	done := 0
	for u := range unknowns {
		pivot := -1
		for i := done; i < len(rows); i++ {
			if rows[i][u].Sign() != 0 {
				pivot = i
				break
			}
		}
		if pivot < 0 {
			continue
		}
		rows[done], rows[pivot] = rows[pivot], rows[done]
		scale := new(big.Rat).Inv(rows[done][u])
		for k := range unknowns {
			rows[done][k] = new(big.Rat).Mul(rows[done][k], scale)
		}
		for i := range rows {
			if i == done || rows[i][u].Sign() == 0 {
				continue
			}
			factor := new(big.Rat).Set(rows[i][u])
			for k := range unknowns {
				rows[i][k] = new(big.Rat).Sub(rows[i][k], new(big.Rat).Mul(factor, rows[done][k]))
			}
		}
		done++
	}
	for i := range done {
		alone, at := 0, 0
		for u := range unknowns {
			if rows[i][u].Sign() != 0 {
				alone, at = alone+1, u
			}
		}
		if alone == 1 {
			determined[at] = true
		}
	}
	return determined
}

// The check above is worth nothing unless it finds a table that hides too little.
func TestProtect_TheCheckFindsWhatIsHiddenTooLittle(t *testing.T) {
	t.Parallel()
	unknown := map[[2]int]int{{0, 0}: 0}
	if got := solve(equations([][]int64{{3, 9, 12}, {7, 8, 15}, {10, 17, 27}}, unknown), 1); !got[0] {
		t.Error("a cell that is hidden alone is not worked out")
	}
	square := map[[2]int]int{{0, 0}: 0, {0, 1}: 1, {1, 0}: 2, {1, 1}: 3}
	for i, determined := range solve(equations([][]int64{{3, 9, 12}, {7, 8, 15}, {10, 17, 27}}, square), 4) {
		if determined {
			t.Errorf("corner %d of a rectangle is worked out", i)
		}
	}
}

// A part is never more than its whole: if all notices of a week but a few were
// acknowledged, both tables side by side would say how many were not.
func TestProtect_APartTellsNothingOfItsWhole(t *testing.T) {
	t.Parallel()
	notices, acknowledged := make([][]int64, 13), make([][]int64, 13)
	for week := range notices {
		notices[week], acknowledged[week] = []int64{10, 10}, []int64{10, 10}
	}
	whole, part := oversight.ProtectBoth(notices, acknowledged, 2)
	for r := range whole {
		for c := range whole[r] {
			if whole[r][c] || part[r][c] {
				t.Errorf("row %d, column %d is hidden where every count is ten", r, c)
			}
		}
	}
	acknowledged[0][0] = 4
	whole, part = oversight.ProtectBoth(notices, acknowledged, 2)
	for r := range whole {
		for c := range whole[r] {
			if grand := r == 13 && c == 2; whole[r][c] || part[r][c] == grand {
				t.Errorf("row %d, column %d: hidden %v, of acknowledged ones %v", r, c, whole[r][c], part[r][c])
			}
		}
	}
	notices[0][0] = 4 // and now the whole hides something
	if whole, part = oversight.ProtectBoth(notices, acknowledged, 2); !whole[0][0] || !part[1][1] {
		t.Error("the part is shown where its whole is not")
	}
}
