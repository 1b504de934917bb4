package notice

// Kind is what a notice is about.
type Kind string

// The kinds. Their texts stand in the database, and authorities see them.
const (
	Unscheduled        Kind = "unscheduled_access"
	BreakGlass         Kind = "break_glass"
	Restricted         Kind = "restricted_access"
	Mismatch           Kind = "identity_mismatch" // asked for with a date of birth that is not the person's
	Missed             Kind = "missed_appointment"
	Correction         Kind = "correction"
	Overlap            Kind = "overlap"
	TransferProposed   Kind = "transfer_proposed"
	TransferDecided    Kind = "transfer_decided"
	NumberReplaced     Kind = "number_replaced"
	Merged             Kind = "merged"
	ChangeProposed     Kind = "change_proposed"
	UploadWaiting      Kind = "upload_waiting"
	Unconfirmed        Kind = "contacts_unconfirmed"
	RestrictionChanged Kind = "restriction_changed"
	Digest             Kind = "weekly_digest"
)

// AboutPerson reports whether notices of a kind say something about the person.
// Others are about what their authority holds or does.
func (k Kind) AboutPerson() bool {
	switch k {
	case Unscheduled, BreakGlass, Restricted, Mismatch, Missed, Merged, RestrictionChanged:
		return true
	case Correction, Overlap, TransferProposed, TransferDecided, NumberReplaced, ChangeProposed, UploadWaiting, Unconfirmed, Digest:
		return false
	}
	return false
}
