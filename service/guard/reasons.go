package guard

// Why, in a word, as it stands in entries. Verdicts that the service cannot say
// have their reasons from here, too.
const (
	reasonNotFound  = "not_found"
	ReasonChanged   = "changed_meanwhile" // also of a file that would do something else than was approved
	reasonState     = "state"
	reasonSame      = "same_person"
	reasonReused    = "request_reused"
	ReasonMismatch  = "identity_mismatch" // the date of birth is another
	ReasonDamaged   = "record_damaged"    // what is stored does not verify, or is about somebody else
	reasonRepeated  = "repeated"          // the request had been answered before, and changed nothing
	ReasonUnchanged = "unchanged"         // nothing differs
	ReasonKindsOnly = "kinds_only"        // about a restricted person: of the plans, only their kinds left the service
	ReasonTakenBack = "taken_back"        // a number that had replaced another finds nobody any more
	ReasonCancelled = "cancelled"         // a file was given up
)
