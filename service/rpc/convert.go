package rpc

import (
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/plan"
)

// The words of the contract and those of the service, side by side. What is
// not in a table is the zero value on the other side: requests were checked
// against the contract before, and a test keeps the tables complete.
var (
	settings = []domain.Setting{
		cpisv1.Setting_SETTING_UNSPECIFIED:          domain.NoSetting,
		cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT: domain.EmergencyDepartment,
		cpisv1.Setting_SETTING_URGENT_CARE:          domain.UrgentCare,
		cpisv1.Setting_SETTING_OUT_OF_HOURS:         domain.OutOfHours,
		cpisv1.Setting_SETTING_AMBULANCE:            domain.Ambulance,
		cpisv1.Setting_SETTING_NHS_111:              domain.NHS111,
		cpisv1.Setting_SETTING_MATERNITY:            domain.Maternity,
		cpisv1.Setting_SETTING_PAEDIATRIC_WARD:      domain.PaediatricWard,
		cpisv1.Setting_SETTING_GENERAL_PRACTICE:     domain.GeneralPractice,
		cpisv1.Setting_SETTING_COMMUNITY:            domain.Community,
		cpisv1.Setting_SETTING_MENTAL_HEALTH:        domain.MentalHealth,
		cpisv1.Setting_SETTING_DENTAL:               domain.Dental,
		cpisv1.Setting_SETTING_SEXUAL_HEALTH:        domain.SexualHealth,
		cpisv1.Setting_SETTING_OUTPATIENT:           domain.Outpatient,
	}
	purposes = []domain.Purpose{
		cpisv1.Purpose_PURPOSE_UNSPECIFIED:    "",
		cpisv1.Purpose_PURPOSE_DIRECT_CARE:    domain.DirectCare,
		cpisv1.Purpose_PURPOSE_EMERGENCY_CARE: domain.EmergencyCare,
		cpisv1.Purpose_PURPOSE_SAFEGUARDING:   domain.Safeguarding,
	}
	grounds = []domain.Grounds{
		cpisv1.BreakGlassGrounds_BREAK_GLASS_GROUNDS_UNSPECIFIED:   domain.NoGrounds,
		cpisv1.BreakGlassGrounds_BREAK_GLASS_GROUNDS_EMERGENCY:     domain.Emergency,
		cpisv1.BreakGlassGrounds_BREAK_GLASS_GROUNDS_COVER:         domain.Cover,
		cpisv1.BreakGlassGrounds_BREAK_GLASS_GROUNDS_RIGHT_MISSING: domain.RightMissing,
		cpisv1.BreakGlassGrounds_BREAK_GLASS_GROUNDS_CONCERN:       domain.Concern,
		cpisv1.BreakGlassGrounds_BREAK_GLASS_GROUNDS_OTHER:         domain.OtherGrounds,
	}
	kinds = []domain.Kind{
		cpisv1.PlanKind_PLAN_KIND_UNSPECIFIED: "",
		cpisv1.PlanKind_PLAN_KIND_CPP:         domain.CPP,
		cpisv1.PlanKind_PLAN_KIND_LAC:         domain.LAC,
		cpisv1.PlanKind_PLAN_KIND_UCPP:        domain.UCPP,
	}
	bases = []domain.Basis{
		cpisv1.LegalBasis_LEGAL_BASIS_UNSPECIFIED: domain.NoBasis,
		cpisv1.LegalBasis_LEGAL_BASIS_S31:         domain.S31,
		cpisv1.LegalBasis_LEGAL_BASIS_S38:         domain.S38,
		cpisv1.LegalBasis_LEGAL_BASIS_S20:         domain.S20,
	}
	verdicts = []lookup.Verdict{
		cpisv1.Answer_ANSWER_UNSPECIFIED:   "",
		cpisv1.Answer_ANSWER_FLAG_HELD:     lookup.FlagHeld,
		cpisv1.Answer_ANSWER_NO_FLAG_KNOWN: lookup.NoFlagKnown,
		cpisv1.Answer_ANSWER_CANNOT_SAY:    lookup.CannotSay,
	}
	reasons = []lookup.Reason{
		cpisv1.CannotSayReason_CANNOT_SAY_REASON_UNSPECIFIED:       lookup.NoReason,
		cpisv1.CannotSayReason_CANNOT_SAY_REASON_IDENTITY_MISMATCH: lookup.IdentityMismatch,
		cpisv1.CannotSayReason_CANNOT_SAY_REASON_RECORD_DAMAGED:    lookup.RecordDamaged,
	}
	advices = []lookup.AdviceCode{
		cpisv1.AdviceCode_ADVICE_CODE_UNSPECIFIED: "",
		cpisv1.AdviceCode_ADVICE_CODE_HELD:        lookup.AdviceHeld,
		cpisv1.AdviceCode_ADVICE_CODE_DEGRADED:    lookup.AdviceDegraded,
		cpisv1.AdviceCode_ADVICE_CODE_UNPROVED:    lookup.AdviceUnproved,
		cpisv1.AdviceCode_ADVICE_CODE_HUB:         lookup.AdviceHub,
		cpisv1.AdviceCode_ADVICE_CODE_NONE:        lookup.AdviceNone,
		cpisv1.AdviceCode_ADVICE_CODE_MISMATCH:    lookup.AdviceMismatch,
		cpisv1.AdviceCode_ADVICE_CODE_DAMAGED:     lookup.AdviceDamaged,
	}
)

// fromEnum returns the service's word for a value of the contract.
func fromEnum[E ~int32, W ~string](table []W, e E) W {
	if e < 0 || int(e) >= len(table) {
		return ""
	}
	return table[e]
}

// toEnum returns the contract's value for a word of the service.
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

func questionFromProto(m *cpisv1.LookUpRequest, request string) *lookup.Question {
	q := &lookup.Question{
		NHSNumber:        m.GetNhsNumber(),
		DateOfBirth:      m.GetDateOfBirth(),
		Encounter:        encounterFromProto(m.GetEncounter()),
		Purpose:          fromEnum(purposes, m.GetPurpose()),
		Responsible:      responsibleFromProto(m.GetResponsiblePerson()),
		SafeguardingLead: responsibleFromProto(m.GetSafeguardingLead()),
		BreakGlass:       m.GetBreakGlassReason(),
		Grounds:          fromEnum(grounds, m.GetBreakGlassGrounds()),
		Request:          request,
	}
	setMode(&q.Mode, m.GetAccessMode())
	return q
}

func encounterFromProto(m *cpisv1.Encounter) domain.Encounter {
	e := domain.Encounter{ID: m.GetId(), Setting: fromEnum(settings, m.GetSetting())}
	if start := m.GetStart(); start.IsValid() {
		e.Start = start.AsTime()
	}
	return e
}

func responsibleFromProto(m *cpisv1.Responsible) domain.Responsible {
	return domain.Responsible{Name: m.GetName(), Role: m.GetRole(), Phone: m.GetPhone()}
}

func clinicListFromProto(m *cpisv1.LookUpManyRequest, request string) *lookup.ClinicList {
	l := &lookup.ClinicList{
		Items:       make([]lookup.ClinicItem, len(m.GetItems())),
		Setting:     fromEnum(settings, m.GetSetting()),
		Purpose:     fromEnum(purposes, m.GetPurpose()),
		Responsible: responsibleFromProto(m.GetResponsiblePerson()),
		Request:     request,
	}
	setMode(&l.Mode, m.GetAccessMode())
	for i, item := range m.GetItems() {
		l.Items[i] = lookup.ClinicItem{
			NHSNumber:   item.GetNhsNumber(),
			DateOfBirth: item.GetDateOfBirth(),
			EncounterID: item.GetEncounterId(),
		}
	}
	return l
}

func registerPlanFromProto(m *cpisv1.RegisterPlanRequest, request string) *domain.Registration {
	p := m.GetPerson()
	return &domain.Registration{
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

func endPlanFromProto(m *cpisv1.EndPlanRequest, request string) *plan.EndPlanRequest {
	return &plan.EndPlanRequest{
		PlanID:  m.GetPlanId(),
		Version: int(m.GetVersion()),
		End:     m.GetEnd(),
		Reason:  m.GetReason(),
		Request: request,
	}
}

// count returns a number of things as the contract counts them.
func count(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // bounded just here
}

// timeToProto returns nil for the zero time.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
