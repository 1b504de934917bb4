package auditlog_test

import (
	"cpis/service/servicetest"
)

// What tests of several packages share, under short names.
type (
	fixture = servicetest.Fixture
)

const (
	another  = servicetest.Another
	hubPhone = servicetest.HubPhone
)

var (
	newService  = servicetest.New
	nurse       = servicetest.Nurse
	unscheduled = servicetest.Unscheduled
)
