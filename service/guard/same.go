package guard

import (
	"strings"

	"cpis/service/text"
)

// SameActor reports whether two actors may be one. Identifiers are compared as
// issuers compare those of people, who type them: without regard to the case of
// letters, or to what is not seen. Those of two issuers are of two actors; if the
// issuer of one is not known, they may be of one.
func SameActor(id, issuer, otherID, otherIssuer string) bool {
	sameIssuer := issuer == otherIssuer || issuer == "" || otherIssuer == ""
	return sameIssuer && strings.EqualFold(text.Fold(id), text.Fold(otherID))
}
