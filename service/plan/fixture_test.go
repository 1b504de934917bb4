package plan_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	about   = servicetest.About
	fixture = servicetest.Fixture
	told    = servicetest.Told
)

const (
	camden    = servicetest.Camden
	hackney   = servicetest.Hackney
	hubPhone  = servicetest.HubPhone
	islington = servicetest.Islington
	newNumber = servicetest.NewNumber
	oldNumber = servicetest.OldNumber
	trust     = servicetest.Trust
)

var (
	aboutOf        = servicetest.AboutOf
	administrator  = servicetest.Administrator
	amendment      = servicetest.Amendment
	atOnce         = servicetest.AtOnce
	auditor        = servicetest.Auditor
	because        = servicetest.Because
	callHandler    = servicetest.CallHandler
	clinicalSystem = servicetest.ClinicalSystem
	day            = servicetest.Day
	ending         = servicetest.Ending
	expectOneWon   = servicetest.ExpectOneWon
	expectStale    = servicetest.ExpectStale
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	laSystem       = servicetest.LaSystem
	lead           = servicetest.Lead
	merging        = servicetest.Merging
	newService     = servicetest.New
	noon           = servicetest.Noon
	numberAt       = servicetest.NumberAt
	nurse          = servicetest.Nurse
	offer          = servicetest.Offer
	otherLead      = servicetest.OtherLead
	privacyOfficer = servicetest.PrivacyOfficer
	removal        = servicetest.Removal
	replacement    = servicetest.Replacement
	rightCPP       = servicetest.RightCPP
	rightLAC       = servicetest.RightLAC
	rightUCPP      = servicetest.RightUCPP
	secondLead     = servicetest.SecondLead
	settlement     = servicetest.Settlement
	thirdLead      = servicetest.ThirdLead
	under          = servicetest.Under
	unscheduled    = servicetest.Unscheduled
	violationsOf   = servicetest.ViolationsOf
	wantState      = servicetest.WantState
	with           = servicetest.With
	wrongPatient   = servicetest.WrongPatient
)
