package domain

// Decision is what becomes of something that was proposed.
type Decision string

// The decisions.
const (
	Accept   Decision = "accept"
	Decline  Decision = "decline"
	Withdraw Decision = "withdraw" // only for who proposed it
)

// State is where something stands that was proposed. Its texts stand in the
// database.
type State string

// The states. None but Open is ever left again.
const (
	Open      State = "open"
	Accepted  State = "accepted"
	Declined  State = "declined"
	Withdrawn State = "withdrawn" // taken back, or overtaken by another change
)

// LeadsTo returns the state that a decision leads to; none if it is not one.
func (d Decision) LeadsTo() State {
	switch d {
	case Accept:
		return Accepted
	case Decline:
		return Declined
	case Withdraw:
		return Withdrawn
	}
	return ""
}

// Decision checks that there is one.
func (c *Reader) Decision(d Decision) {
	if d.LeadsTo() == "" {
		c.Add("decision", "must be accept, decline or withdraw", string(Accept))
	}
}
