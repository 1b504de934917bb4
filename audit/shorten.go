package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
)

// LeftOut is the kind under which Shown has a hash of the lists of an entry that
// was too long for a line: the SHA-256, base64url, of what "disclosed" and "shown"
// would have been in it, with the comma before each. Whoever has the answer can
// show by it that this is what was answered.
const LeftOut = "left_out"

// The counts that say how much of each list is left out.
const (
	disclosedLeftOut = "disclosed_left_out"
	shownLeftOut     = "shown_left_out"
)

// How much of its lists an entry keeps that is too long for a line.
const (
	keptDisclosed = 500
	keptShown     = 250 // identifiers of all kinds together
)

// shortened returns the entry with the beginnings of its lists.
func (e *Entry) shortened() *Entry {
	short := *e
	if short.Counts = maps.Clone(e.Counts); short.Counts == nil {
		short.Counts = Counts{}
	}
	if n := len(e.Disclosed) - keptDisclosed; n > 0 {
		short.Disclosed, short.Counts[disclosedLeftOut] = e.Disclosed[:keptDisclosed], int64(n)
	}
	var n int
	if short.Shown, n = firstShown(e.Shown, keptShown); n > 0 {
		short.Counts[shownLeftOut] = int64(n)
	}
	if len(short.Counts) > len(e.Counts) {
		sum := sha256.Sum256(appendShown(appendDisclosed(nil, e.Disclosed), e.Shown))
		short.Shown = append(short.Shown, Shown{Kind: LeftOut, IDs: []string{base64.RawURLEncoding.EncodeToString(sum[:])}})
	}
	return &short
}

// firstShown returns the first so many identifiers of a list, and how many follow.
func firstShown(list []Shown, most int) (first []Shown, left int) {
	for _, s := range list {
		keep := min(len(s.IDs), most)
		most, left = most-keep, left+len(s.IDs)-keep
		if keep > 0 || len(s.IDs) == 0 {
			first = append(first, Shown{Kind: s.Kind, IDs: s.IDs[:keep]})
		}
	}
	return first, left
}
