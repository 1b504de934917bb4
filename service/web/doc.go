// Package web is the face for people: pages in the NHS design system, over the same
// use cases as the RPC. It translates and decides nothing: whatever a page shows or
// does goes through a room, which asks the policy and writes the entry.
//
// One table (routes.go) says what there is; the mux, the golden list of routes and
// the tests come from it. Whatever comes in passes one door (door.go). A page is a
// struct that embeds Page, written into a buffer and then sent whole.
package web
