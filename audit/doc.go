// Package audit is the format of the audit log: how an entry is written, how
// entries become a tree, how a checkpoint signs the tree, how a single entry is
// proved to be in it, and how an export of the whole is verified by somebody
// who trusts neither the operator nor the database.
//
// An [Entry] is one line of JSON in a canonical form, kept byte for byte. Its
// leaf hash is SHA-256(0x00 ‖ line). The [Tree] over the leaf hashes is the one
// of RFC 6962; checkpoints, tiles and proofs are those of the C2SP
// specifications tlog-checkpoint, signed-note, tlog-tiles and tlog-proof, so
// other people's tools read them as well as this package does.
// docs/audit-format.md is the specification, with a worked example that needs
// nothing but sha256sum.
//
// The one invariant to know: nothing but a signature over a root hash makes a
// line true. Lines, tiles and frontiers are claims, wherever they come from,
// until they add up to the root of a checkpoint that an [OpenCheckpoint]
// accepted.
//
// The package is pure: it reads no clock, opens no connection, knows nothing of
// the service, and imports nothing but the standard library and
// golang.org/x/mod/sumdb. An auditor can build it alone. Its errors name
// indexes and paths and never quote what a line says.
package audit
