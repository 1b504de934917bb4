package guard

import (
	"github.com/google/uuid"

	"cpis/audit"
)

// Kinds of things that entries name by their identifiers, beside plans that were
// disclosed.
const (
	KindPlan      = "plan"
	KindPerson    = "person" // by the identifier that an authority has for it
	KindTransfer  = "transfer"
	KindProposal  = "proposal"
	KindUpload    = "upload"
	KindNotice    = "notice"
	KindChannel   = "channel"
	KindColleague = "colleague"
	KindReview    = "review"
	KindRelease   = "release"
	KindExport    = "export"
)

// Target is the thing that a request names. What is no identifier is not one: it
// may be anything, and stays out of the log.
func Target(kind, id string) audit.Thing {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return audit.Thing{}
	}
	return audit.Thing{Kind: kind, ID: parsed.String()}
}

// ShowOne notes in an entry that one thing is shown, or made.
func ShowOne(e *audit.Entry, kind string, id uuid.UUID) {
	e.Shown = append(e.Shown, audit.Shown{Kind: kind, IDs: []string{id.String()}})
}

// Show notes in an entry which things of a kind are shown.
func Show[T any](e *audit.Entry, kind string, list []T, id func(*T) string) {
	if len(list) == 0 {
		return
	}
	shown := audit.Shown{Kind: kind, IDs: make([]string, len(list))}
	for i := range list {
		shown.IDs[i] = id(&list[i])
	}
	e.Shown = append(e.Shown, shown)
}
