// Package session keeps people logged in to pages, and what they have typed there
// until they send it. A session is found by the hash of what the browser holds; who
// it is, what they may choose from, and drafts are sealed under keys of their own.
// Logging in, choosing a role and logging out are acts like any other: each goes
// through the guard, in one transaction with its entry.
package session
