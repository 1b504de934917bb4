// Package web is the face for people: pages in the NHS design system, over the same
// use cases as the RPC. It translates and decides nothing: whatever a page shows or
// does goes through a room, which asks the policy and writes the entry.
//
// Every page stands in a frame: the door, the log-in, sessions and what a page is
// made of. Below it are areas, a package for each kind of user, with their routes,
// templates and words: lead, auditor, clinician. This package has what everybody
// sees, and puts them together.
package web
