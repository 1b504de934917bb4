package audit

// What an entry says that removes old lines: the command that the operator ran,
// and from which index on lines stay.
const (
	retainAction  = "configure"
	retainRule    = "retain_log"
	retainOutcome = "done"
	retainFirst   = "first"
)

// SayRetained makes e the entry that lines before an index are removed. It is
// written, and signed, before they are.
func (e *Entry) SayRetained(first int64) {
	e.Action, e.Rule, e.Outcome = retainAction, retainRule, retainOutcome
	e.Counts = Counts{retainFirst: first}
}

// Retains returns from which index on lines stay, if the entry says that those
// before it are removed.
func (e *Entry) Retains() (first int64, ok bool) {
	if e.Action != retainAction || e.Rule != retainRule || e.Outcome != retainOutcome {
		return 0, false
	}
	first, ok = e.Counts[retainFirst]
	return first, ok && first > 0
}
