package store

// What tests of plans need to see: the statements of the hot path and the
// settings that they run under.
const (
	FlagOf       = flagOf
	AppendLines  = appendLines
	AppendAll    = appendAll
	NoticesAfter = noticesAfter
	InboxPage    = inboxPage
	BeyondHead   = beyondHead
	NewestSchema = newestSchema
)

var (
	SessionSettings = sessionSettings
	FlagsAndHistory = flagsAndHistory
)

// CoveredColumns returns the columns of each table that a MAC covers.
func CoveredColumns() map[string][]string {
	columns := make(map[string][]string)
	for _, t := range guardedTables {
		c := &cover{columns: func(name string) { columns[t.name] = append(columns[t.name], name) }}
		t.zero().cover(c)
	}
	return columns
}

// Planning returns the arguments with which a statement is run.
func Planning(args ...any) []any { return planned(args) }
