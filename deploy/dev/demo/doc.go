// Package demo holds what `cpis dev` shows: invented children and mothers with
// their plans, as the files that local authorities would upload, whom to ring
// about them, and the questions to try.
//
// The authorities are real, because look-ups name them; nothing else about
// them is. Their telephone numbers are of the ranges that Ofcom keeps for
// drama, NHS numbers are of the range that is kept for tests (999 …), and names
// were drawn from lists. The same day gives the same files, byte for byte.
package demo
