package reference

import (
	"strings"

	"cpis/policy"
)

// The kinds of organisation in the register.
const (
	kindTrust    = "nhs_trust"
	kindPractice = "gp_practice"
)

// ClassOf derives an organisation's class from its kind and its name; what is
// neither trust nor practice has none.
//
// A trust's name tells only sometimes what it does: many of those that run
// mental health or community services, and often minor injuries units besides,
// do not say so. In doubt a trust is an acute trust. That class may look up in
// both modes, and in the unscheduled one if nobody says which, so that a
// wrong guess tells an authority too much and never too little.
func ClassOf(kind, name string) policy.Class {
	switch {
	case kind == kindPractice:
		return policy.GeneralPractice
	case kind != kindTrust:
		return ""
	case strings.Contains(name, "AMBULANCE"):
		return policy.Ambulance
	case strings.Contains(name, "MENTAL HEALTH"):
		return policy.MentalHealth
	case strings.Contains(name, "COMMUNITY"):
		return policy.Community
	}
	return policy.AcuteTrust
}
