//go:build !race

package policy_test

const every = 1
