package record

import (
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// The words that name acts in the versions that they make.
const (
	ActRegister  = "register"
	ActAmend     = "amend"
	ActEnd       = "end"
	ActRemove    = "remove"
	ActBirth     = "birth"
	ActProposed  = "transfer_proposed"
	ActAccepted  = "transfer_accepted"
	ActDeclined  = "transfer_declined"
	ActWithdrawn = "transfer_withdrawn"
	ActUpload    = "upload"
)

// Author says who made a version of a plan, and why.
type Author struct {
	Act          string `json:"act"`
	Actor        string `json:"actor"`
	Name         string `json:"name,omitempty"`
	Organisation string `json:"organisation"`
	Reason       string `json:"reason,omitempty"`
}

// AuthorOf returns the change that a caller makes.
func AuthorOf(c *identity.Caller, act, reason string) Author {
	return Author{Act: act, Actor: guard.Clip(c.ID), Name: guard.Clip(c.Name), Organisation: c.Organisation, Reason: reason}
}

// Shown returns a change as it is shown.
func (c *Author) Shown(at time.Time) domain.Change {
	return domain.Change{Act: c.Act, Actor: c.Actor, Name: c.Name, Organisation: c.Organisation, Reason: c.Reason, At: at}
}
