// Package export has reports made as files that prove themselves: asked for once,
// made by any server, kept sealed for a while, and downloaded by whoever asked as
// often as needed. What a report has, and what of it may be shown, is for oversight
// to say; how it is written, for audit/archive.
package export
