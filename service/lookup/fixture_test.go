package lookup_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	fixture = servicetest.Fixture
)

const (
	callCentre  = servicetest.CallCentre
	islington   = servicetest.Islington
	newNumber   = servicetest.NewNumber
	thirdNumber = servicetest.ThirdNumber
	oldNumber   = servicetest.OldNumber
	trust       = servicetest.Trust
)

var (
	attended       = servicetest.Attended
	because        = servicetest.Because
	caller         = servicetest.Caller
	expectStale    = servicetest.ExpectStale
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	isOverloaded   = servicetest.IsOverloaded
	lead           = servicetest.Lead
	merging        = servicetest.Merging
	newService     = servicetest.New
	newServiceWith = servicetest.NewWith
	nurse          = servicetest.Nurse
	otherLead      = servicetest.OtherLead
	proposal       = servicetest.Proposal
	removal        = servicetest.Removal
	replacement    = servicetest.Replacement
	rightCPP       = servicetest.RightCPP
	with           = servicetest.With
)
