// Package plans are the pages by which safeguarding leads register plans and change
// them, and correct whom they are about. What leads somewhere is a journey; this
// package says which questions it asks, and what happens by it.
package plans
