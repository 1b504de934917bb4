package deliver_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	delivery = servicetest.Delivery
	fixture  = servicetest.Fixture
	made     = servicetest.Made
	receiver = servicetest.Receiver
)

const (
	another   = servicetest.Another
	islington = servicetest.Islington
	trust     = servicetest.Trust
)

var (
	administrator  = servicetest.Administrator
	auditor        = servicetest.Auditor
	clinicalSystem = servicetest.ClinicalSystem
	explain        = servicetest.Explain
	gp             = servicetest.Gp
	laSystem       = servicetest.LaSystem
	lead           = servicetest.Lead
	newReceiver    = servicetest.NewReceiver
	newSending     = servicetest.NewSending
	newServiceOver = servicetest.NewOver
	newServiceWith = servicetest.NewWith
	noon           = servicetest.Noon
	nurse          = servicetest.Nurse
	operatorOf     = servicetest.OperatorOf
	otherLead      = servicetest.OtherLead
	privacyOfficer = servicetest.PrivacyOfficer
	rightCPP       = servicetest.RightCPP
	status         = servicetest.Status
	unscheduled    = servicetest.Unscheduled
	with           = servicetest.With
)
