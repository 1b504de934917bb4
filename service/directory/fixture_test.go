package directory_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
const (
	camden      = servicetest.Camden
	hubPhone    = servicetest.HubPhone
	islington   = servicetest.Islington
	officePhone = servicetest.OfficePhone
)

var (
	administrator  = servicetest.Administrator
	auditor        = servicetest.Auditor
	clinicalSystem = servicetest.ClinicalSystem
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	laSystem       = servicetest.LaSystem
	lead           = servicetest.Lead
	newService     = servicetest.New
	noon           = servicetest.Noon
	nurse          = servicetest.Nurse
	otherLead      = servicetest.OtherLead
	privacyOfficer = servicetest.PrivacyOfficer
	rightCPP       = servicetest.RightCPP
	unscheduled    = servicetest.Unscheduled
)
