// Package work is what waits for an authority today: how much of what, and the
// calendar that brings it.
package work
