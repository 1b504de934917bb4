//go:build race

package policy_test

// every thins exhaustive tests; it divides neither the number of acts nor of
// classes, so that each of them still has its turn.
const every = 7
