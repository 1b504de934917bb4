// Package directory knows who takes part: which class an organisation has, and
// whom to ring at an authority at which hour. Authorities keep their numbers
// themselves, and are reminded to confirm them.
package directory
