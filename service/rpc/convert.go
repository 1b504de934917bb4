package rpc

import (
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service"
)

// The words of the contract and those of the service, side by side. What is
// not in a table is the zero value on the other side: requests were checked
// against the contract before, and a test keeps the tables complete.
var (
	settings = []service.Setting{
		cpisv1.Setting_SETTING_UNSPECIFIED:          service.NoSetting,
		cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT: service.EmergencyDepartment,
		cpisv1.Setting_SETTING_URGENT_CARE:          service.UrgentCare,
		cpisv1.Setting_SETTING_OUT_OF_HOURS:         service.OutOfHours,
		cpisv1.Setting_SETTING_AMBULANCE:            service.Ambulance,
		cpisv1.Setting_SETTING_NHS_111:              service.NHS111,
		cpisv1.Setting_SETTING_MATERNITY:            service.Maternity,
		cpisv1.Setting_SETTING_PAEDIATRIC_WARD:      service.PaediatricWard,
		cpisv1.Setting_SETTING_GENERAL_PRACTICE:     service.GeneralPractice,
		cpisv1.Setting_SETTING_COMMUNITY:            service.Community,
		cpisv1.Setting_SETTING_MENTAL_HEALTH:        service.MentalHealth,
		cpisv1.Setting_SETTING_DENTAL:               service.Dental,
		cpisv1.Setting_SETTING_SEXUAL_HEALTH:        service.SexualHealth,
		cpisv1.Setting_SETTING_OUTPATIENT:           service.Outpatient,
	}
	purposes = []service.Purpose{
		cpisv1.Purpose_PURPOSE_UNSPECIFIED:    "",
		cpisv1.Purpose_PURPOSE_DIRECT_CARE:    service.DirectCare,
		cpisv1.Purpose_PURPOSE_EMERGENCY_CARE: service.EmergencyCare,
		cpisv1.Purpose_PURPOSE_SAFEGUARDING:   service.Safeguarding,
	}
	kinds = []service.Kind{
		cpisv1.PlanKind_PLAN_KIND_UNSPECIFIED: "",
		cpisv1.PlanKind_PLAN_KIND_CPP:         service.CPP,
		cpisv1.PlanKind_PLAN_KIND_LAC:         service.LAC,
		cpisv1.PlanKind_PLAN_KIND_UCPP:        service.UCPP,
	}
	bases = []service.Basis{
		cpisv1.LegalBasis_LEGAL_BASIS_UNSPECIFIED: service.NoBasis,
		cpisv1.LegalBasis_LEGAL_BASIS_S31:         service.S31,
		cpisv1.LegalBasis_LEGAL_BASIS_S38:         service.S38,
		cpisv1.LegalBasis_LEGAL_BASIS_S20:         service.S20,
	}
	verdicts = []service.Verdict{
		cpisv1.Answer_ANSWER_UNSPECIFIED:   "",
		cpisv1.Answer_ANSWER_FLAG_HELD:     service.FlagHeld,
		cpisv1.Answer_ANSWER_NO_FLAG_KNOWN: service.NoFlagKnown,
		cpisv1.Answer_ANSWER_CANNOT_SAY:    service.CannotSay,
	}
	reasons = []service.Reason{
		cpisv1.CannotSayReason_CANNOT_SAY_REASON_UNSPECIFIED:       service.NoReason,
		cpisv1.CannotSayReason_CANNOT_SAY_REASON_IDENTITY_MISMATCH: service.IdentityMismatch,
		cpisv1.CannotSayReason_CANNOT_SAY_REASON_RECORD_DAMAGED:    service.RecordDamaged,
	}
)

// fromEnum gives the service's word for a value of the contract.
func fromEnum[E ~int32, W ~string](table []W, e E) W {
	if e < 0 || int(e) >= len(table) {
		return ""
	}
	return table[e]
}

// toEnum gives the contract's value for a word of the service.
func toEnum[E ~int32, W ~string](table []W, w W) E {
	return E(max(0, slices.Index(table, w)))
}

// setMode and modeToProto are generic because access modes belong to the
// policy, which the face does not know.
func setMode[M ~string](mode *M, m cpisv1.AccessMode) {
	switch m {
	case cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED:
		*mode = "unscheduled"
	case cpisv1.AccessMode_ACCESS_MODE_SCHEDULED:
		*mode = "scheduled"
	case cpisv1.AccessMode_ACCESS_MODE_UNSPECIFIED:
		*mode = ""
	}
}

func modeToProto[M ~string](m M) cpisv1.AccessMode {
	switch m {
	case "unscheduled":
		return cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED
	case "scheduled":
		return cpisv1.AccessMode_ACCESS_MODE_SCHEDULED
	}
	return cpisv1.AccessMode_ACCESS_MODE_UNSPECIFIED
}

func questionFromProto(m *cpisv1.LookUpRequest, request string) *service.Question {
	q := &service.Question{
		NHSNumber:        m.GetNhsNumber(),
		DateOfBirth:      m.GetDateOfBirth(),
		Encounter:        encounterFromProto(m.GetEncounter()),
		Purpose:          fromEnum(purposes, m.GetPurpose()),
		Responsible:      responsibleFromProto(m.GetResponsiblePerson()),
		SafeguardingLead: responsibleFromProto(m.GetSafeguardingLead()),
		BreakGlass:       m.GetBreakGlassReason(),
		Request:          request,
	}
	setMode(&q.Mode, m.GetAccessMode())
	return q
}

func encounterFromProto(m *cpisv1.Encounter) service.Encounter {
	e := service.Encounter{ID: m.GetId(), Setting: fromEnum(settings, m.GetSetting())}
	if start := m.GetStart(); start.IsValid() {
		e.Start = start.AsTime()
	}
	return e
}

func responsibleFromProto(m *cpisv1.Responsible) service.Responsible {
	return service.Responsible{Name: m.GetName(), Role: m.GetRole(), Phone: m.GetPhone()}
}

func listFromProto(m *cpisv1.LookUpManyRequest, request string) *service.ClinicList {
	l := &service.ClinicList{
		Items:       make([]service.ClinicItem, len(m.GetItems())),
		Setting:     fromEnum(settings, m.GetSetting()),
		Purpose:     fromEnum(purposes, m.GetPurpose()),
		Responsible: responsibleFromProto(m.GetResponsiblePerson()),
		Request:     request,
	}
	setMode(&l.Mode, m.GetAccessMode())
	for i, item := range m.GetItems() {
		l.Items[i] = service.ClinicItem{
			NHSNumber:   item.GetNhsNumber(),
			DateOfBirth: item.GetDateOfBirth(),
			EncounterID: item.GetEncounterId(),
		}
	}
	return l
}

func registrationFromProto(m *cpisv1.RegisterPlanRequest, request string) *service.Registration {
	p := m.GetPerson()
	return &service.Registration{
		NHSNumber:   p.GetNhsNumber(),
		Family:      p.GetFamilyName(),
		Given:       p.GetGivenName(),
		DateOfBirth: p.GetDateOfBirth(),
		Kind:        fromEnum(kinds, m.GetKind()),
		Start:       m.GetStart(),
		End:         m.GetEnd(),
		Expected:    m.GetExpected(),
		Basis:       fromEnum(bases, m.GetLegalBasis()),
		Reference:   m.GetReference(),
		Restricted:  m.GetRestricted(),
		Request:     request,
	}
}

func endingFromProto(m *cpisv1.EndPlanRequest, request string) *service.Ending {
	return &service.Ending{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		End:     m.GetEnd(),
		Reason:  m.GetReason(),
		Request: request,
	}
}

// count gives a number of things as the contract counts them.
func count(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // bounded just here
}

// timeToProto gives no time for the zero time.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
