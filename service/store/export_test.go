package store

// What tests of plans need to see: the statements of the hot path and the
// settings that they run under.
const (
	VisibleFlags    = visibleFlags
	FlagsAndHistory = flagsAndHistory
	AppendLines     = appendLines
	AppendAll       = appendAll
	NoticesAfter    = noticesAfter
	InboxPage       = inboxPage
	NewestSchema    = newestSchema
)

var SessionSettings = sessionSettings
