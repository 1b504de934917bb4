// Package oversight answers, from the log, who looked and why. It keeps an index
// of the log's entries, which follows some seconds behind, and makes reports from
// it for those who watch over accesses. Whatever it shows is the log's own line;
// the index only finds it.
package oversight
