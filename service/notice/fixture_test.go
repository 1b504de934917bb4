package notice_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	about = servicetest.About
	told  = servicetest.Told
)

const (
	camden    = servicetest.Camden
	hackney   = servicetest.Hackney
	islington = servicetest.Islington
	newNumber = servicetest.NewNumber
	oldNumber = servicetest.OldNumber
	practice  = servicetest.Practice
	trust     = servicetest.Trust
)

var (
	aboutOf        = servicetest.AboutOf
	amendment      = servicetest.Amendment
	asLAC          = servicetest.AsLAC
	atOnce         = servicetest.AtOnce
	attended       = servicetest.Attended
	auditor        = servicetest.Auditor
	caller         = servicetest.Caller
	clinicalSystem = servicetest.ClinicalSystem
	deputy         = servicetest.Deputy
	expectOneWon   = servicetest.ExpectOneWon
	expectStale    = servicetest.ExpectStale
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	isOverloaded   = servicetest.IsOverloaded
	laSystem       = servicetest.LaSystem
	lead           = servicetest.Lead
	merging        = servicetest.Merging
	newService     = servicetest.New
	newServiceWith = servicetest.NewWith
	noon           = servicetest.Noon
	nurse          = servicetest.Nurse
	otherLead      = servicetest.OtherLead
	privacyOfficer = servicetest.PrivacyOfficer
	rightCPP       = servicetest.RightCPP
	rightLAC       = servicetest.RightLAC
	rightUCPP      = servicetest.RightUCPP
	secondLead     = servicetest.SecondLead
	system         = servicetest.System
	thirdLead      = servicetest.ThirdLead
	under          = servicetest.Under
	undoing        = servicetest.Undoing
	unscheduled    = servicetest.Unscheduled
	violationsOf   = servicetest.ViolationsOf
	with           = servicetest.With
	wrongPatient   = servicetest.WrongPatient
)
