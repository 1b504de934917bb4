// Package store keeps people, plans, the audit log and what belongs to them in
// PostgreSQL. It sees tags, ciphertext and identifiers only: it can neither
// make a tag nor open anything sealed.
//
// # Writing
//
// There are two ways to write. [DB.Append] is for look-ups: one statement in
// one round trip appends the entries of a group to a log, together with the
// history, notices and reviews that the look-ups leave behind. [DB.Tx] is for
// everything else: a function runs in one transaction and appends its entries
// last. Either way an entry exists exactly if what it speaks of does, and a
// transaction that changes people or plans without an entry is not committed.
//
// # Confirmed means durable
//
// A write returns nil only when PostgreSQL has confirmed the commit, standbys
// included if it is set up to wait for them. Everything else is one of
// three: it was certainly not written ([ErrUnavailable], [ErrHeadMoved],
// [ErrConflict] and the like), or it may have been ([ErrUncertain]). Four
// things that look like success or failure and are not were seen on real
// servers, and each has a test:
//
//   - a wait for the standby that is cancelled ends with success and a warning;
//   - a caller's cancelled context ends the wait, not the commit, so writes
//     belong on a context of their own;
//   - a connection lost after COMMIT was sent says nothing about the commit;
//   - a pool goes on using a primary that has become read-only.
//
// # Errors
//
// PostgreSQL's messages quote values. None leaves this package: errors name
// what was being done, one of the sentinels, and the SQLSTATE.
package store
