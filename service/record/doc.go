// Package record is what is held about people: how a person is found by tag,
// locked, opened, sealed and written, and how the keys for that are made,
// fetched and rotated. What may be done with a record is decided elsewhere.
package record
