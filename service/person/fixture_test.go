package person_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	fixture = servicetest.Fixture
)

const (
	camden      = servicetest.Camden
	islington   = servicetest.Islington
	newNumber   = servicetest.NewNumber
	oldNumber   = servicetest.OldNumber
	sheetHeader = servicetest.SheetHeader
	thirdNumber = servicetest.ThirdNumber
)

var (
	administrator  = servicetest.Administrator
	asLAC          = servicetest.AsLAC
	auditor        = servicetest.Auditor
	because        = servicetest.Because
	caller         = servicetest.Caller
	deputy         = servicetest.Deputy
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	laSystem       = servicetest.LaSystem
	lead           = servicetest.Lead
	merging        = servicetest.Merging
	newService     = servicetest.New
	noon           = servicetest.Noon
	numberAt       = servicetest.NumberAt
	nurse          = servicetest.Nurse
	onlyHub        = servicetest.OnlyHub
	operatorOf     = servicetest.OperatorOf
	otherLead      = servicetest.OtherLead
	privacyOfficer = servicetest.PrivacyOfficer
	proposal       = servicetest.Proposal
	replacement    = servicetest.Replacement
	rightCPP       = servicetest.RightCPP
	rightLAC       = servicetest.RightLAC
	sheetRow       = servicetest.SheetRow
	under          = servicetest.Under
	undoing        = servicetest.Undoing
	unscheduled    = servicetest.Unscheduled
	violationsOf   = servicetest.ViolationsOf
	wantState      = servicetest.WantState
	with           = servicetest.With
)
