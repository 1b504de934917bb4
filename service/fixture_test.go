package service_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	fixture = servicetest.Fixture
)

const (
	another     = servicetest.Another
	camden      = servicetest.Camden
	hubPhone    = servicetest.HubPhone
	islington   = servicetest.Islington
	newNumber   = servicetest.NewNumber
	numberB     = servicetest.NumberB
	oldNumber   = servicetest.OldNumber
	practice    = servicetest.Practice
	sheetHeader = servicetest.SheetHeader
)

var (
	attended     = servicetest.Attended
	caller       = servicetest.Caller
	delta        = servicetest.Delta
	explain      = servicetest.Explain
	gp           = servicetest.Gp
	lead         = servicetest.Lead
	newService   = servicetest.New
	noon         = servicetest.Noon
	nurse        = servicetest.Nurse
	onlyHub      = servicetest.OnlyHub
	operatorOf   = servicetest.OperatorOf
	otherLead    = servicetest.OtherLead
	replacement  = servicetest.Replacement
	rightCPP     = servicetest.RightCPP
	rightLAC     = servicetest.RightLAC
	rightUCPP    = servicetest.RightUCPP
	secondLead   = servicetest.SecondLead
	sheetRow     = servicetest.SheetRow
	under        = servicetest.Under
	unscheduled  = servicetest.Unscheduled
	violationsOf = servicetest.ViolationsOf
	with         = servicetest.With
	wrongPatient = servicetest.WrongPatient
)
