package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/identity"
	"cpis/service/notice"
)

// Encounters are the use cases behind EncounterService.
type Encounters interface {
	ReportMissedAppointment(ctx context.Context, c *identity.Caller, m *notice.MissedAppointment) (*notice.ReportResult, error)
	ReportWrongPatient(ctx context.Context, c *identity.Caller, w *notice.WrongPatient) (*notice.ReportResult, error)
}

// encounterHandler is EncounterService.
type encounterHandler struct{ uses Encounters }

func (h *encounterHandler) ReportMissedAppointment(
	ctx context.Context, m *cpisv1.ReportMissedAppointmentRequest,
) (*cpisv1.ReportMissedAppointmentResponse, error) {
	return relay(ctx, m, missedFromProto, h.uses.ReportMissedAppointment, missedToProto)
}

func (h *encounterHandler) ReportWrongPatient(ctx context.Context, m *cpisv1.ReportWrongPatientRequest) (*cpisv1.ReportWrongPatientResponse, error) {
	return relay(ctx, m, wrongPatientFromProto, h.uses.ReportWrongPatient, wrongPatientToProto)
}

func missedFromProto(m *cpisv1.ReportMissedAppointmentRequest, request string) *notice.MissedAppointment {
	q := &notice.MissedAppointment{
		NHSNumber:     m.GetNhsNumber(),
		DateOfBirth:   m.GetDateOfBirth(),
		AppointmentID: m.GetAppointmentId(),
		Setting:       fromEnum(settings, m.GetSetting()),
		InARow:        int(m.GetMissedInARow()),
		Responsible:   responsibleFromProto(m.GetResponsiblePerson()),
		Request:       request,
	}
	if at := m.GetAppointment(); at.IsValid() {
		q.Appointment = at.AsTime()
	}
	return q
}

func missedToProto(r *notice.ReportResult) *cpisv1.ReportMissedAppointmentResponse {
	return &cpisv1.ReportMissedAppointmentResponse{Receipt: receiptToProto(&r.Receipt)}
}

func wrongPatientFromProto(m *cpisv1.ReportWrongPatientRequest, request string) *notice.WrongPatient {
	return &notice.WrongPatient{
		NHSNumber:   m.GetNhsNumber(),
		EncounterID: m.GetEncounterId(),
		Reason:      m.GetReason(),
		Responsible: responsibleFromProto(m.GetResponsiblePerson()),
		Request:     request,
	}
}

func wrongPatientToProto(r *notice.ReportResult) *cpisv1.ReportWrongPatientResponse {
	return &cpisv1.ReportWrongPatientResponse{Receipt: receiptToProto(&r.Receipt)}
}
