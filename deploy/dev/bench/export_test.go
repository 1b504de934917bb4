package bench

// AreaUnder exports areaUnder.
var AreaUnder = areaUnder

// Verdict exports what judge says of ratios.
func Verdict(ratios []float64, wanted float64, atLeast bool) string {
	return judge("ratio", ratios, wanted, atLeast).verdict
}
