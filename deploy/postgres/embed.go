// Package postgres holds what an administrator of PostgreSQL runs before the
// service's own migrations can: the roles. See README.md.
package postgres

import _ "embed"

// Roles is the SQL that makes the roles cpis_owner, cpis_app and cpis_auditor.
// It needs the right to create roles and may be run again.
//
//go:embed roles.sql
var Roles string
