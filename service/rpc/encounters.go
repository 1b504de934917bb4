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
	c := callOf(ctx)
	q := &notice.MissedAppointment{
		NHSNumber:     m.GetNhsNumber(),
		DateOfBirth:   m.GetDateOfBirth(),
		AppointmentID: m.GetAppointmentId(),
		Setting:       fromEnum(settings, m.GetSetting()),
		InARow:        int(m.GetMissedInARow()),
		Responsible:   responsibleFromProto(m.GetResponsiblePerson()),
		Request:       c.request,
	}
	if at := m.GetAppointment(); at.IsValid() {
		q.Appointment = at.AsTime()
	}
	r, err := h.uses.ReportMissedAppointment(ctx, &c.caller, q)
	if err != nil {
		return nil, err
	}
	return &cpisv1.ReportMissedAppointmentResponse{Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *encounterHandler) ReportWrongPatient(
	ctx context.Context, m *cpisv1.ReportWrongPatientRequest,
) (*cpisv1.ReportWrongPatientResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ReportWrongPatient(ctx, &c.caller, &notice.WrongPatient{
		NHSNumber:   m.GetNhsNumber(),
		EncounterID: m.GetEncounterId(),
		Reason:      m.GetReason(),
		Responsible: responsibleFromProto(m.GetResponsiblePerson()),
		Request:     c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.ReportWrongPatientResponse{Receipt: receiptToProto(&r.Receipt)}, nil
}
