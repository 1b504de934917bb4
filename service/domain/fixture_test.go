package domain_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
var (
	day       = servicetest.Day
	noon      = servicetest.Noon
	rightCPP  = servicetest.RightCPP
	rightLAC  = servicetest.RightLAC
	rightUCPP = servicetest.RightUCPP
	with      = servicetest.With
)
