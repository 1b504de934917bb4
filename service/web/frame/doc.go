// Package frame is what all pages stand in. Whatever comes in passes one door
// (door.go): headers, cross-site requests, session, role, level. A Visit is one
// request on its way through a page. A page is a struct that embeds Page, written
// into a buffer and then sent whole; what somebody types is a Form. Log-in, roles and
// sessions are pages of the frame; all others are those of an Area.
package frame
