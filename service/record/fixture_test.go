package record_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
const (
	another     = servicetest.Another
	islington   = servicetest.Islington
	numberB     = servicetest.NumberB
	practice    = servicetest.Practice
	sheetHeader = servicetest.SheetHeader
)

var (
	delta          = servicetest.Delta
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	lead           = servicetest.Lead
	newService     = servicetest.New
	newServiceOver = servicetest.NewOver
	noon           = servicetest.Noon
	nurse          = servicetest.Nurse
	operatorOf     = servicetest.OperatorOf
	rightCPP       = servicetest.RightCPP
	rightLAC       = servicetest.RightLAC
	sheetRow       = servicetest.SheetRow
	unscheduled    = servicetest.Unscheduled
	with           = servicetest.With
)
