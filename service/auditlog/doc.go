// Package auditlog keeps the log: it reads what was appended again and signs it,
// makes tiles and proofs, and exports. The log's format is package audit, which
// stands alone.
package auditlog
