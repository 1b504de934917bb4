// Package assets is what browsers get beside pages: one style sheet, one script,
// and icons, each under an address with a hash of them all, so that a browser
// keeps them for ever and never mixes versions.
//
// The files are made by `make vendor-pages` from source, which is ours, and from
// the NHS design system in the version that deploy/dev/vendorpages pins. Each
// stands beside its compressed forms. Classes of ours are explained in
// source/pages.css, behaviours in source/pages.js.
//
// Nothing here is fetched from elsewhere, nothing is needed for a page to work,
// and no page has a script or style of its own, but [Snippet], whose hash a
// policy can name.
package assets
