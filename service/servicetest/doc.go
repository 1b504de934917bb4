// Package servicetest is what tests of the rooms share: a service over a real
// database and real keys, callers of each role, right registrations and files,
// and a receiver of webhooks. No program can import it.
package servicetest
