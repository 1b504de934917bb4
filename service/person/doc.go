// Package person is what is done about a person as a whole, whichever
// authorities hold plans: an NHS number is replaced; and, by two people, a person
// is restricted or not, two records are merged, and a merge is undone.
package person
