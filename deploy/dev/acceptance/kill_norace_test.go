//go:build !race

package acceptance_test

// raced says whether this binary has the race detector.
const raced = false
