package upload_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	readerFunc = servicetest.ReaderFunc
)

const (
	camden      = servicetest.Camden
	islington   = servicetest.Islington
	numberB     = servicetest.NumberB
	numberC     = servicetest.NumberC
	sheetHeader = servicetest.SheetHeader
)

var (
	under                 = servicetest.Under
	administrator         = servicetest.Administrator
	assertNothingPersonal = servicetest.AssertNothingPersonal
	auditor               = servicetest.Auditor
	clinicalSystem        = servicetest.ClinicalSystem
	delta                 = servicetest.Delta
	explain               = servicetest.Explain
	gp                    = servicetest.Gp
	inParts               = servicetest.InParts
	laSystem              = servicetest.LaSystem
	lead                  = servicetest.Lead
	lines                 = servicetest.Lines
	manyRows              = servicetest.ManyRows
	newService            = servicetest.New
	newServiceOver        = servicetest.NewOver
	numberAt              = servicetest.NumberAt
	numbered              = servicetest.Numbered
	nurse                 = servicetest.Nurse
	otherLead             = servicetest.OtherLead
	persist               = servicetest.Persist
	privacyOfficer        = servicetest.PrivacyOfficer
	rightCPP              = servicetest.RightCPP
	rightLAC              = servicetest.RightLAC
	sheetRow              = servicetest.SheetRow
	unscheduled           = servicetest.Unscheduled
	violationsOf          = servicetest.ViolationsOf
	whole                 = servicetest.Whole
	with                  = servicetest.With
)
