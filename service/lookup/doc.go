// Package lookup answers the one question of the service: is a flag held about
// this person? Look-ups are read and committed in groups; no answer leaves
// before its entry is durably in the log, and no error reads as "no flag".
package lookup
