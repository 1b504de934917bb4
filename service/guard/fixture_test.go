package guard_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	readerFunc = servicetest.ReaderFunc
)

const (
	islington   = servicetest.Islington
	sheetHeader = servicetest.SheetHeader
)

var (
	assertNothingPersonal = servicetest.AssertNothingPersonal
	delta                 = servicetest.Delta
	ending                = servicetest.Ending
	explain               = servicetest.Explain
	isOverloaded          = servicetest.IsOverloaded
	lead                  = servicetest.Lead
	manyRows              = servicetest.ManyRows
	newService            = servicetest.New
	newServiceWith        = servicetest.NewWith
	noon                  = servicetest.Noon
	numberAt              = servicetest.NumberAt
	otherLead             = servicetest.OtherLead
	rightCPP              = servicetest.RightCPP
	rightLAC              = servicetest.RightLAC
	rightUCPP             = servicetest.RightUCPP
	sheetRow              = servicetest.SheetRow
	violationsOf          = servicetest.ViolationsOf
	with                  = servicetest.With
)
